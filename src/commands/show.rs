//! `apiscaffold show`: one record.

use toml::{Table, Value};

use crate::cli::{Global, ShowArgs};
use crate::error::{Blame, Failure, Fault, nearest};
use crate::model::record::Record;
use crate::model::text::one_line;
use crate::registry::Registry;
use crate::scaffold::open;
use crate::world::World;

#[derive(Debug, thiserror::Error)]
#[error("the registry has no API called `{}`", name.escape_debug())]
struct NoSuchApi {
    name: String,
    near: Option<String>,
}

impl Blame for NoSuchApi {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`apiscaffold list` shows every API".to_owned(),
        })
    }
}

/// The record of the API `name`, which must have one.
pub(super) fn record(name: &str, registry: Option<&Registry>) -> Result<Record, Failure> {
    let record = registry.map(|registry| registry.get(name)).transpose()?.flatten();
    if let Some(record) = record {
        return Ok(record);
    }
    let names = registry.map(Registry::names).transpose()?.unwrap_or_default();
    let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    Err(NoSuchApi { name: name.to_owned(), near }.into())
}

pub(super) fn run(arguments: &ShowArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let registry = open::registry::open(&open::registry::location(global.registry.as_deref(), world)?, world)?;
    if let Some(registry) = &registry {
        open::registry::warn_of_age(registry, world);
    }
    let record = record(&arguments.name, registry.as_ref())?;
    if world.terminal.json() {
        world.terminal.result_json(&serde_json::to_value(&record).unwrap_or_default());
    } else {
        let table = Table::try_from(&record).expect("a record that was read from TOML is TOML");
        world.terminal.result(&lines(&table).join("\n"));
    }
    Ok(())
}

/// A record as TOML that has a line for each key, whatever is in a text.
fn lines(record: &Table) -> Vec<String> {
    let is_list =
        |value: &Value| value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_table));
    let is_below = |value: &Value| value.is_table() || is_list(value);
    let pairs = |table: &Table, below: bool| -> Vec<String> {
        let wanted = table.iter().filter(|(_, value)| below || !is_below(value));
        wanted.map(|(key, value)| format!("{} = {}", word(key), inline(value))).collect()
    };
    let mut lines = pairs(record, false);
    for (key, value) in record.iter().filter(|(_, value)| is_below(value)) {
        let (heading, tables) = match value {
            Value::Array(items) => (format!("[[{}]]", word(key)), &items[..]),
            table => (format!("[{}]", word(key)), std::slice::from_ref(table)),
        };
        for table in tables {
            lines.extend([String::new(), heading.clone()]);
            lines.extend(table.as_table().map(|table| pairs(table, true)).unwrap_or_default());
        }
    }
    lines
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{} = {}", word(key), inline(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

fn word(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { key.to_owned() } else { quoted(key) }
}

/// JSON's escapes are TOML's as well.
fn quoted(text: &str) -> String {
    one_line(&serde_json::Value::from(text).to_string()).into_owned()
}
