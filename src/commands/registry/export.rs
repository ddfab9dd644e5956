//! `apiscaffold registry export`: every record, in another notation.

use serde_json::json;

use crate::cli::{ExportArgs, Format, Global};
use crate::commands::registry::page;
use crate::error::{Blame, Failure, Fault};
use crate::registry::Listing;
use crate::registry::exchange::{SCHEMA, backstage, csv};
use crate::scaffold::open;
use crate::world::World;

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("`--json` goes with `--format json`, `--format json-schema` and `--format html` only")]
    NotJson,
    #[error("`--format html` needs a folder to write to")]
    NoFolder,
    #[error("`--into` goes with `--format html` only")]
    NotInto,
}

impl Blame for ExportError {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotJson => "leave `--json` out: an export is printed in its own notation".to_owned(),
            Self::NoFolder => "add `--into FOLDER`".to_owned(),
            Self::NotInto => "leave `--into` out: the export is printed".to_owned(),
        })
    }
}

/// Whether the options go together.
fn check(arguments: &ExportArgs, json: bool) -> Result<(), ExportError> {
    match (arguments.format, &arguments.into) {
        (Format::Html, None) => Err(ExportError::NoFolder),
        (Format::Html, Some(_)) => Ok(()),
        (_, Some(_)) => Err(ExportError::NotInto),
        (Format::Csv | Format::Backstage, None) if json => Err(ExportError::NotJson),
        (_, None) => Ok(()),
    }
}

pub(super) fn run(arguments: &ExportArgs, global: &Global, world: &World) -> Result<(), Failure> {
    check(arguments, world.terminal.json())?;
    if arguments.format == Format::JsonSchema {
        world.terminal.result(SCHEMA.trim_end());
        return Ok(());
    }
    let registry = open::registry::open(&open::registry::location(global.registry.as_deref(), world)?, world)?;
    let (place, commit, listing) = match &registry {
        Some(registry) => {
            open::registry::tell_age(registry, world);
            (registry.place(), registry.head()?, registry.list()?)
        }
        None => (String::new(), None, Listing::default()),
    };
    for problem in &listing.problems {
        world.terminal.warn(&format!("registry: {problem}"));
    }
    let records = &listing.records;
    match arguments.format {
        Format::Json => {
            let document = json!({"format": 1, "registry": place, "commit": commit, "apis": records});
            world.terminal.result_json(&document);
        }
        Format::Csv => world.terminal.document(csv::write(records).trim_end()),
        Format::Backstage => world.terminal.document(backstage::write(records).trim_end()),
        Format::JsonSchema | Format::Html => {}
    }
    if let Some(folder) = &arguments.into {
        page::write(records, folder, world)?;
    }
    Ok(())
}
