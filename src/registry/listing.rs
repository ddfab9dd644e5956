//! Everything in a registry, and everything that is wrong in it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use rayon::prelude::*;

use super::entry::{Entry, Flaw};
use super::exchange::faults;
use super::{RegistryError, layout};
use crate::git::store::{FileId, Snapshot};
use crate::model::record::{KeyKind, Record};

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

/// A file among the records, read.
struct Read {
    path: String,
    bytes: Vec<u8>,
    record: Result<Record, Flaw>,
    /// Paths of its keys, in the order of `KEPT`; none when it is no record.
    keys: Vec<String>,
}

impl Read {
    fn of(path: &str, bytes: Vec<u8>) -> Self {
        let entry = Entry { path: path.to_owned(), bytes };
        let record = entry.parse();
        let key = |record: &Record| layout::KEPT.map(|kind| layout::key(kind, &record.key(kind))).to_vec();
        let keys = record.as_ref().map(key).unwrap_or_default();
        Self { path: entry.path, bytes: entry.bytes, record, keys }
    }

    /// The line on which a record says its key.
    fn line_of(&self, kind: KeyKind) -> Option<usize> {
        let word = match kind {
            KeyKind::Name => "name",
            KeyKind::ShortName => "short_name",
            KeyKind::BasePath => "base_path",
            KeyKind::Guid => "guid",
            KeyKind::Repository => "url",
        };
        let says = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == word);
        String::from_utf8_lossy(&self.bytes).lines().position(says).map(|at| at + 1)
    }
}

/// Reads all records, and checks that each has its keys and each key its record.
pub(super) fn read(snapshot: &Snapshot<'_>) -> Result<Listing, RegistryError> {
    let read = snapshot.each(&snapshot.list(layout::APIS)?, Read::of)?;
    let keys: HashMap<String, FileId> = snapshot.list(layout::KEYS)?.into_iter().collect();
    let found: Vec<Vec<Found>> = read.par_iter().map(|read| check_keys(read, &keys)).collect();
    let mut listing = Listing::default();
    let mut strays = keys.clone();
    let mut others = Vec::new();
    for found in found.into_iter().flatten() {
        match found {
            Found::Matched(path) => drop(strays.remove(path)),
            Found::Problem(problem) => listing.problems.push(problem),
            Found::Other { read, kind, path } => others.push((read, kind, path)),
        }
    }
    let strays: Vec<(String, FileId)> = strays.into_iter().collect();
    let says = |path: &str, bytes: Vec<u8>| (path.to_owned(), String::from_utf8_lossy(&bytes).trim().to_owned());
    let holders: HashMap<String, String> = snapshot.each(&strays, says)?.into_iter().collect();
    let their: Vec<(String, FileId)> =
        others.iter().filter_map(|(.., path)| Some(((*path).to_owned(), *keys.get(*path)?))).collect();
    let theirs = snapshot.each(&their, says)?;
    for ((read, kind, path), (_, holder)) in others.into_iter().zip(theirs) {
        let message = format!("its {} is also a key of `{}`, by `{path}`", kind.word(), holder.escape_debug());
        listing.problems.push(Problem { path: read.path.clone(), line: read.line_of(kind), message });
    }
    let unread: HashSet<&str> =
        read.iter().filter(|read| read.record.is_err()).map(|read| read.path.as_str()).collect();
    for (path, holder) in holders {
        // A record that cannot be read may well have this key.
        if !unread.contains(layout::record(&holder).as_str()) {
            let holder = holder.escape_debug();
            let message = format!("it says that `{holder}` has this key, and no record of that name says so");
            listing.problems.push(Problem { path, line: Some(1), message });
        }
    }
    listing.records = read.into_iter().filter_map(|read| read.record.ok()).collect();
    listing.records.par_sort_by(|one, other| one.name.cmp(&other.name));
    listing.problems.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    Ok(listing)
}

/// What was found about a record, or about one of its keys.
enum Found<'r> {
    /// The key at this path is its own.
    Matched(&'r str),
    Problem(Problem),
    /// The key at this path is another's.
    Other {
        read: &'r Read,
        kind: KeyKind,
        path: &'r str,
    },
}

/// Compares ids: to read the keys of thousands of records would take far longer.
fn check_keys<'r>(read: &'r Read, keys: &HashMap<String, FileId>) -> Vec<Found<'r>> {
    let problem = |line, message| Found::Problem(Problem { path: read.path.clone(), line, message });
    let record = match &read.record {
        Ok(record) => record,
        Err(flaw) => return vec![problem(flaw.line, flaw.message.clone())],
    };
    let faults = faults(record).into_iter().map(|message| problem(None, message));
    let ours = FileId::of(format!("{}\n", record.name).as_bytes());
    let found = |(kind, path): (KeyKind, &'r String)| match keys.get(path) {
        Some(id) if ours.as_ref() == Some(id) => Found::Matched(path),
        Some(_) => Found::Other { read, kind, path },
        None => problem(read.line_of(kind), format!("its {} is not taken: `{path}` is missing", kind.word())),
    };
    layout::KEPT.into_iter().zip(&read.keys).map(found).chain(faults).collect()
}
