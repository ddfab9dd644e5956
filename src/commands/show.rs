//! `apiscaffold show`: one record.

use super::location;
use crate::cli::{Global, ShowArgs};
use crate::error::{Blame, Failure, Fault, nearest};
use crate::registry::Registry;
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

pub(super) fn run(arguments: &ShowArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let registry = Registry::open(&location::registry(global, world)?)?;
    if let Some(registry) = &registry {
        location::tell_age(registry, world);
    }
    let record = registry.as_ref().map(|registry| registry.get(&arguments.name)).transpose()?.flatten();
    let Some(record) = record else {
        let names = registry.map(|registry| registry.names()).transpose()?.unwrap_or_default();
        let near = nearest(&arguments.name, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(NoSuchApi { name: arguments.name.clone(), near }.into());
    };
    if world.terminal.json() {
        world.terminal.result_json(&serde_json::to_value(&record).unwrap_or_default());
    } else {
        let text = toml::to_string(&record).expect("a record that was read from TOML is TOML");
        world.terminal.result(text.trim_end());
    }
    Ok(())
}
