//! Changing a store: new objects first, then the branch, compared and swapped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use git2::{ErrorCode, ObjectType, Oid, Signature, Time, Tree};

use super::lock::{Turn, jitter};
use super::{By, Edit, MAIN, PATIENCE, Snapshot, Store, StoreError, Swap};

/// A file without execute permission.
const PLAIN: i32 = 0o100_644;
/// A folder.
const FOLDER: i32 = 0o040_000;

/// A turn at writing: while it lives, no other process of this tool writes to the store.
pub struct Writer<'store> {
    store: &'store Store,
    turn: Turn,
}

impl Store {
    /// Waits for the turn to write, at most [`PATIENCE`].
    ///
    /// # Errors
    /// `Busy` when others do not let go; `Disk` when the store may not be written to.
    pub fn writer(&self) -> Result<Writer<'_>, StoreError> {
        let turn = Turn::wait(&self.folder.join("apiscaffold.lock"))?;
        Ok(Writer { store: self, turn })
    }

    /// Reads, lets `decide` say what to change (none: nothing), and writes it as one commit; again from the start, with
    /// a pause of random length, when the head moved meanwhile. Gives the new head.
    ///
    /// # Errors
    /// What `decide` says; `Busy` when the head keeps moving for [`PATIENCE`].
    pub fn change<E: From<StoreError>>(
        &self,
        message: &str,
        by: &By,
        decide: impl Fn(&Snapshot<'_>) -> Result<Option<Vec<Edit>>, E>,
    ) -> Result<Option<String>, E> {
        let writer = self.writer()?;
        let started = Instant::now();
        loop {
            let snapshot = self.snapshot()?;
            let Some(edits) = decide(&snapshot)? else { return Ok(None) };
            match writer.update(snapshot.head().as_deref(), &edits, message, by)? {
                Swap::Done(head) => return Ok(Some(head)),
                Swap::Moved if started.elapsed() >= PATIENCE => {
                    return Err(StoreError::Busy { path: self.folder.join(MAIN) }.into());
                }
                Swap::Moved => thread::sleep(jitter(Duration::from_millis(20))),
            }
        }
    }

    fn main_lock(&self) -> PathBuf {
        self.folder.join(format!("{MAIN}.lock"))
    }

    /// `base` with the edits done; none when nothing is left in it.
    fn edited(
        &self,
        base: Option<&Tree<'_>>,
        at: &str,
        edits: Vec<(&str, Option<Oid>)>,
    ) -> Result<Option<Oid>, StoreError> {
        let mut builder = self.repository.treebuilder(base).map_err(self.git())?;
        let kind = |name: &str| base.and_then(|tree| tree.get_name(name)?.kind());
        let mut folders: BTreeMap<&str, Vec<(&str, Option<Oid>)>> = BTreeMap::new();
        for (path, blob) in edits {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder).or_default().push((rest, blob));
                continue;
            }
            if kind(path) == Some(ObjectType::Tree) {
                return Err(self.obstacle(&format!("{at}{path}")));
            }
            match blob {
                Some(blob) => drop(builder.insert(path, blob, PLAIN).map_err(self.git())?),
                None if kind(path).is_some() => builder.remove(path).map_err(self.git())?,
                None => {}
            }
        }
        for (folder, edits) in folders {
            let below = match base.and_then(|tree| tree.get_name(folder)) {
                Some(entry) if entry.kind() == Some(ObjectType::Tree) => {
                    Some(self.repository.find_tree(entry.id()).map_err(self.git())?)
                }
                Some(_) => return Err(self.obstacle(&format!("{at}{folder}"))),
                None => None,
            };
            match self.edited(below.as_ref(), &format!("{at}{folder}/"), edits)? {
                Some(tree) => drop(builder.insert(folder, tree, FOLDER).map_err(self.git())?),
                None if below.is_some() => builder.remove(folder).map_err(self.git())?,
                None => {}
            }
        }
        if builder.is_empty() { Ok(None) } else { builder.write().map(Some).map_err(self.git()) }
    }
}

impl Writer<'_> {
    /// Puts one commit with these edits on the branch if its head is still `expected` (none: no commit yet).
    ///
    /// # Errors
    /// `Obstacle` when an edit would turn a folder into a file or the reverse. After any error nothing has changed.
    pub fn update(&self, expected: Option<&str>, edits: &[Edit], message: &str, by: &By) -> Result<Swap, StoreError> {
        let store = self.store;
        let expected = expected.map(Oid::from_str).transpose().map_err(store.git())?;
        if store.head()? != expected {
            return Ok(Swap::Moved);
        }
        let commit = self.commit(expected, edits, message, by)?;
        let started = Instant::now();
        loop {
            self.turn.outlast(&store.main_lock())?;
            let swapped = match expected {
                Some(expected) => store.repository.reference_matching(MAIN, commit, true, expected, message),
                None => store.repository.reference(MAIN, commit, false, message),
            };
            match swapped.map_err(|error| (error.code(), error)) {
                Ok(_) => return Ok(Swap::Done(commit.to_string())),
                Err((ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound, _)) => return Ok(Swap::Moved),
                Err((ErrorCode::Locked, _)) if started.elapsed() < PATIENCE => {}
                Err((ErrorCode::Locked, _)) => return Err(StoreError::Busy { path: store.main_lock() }),
                Err((_, error)) => return Err(store.git()(error)),
            }
        }
    }

    fn commit(&self, parent: Option<Oid>, edits: &[Edit], message: &str, by: &By) -> Result<Oid, StoreError> {
        let store = self.store;
        let repository = &store.repository;
        let parent = parent.map(|id| repository.find_commit(id)).transpose().map_err(store.git())?;
        let base = parent.as_ref().map(git2::Commit::tree).transpose().map_err(store.git())?;
        let mut blobs: BTreeMap<&[u8], Oid> = BTreeMap::new();
        let mut changes = Vec::with_capacity(edits.len());
        for edit in edits {
            let blob = match &edit.bytes {
                Some(bytes) => Some(match blobs.get(bytes.as_slice()) {
                    Some(blob) => *blob,
                    None => *blobs.entry(bytes).or_insert(repository.blob(bytes).map_err(store.git())?),
                }),
                None => None,
            };
            changes.push((edit.path.as_str(), blob));
        }
        let tree = match store.edited(base.as_ref(), "", changes)? {
            Some(tree) => tree,
            None => repository.treebuilder(None).and_then(|empty| empty.write()).map_err(store.git())?,
        };
        let tree = repository.find_tree(tree).map_err(store.git())?;
        let signature = signature(by).map_err(store.git())?;
        let parents: Vec<_> = parent.iter().collect();
        repository.commit(None, &signature, &signature, message, &tree, &parents).map_err(store.git())
    }
}

/// git takes no `<`, `>`, NUL or line break in a name, and no empty one.
fn signature(by: &By) -> Result<Signature<'static>, git2::Error> {
    let kept = |text: &str| -> String { text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect() };
    // git counts in whole seconds since 1970; anything before is a clock that is not set.
    let time = Time::new(by.seconds.max(0), 0);
    let (name, email) = (kept(&by.name), kept(&by.email));
    Signature::new(&name, &email, &time)
        .or_else(|_| Signature::new(&name, "unknown", &time))
        .or_else(|_| Signature::new("unknown", "unknown", &time))
}
