//! Reading a record that is written as this tool writes it, ten times as fast as any TOML can be read.
//!
//! It knows a part of TOML: one key a line, texts in double quotes without escapes, lists of them, and the tables of a
//! record. Whatever else a file holds is left to the reader of TOML, which also says what is wrong: nothing here decides
//! that a record is bad.

use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::record::{PhaseChange, Record, Repository, State, TemplateUsed};

/// A value as it is written.
#[derive(Clone, Copy)]
enum Written<'t> {
    Text(&'t str),
    /// What is between the brackets of a list.
    List(&'t str),
    Number(u64),
}

/// The lines of one table.
type Lines<'t> = Vec<(&'t str, Written<'t>)>;

/// The record that `text` says; none when that must be read as TOML.
pub(super) fn parse(text: &str) -> Option<Record> {
    let mut root = Lines::with_capacity(16);
    // Each with its heading, in order of the file.
    let mut tables: Vec<(&str, Lines<'_>)> = Vec::new();
    for line in text.split('\n') {
        match line {
            "" => {}
            "[repository]" | "[template]" if tables.iter().any(|(heading, _)| *heading == line) => return None,
            "[repository]" | "[template]" | "[[history]]" => tables.push((line, Lines::new())),
            _ => {
                let open = tables.last_mut().map_or(&mut root, |(_, lines)| lines);
                let (key, value) = line.split_once(" = ")?;
                if open.iter().any(|(other, _)| *other == key) {
                    return None;
                }
                open.push((key, written(value)?));
            }
        }
    }
    let (history, mut tables): (Vec<_>, Vec<_>) =
        tables.into_iter().partition(|(heading, _)| *heading == "[[history]]");
    let mut table = |heading: &str| {
        let at = tables.iter().position(|(other, _)| *other == heading)?;
        Some(tables.swap_remove(at).1)
    };
    let (repository, template) = (table("[repository]")?, table("[template]")?);
    record(root, repository, template, history.into_iter().map(|(_, lines)| lines).collect())
}

fn written(value: &str) -> Option<Written<'_>> {
    let plain = |text: &str| !text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f));
    if let Some(text) = value.strip_prefix('"') {
        return text.strip_suffix('"').filter(|text| plain(text)).map(Written::Text);
    }
    if let Some(list) = value.strip_prefix('[') {
        let list = list.strip_suffix(']')?;
        return items(list).all(|item| item.is_some_and(plain)).then_some(Written::List(list));
    }
    // Neither a sign nor a leading zero nor a dot: those are for the reader of TOML.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    value.parse().ok().filter(|number| digits && i64::try_from(*number).is_ok()).map(Written::Number)
}

/// The texts of a list; none for an item that is not one.
fn items(list: &str) -> impl Iterator<Item = Option<&str>> {
    let items = if list.is_empty() { None } else { Some(list.split(", ")) };
    items.into_iter().flatten().map(|item| item.strip_prefix('"')?.strip_suffix('"'))
}

/// Takes the text of a key out of a table; an empty one when it is not there and need not be.
struct Taking<'t>(Lines<'t>);

impl<'t> Taking<'t> {
    fn take(&mut self, key: &str) -> Option<Written<'t>> {
        let at = self.0.iter().position(|(other, _)| *other == key)?;
        Some(self.0.swap_remove(at).1)
    }

    fn text(&mut self, key: &str) -> Option<&'t str> {
        match self.take(key)? {
            Written::Text(text) => Some(text),
            Written::List(_) | Written::Number(_) => None,
        }
    }

    /// What may be left out must not be something else than a text.
    fn text_or_empty(&mut self, key: &str) -> Option<String> {
        match self.take(key) {
            None => Some(String::new()),
            Some(Written::Text(text)) => Some(text.to_owned()),
            Some(_) => None,
        }
    }

    fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

fn record(root: Lines<'_>, repository: Lines<'_>, template: Lines<'_>, history: Vec<Lines<'_>>) -> Option<Record> {
    let (mut root, mut repository, mut template) = (Taking(root), Taking(repository), Taking(template));
    let environments = match root.take("environments") {
        None => Vec::new(),
        Some(Written::List(list)) => items(list).map(|item| item.map(str::to_owned)).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    let id = match repository.take("id") {
        None => None,
        Some(Written::Number(id)) => Some(id),
        Some(_) => return None,
    };
    let record = Record {
        name: ApiName::new(root.text("name")?).ok()?,
        short_name: root.text("short_name")?.to_owned(),
        guid: root.text("guid")?.parse().ok()?,
        spec_guid: root.text("spec_guid")?.parse().ok()?,
        title: root.text("title")?.to_owned(),
        description: root.text_or_empty("description")?,
        owner: root.text_or_empty("owner")?,
        contact: root.text_or_empty("contact")?,
        style: root.text_or_empty("style")?,
        base_path: root.text("base_path")?.to_owned(),
        environments,
        service_level: root.text_or_empty("service_level")?,
        state: state(root.text("state")?)?,
        phase: phase(root.text("phase")?)?,
        repository: Repository { url: repository.text("url")?.to_owned(), id },
        template: TemplateUsed {
            name: template.text("name")?.to_owned(),
            source: template.text("source")?.to_owned(),
            revision: template.text("revision")?.to_owned(),
        },
        history: history.into_iter().map(change).collect::<Option<_>>()?,
        other: toml::Table::new(),
    };
    (root.is_done() && repository.is_done() && template.is_done()).then_some(record)
}

fn change(lines: Lines<'_>) -> Option<PhaseChange> {
    let mut lines = Taking(lines);
    let has_note = lines.0.iter().any(|(key, _)| *key == "note");
    let change = PhaseChange {
        phase: phase(lines.text("phase")?)?,
        date: lines.text("date")?.to_owned(),
        by: lines.text("by")?.to_owned(),
        note: if has_note { Some(lines.text("note")?.to_owned()) } else { None },
    };
    lines.is_done().then_some(change)
}

fn state(word: &str) -> Option<State> {
    match word {
        "reserved" => Some(State::Reserved),
        "active" => Some(State::Active),
        _ => None,
    }
}

fn phase(word: &str) -> Option<Phase> {
    match word {
        "inception" => Some(Phase::Inception),
        "discovery" => Some(Phase::Discovery),
        "alpha" => Some(Phase::Alpha),
        "beta" => Some(Phase::Beta),
        "live" => Some(Phase::Live),
        "deprecated" => Some(Phase::Deprecated),
        "retired" => Some(Phase::Retired),
        _ => None,
    }
}
