//! Importing many records at once: all of them in one commit, or none.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::entry;
use super::{Problem, Registry, RegistryError, holder, layout, write};
use crate::error::{Blame, Fault};
use crate::git::store::{Edit, Snapshot};
use crate::model::author::Signature;
use crate::model::name::ApiName;
use crate::model::record::{KeyKind, Record};

/// A record to import.
#[derive(Clone, Debug)]
pub struct ImportCandidate {
    pub record: Record,
    /// Whether its short name may get a number when it is taken: nobody gave it.
    pub derived: bool,
    pub file: String,
    pub line: Option<usize>,
}

/// What an import would change.
#[derive(Clone, Debug, Default)]
pub struct ImportPlan {
    /// The records that are new.
    pub new: Vec<Record>,
    /// The names that are in the registry already, with the same repository.
    pub known: Vec<ApiName>,
    /// Why the import is refused; with any of these nothing is imported.
    pub flaws: Vec<Problem>,
}

/// What is to be imported cannot be recorded: everything that stands against it.
#[derive(Debug, thiserror::Error)]
#[error("{} problem{} in what is to be imported:\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, listed(.0))]
pub struct Flawed(pub Vec<Problem>);

fn listed(flaws: &[Problem]) -> String {
    flaws.iter().map(|flaw| format!("  {flaw}")).collect::<Vec<_>>().join("\n")
}

impl Blame for Flawed {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was imported; fix these, then run the same command again".to_owned())
    }

    fn document(&self) -> Map<String, Value> {
        let flaw = |flaw: &Problem| json!({"path": flaw.path, "line": flaw.line, "message": flaw.message});
        Map::from_iter([("problems".to_owned(), self.0.iter().map(flaw).collect())])
    }
}

impl ImportPlan {
    /// The same, if nothing stands against it.
    pub fn accepted(self) -> Result<Self, Flawed> {
        if self.flaws.is_empty() { Ok(self) } else { Err(Flawed(self.flaws)) }
    }

    /// What taking in these records into a registry that is not there yet would mean.
    pub fn of(incoming: &[ImportCandidate]) -> Result<Self, RegistryError> {
        intake(None, incoming)
    }
}

impl Registry {
    /// What an import of these records would change; writes nothing.
    pub fn intake(&self, incoming: &[ImportCandidate]) -> Result<ImportPlan, RegistryError> {
        intake(Some(&self.store.snapshot()?), incoming)
    }

    /// Takes in these records by one commit; when anything stands against one of them, nothing is written.
    pub fn import(&self, incoming: &[ImportCandidate], by: &Signature) -> Result<ImportPlan, RegistryError> {
        let last = RefCell::default();
        self.change(&format!("Import {} APIs", incoming.len()), by, |snapshot| {
            let intake = intake(Some(snapshot), incoming)?;
            let sound = intake.flaws.is_empty() && !intake.new.is_empty();
            let edits = if sound { self.all(snapshot, &intake.new) } else { Ok(Vec::new()) };
            last.replace(intake);
            edits
        })?;
        Ok(last.into_inner())
    }

    fn all(&self, snapshot: &Snapshot<'_>, records: &[Record]) -> Result<Vec<Edit>, RegistryError> {
        let mut edits = layout::beginning(snapshot);
        for record in records {
            let name = record.name.as_str();
            for kind in layout::KEYS_WITH_FILES {
                edits.push(write(layout::key(kind, &record.key(kind)), format!("{name}\n").into_bytes()));
            }
            let text = entry::text(record, None, &self.store.name())?;
            edits.push(write(layout::record(name), text.into_bytes()));
        }
        Ok(edits)
    }
}

/// Who takes a key within the files themselves.
type ClaimedKeys<'i> = BTreeMap<(KeyKind, String), &'i ImportCandidate>;

fn intake(snapshot: Option<&Snapshot<'_>>, incoming: &[ImportCandidate]) -> Result<ImportPlan, RegistryError> {
    let mut intake = ImportPlan::default();
    let mut claimed = ClaimedKeys::new();
    let mut numbers = BTreeMap::new();
    // Who gave a short name goes before those who get one.
    let (derived, given): (Vec<_>, Vec<_>) = incoming.iter().partition(|incoming| incoming.derived);
    for from in given.into_iter().chain(derived) {
        let name = Some(from.record.name.as_str());
        let has = |kind| holds(snapshot, kind, &from.record.key(kind));
        if has(KeyKind::Name)?.as_deref() == name && has(KeyKind::Repository)?.as_deref() == name {
            intake.known.push(from.record.name.clone());
            continue;
        }
        let mut record = from.record.clone();
        if from.derived {
            record.short_name = free(snapshot, &claimed, &mut numbers, &record.short_name)?;
        }
        for kind in KeyKind::ALL {
            let obstacle = obstacle(snapshot, &claimed, kind, &record.key(kind))?;
            claimed.insert((kind, record.key(kind)), from);
            if let Some(message) = obstacle {
                intake.flaws.push(Problem { path: from.file.clone(), line: from.line, message });
                // Who has the name has its guid as well, and most likely the rest.
                if kind == KeyKind::Name {
                    break;
                }
            }
        }
        intake.new.push(record);
    }
    intake.flaws.sort();
    intake.new.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(intake)
}

/// Who has a key in the registry, if there is one.
fn holds(snapshot: Option<&Snapshot<'_>>, kind: KeyKind, value: &str) -> Result<Option<String>, RegistryError> {
    snapshot.map_or(Ok(None), |snapshot| holder(snapshot, kind, value))
}

fn obstacle(
    snapshot: Option<&Snapshot<'_>>,
    claimed: &ClaimedKeys<'_>,
    kind: KeyKind,
    value: &str,
) -> Result<Option<String>, RegistryError> {
    let shown = value.escape_debug();
    if let Some(holder) = holds(snapshot, kind, value)? {
        let holder = holder.escape_debug();
        return Ok(Some(format!("the {} `{shown}` is taken in the registry by `{holder}`", kind.word())));
    }
    Ok(claimed.get(&(kind, value.to_owned())).map(|other| {
        let line = other.line.map(|line| format!(" line {line}")).unwrap_or_default();
        format!("the {} `{shown}` is also that of `{}` in `{}`{line}", kind.word(), other.record.name, other.file)
    }))
}

/// `short_name`, or the next one that nobody has. `numbers` remembers how far each was counted: thousands of names may
/// have the same initials.
fn free(
    snapshot: Option<&Snapshot<'_>>,
    claimed: &ClaimedKeys<'_>,
    numbers: &mut BTreeMap<String, usize>,
    short_name: &str,
) -> Result<String, RegistryError> {
    let kind = KeyKind::ShortName;
    let number = numbers.entry(short_name.to_owned()).or_insert(1);
    loop {
        let candidate = if *number == 1 { short_name.to_owned() } else { format!("{short_name}{number}") };
        *number += 1;
        if !claimed.contains_key(&(kind, candidate.clone())) && holds(snapshot, kind, &candidate)?.is_none() {
            return Ok(candidate);
        }
    }
}
