//! The `[github]` part of a manifest: its keys and types are checked when it is read, its texts are templates.

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::table::Table;
use super::{FILE_NAME, ManifestError};
use crate::model::value::from_toml;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Shape {
    /// A text; one that renders to nothing is left out.
    Text,
    /// A text that must be there and render to something.
    Name,
    /// A text that must be there.
    Must,
    /// A list of texts.
    Texts,
    Flag,
    /// A whole number from 0 to this.
    Whole(i64),
}

/// What keys a table takes beside its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Others {
    No,
    Texts,
    Any,
}

/// A table of `[github]`.
#[derive(Debug)]
pub(in crate::template) struct Section {
    pub(in crate::template) key: &'static str,
    /// Whether there may be many, written `[[github.key]]`.
    pub(in crate::template) many: bool,
    pub(in crate::template) fields: &'static [(&'static str, Shape)],
    /// Which other keys may be there as well.
    pub(in crate::template) others: Others,
    /// The fields by which two entries are the same thing.
    pub(in crate::template) identity: &'static [&'static str],
}

/// The longest wait that GitHub takes: 30 days, in minutes.
const WAIT_MAX: i64 = 43_200;

/// The keys of `[github]` itself.
pub(in crate::template) const TOP: [(&str, Shape); 3] =
    [("description", Shape::Text), ("homepage", Shape::Text), ("topics", Shape::Texts)];

/// The tables of `[github]`, by the names and types of [`crate::model::settings::Settings`].
pub(in crate::template) const SECTIONS: [Section; 9] = [
    Section { key: "properties", many: false, fields: &[], others: Others::Texts, identity: &[] },
    Section { key: "repository", many: false, fields: &[], others: Others::Any, identity: &[] },
    Section {
        key: "security",
        many: false,
        fields: &[
            ("vulnerability_alerts", Shape::Flag),
            ("automated_security_fixes", Shape::Flag),
            ("private_vulnerability_reporting", Shape::Flag),
            ("secret_scanning", Shape::Flag),
            ("secret_scanning_push_protection", Shape::Flag),
        ],
        others: Others::No,
        identity: &[],
    },
    Section {
        key: "team",
        many: true,
        fields: &[("slug", Shape::Name), ("permission", Shape::Name)],
        others: Others::No,
        identity: &["slug"],
    },
    Section {
        key: "environment",
        many: true,
        fields: &[
            ("name", Shape::Name),
            ("reviewers", Shape::Texts),
            ("prevent_self_review", Shape::Flag),
            ("branches", Shape::Texts),
            ("tags", Shape::Texts),
            ("wait_timer", Shape::Whole(WAIT_MAX)),
        ],
        others: Others::No,
        identity: &["name"],
    },
    Section {
        key: "variable",
        many: true,
        fields: &[("name", Shape::Name), ("value", Shape::Must), ("environment", Shape::Text)],
        others: Others::No,
        identity: &["name", "environment"],
    },
    Section {
        key: "secret",
        many: true,
        fields: &[("name", Shape::Name), ("environment", Shape::Text), ("purpose", Shape::Text)],
        others: Others::No,
        identity: &["name", "environment"],
    },
    Section {
        key: "issue",
        many: true,
        fields: &[("title", Shape::Name), ("body", Shape::Text), ("labels", Shape::Texts)],
        others: Others::No,
        identity: &["title"],
    },
    Section { key: "ruleset", many: true, fields: &[("name", Shape::Name)], others: Others::Any, identity: &["name"] },
];

/// A text, and where it begins in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct Text {
    pub(in crate::template) source: String,
    /// From 1.
    pub(in crate::template) line: usize,
    /// From 1, in characters.
    pub(in crate::template) column: usize,
}

/// A value whose texts are still templates.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::template) enum Node {
    Text(Text),
    Value(Value),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

/// `for = "item in list"`: the entry stands once for each item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct Each {
    pub(in crate::template) variable: String,
    /// A path to a list among the values.
    pub(in crate::template) list: String,
    pub(in crate::template) text: Text,
}

/// One table of a section.
#[derive(Clone, Debug)]
pub(in crate::template) struct Entry {
    pub(in crate::template) section: &'static Section,
    pub(in crate::template) each: Option<Each>,
    pub(in crate::template) when: Option<Text>,
    pub(in crate::template) fields: Vec<(String, Node)>,
}

/// `[github]` as it is written, its keys and types known to be good.
#[derive(Clone, Debug, Default)]
pub struct Github {
    pub(in crate::template) top: Vec<(String, Node)>,
    pub(in crate::template) entries: Vec<Entry>,
}

/// Reads the table `[github]` of the manifest `source`.
pub(super) fn read(github: &Table<'_>, source: &str) -> Result<Github, ManifestError> {
    let keys: Vec<&str> = TOP.iter().map(|(key, _)| *key).chain(SECTIONS.iter().map(|section| section.key)).collect();
    github.only(&keys)?;
    let reader = Reader { source };
    let mut entries = Vec::new();
    for section in &SECTIONS {
        let tables =
            if section.many { github.tables(section.key)? } else { Vec::from_iter(github.table(section.key)?) };
        for table in tables {
            entries.push(reader.entry(section, &table)?);
        }
    }
    Ok(Github { top: reader.fields(github, &TOP, Others::No)?, entries })
}

struct Reader<'s> {
    source: &'s str,
}

impl Reader<'_> {
    fn entry(&self, section: &'static Section, table: &Table<'_>) -> Result<Entry, ManifestError> {
        if section.others == Others::No {
            let fields = section.fields.iter().map(|(key, _)| *key);
            let turns: &[&str] = if section.many { &["when", "for"] } else { &[] };
            table.only(&fields.chain(turns.iter().copied()).collect::<Vec<_>>())?;
        }
        let (mut each, mut when) = (None, None);
        if section.many {
            each = table.text("for")?.map(|_| self.each(table)).transpose()?;
            when = table.text("when")?.and_then(|_| self.text(table.get("when")?));
        }
        Ok(Entry { section, each, when, fields: self.fields(table, section.fields, section.others)? })
    }

    fn each(&self, table: &Table<'_>) -> Result<Each, ManifestError> {
        let text = table.get("for").and_then(|value| self.text(value));
        let parts = text.as_ref().and_then(|text| text.source.split_once(" in "));
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        match (parts, &text) {
            (Some((variable, list)), Some(text)) if is_name(variable.trim()) && list.trim().split('.').all(is_name) => {
                Ok(Each { variable: variable.trim().into(), list: list.trim().into(), text: text.clone() })
            }
            _ => Err(table.error(table.at("for"), "`for` must name a value and a list, as `item in items`")),
        }
    }

    fn fields(
        &self,
        table: &Table<'_>,
        shapes: &[(&'static str, Shape)],
        others: Others,
    ) -> Result<Vec<(String, Node)>, ManifestError> {
        let mut fields = Vec::new();
        for (key, shape) in shapes {
            fields.extend(self.field(table, key, *shape)?.map(|node| ((*key).to_owned(), node)));
        }
        if others != Others::No {
            let known = |key: &str| ["when", "for"].contains(&key) || shapes.iter().any(|(shape, _)| *shape == key);
            for (key, value) in table.entries().filter(|(key, _)| !known(key)) {
                let node = match others {
                    Others::Texts => self.field(table, key, Shape::Must)?,
                    Others::Any | Others::No => Some(self.node(table, value)?),
                };
                fields.extend(node.map(|node| (key.to_owned(), node)));
            }
        }
        Ok(fields)
    }

    /// The value of `key`, which must be of this shape.
    fn field(&self, table: &Table<'_>, key: &str, shape: Shape) -> Result<Option<Node>, ManifestError> {
        let is_list = table.get(key).is_some_and(|value| value.get_ref().is_array());
        match shape {
            Shape::Name | Shape::Must if !table.has(key) => {
                return Err(table.error(table.start, format!("`{}` needs a key `{key}`", table.title)));
            }
            Shape::Text | Shape::Name | Shape::Must => table.text(key).map(drop)?,
            Shape::Texts if is_list => table.texts(key).map(drop)?,
            Shape::Texts => {
                let one = table
                    .text(key)
                    .map_err(|_| table.error(table.at(key), format!("`{key}` must be a list of texts")))?;
                if one.is_some_and(|text| !text.contains("{{")) {
                    return Err(table.error(table.at(key), format!("`{key}` must be a list of texts")));
                }
            }
            Shape::Flag => table.flag(key).map(drop)?,
            Shape::Whole(max) => {
                if table.integer(key)?.is_some_and(|number| !(0..=max).contains(&number)) {
                    return Err(table.error(table.at(key), format!("`{key}` must be from 0 to {max}")));
                }
            }
        }
        table.get(key).map(|value| self.node(table, value)).transpose()
    }

    fn node(&self, table: &Table<'_>, value: &Spanned<DeValue<'_>>) -> Result<Node, ManifestError> {
        if let Some(text) = self.text(value) {
            return Ok(Node::Text(text));
        }
        Ok(match value.get_ref() {
            DeValue::Array(items) => {
                Node::List(items.iter().map(|item| self.node(table, item)).collect::<Result<_, _>>()?)
            }
            DeValue::Table(entries) => {
                let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                    let key: &std::borrow::Cow<'_, str> = key.get_ref();
                    Ok((key.to_string(), self.node(table, value)?))
                };
                Node::Table(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
            _ => {
                let written = self.source.get(value.span()).unwrap_or_default();
                let read = format!("value = {written}")
                    .parse::<toml::Table>()
                    .ok()
                    .and_then(|mut table| table.remove("value"));
                match read {
                    Some(read) => Node::Value(from_toml(read)),
                    None => return Err(table.error(value.span().start, "this value cannot be read")),
                }
            }
        })
    }

    /// A text with the place of its first character: after the quotes, and after the line end that may follow three.
    fn text(&self, value: &Spanned<DeValue<'_>>) -> Option<Text> {
        let source = value.get_ref().as_str()?.replace("\r\n", "\n");
        let start = value.span().start;
        let written = self.source.get(start..).unwrap_or_default();
        let long = written.starts_with("\"\"\"") || written.starts_with("'''");
        let (skip, ends_line) = match written.get(3..) {
            Some(rest) if long => (3, rest.starts_with('\n') || rest.starts_with("\r\n")),
            _ => (1, false),
        };
        let place = ManifestError::at(FILE_NAME, self.source, start, "");
        let (line, column) = if ends_line { (place.line + 1, 1) } else { (place.line, place.column + skip) };
        Some(Text { source, line, column })
    }
}
