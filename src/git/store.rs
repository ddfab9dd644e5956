//! A store: files kept in the branch `main` of a bare repository, read and changed as git objects, never checked out.
//!
//! A change is a compare-and-swap: one commit on the head that was read, or nothing at all.

mod create;
mod edit;
mod lock;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Once;

use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryOpenFlags};

use crate::error::{Blame, Fault};

pub use edit::Writer;
pub use lock::PATIENCE;

/// The one branch a store reads and writes.
const MAIN: &str = "refs/heads/main";

/// A bare repository used as a store. It may be moved to another thread, not shared by two; each thread opens its own.
pub struct Store {
    repository: Repository,
    folder: PathBuf,
}

/// Who makes a change, and when: author and committer of the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// A person's or a robot's name. What git does not take in a name is left out.
    pub name: String,
    /// An e-mail address.
    pub email: String,
    /// Seconds since 1970, UTC.
    pub seconds: i64,
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

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something else is where the store should be.
    #[error("`{}` is not a bare git repository", folder.display())]
    NotAStore {
        /// The place.
        folder: PathBuf,
    },
    /// A repository for something else.
    #[error("the git repository `{}` has branches, but none called `main`", folder.display())]
    NoMain {
        /// The repository.
        folder: PathBuf,
    },
    /// A folder in the store is a file, or a file is a folder.
    #[error("`{path}` in the git repository `{}` is a file where a folder should be, or a folder where a file should be", folder.display())]
    Obstacle {
        /// The repository.
        folder: PathBuf,
        /// The path in its branch `main`.
        path: String,
    },
    /// Others kept writing, or one of them stopped while writing.
    #[error("`{}` was in use by others for {} seconds", path.display(), PATIENCE.as_secs())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// The disk failed.
    #[error("cannot use `{}`", path.display())]
    Disk {
        /// What was used.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// git failed.
    #[error("git cannot use the repository `{}`", folder.display())]
    Git {
        /// The repository.
        folder: PathBuf,
        /// Why it failed.
        #[source]
        source: git2::Error,
    },
}

impl Blame for StoreError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotAStore { .. } | Self::NoMain { .. } => Fault::Input,
            Self::Obstacle { .. } | Self::Busy { .. } | Self::Disk { .. } | Self::Git { .. } => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAStore { .. } => "name a bare git repository, or a folder that does not exist yet".to_owned(),
            Self::NoMain { folder } => format!(
                "name another place; or, if this is the right one, see its branches with `git --git-dir '{}' branch`",
                folder.display()
            ),
            Self::Obstacle { folder, .. } => {
                format!(
                    "clone `{}`, put the folder right, commit and push, then run the same command again",
                    folder.display()
                )
            }
            Self::Busy { path } => {
                format!("see who holds it with `fuser '{}'`, then run the same command again", path.display())
            }
            Self::Disk { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space, then run the same command again"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "get the right to write there, or name another place"
                }
                _ => "mend what the cause says, then run the same command again",
            }
            .to_owned(),
            Self::Git { folder, source } if source.code() == ErrorCode::Owner => format!(
                "it belongs to another user; if you trust it: `git config --global --add safe.directory '{}'`",
                folder.display()
            ),
            Self::Git { folder, .. } => format!("see what is wrong with `git --git-dir '{}' fsck`", folder.display()),
        })
    }
}

impl Store {
    /// Opens the store at `folder`; none when nothing is there, or an empty folder. Never creates anything.
    ///
    /// # Errors
    /// `NotAStore` for a file, a folder with something else in it, or a repository that is not bare.
    pub fn open(folder: &Path) -> Result<Option<Self>, StoreError> {
        if is_vacant(folder)? {
            return Ok(None);
        }
        quicken();
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        let not_a_store = || StoreError::NotAStore { folder: folder.to_owned() };
        match Repository::open_ext(folder, flags, &[] as &[&str]) {
            Ok(repository) if repository.is_bare() => Ok(Some(Self { repository, folder: folder.to_owned() })),
            Ok(_) => Err(not_a_store()),
            Err(error) if error.code() == ErrorCode::NotFound => Err(not_a_store()),
            Err(source) => Err(StoreError::Git { folder: folder.to_owned(), source }),
        }
    }

    /// Opens the store at `folder`, creating it (and its parents) when nothing is there. It appears by one rename;
    /// of several processes creating it at once, one does and all open the same.
    pub fn create(folder: &Path) -> Result<Self, StoreError> {
        if let Some(store) = Self::open(folder)? {
            return Ok(store);
        }
        create::put_in_place(folder)?;
        Self::open(folder)?.ok_or_else(|| StoreError::NotAStore { folder: folder.to_owned() })
    }

    /// Where the store is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files as they are now; what is read from it later does not change when others write.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let head = self.head()?;
        let root = match head {
            Some(head) => Some(self.repository.find_commit(head).and_then(|commit| commit.tree()).map_err(self.git())?),
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

    /// A repository with other branches is somebody's work, not an empty store.
    fn has_no_branch(&self) -> Result<(), StoreError> {
        let mut branches = self.repository.branches(Some(git2::BranchType::Local)).map_err(self.git())?;
        match branches.next() {
            Some(_) => Err(StoreError::NoMain { folder: self.folder.clone() }),
            None => Ok(()),
        }
    }

    fn git(&self) -> impl Fn(git2::Error) -> StoreError {
        move |source| StoreError::Git { folder: self.folder.clone(), source }
    }

    fn obstacle(&self, path: &str) -> StoreError {
        StoreError::Obstacle { folder: self.folder.clone(), path: path.to_owned() }
    }
}

/// The id that git gives to these bytes as a file, in hexadecimal.
pub fn blob_id(bytes: &[u8]) -> Option<String> {
    Oid::hash_object(ObjectType::Blob, bytes).ok().map(|id| id.to_string())
}

/// We write only objects whose parts we have just written or read: libgit2 need not look each of them up again.
fn quicken() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| git2::opts::strict_object_creation(false));
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

/// The files of a store at one moment.
pub struct Snapshot<'store> {
    store: &'store Store,
    head: Option<Oid>,
    root: Option<git2::Tree<'store>>,
    folders: RefCell<BTreeMap<Oid, Rc<git2::Tree<'store>>>>,
}

impl<'store> Snapshot<'store> {
    /// The head commit, in hexadecimal; none before the first change.
    pub fn head(&self) -> Option<String> {
        self.head.map(|head| head.to_string())
    }

    /// The bytes of the file at `path`; none when there is no such file.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(root) = &self.root else { return Ok(None) };
        let found = match path.split_once('/') {
            None => root.get_path(Path::new(path)),
            Some((folder, rest)) => match self.folder(root, folder)? {
                Some(folder) => folder.get_path(Path::new(rest)),
                None => return Ok(None),
            },
        };
        let entry = match found {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(self.store.git()(error)),
        };
        if entry.kind() != Some(ObjectType::Blob) {
            return Err(self.store.obstacle(path));
        }
        let blob = self.store.repository.find_blob(entry.id()).map_err(self.store.git())?;
        Ok(Some(blob.content().to_vec()))
    }

    /// A folder of the root, read once: libgit2 keeps no folder of more than 4 KiB, and several keys are read at a time.
    fn folder(&self, root: &git2::Tree<'_>, name: &str) -> Result<Option<Rc<git2::Tree<'store>>>, StoreError> {
        let Some(id) =
            root.get_name(name).filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id())
        else {
            return Ok(None);
        };
        if let Some(folder) = self.folders.borrow().get(&id) {
            return Ok(Some(Rc::clone(folder)));
        }
        let folder = Rc::new(self.store.repository.find_tree(id).map_err(self.store.git())?);
        self.folders.borrow_mut().insert(id, Rc::clone(&folder));
        Ok(Some(folder))
    }

    /// Path (from the root) and id of every file below `folder`, in order of path; empty when there is no such folder.
    /// A name that is not UTF-8 is shown with replacement characters.
    pub fn list(&self, folder: &str) -> Result<BTreeMap<String, String>, StoreError> {
        let mut files = BTreeMap::new();
        let Some(root) = &self.root else { return Ok(files) };
        let entry = match root.get_path(Path::new(folder)) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(files),
            Err(error) => return Err(self.store.git()(error)),
        };
        if entry.kind() != Some(ObjectType::Tree) {
            return Err(self.store.obstacle(folder));
        }
        self.collect(entry.id(), folder, &mut files)?;
        Ok(files)
    }

    fn collect(&self, tree: Oid, folder: &str, files: &mut BTreeMap<String, String>) -> Result<(), StoreError> {
        let tree = self.store.repository.find_tree(tree).map_err(self.store.git())?;
        for entry in tree.iter() {
            let path = format!("{folder}/{}", String::from_utf8_lossy(entry.name_bytes()));
            match entry.kind() {
                Some(ObjectType::Tree) => self.collect(entry.id(), &path, files)?,
                Some(ObjectType::Blob) => {
                    files.insert(path, entry.id().to_string());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The bytes of a file that `list` gave the id of.
    pub fn read_id(&self, id: &str) -> Result<Vec<u8>, StoreError> {
        let blob = Oid::from_str(id).and_then(|id| self.store.repository.find_blob(id));
        Ok(blob.map_err(self.store.git())?.content().to_vec())
    }
}
