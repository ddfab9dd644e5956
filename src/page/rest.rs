//! What a record holds beside the facts that every record has: evidence, waivers, and keys of a newer version.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::text::{is_visible, text};
use super::{NONE, capitalized, link_or_text, table, time};
use crate::model::record::Record;

/// What the page says elsewhere.
const SHOWN: [&str; 17] = [
    "name",
    "short_name",
    "guid",
    "spec_guid",
    "title",
    "description",
    "owner",
    "contact",
    "style",
    "base_path",
    "environments",
    "service_level",
    "state",
    "phase",
    "repository",
    "template",
    "history",
];

/// Lists within lists that are shown as such; what is deeper is shown as TOML.
const DEPTH: usize = 5;

/// Columns that a table may have.
const COLUMNS: usize = 6;

/// A section for each key that holds several things, and one for the plain ones.
pub(super) fn sections(record: &Record) -> String {
    // Keys unknown to this version are taken as they were read: on their way through serde, dates would become tables.
    let known = Record { other: Table::new(), ..record.clone() };
    let known = Table::try_from(known).unwrap_or_default().into_iter();
    let rest = known.filter(|(key, _)| !SHOWN.contains(&key.as_str())).chain(record.other.clone());
    let (sections, plain): (Vec<_>, Vec<_>) = rest.partition(|(_, value)| value.is_table() || value.is_array());
    let mut html = String::new();
    for (number, (key, value)) in sections.iter().enumerate() {
        let id = format!("more-{number}");
        let shown = match rows(value) {
            Some((columns, rows)) => table::table(&id, &columns, &rows),
            None => shown(value, DEPTH),
        };
        let _ = write!(html, "<section>\n<h2 id=\"{id}\"><bdi>{}</bdi></h2>\n{shown}</section>\n", text(&label(key)));
    }
    if !plain.is_empty() {
        let _ = write!(html, "<section>\n<h2>More</h2>\n{}</section>\n", terms(&plain.into_iter().collect(), DEPTH));
    }
    html
}

/// A key as people read it: `deprecation_date` is `Deprecation date`.
fn label(key: &str) -> String {
    let words = key.replace('_', " ");
    if words.chars().any(is_visible) { capitalized(words.trim()) } else { "Without a name".to_owned() }
}

/// A list of tables of plain values, as columns and rows; nothing when it is something else.
fn rows(value: &Value) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let tables: Vec<&Table> = value.as_array()?.iter().map(Value::as_table).collect::<Option<_>>()?;
    let mut keys: Vec<&String> = Vec::new();
    for (key, value) in tables.iter().flat_map(|table| table.iter()) {
        if value.is_table() || value.is_array() {
            return None;
        }
        if !keys.contains(&key) {
            keys.push(key);
        }
        if keys.len() > COLUMNS {
            return None;
        }
    }
    let cell = |value: Option<&Value>| value.map_or_else(|| NONE.to_owned(), |value| shown(value, DEPTH));
    let rows = tables.iter().map(|table| keys.iter().map(|key| cell(table.get(*key))).collect()).collect();
    (!keys.is_empty()).then(|| (keys.iter().map(|key| label(key)).collect(), rows))
}

fn shown(value: &Value, depth: usize) -> String {
    match value {
        Value::Table(table) if table.is_empty() => format!("<p>{NONE}</p>\n"),
        Value::Array(items) if items.is_empty() => format!("<p>{NONE}</p>\n"),
        Value::Table(_) | Value::Array(_) if depth == 0 => text(&value.to_string()).to_string(),
        Value::Table(table) => terms(table, depth),
        Value::Array(items) => {
            let items = items.iter().map(|item| format!("<li>{}</li>\n", shown(item, depth - 1)));
            format!("<ul>\n{}</ul>\n", items.collect::<String>())
        }
        Value::String(value) => match value.parse::<jiff::Timestamp>() {
            Ok(_) => time(value),
            Err(_) => link_or_text(value),
        },
        Value::Datetime(date) => time(&date.to_string()),
        other => text(&other.to_string()).to_string(),
    }
}

fn terms(table: &Table, depth: usize) -> String {
    let term = |(key, value): (&String, &Value)| {
        format!("<div><dt><bdi>{}</bdi></dt><dd>{}</dd></div>\n", text(&label(key)), shown(value, depth - 1))
    };
    format!("<dl class=\"facts\">\n{}</dl>\n", table.iter().map(term).collect::<String>())
}
