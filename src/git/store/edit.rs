//! Changing a store: the new objects as one pack first, then the branch, compared and swapped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use git2::{ErrorCode, Oid};

use super::lock::{Turn, jitter};
use super::tree::TreeEdit;
use super::{Edit, MAIN, PATIENCE, PreparedCommit, Snapshot, Store, StoreError, Swap, found, packs};
use crate::git::pack::{self, Id, ObjectKind, Pack};
use crate::git::sign::Signing;
use crate::model::author::Signature;

/// The pause after the first swap that failed; it doubles each time, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between two swaps.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// A turn at writing: while it lives, no other process of this tool writes to the store.
pub struct Writer<'store> {
    store: &'store Store,
    turn: Turn,
}

impl Store {
    /// Waits for the turn to write, as long as others make progress.
    ///
    /// # Errors
    /// `Busy` when others do not let go; `Disk` when the store may not be written to; `Offline` when it is shared and
    /// the network is not to be used.
    pub fn writer(&self) -> Result<Writer<'_>, StoreError> {
        if let Some(remote) = &self.remote {
            remote.may_write()?;
        }
        Ok(Writer { store: self, turn: self.turn()? })
    }

    /// Reads, lets `decide` say what to change (none: nothing), and writes it as one commit; again from the start, with
    /// a pause of random length, when the head moved meanwhile. Gives the new head.
    ///
    /// # Errors
    /// What `decide` says; `Busy` or `Crowded` when the head keeps moving.
    pub fn change<E: From<StoreError>>(
        &self,
        message: &str,
        by: &Signature,
        decide: impl Fn(&Snapshot<'_>) -> Result<Option<Vec<Edit>>, E>,
    ) -> Result<Option<String>, E> {
        let writer = self.writer()?;
        let started = Instant::now();
        let mut pause = PAUSE;
        loop {
            let snapshot = self.snapshot()?;
            let Some(edits) = decide(&snapshot)? else { return Ok(None) };
            if let Swap::Done(head) = writer.update(snapshot.head().as_deref(), &edits, message, by)? {
                return Ok(Some(head));
            }
            if started.elapsed() >= self.patience() {
                return Err(self.gave_up().into());
            }
            thread::sleep(jitter(pause));
            pause = (pause * 2).min(LONGEST_PAUSE);
            if let Some(remote) = &self.remote {
                remote.fetch(self, &writer.turn)?;
            }
        }
    }

    fn gave_up(&self) -> StoreError {
        match &self.remote {
            Some(remote) => remote.crowded(),
            None => StoreError::Busy { path: self.folder.join(MAIN), patience: PATIENCE },
        }
    }

    pub(super) fn main_lock(&self) -> PathBuf {
        self.folder.join(format!("{MAIN}.lock"))
    }

    /// Makes a change of `edits` on `parent`; writes nothing.
    fn prepare(
        &self,
        parent: Option<Oid>,
        edits: &[Edit],
        message: &str,
        by: &Signature,
    ) -> Result<PreparedCommit, StoreError> {
        let base = parent
            .map(|id| found(&self.repository, || self.repository.find_commit(id)))
            .transpose()
            .map_err(self.git())?;
        let base = base.map(|commit| pack::of_git2(commit.tree_id()));
        let mut editing = TreeEdit::of(self);
        let mut blobs: BTreeMap<&[u8], Id> = BTreeMap::new();
        let mut changes = Vec::with_capacity(edits.len());
        for edit in edits {
            let mut blob =
                |bytes| *blobs.entry(bytes).or_insert_with(|| editing.keep(ObjectKind::Blob, bytes.to_vec()));
            changes.push((edit.path.as_str(), edit.bytes.as_deref().map(&mut blob)));
        }
        let tree = editing.edited(base, "", changes)?;
        let tree = tree.unwrap_or_else(|| editing.keep(ObjectKind::Tree, Vec::new()));
        let parent = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
        let who = by.line();
        let tree = pack::hex(&tree);
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{}\n", message.trim_end());
        // Nobody asks for signatures of what stays on this machine.
        let signing = if self.remote.is_some() { Signing::configured(None)? } else { Signing::No };
        let text = signing.sign(text, by)?;
        let commit = editing.keep(ObjectKind::Commit, text.into_bytes());
        Ok(PreparedCommit { pack: Arc::new(Pack::new(editing.objects())), commit })
    }
}

impl Writer<'_> {
    /// Puts one commit with these edits on the branch if its head is still `expected` (none: no commit yet).
    ///
    /// # Errors
    /// `Obstacle` when an edit would turn a folder into a file or the reverse; `Refused` when the shared store's server
    /// does not take the change. After any error nothing has changed.
    pub fn update(
        &self,
        expected: Option<&str>,
        edits: &[Edit],
        message: &str,
        by: &Signature,
    ) -> Result<Swap, StoreError> {
        let store = self.store;
        let expected = expected.map(Oid::from_str).transpose().map_err(store.git())?;
        if store.head()? != expected {
            return Ok(Swap::Moved);
        }
        let change = store.prepare(expected, edits, message, by)?;
        let swapped = match &store.remote {
            None => {
                packs::write(&store.folder, &change.pack)?;
                self.swap(expected, &change, message)?
            }
            Some(remote) => remote.swap(store, &self.turn, expected.map(pack::of_git2), &change)?,
        };
        // The change is made: that packs cannot be merged now is nothing to fail for.
        let _ = packs::tidy(store);
        Ok(swapped)
    }

    fn swap(&self, expected: Option<Oid>, change: &PreparedCommit, message: &str) -> Result<Swap, StoreError> {
        let store = self.store;
        let commit = Oid::from_bytes(&change.commit).map_err(store.git())?;
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
                Err((ErrorCode::Locked, _)) => {
                    return Err(StoreError::Busy { path: store.main_lock(), patience: PATIENCE });
                }
                Err((_, error)) => return Err(store.git()(error)),
            }
        }
    }
}
