//! Reading a store.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use git2::{ErrorCode, ObjectType, Oid, Repository};
use rayon::prelude::*;

use super::{Store, StoreError, found};

/// Fewest files that are worth another look at the repository.
const SHARE_MIN: usize = 64;

/// What a file holds, by name: equal for equal bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(Oid);

impl FileId {
    /// The id of a file with these bytes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Oid::hash_object(ObjectType::Blob, bytes).ok().map(Self)
    }
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

    /// The bytes of the file at `path`; none when there is no such file.
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(root) = &self.root else { return Ok(None) };
        let repository = &self.store.repository;
        let entry = match path.split_once('/') {
            None => found(repository, || root.get_path(Path::new(path))),
            Some((folder, rest)) => match self.folder(root, folder)? {
                Some(folder) => found(repository, || folder.get_path(Path::new(rest))),
                None => return Ok(None),
            },
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(self.store.git()(error)),
        };
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
        let mut files = Vec::new();
        let Some(root) = &self.root else { return Ok(files) };
        let entry = match found(&self.store.repository, || root.get_path(Path::new(folder))) {
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

    fn collect(&self, tree: Oid, folder: &str, files: &mut Vec<(String, FileId)>) -> Result<(), StoreError> {
        let tree = found(&self.store.repository, || self.store.repository.find_tree(tree)).map_err(self.store.git())?;
        for entry in tree.iter() {
            let path = format!("{folder}/{}", String::from_utf8_lossy(entry.name_bytes()));
            match entry.kind() {
                Some(ObjectType::Tree) => self.collect(entry.id(), &path, files)?,
                Some(ObjectType::Blob) => files.push((path, FileId(entry.id()))),
                _ => {}
            }
        }
        Ok(())
    }

    /// What `make` makes of each of the files that `list` gave, in the same order, on all processors.
    pub fn each<T: Send>(
        &self,
        files: &[(String, FileId)],
        make: impl Fn(&str, Vec<u8>) -> T + Sync,
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
                Ok(make(path, object.data().to_vec()))
            };
            part.iter().map(read).collect()
        };
        let parts: Vec<Vec<T>> = files.par_chunks(share).map(part).collect::<Result<_, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }
}
