//! `apiscaffold registry check`: everything that is wrong, by file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::Global;
use crate::error::{Blame, Failure, Fault};
use crate::model::receipt;
use crate::model::record::{Record, RecordState};
use crate::model::text::counted;
use crate::registry::{Listing, Location};
use crate::scaffold::open;
use crate::scaffold::orphans::{self, RegistryProblem};
use crate::world::World;

/// What was found.
#[derive(Debug, thiserror::Error)]
#[error("the registry has {} problem{}", found.len(), if found.len() == 1 { "" } else { "s" })]
struct Unsound {
    found: Vec<RegistryProblem>,
}

impl Blame for Unsound {
    fn fault(&self) -> Fault {
        Fault::Conflict
    }

    fn hint(&self) -> Option<String> {
        let in_files = self.found.iter().any(|found| found.path.is_some());
        in_files.then(|| {
            "clone the registry, fix the files, commit and push; `git log -- FILE` shows who changed them".to_owned()
        })
    }

    fn document(&self) -> Map<String, Value> {
        Map::from_iter([("problems".to_owned(), self.found.iter().map(RegistryProblem::json).collect())])
    }
}

pub(super) fn run(global: &Global, world: &World) -> Result<(), Failure> {
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let Some(registry) = open::registry::open(&location, world)? else {
        return report(&Listing::default(), Vec::new(), world);
    };
    open::registry::warn_of_age(&registry, world);
    let listing = registry.list()?;
    let mut found: Vec<RegistryProblem> = listing
        .problems
        .iter()
        .map(|problem| RegistryProblem {
            path: Some(problem.path.clone()),
            line: problem.line,
            message: problem.message.clone(),
        })
        .collect();
    let names = registry.names()?;
    // The folders in a shared registry's records are on other machines.
    if matches!(location, Location::Here(_)) {
        found.extend(orphans(&listing.records, &names));
    }
    found.extend(orphans::on_forge(&listing.records, &names, world)?);
    report(&listing, found, world)
}

fn report(listing: &Listing, found: Vec<RegistryProblem>, world: &World) -> Result<(), Failure> {
    if found.is_empty() {
        if world.terminal.json() {
            world.terminal.result_json(&json!({"apis": listing.records.len(), "problems": []}));
        } else {
            world.terminal.result(&format!("nothing is wrong with {}", counted(listing.records.len(), "record")));
        }
        return Ok(());
    }
    if !world.terminal.json() {
        world.terminal.result(&found.iter().map(RegistryProblem::text).collect::<Vec<_>>().join("\n"));
    }
    Err(Unsound { found }.into())
}

/// Records of folders that are not there, and repositories beside recorded ones that no record speaks of.
fn orphans(records: &[Record], names: &[String]) -> Vec<RegistryProblem> {
    let folder = |record: &Record| Url::parse(&record.repository.url).ok()?.to_file_path().ok();
    let recorded: BTreeMap<PathBuf, &Record> =
        records.iter().filter_map(|record| Some((folder(record)?, record))).collect();
    let outside = |message: String| RegistryProblem { path: None, line: None, message };
    let gone = |(path, record): (&PathBuf, &&Record)| {
        let gone = record.state == RecordState::Active && !path.exists();
        gone.then(|| outside(format!("the repository of `{}` is not there: `{}`", record.name, path.display())))
    };
    let mut found: Vec<RegistryProblem> = recorded.iter().filter_map(gone).collect();
    let parents: BTreeSet<&Path> = recorded.keys().filter_map(|path| path.parent()).collect();
    for parent in parents {
        for path in folders(parent) {
            // A record that cannot be read may be its record.
            let name = path.file_name().map(|name| name.to_string_lossy());
            let unread = name.is_some_and(|name| names.contains(&name.into_owned()));
            let ours = path.join(receipt::FILE_NAME).is_file() && path.join(".git").exists();
            if ours && !unread && !recorded.contains_key(&path) {
                found.push(outside(format!("no record speaks of the repository `{}`", path.display())));
            }
        }
    }
    found
}

/// The folders in a folder, in order; none in one that cannot be read.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}
