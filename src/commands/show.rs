//! `apiscaffold show`: one record.

use crate::cli::{Global, ShowArgs};
use crate::error::{Blame, Failure, Fault, nearest};
use crate::model::record::Record;
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
        open::registry::tell_age(registry, world);
    }
    let record = record(&arguments.name, registry.as_ref())?;
    if world.terminal.json() {
        world.terminal.result_json(&serde_json::to_value(&record).unwrap_or_default());
    } else {
        let text = toml::to_string(&record).expect("a record that was read from TOML is TOML");
        world.terminal.result(text.trim_end());
    }
    Ok(())
}
