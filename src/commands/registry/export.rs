//! `apiscaffold registry export`: every record, in another notation.

use serde_json::json;

use crate::cli::{ExportArgs, Format, Global};
use crate::commands::location;
use crate::error::{Blame, Failure, Fault};
use crate::registry::exchange::{SCHEMA, backstage, csv};
use crate::registry::{Listing, Registry};
use crate::world::World;

#[derive(Debug, thiserror::Error)]
#[error("`--json` goes with `--format json` and `--format json-schema` only")]
struct NotJson;

impl Blame for NotJson {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some("leave `--json` out: an export is printed in its own notation".to_owned())
    }
}

pub(super) fn run(arguments: &ExportArgs, global: &Global, world: &World) -> Result<(), Failure> {
    if arguments.format == Format::JsonSchema {
        world.terminal.result(SCHEMA.trim_end());
        return Ok(());
    }
    if world.terminal.json() && arguments.format != Format::Json {
        return Err(NotJson.into());
    }
    let registry = Registry::open(&location::registry(global, world)?)?;
    let (place, commit, listing) = match &registry {
        Some(registry) => {
            location::tell_age(registry, world);
            (registry.place(), registry.head()?, registry.list()?)
        }
        None => (String::new(), None, Listing::default()),
    };
    for problem in &listing.problems {
        world.terminal.warn(&problem.to_string());
    }
    let records = &listing.records;
    match arguments.format {
        Format::Json => {
            let document = json!({"format": 1, "registry": place, "commit": commit, "apis": records});
            world.terminal.result_json(&document);
        }
        Format::Csv => world.terminal.result(csv::write(records).trim_end()),
        Format::Backstage => world.terminal.result(backstage::write(records).trim_end()),
        Format::JsonSchema => {}
    }
    Ok(())
}
