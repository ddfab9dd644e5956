//! Everything in a registry, and everything that is wrong in it.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::{Problem, RegistryError, entry, layout, rules};
use crate::git::store::{FileId, FolderId, Snapshot, Unknown};
use crate::model::record::{KeyKind, Record};

/// What a registry holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Every record that can be read, in order of name.
    pub records: Vec<Record>,
    /// What is wrong, in order of path.
    pub problems: Vec<Problem>,
}

/// A file in the folder of records.
struct RecordFile {
    record: Result<Record, Problem>,
    /// Paths of its keys, in the order of `KEPT`; none when it is no record.
    keys: Vec<String>,
    /// What is in each of them.
    expected: Option<FileId>,
}

impl RecordFile {
    fn of(path: &str, bytes: &[u8]) -> Self {
        let record = entry::parse(path, bytes);
        let key = |record: &Record| layout::KEYS_WITH_FILES.map(|kind| layout::key(kind, &record.key(kind))).to_vec();
        let keys = record.as_ref().map(key).unwrap_or_default();
        let expected = |record: &Record| FileId::of(format!("{}\n", record.name).as_bytes());
        let expected = record.as_ref().ok().and_then(expected);
        Self { record, keys, expected }
    }
}

type FileList = Vec<(String, FileId)>;

/// Reads all records, and checks that each has its keys and each key its record.
pub(super) fn read(snapshot: &Snapshot<'_>) -> Result<Listing, RegistryError> {
    let files = snapshot.list(layout::APIS)?;
    let read = snapshot.each(&files, RecordFile::of)?;
    let Unknown { files: key_files, known } = snapshot.list_unknown(layout::KEYS, &folders(&read))?;
    let keys: KeyFiles<'_> = key_files.iter().enumerate().map(|(at, (path, id))| (path.as_str(), (at, *id))).collect();
    let found: Vec<Vec<KeyCheck>> = read
        .par_iter()
        .enumerate()
        .map(|(of, read)| check_record((of, &files[of].0), read, &KeyIndex { known: &known, files: &keys }))
        .collect();
    let mut matched = vec![false; key_files.len()];
    let (mut problems, mut misplaced) = (Vec::new(), Vec::new());
    for found in found.into_iter().flatten() {
        match found {
            KeyCheck::Matched(at) => matched[at] = true,
            KeyCheck::Problem(problem) => problems.push(problem),
            KeyCheck::MisplacedKey(key) => misplaced.push(key),
        }
    }
    let strays: FileList =
        key_files.iter().zip(&matched).filter(|(_, matched)| !**matched).map(|(file, _)| file.clone()).collect();
    let unread: HashSet<&str> =
        files.iter().zip(&read).filter(|(_, read)| read.record.is_err()).map(|(file, _)| file.0.as_str()).collect();
    problems.extend(misplaced_keys(snapshot, &files, &key_files, &misplaced)?);
    problems.extend(without_records(snapshot, &strays, &unread)?);
    let mut records: Vec<Record> = read.into_iter().filter_map(|read| read.record.ok()).collect();
    // By keys of their own: records are too large to be moved often.
    records.par_sort_by_cached_key(|record| record.name.clone());
    problems.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    Ok(Listing { records, problems })
}

/// The folders of keys as the records would have them, by path. One in which two records want the same key is left out.
fn folders(read: &[RecordFile]) -> HashMap<&str, FolderId> {
    let mut folders: HashMap<&str, Vec<(&str, FileId)>> = HashMap::new();
    for read in read {
        for key in &read.keys {
            if let (Some((folder, name)), Some(expected)) = (key.rsplit_once('/'), read.expected) {
                folders.entry(folder).or_default().push((name, expected));
            }
        }
    }
    let folder = |(folder, mut files): (_, Vec<(&str, FileId)>)| {
        files.sort_unstable_by_key(|(name, _)| *name);
        let is_shared = files.windows(2).any(|pair| pair[0].0 == pair[1].0);
        FolderId::of(files).filter(|_| !is_shared).map(|id| (folder, id))
    };
    folders.into_par_iter().filter_map(folder).collect()
}

/// The files of keys by path: their index in the list, and the id of their content.
type KeyFiles<'k> = HashMap<&'k str, (usize, FileId)>;

/// The keys in the registry.
struct KeyIndex<'k> {
    /// The folders that hold the keys of their records, and nothing else.
    known: &'k HashSet<String>,
    /// The files in all other folders.
    files: &'k KeyFiles<'k>,
}

/// What was found about a record, or about one of its keys.
enum KeyCheck {
    /// The key at this place is its own.
    Matched(usize),
    Problem(Problem),
    MisplacedKey(MisplacedKey),
}

/// A key of a record that is missing, or that another record has.
struct MisplacedKey {
    /// The record's place in the list.
    of: usize,
    kind: KeyKind,
    /// Where the key would be.
    path: String,
    /// The place in the list of the key that is another's; none when it is missing.
    at: Option<usize>,
}

/// Compares ids, of whole folders where it can: to read the keys of thousands of records would take far longer.
fn check_record((of, path): (usize, &str), read: &RecordFile, keys: &KeyIndex<'_>) -> Vec<KeyCheck> {
    let record = match &read.record {
        Ok(record) => record,
        Err(problem) => return vec![KeyCheck::Problem(problem.clone())],
    };
    let problem = |message| KeyCheck::Problem(Problem { path: path.to_owned(), line: None, message });
    let faults = rules::faults(record).into_iter().map(problem);
    let is_known = |path: &str| path.rsplit_once('/').is_some_and(|(folder, _)| keys.known.contains(folder));
    let found = |(kind, path): (KeyKind, &String)| match keys.files.get(path.as_str()) {
        Some((at, id)) if read.expected.as_ref() == Some(id) => KeyCheck::Matched(*at),
        held => KeyCheck::MisplacedKey(MisplacedKey { of, kind, path: path.clone(), at: held.map(|(at, _)| *at) }),
    };
    layout::KEYS_WITH_FILES
        .into_iter()
        .zip(&read.keys)
        .filter(|(_, path)| !is_known(path))
        .map(found)
        .chain(faults)
        .collect()
}

fn misplaced_keys(
    snapshot: &Snapshot<'_>,
    files: &FileList,
    key_files: &FileList,
    misplaced: &[MisplacedKey],
) -> Result<Vec<Problem>, RegistryError> {
    let of: FileList = misplaced.iter().map(|key| files[key.of].clone()).collect();
    let texts = snapshot.each(&of, |_, bytes| String::from_utf8_lossy(bytes).into_owned())?;
    let held: FileList = misplaced.iter().filter_map(|key| Some(key_files[key.at?].clone())).collect();
    let mut holders = snapshot.each(&held, key_holder)?.into_iter();
    let problem = |(key, text): (&MisplacedKey, String)| {
        let (word, path) = (key.kind.word(), layout::shown(&key.path));
        let holder = key.at.and_then(|_| holders.next());
        let message = match holder {
            Some(holder) => format!("its {word} belongs to `{holder}`, as `{path}` says"),
            None => format!("the key of its {word} is missing: there is no `{path}`"),
        };
        Problem { path: files[key.of].0.clone(), line: line_of(key.kind, &text), message }
    };
    Ok(misplaced.iter().zip(texts).map(problem).collect())
}

/// Keys of names that no record has. A record that cannot be read may have them.
fn without_records(
    snapshot: &Snapshot<'_>,
    strays: &FileList,
    unread: &HashSet<&str>,
) -> Result<Vec<Problem>, RegistryError> {
    let mut problems = Vec::new();
    for ((path, _), holder) in strays.iter().zip(snapshot.each(strays, key_holder)?) {
        if !unread.contains(layout::record(&holder).as_str()) {
            let message = format!("it says that `{holder}` has this key, but no record of that name has it");
            problems.push(Problem { path: layout::shown(path), line: Some(1), message });
        }
    }
    Ok(problems)
}

/// The name of the API in a key's file.
fn key_holder(_: &str, bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().escape_debug().to_string()
}

/// The line of a record that holds its key.
fn line_of(kind: KeyKind, text: &str) -> Option<usize> {
    let word = match kind {
        KeyKind::Name => "name",
        KeyKind::ShortName => "short_name",
        KeyKind::BasePath => "base_path",
        KeyKind::Guid => "guid",
        KeyKind::Repository => "url",
    };
    let expected = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == word);
    text.lines().position(expected).map(|at| at + 1)
}
