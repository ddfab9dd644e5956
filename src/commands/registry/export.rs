//! `apiscaffold registry export`: every record, in another notation.

use serde_json::json;

use crate::cli::{ExportArgs, ExportFormat, Global};
use crate::commands::registry::page;
use crate::error::{Blame, Failure, Fault};
use crate::registry::Listing;
use crate::registry::exchange::{SCHEMA, backstage, csv};
use crate::scaffold::open;
use crate::world::World;

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("`--json` needs `--format json`, `--format json-schema` or `--format html`")]
    NotJson,
    #[error("`--format html` needs a folder to write to")]
    NoFolder,
    #[error("`--into` needs `--format html`")]
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
        (ExportFormat::Html, None) => Err(ExportError::NoFolder),
        (ExportFormat::Html, Some(_)) => Ok(()),
        (_, Some(_)) => Err(ExportError::NotInto),
        (ExportFormat::Csv | ExportFormat::Backstage, None) if json => Err(ExportError::NotJson),
        (_, None) => Ok(()),
    }
}

pub(super) fn run(arguments: &ExportArgs, global: &Global, world: &World) -> Result<(), Failure> {
    check(arguments, world.terminal.json())?;
    if arguments.format == ExportFormat::JsonSchema {
        world.terminal.result(SCHEMA.trim_end());
        return Ok(());
    }
    let registry = open::registry::open(&open::registry::location(global.registry.as_deref(), world)?, world)?;
    let (place, commit, listing) = match &registry {
        Some(registry) => {
            open::registry::warn_of_age(registry, world);
            (registry.place(), registry.head()?, registry.list()?)
        }
        None => (String::new(), None, Listing::default()),
    };
    for problem in &listing.problems {
        world.terminal.warn(&format!("registry: {problem}"));
    }
    let records = &listing.records;
    match arguments.format {
        ExportFormat::Json => {
            let document = json!({"format": 1, "registry": place, "commit": commit, "apis": records});
            world.terminal.result_json(&document);
        }
        ExportFormat::Csv => world.terminal.document(csv::write(records).trim_end()),
        ExportFormat::Backstage => world.terminal.document(backstage::write(records).trim_end()),
        ExportFormat::JsonSchema | ExportFormat::Html => {}
    }
    if let Some(folder) = &arguments.into {
        page::write(records, folder, world)?;
    }
    Ok(())
}
