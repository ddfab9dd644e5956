//! The `[github]` part of a manifest and values in, the settings that a repository is to have out.

use serde_json::{Map, Value};

use super::engine::{Engine, RenderError};
use super::manifest::FILE_NAME;
use super::manifest::github::{GithubSettings, Loop, SECTIONS, SettingEntry, Shape, TOP, TemplateText, TemplateValue};
use super::values::Values;
use crate::model::settings::Settings;

/// The section whose entries must all have names of their own.
const RULESET: &str = "ruleset";

/// What a condition is put into before it is rendered, in characters.
const CONDITION: usize = "{% if ".len();

/// Renders every text of `github` with these values, as in a template's files: strict, and nothing is escaped.
///
/// An entry with `for = "item in list"` stands once for each item, one with `when` only where the condition holds.
/// In a list of texts, one that is wholly `{{ path }}` gives its items when the path leads to a list, and one that
/// renders to nothing is left out; so is an optional text. Of two entries for the same thing, such as two teams of one
/// slug, the later counts; but two rulesets of one name are refused, since each is a protection of its own.
///
/// # Errors
/// Everything that cannot be rendered, at its place in the manifest; the template is to blame.
pub fn settings(
    github: &GithubSettings,
    engine: &Engine,
    values: &Map<String, Value>,
) -> Result<Settings, Vec<RenderError>> {
    let mut rendering =
        Rendering { engine, plain: values, liquid: Values::new(values), item: None, errors: Vec::new() };
    let mut object = Map::new();
    for (key, node) in &github.top {
        let shape = TOP.iter().find(|(name, _)| name == key).map(|(_, shape)| *shape);
        object.extend(rendering.field(key, shape, node).map(|value| (key.clone(), value)));
    }
    for section in &SECTIONS {
        let mut tables = Vec::new();
        for entry in github.entries.iter().filter(|entry| entry.section.key == section.key) {
            let more = rendering.entry(entry);
            if section.key == RULESET {
                rendering.no_second(entry, &tables, &more);
            }
            tables.extend(more);
        }
        if section.many {
            object.insert(section.key.to_owned(), latest(tables, section.identity).into());
        } else if let Some(table) = tables.pop() {
            object.insert(section.key.to_owned(), table.into());
        }
    }
    if !rendering.errors.is_empty() {
        return Err(rendering.errors);
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| {
        let message = format!("`[github]`: {error}");
        vec![RenderError { file: FILE_NAME.to_owned(), line: 1, column: 1, message, advice: None }]
    })
}

/// The tables without those that a later one of the same identity replaces.
fn latest(tables: Vec<Map<String, Value>>, identity: &[&str]) -> Vec<Value> {
    let mut kept: Vec<Map<String, Value>> = Vec::new();
    for table in tables {
        kept.retain(|other| identity.iter().any(|key| other.get(*key) != table.get(*key)));
        kept.push(table);
    }
    kept.into_iter().map(Value::Object).collect()
}

struct Rendering<'r> {
    engine: &'r Engine,
    plain: &'r Map<String, Value>,
    liquid: Values,
    /// The value that a `for` binds just now.
    item: Option<(String, Value)>,
    errors: Vec<RenderError>,
}

impl Rendering<'_> {
    fn entry(&mut self, entry: &SettingEntry) -> Vec<Map<String, Value>> {
        let Some(each) = &entry.each else { return self.table(entry).into_iter().collect() };
        let mut tables = Vec::new();
        for item in self.items(each) {
            self.liquid.put(&each.variable, Some(&item));
            self.item = Some((each.variable.clone(), item));
            tables.extend(self.table(entry));
            self.liquid.put(&each.variable, None);
            self.item = None;
        }
        tables
    }

    /// Refuses an entry whose name another one has.
    fn no_second(&mut self, entry: &SettingEntry, before: &[Map<String, Value>], more: &[Map<String, Value>]) {
        let name = entry.fields.iter().find(|(key, _)| key == "name");
        let Some((_, TemplateValue::TemplateText(text))) = name else { return };
        for (at, table) in more.iter().enumerate() {
            let taken = before.iter().chain(&more[..at]).any(|other| other.get("name") == table.get("name"));
            if taken && let Some(Value::String(name)) = table.get("name") {
                self.wrong(text, format!("there are two rulesets called `{}`: give each a name of its own", name));
            }
        }
    }

    fn items(&mut self, each: &Loop) -> Vec<Value> {
        let message = match self.found(&each.list) {
            _ if self.liquid.has(&each.variable) => format!("there is a value `{}` already", each.variable),
            Some(Value::Array(items)) => return items.clone(),
            Some(_) => format!("`{}` is not a list", each.list),
            None => format!("unknown variable `{}`", each.list),
        };
        self.wrong(&each.text, message);
        Vec::new()
    }

    /// The value that a path leads to.
    fn found(&self, path: &str) -> Option<&Value> {
        let mut steps = path.split('.');
        let root = steps.next()?;
        let item = self.item.as_ref().filter(|(name, _)| name == root).map(|(_, value)| value);
        steps.try_fold(item.or_else(|| self.plain.get(root))?, |value, step| value.get(step))
    }

    /// `None` where the entry's condition does not hold.
    fn table(&mut self, entry: &SettingEntry) -> Option<Map<String, Value>> {
        if let Some(when) = &entry.when {
            match self.engine.condition(FILE_NAME, &when.source, &self.liquid) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.failed(when, error, CONDITION);
                    return None;
                }
            }
        }
        let mut table = Map::new();
        for (key, node) in &entry.fields {
            let shape = entry.section.fields.iter().find(|(name, _)| name == key).map(|(_, shape)| *shape);
            table.extend(self.field(key, shape, node).map(|value| (key.clone(), value)));
        }
        Some(table)
    }

    fn field(&mut self, key: &str, shape: Option<Shape>, node: &TemplateValue) -> Option<Value> {
        match (shape, node) {
            (Some(Shape::Texts), TemplateValue::List(items)) => {
                Some(items.iter().flat_map(|item| self.texts(item)).collect::<Vec<_>>().into())
            }
            (Some(Shape::Texts), node) => Some(self.texts(node).into()),
            (Some(Shape::TemplateText), TemplateValue::TemplateText(text)) => {
                self.text(text).filter(|rendered| !rendered.is_empty()).map(Value::from)
            }
            (Some(Shape::Name), TemplateValue::TemplateText(text)) => {
                let rendered = self.text(text)?;
                if rendered.is_empty() {
                    self.wrong(text, format!("`{key}` renders to nothing"));
                }
                Some(rendered.into())
            }
            (_, node) => Some(self.node(node)),
        }
    }

    fn texts(&mut self, node: &TemplateValue) -> Vec<Value> {
        let TemplateValue::TemplateText(text) = node else { return Vec::new() };
        let inner = text.source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        if let Some(Value::Array(items)) = inner.and_then(|path| self.found(path.trim())) {
            let items = items.clone();
            if items.iter().all(Value::is_string) {
                return items;
            }
            self.wrong(text, "the list holds something other than texts".to_owned());
            return Vec::new();
        }
        self.text(text).filter(|rendered| !rendered.is_empty()).map(Value::from).into_iter().collect()
    }

    fn node(&mut self, node: &TemplateValue) -> Value {
        match node {
            TemplateValue::TemplateText(text) => self.text(text).map_or(Value::Null, Value::from),
            TemplateValue::Value(value) => value.clone(),
            TemplateValue::List(items) => items.iter().map(|item| self.node(item)).collect(),
            TemplateValue::Table(entries) => entries.iter().map(|(key, node)| (key.clone(), self.node(node))).collect(),
        }
    }

    fn text(&mut self, text: &TemplateText) -> Option<String> {
        match self.engine.text(FILE_NAME, &text.source, &self.liquid) {
            Ok(rendered) => Some(rendered),
            Err(error) => {
                self.failed(text, error, 0);
                None
            }
        }
    }

    /// Keeps a failure within `text`, to which `before` characters were put in front.
    fn failed(&mut self, text: &TemplateText, error: RenderError, before: usize) {
        let column = match error.line {
            1 => text.column + (error.column - 1).saturating_sub(before),
            _ => error.column,
        };
        self.errors.push(RenderError { line: text.line + error.line - 1, column, ..error });
    }

    fn wrong(&mut self, text: &TemplateText, message: String) {
        let (line, column) = (text.line, text.column);
        self.errors.push(RenderError { file: FILE_NAME.to_owned(), line, column, message, advice: None });
    }
}

#[cfg(test)]
mod tests;
