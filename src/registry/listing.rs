//! Everything in a registry, and everything that is wrong in it.

use std::collections::BTreeMap;
use std::fmt;

use super::entry::Entry;
use super::{RegistryError, layout};
use crate::git::store::{Snapshot, blob_id};
use crate::model::record::Record;

/// What a registry holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Every record that can be read, in order of name.
    pub records: Vec<Record>,
    /// What is wrong, in order of path.
    pub problems: Vec<Problem>,
}

/// Something in a registry that was changed by hand and does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file in the registry's branch `main`.
    pub path: String,
    /// Counted from 1; none when it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, as half a sentence.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(" line {line}")).unwrap_or_default();
        write!(f, "registry: `{}`{line}: {}", self.path, self.message)
    }
}

/// Reads all records, and checks that each has its keys and each key its record.
pub(super) fn read(snapshot: &Snapshot<'_>) -> Result<Listing, RegistryError> {
    let mut listing = Listing::default();
    let mut unread = Vec::new();
    for (path, id) in snapshot.list(layout::APIS)? {
        let entry = Entry { bytes: snapshot.read_id(&id)?, path };
        match entry.parse() {
            Ok(record) => listing.records.push(record),
            Err(flaw) => {
                listing.problems.push(Problem { path: entry.path.clone(), line: flaw.line, message: flaw.message });
                unread.push(entry.path);
            }
        }
    }
    listing.records.sort_by(|one, other| one.name.cmp(&other.name));
    let mut keys = snapshot.list(layout::KEYS)?;
    let mut matched = Vec::new();
    for record in &listing.records {
        listing.problems.extend(check_keys(snapshot, record, &keys, &mut matched)?);
    }
    for path in matched {
        keys.remove(&path);
    }
    for (path, id) in keys {
        let holder = String::from_utf8_lossy(&snapshot.read_id(&id)?).trim().to_owned();
        // A record that cannot be read may well have this key.
        if !unread.contains(&layout::record(&holder)) {
            let message =
                format!("it says that `{}` has this key, and no record of that name says so", holder.escape_debug());
            listing.problems.push(Problem { path, line: Some(1), message });
        }
    }
    listing.problems.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(listing)
}

/// Says which keys of `record` are missing or name another API; the paths of the others go to `matched`.
fn check_keys(
    snapshot: &Snapshot<'_>,
    record: &Record,
    keys: &BTreeMap<String, String>,
    matched: &mut Vec<String>,
) -> Result<Vec<Problem>, RegistryError> {
    let name = record.name.as_str();
    // Comparing ids spares reading the keys of thousands of records.
    let ours = blob_id(format!("{name}\n").as_bytes());
    let mut problems = Vec::new();
    for kind in layout::KEPT {
        let path = layout::key(kind, &record.key(kind));
        let message = match keys.get(&path) {
            Some(id) if ours.as_ref() == Some(id) => None,
            Some(id) => {
                let bytes = snapshot.read_id(id)?;
                let holder = String::from_utf8_lossy(&bytes).trim().to_owned();
                (holder != name).then(|| {
                    let holder = holder.escape_debug();
                    format!("its {} is also a key of `{holder}`, by `{path}`", kind.word())
                })
            }
            None => Some(format!("its {} is not taken: `{path}` is missing", kind.word())),
        };
        match message {
            None => matched.push(path),
            Some(message) => problems.push(Problem { path: layout::record(name), line: None, message }),
        }
    }
    Ok(problems)
}
