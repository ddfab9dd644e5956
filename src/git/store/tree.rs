//! git's folders as bytes: read, edited, written. Only the folders on the way to an edit are touched.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid};

use super::{Store, StoreError, found};
use crate::git::pack::{self, Id, ObjectKind};

/// A file without execute permission.
pub(super) const PLAIN: &[u8] = b"100644";
/// A folder.
const FOLDER: &[u8] = b"40000";

/// What stands under one name in a folder.
struct Row {
    /// As git writes it; what others put here keeps theirs.
    mode: Vec<u8>,
    id: Id,
}

impl Row {
    fn is_folder(&self) -> bool {
        self.mode == FOLDER
    }
}

/// New objects on their way into a store.
pub(super) struct TreeEdit<'store> {
    store: &'store Store,
    objects: BTreeMap<Id, (ObjectKind, Vec<u8>)>,
}

impl<'store> TreeEdit<'store> {
    pub(super) fn of(store: &'store Store) -> Self {
        Self { store, objects: BTreeMap::new() }
    }

    /// Keeps an object; the same bytes are kept once.
    pub(super) fn keep(&mut self, kind: ObjectKind, bytes: Vec<u8>) -> Id {
        let id = pack::id(kind, &bytes);
        self.objects.insert(id, (kind, bytes));
        id
    }

    /// Everything that was kept, as it goes into a pack.
    pub(super) fn objects(&self) -> BTreeMap<Id, (ObjectKind, &[u8])> {
        self.objects.iter().map(|(id, (kind, bytes))| (*id, (*kind, &bytes[..]))).collect()
    }

    /// The folder `base` with the edits done (paths below it, and the file's id; none removes it); none when nothing is
    /// left in it. `at` is its own path, empty or ending in `/`.
    ///
    /// # Errors
    /// `Obstacle` when an edit would turn a folder into a file or the reverse.
    pub(super) fn edited(
        &mut self,
        base: Option<Id>,
        at: &str,
        edits: Vec<(&str, Option<Id>)>,
    ) -> Result<Option<Id>, StoreError> {
        let mut rows = base.map(|base| self.rows(base)).transpose()?.unwrap_or_default();
        let mut folders: BTreeMap<&str, Vec<(&str, Option<Id>)>> = BTreeMap::new();
        for (path, file) in edits {
            if let Some((folder, rest)) = path.split_once('/') {
                folders.entry(folder).or_default().push((rest, file));
                continue;
            }
            if rows.get(path.as_bytes()).is_some_and(Row::is_folder) {
                return Err(self.store.obstacle(&format!("{at}{path}")));
            }
            put(&mut rows, path, PLAIN, file);
        }
        for (folder, edits) in folders {
            let below = rows.get(folder.as_bytes());
            if below.is_some_and(|row| !row.is_folder()) {
                return Err(self.store.obstacle(&format!("{at}{folder}")));
            }
            let tree = self.edited(below.map(|row| row.id), &format!("{at}{folder}/"), edits)?;
            put(&mut rows, folder, FOLDER, tree);
        }
        Ok((!rows.is_empty()).then(|| self.keep(ObjectKind::Tree, written(&rows))))
    }

    fn rows(&self, folder: Id) -> Result<BTreeMap<Vec<u8>, Row>, StoreError> {
        let read = || {
            let id = Oid::from_bytes(&folder)?;
            let database = self.store.repository.odb()?;
            let object = found(&self.store.repository, || database.read(id))?;
            let rows = (object.kind() == ObjectType::Tree).then(|| rows(object.data())).flatten();
            rows.ok_or_else(|| git2::Error::from_str(&format!("`{id}` is not a folder that can be read")))
        };
        read().map_err(self.store.git())
    }
}

fn put(rows: &mut BTreeMap<Vec<u8>, Row>, name: &str, mode: &[u8], id: Option<Id>) {
    match id {
        Some(id) => rows.insert(name.as_bytes().to_vec(), Row { mode: mode.to_vec(), id }),
        None => rows.remove(name.as_bytes()),
    };
}

/// The rows of a folder by name; none when they are not as git writes them (mode, space, name, NUL, twenty bytes).
fn rows(mut bytes: &[u8]) -> Option<BTreeMap<Vec<u8>, Row>> {
    let mut rows = BTreeMap::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let end = space + bytes[space..].iter().position(|byte| *byte == 0)?;
        let id: Id = bytes.get(end + 1..end + 21)?.try_into().ok()?;
        rows.insert(bytes[space + 1..end].to_vec(), Row { mode: bytes[..space].to_vec(), id });
        bytes = &bytes[end + 21..];
    }
    Some(rows)
}

/// The bytes of a folder. git sorts as if the names of folders ended in `/`.
fn written(rows: &BTreeMap<Vec<u8>, Row>) -> Vec<u8> {
    let mut rows: Vec<(&Vec<u8>, &Row)> = rows.iter().collect();
    let tail = |row: &Row| row.is_folder().then_some(&b'/');
    rows.sort_by(|(one, a), (other, b)| one.iter().chain(tail(a)).cmp(other.iter().chain(tail(b))));
    let mut bytes = Vec::new();
    for (name, row) in rows {
        for part in [&row.mode[..], b" ", name, b"\0", &row.id] {
            bytes.extend(part);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_sorted_as_git_sorts_them_and_come_back_as_they_were() {
        let mut made = BTreeMap::new();
        for (name, mode) in [("a", FOLDER), ("a.b", PLAIN), ("a0", PLAIN), ("é", b"120000")] {
            put(&mut made, name, mode, Some([7; 20]));
        }
        let bytes = written(&made);
        let names: Vec<_> = bytes.split(|byte| *byte == 7).filter(|part| !part.is_empty()).collect();
        assert_eq!(names, ["100644 a.b\0", "40000 a\0", "100644 a0\0", "120000 é\0"].map(str::as_bytes));
        assert_eq!(written(&rows(&bytes).expect("well-formed")), bytes);
        for cut in 1..bytes.len() {
            assert!(rows(&bytes[..cut]).is_none_or(|rows| written(&rows) == bytes[..cut]), "{cut}");
        }
    }
}
