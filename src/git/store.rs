//! A store: files kept in the branch `main` of a bare repository, read and changed as git objects, never checked out.
//!
//! A change is a compare-and-swap: one commit on the head that was read, or nothing at all.

mod create;
mod edit;
mod error;
mod lineage;
mod lock;
mod packs;
mod remote;
mod snapshot;
#[cfg(test)]
mod tests;
mod tree;

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use git2::{ErrorClass, ErrorCode, Oid, Repository, RepositoryOpenFlags};

use super::pack::{Id, Pack};
use crate::model::refs::MAIN;
use lock::Turn;

pub use edit::Writer;
pub use error::StoreError;
pub use lock::PATIENCE;
pub use remote::Remote;
pub use snapshot::{FileId, FolderId, Snapshot, Unknown};

/// The file in the copy whose time says when the copy was last like the store.
const SEEN: &str = "apiscaffold.seen";

/// How often packs are listed again for an object that is in none of them: each time others must have merged them anew.
const LOOKS: usize = 4;

/// A bare repository used as a store. It may be moved to another thread, not shared by two; each thread opens its own.
pub struct Store {
    repository: Repository,
    folder: PathBuf,
    /// None for a store that is on this machine itself.
    remote: Option<Remote>,
}

/// Where a store is.
#[derive(Clone, Debug)]
pub enum Location {
    /// In a folder of this machine. It is written in place.
    Here(PathBuf),
    /// In a repository elsewhere, of which a copy is kept on this machine.
    There(Remote),
}

/// A change that is ready to be stored.
struct PreparedCommit {
    pack: Arc<Pack>,
    commit: Id,
}

/// One file to write, or (without bytes) to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Relative, `/` between names.
    pub path: String,
    /// The new content; none removes the file, and a file that is not there may be removed.
    pub bytes: Option<Vec<u8>>,
}

/// How a compare-and-swap ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The new head, in hexadecimal.
    Done(String),
    /// The head is not the expected one any more; nothing was changed.
    Moved,
}

impl Location {
    /// Whether a change can be tried at all.
    ///
    /// # Errors
    /// `Offline` for a store elsewhere when the network is not to be used.
    pub fn may_change(&self) -> Result<(), StoreError> {
        match self {
            Self::There(remote) => remote.may_write(),
            Self::Here(_) => Ok(()),
        }
    }
}

impl Store {
    /// Opens the store at `location`; none when nothing is there, or an empty folder. Of a store elsewhere the copy is
    /// brought up to date, once for each [`Remote`]. Never creates a store.
    ///
    /// # Errors
    /// `NotAStore` for a file, a folder with something else in it, or a repository that is not bare; what the network
    /// says; `NotCached` offline, when there is no copy.
    pub fn open(location: &Location) -> Result<Option<Self>, StoreError> {
        match location {
            Location::Here(folder) => Self::open_folder(folder),
            Location::There(remote) => remote.open().map(Some),
        }
    }

    /// Opens the store at `location`, creating it (and its parents) when nothing is there. It appears by one rename;
    /// of several processes creating it at once, one does and all open the same. Elsewhere the repository must exist.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn create(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Here(folder) => Self::create_folder(folder),
            Location::There(remote) => remote.open(),
        }
    }

    fn open_folder(folder: &Path) -> Result<Option<Self>, StoreError> {
        if is_vacant(folder)? {
            return Ok(None);
        }
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        let not_a_store = || StoreError::NotAStore { folder: folder.to_owned() };
        match Repository::open_ext(folder, flags, &[] as &[&str]) {
            Ok(repository) if repository.is_bare() => {
                Ok(Some(Self { repository, folder: folder.to_owned(), remote: None }))
            }
            Ok(_) => Err(not_a_store()),
            Err(error) if error.code() == ErrorCode::NotFound => Err(not_a_store()),
            Err(source) => Err(StoreError::Git { folder: folder.to_owned(), source }),
        }
    }

    fn create_folder(folder: &Path) -> Result<Self, StoreError> {
        if let Some(store) = Self::open_folder(folder)? {
            return Ok(store);
        }
        create::put_in_place(folder)?;
        Self::open_folder(folder)?.ok_or_else(|| StoreError::NotAStore { folder: folder.to_owned() })
    }

    /// Where the repository that is read is: the store itself, or the copy of it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The store's name for people: its URL, or its folder.
    pub fn name(&self) -> String {
        self.remote.as_ref().map_or_else(|| self.folder.display().to_string(), |remote| remote.url.clone())
    }

    /// Of a store elsewhere, offline: how long ago the copy was like it.
    pub fn age(&self) -> Option<Duration> {
        self.remote.as_ref().filter(|remote| remote.offline).and_then(|_| remote::age(&self.folder))
    }

    /// The files as they are now; what is read from it later does not change when others write.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let head = self.head()?;
        let root = match head {
            Some(head) => {
                Some(found(&self.repository, || self.repository.find_commit(head)?.tree()).map_err(self.git())?)
            }
            None => None,
        };
        Ok(Snapshot { store: self, head, root, folders: RefCell::default() })
    }

    fn head(&self) -> Result<Option<Oid>, StoreError> {
        match self.repository.refname_to_id(MAIN) {
            Ok(head) => Ok(Some(head)),
            // Another run may have made the branch between the two looks.
            Err(error) if error.code() == ErrorCode::NotFound => match self.has_no_branch() {
                Ok(()) => Ok(None),
                Err(other) => self.repository.refname_to_id(MAIN).map(Some).map_err(|_| other),
            },
            Err(error) => Err(self.git()(error)),
        }
    }

    /// A repository with other branches is somebody's work, and one that had our branch is a store that lost it: neither
    /// is an empty store.
    fn has_no_branch(&self) -> Result<(), StoreError> {
        let mut branches = self.repository.branches(Some(git2::BranchType::Local)).map_err(self.git())?;
        if branches.next().is_some() {
            return Err(StoreError::NoMain { name: self.name() });
        }
        // A copy is empty when what it is a copy of was empty.
        let lost = if self.remote.is_none() { lineage::lost(&self.repository).map_err(self.git())? } else { None };
        match lost {
            Some(seen) => Err(StoreError::Lost { name: self.name(), seen: seen.to_string(), now: None, copy: None }),
            None => Ok(()),
        }
    }

    fn turn(&self) -> Result<Turn, StoreError> {
        Turn::wait(&self.folder, self.patience())
    }

    fn patience(&self) -> Duration {
        if self.remote.is_some() { remote::PATIENCE } else { PATIENCE }
    }

    fn git(&self) -> impl Fn(git2::Error) -> StoreError {
        move |source| StoreError::Git { folder: self.folder.clone(), source }
    }

    fn obstacle(&self, path: &str) -> StoreError {
        StoreError::Obstacle { folder: self.folder.clone(), path: path.to_owned() }
    }
}

/// What `look` finds. Another run may merge packs meanwhile: whoever listed them before the new one was there and opens the
/// old ones after they were removed finds an object in none, and has to list them again.
fn found<T>(repository: &Repository, look: impl Fn() -> Result<T, git2::Error>) -> Result<T, git2::Error> {
    for _ in 0..LOOKS {
        match look() {
            Err(error) if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Odb => {
                repository.odb()?.refresh()?;
            }
            result => return result,
        }
    }
    look()
}

/// Whether there is nothing at `folder`, or an empty folder.
fn is_vacant(folder: &Path) -> Result<bool, StoreError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(StoreError::NotAStore { folder: folder.to_owned() })
        }
        Err(source) => Err(StoreError::Disk { path: folder.to_owned(), source }),
    }
}
