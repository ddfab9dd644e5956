//! Reading a store.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use git2::{ErrorCode, ObjectType, Oid, Repository, TreeEntry};
use rayon::prelude::*;

use super::tree::PLAIN;
use super::{Store, StoreError, found};
use crate::git::pack::{self, ObjectKind};

/// Fewest files that are worth another look at the repository.
const SHARE_MIN: usize = 64;

/// What a file holds, by name: equal for equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(Oid);

impl FileId {
    /// The id of a file with these bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Self::named(ObjectKind::Blob, bytes)
    }

    fn named(kind: ObjectKind, bytes: &[u8]) -> Option<Self> {
        Oid::from_bytes(&pack::id(kind, bytes)).ok().map(Self)
    }
}

/// What a folder holds, by name: equal for equal names and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderId(Oid);

impl FolderId {
    /// The id of a folder with these plain files alone, which are in order of name.
    pub fn of<'n>(files: impl IntoIterator<Item = (&'n str, FileId)>) -> Option<Self> {
        let mut bytes = Vec::new();
        for (name, id) in files {
            for part in [PLAIN, b" ", name.as_bytes(), b"\0", id.0.as_bytes()] {
                bytes.extend(part);
            }
        }
        FileId::named(ObjectKind::Tree, &bytes).map(|id| Self(id.0))
    }
}

/// The files below a folder whose folders are known in part.
#[derive(Debug, Default)]
pub struct Unknown {
    /// Path (from the root) and id of every file that is not in a known folder.
    pub files: Vec<(String, FileId)>,
    /// The folders that are as they are known.
    pub known: HashSet<String>,
}

/// The files of a store at one moment.
pub struct Snapshot<'store> {
    pub(super) store: &'store Store,
    pub(super) head: Option<Oid>,
    pub(super) root: Option<git2::Tree<'store>>,
    pub(super) folders: RefCell<BTreeMap<Oid, Rc<git2::Tree<'store>>>>,
}

impl<'store> Snapshot<'store> {
    /// The head commit, in hexadecimal; none before the first change.
    pub fn head(&self) -> Option<String> {
        self.head.map(|head| head.to_string())
    }

    /// Whether there is anything at `path`.
    pub fn has(&self, path: &str) -> Result<bool, StoreError> {
        Ok(self.entry(path)?.is_some())
    }

    fn entry(&self, path: &str) -> Result<Option<TreeEntry<'static>>, StoreError> {
        let Some(root) = &self.root else { return Ok(None) };
        let repository = &self.store.repository;
        let entry = match path.split_once('/') {
            None => found(repository, || root.get_path(Path::new(path))),
            Some((folder, rest)) => match self.folder(root, folder)? {
                Some(folder) => found(repository, || folder.get_path(Path::new(rest))),
                None => return Ok(None),
            },
        };
        match entry {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.store.git()(error)),
        }
    }

    /// The bytes of the file at `path`; none when there is no such file.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let repository = &self.store.repository;
        let Some(entry) = self.entry(path)? else { return Ok(None) };
        if entry.kind() != Some(ObjectType::Blob) {
            return Err(self.store.obstacle(path));
        }
        let blob = found(repository, || repository.find_blob(entry.id())).map_err(self.store.git())?;
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
        let folder =
            Rc::new(found(&self.store.repository, || self.store.repository.find_tree(id)).map_err(self.store.git())?);
        self.folders.borrow_mut().insert(id, Rc::clone(&folder));
        Ok(Some(folder))
    }

    /// Path (from the root) and id of every file below `folder`, folder by folder; empty when there is no such folder.
    /// A name that is not UTF-8 is shown with replacement characters.
    ///
    /// # Errors
    /// `Obstacle` when there is a file instead.
    pub fn list(&self, folder: &str) -> Result<Vec<(String, FileId)>, StoreError> {
        Ok(self.list_unknown(folder, &HashMap::new())?.files)
    }

    /// As `list`, but a folder that is as `known` says, by path, is not read.
    ///
    /// # Errors
    /// `Obstacle` when there is a file instead.
    pub fn list_unknown(&self, folder: &str, known: &HashMap<&str, FolderId>) -> Result<Unknown, StoreError> {
        let mut unknown = Unknown::default();
        let Some(root) = &self.root else { return Ok(unknown) };
        let entry = match found(&self.store.repository, || root.get_path(Path::new(folder))) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(unknown),
            Err(error) => return Err(self.store.git()(error)),
        };
        if entry.kind() != Some(ObjectType::Tree) {
            return Err(self.store.obstacle(folder));
        }
        self.collect(entry.id(), folder.to_owned(), known, &mut unknown)?;
        Ok(unknown)
    }

    fn collect(
        &self,
        tree: Oid,
        folder: String,
        known: &HashMap<&str, FolderId>,
        unknown: &mut Unknown,
    ) -> Result<(), StoreError> {
        if known.get(folder.as_str()) == Some(&FolderId(tree)) {
            unknown.known.insert(folder);
            return Ok(());
        }
        let tree = found(&self.store.repository, || self.store.repository.find_tree(tree)).map_err(self.store.git())?;
        for entry in tree.iter() {
            let path = format!("{folder}/{}", String::from_utf8_lossy(entry.name_bytes()));
            match entry.kind() {
                Some(ObjectType::Tree) => self.collect(entry.id(), path, known, unknown)?,
                Some(ObjectType::Blob) => unknown.files.push((path, FileId(entry.id()))),
                _ => {}
            }
        }
        Ok(())
    }

    /// What `make` makes of each of the files that `list` gave, in the same order, on all processors.
    pub fn each<T: Send>(
        &self,
        files: &[(String, FileId)],
        make: impl Fn(&str, &[u8]) -> T + Sync,
    ) -> Result<Vec<T>, StoreError> {
        let share = files.len().div_ceil(4 * rayon::current_num_threads()).max(SHARE_MIN);
        let folder = self.store.folder();
        let failed = |source| StoreError::Git { folder: folder.to_owned(), source };
        let part = |part: &[(String, FileId)]| -> Result<Vec<T>, StoreError> {
            // libgit2 reads a repository on one thread at a time.
            let repository = Repository::open_bare(folder).map_err(failed)?;
            let database = repository.odb().map_err(failed)?;
            let read = |(path, id): &(String, FileId)| {
                let object = found(&repository, || database.read(id.0)).map_err(failed)?;
                Ok(make(path, object.data()))
            };
            part.iter().map(read).collect()
        };
        let parts: Vec<Vec<T>> = files.par_chunks(share).map(part).collect::<Result<_, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}
