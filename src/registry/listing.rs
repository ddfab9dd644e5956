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
    let files = snapshot.list(layout::KEYS)?;
    let keys: Keys<'_> = files.iter().enumerate().map(|(at, (path, id))| (path.as_str(), (at, *id))).collect();
    let found: Vec<Vec<Found<'_>>> = read.par_iter().map(|read| check_keys(read, &keys)).collect();
    let mut problems = Vec::new();
    let mut matched = vec![false; files.len()];
    let mut others = Vec::new();
    for found in found.into_iter().flatten() {
        match found {
            Found::Matched(at) => matched[at] = true,
            Found::Problem(problem) => problems.push(problem),
            Found::Other { read, kind, at } => others.push((read, kind, files[at].clone())),
        }
    }
    let strays: Vec<(String, FileId)> =
        files.iter().zip(&matched).filter(|(_, matched)| !**matched).map(|(file, _)| file.clone()).collect();
    problems.extend(taken_by_others(snapshot, &others)?);
    problems.extend(without_records(snapshot, &strays, &read)?);
    let mut records: Vec<Record> = read.into_iter().filter_map(|read| read.record.ok()).collect();
    records.par_sort_by(|one, other| one.name.cmp(&other.name));
    problems.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    Ok(Listing { records, problems })
}

/// The keys' files by path: their place in the list, and what they hold.
type Keys<'k> = HashMap<&'k str, (usize, FileId)>;

fn said(_: &str, bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).trim().escape_debug().to_string()
}

fn taken_by_others(
    snapshot: &Snapshot<'_>,
    others: &[(&Read, KeyKind, (String, FileId))],
) -> Result<Vec<Problem>, RegistryError> {
    let files: Vec<_> = others.iter().map(|(.., file)| file.clone()).collect();
    let holders = snapshot.each(&files, said)?;
    let problem = |((read, kind, (path, _)), holder): (&(&Read, KeyKind, (String, FileId)), String)| {
        let message = format!("its {} is also a key of `{holder}`, by `{path}`", kind.word());
        Problem { path: read.path.clone(), line: read.line_of(*kind), message }
    };
    Ok(others.iter().zip(holders).map(problem).collect())
}

/// Keys of names that no record has. A record that cannot be read may well have them.
fn without_records(
    snapshot: &Snapshot<'_>,
    strays: &[(String, FileId)],
    read: &[Read],
) -> Result<Vec<Problem>, RegistryError> {
    let unread: HashSet<&str> =
        read.iter().filter(|read| read.record.is_err()).map(|read| read.path.as_str()).collect();
    let mut problems = Vec::new();
    for ((path, _), holder) in strays.iter().zip(snapshot.each(strays, said)?) {
        if !unread.contains(layout::record(&holder).as_str()) {
            let message = format!("it says that `{holder}` has this key, and no record of that name says so");
            problems.push(Problem { path: path.clone(), line: Some(1), message });
        }
    }
    Ok(problems)
}

/// What was found about a record, or about one of its keys.
enum Found<'r> {
    /// The key at this place is its own.
    Matched(usize),
    Problem(Problem),
    /// The key at this place is another's.
    Other {
        read: &'r Read,
        kind: KeyKind,
        at: usize,
    },
}

/// Compares ids: to read the keys of thousands of records would take far longer.
fn check_keys<'r>(read: &'r Read, keys: &Keys<'_>) -> Vec<Found<'r>> {
    let problem = |line, message| Found::Problem(Problem { path: read.path.clone(), line, message });
    let record = match &read.record {
        Ok(record) => record,
        Err(flaw) => return vec![problem(flaw.line, flaw.message.clone())],
    };
    let faults = faults(record).into_iter().map(|message| problem(None, message));
    let ours = FileId::of(format!("{}\n", record.name).as_bytes());
    let found = |(kind, path): (KeyKind, &String)| match keys.get(path.as_str()) {
        Some((at, id)) if ours.as_ref() == Some(id) => Found::Matched(*at),
        Some((at, _)) => Found::Other { read, kind, at: *at },
        None => problem(read.line_of(kind), format!("its {} is not taken: `{path}` is missing", kind.word())),
    };
    layout::KEPT.into_iter().zip(&read.keys).map(found).chain(faults).collect()
}
