//! The packs of a store: one a change, merged from time to time.
//!
//! A change makes a score of small objects. As files of their own they would cost a score of files, 4 KiB each at least;
//! as one pack they cost two. So that packs do not become too many, small ones are merged, each object a few times only.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use git2::Oid;

use super::{Store, StoreError};
use crate::git::pack::Pack;

/// Packs from which on the smaller ones are merged. A reader looks into each of them in turn.
const MANY: usize = 48;

/// Packs of at least so many bytes are left alone: `git gc` merges them, with deltas, which we do not make.
const LARGE: u64 = 16 << 20;

/// What a copy may grow by before anything is said against it, in bytes.
const SPARE: u64 = 64 << 20;

/// Puts a pack into the repository: its index comes last and by one rename, and a pack without index does not exist.
pub(super) fn write(repository: &Path, pack: &Pack) -> Result<(), StoreError> {
    let folder = repository.join("objects/pack");
    let path = folder.join(pack.name() + ".pack");
    let index = path.with_extension("idx");
    if index.exists() {
        return Ok(());
    }
    let file = fs::File::create(&path).map_err(disk(&path))?;
    let mut file = BufWriter::with_capacity(1 << 16, file);
    pack.write(&mut file).and_then(|()| file.flush()).map_err(disk(&path))?;
    // git's housekeeping removes files that begin so when their writer died.
    let beside = folder.join(format!("tmp_idx_{}", pack.name()));
    fs::write(&beside, pack.index()).map_err(disk(&beside))?;
    fs::rename(&beside, &index).map_err(disk(&index))
}

/// Merges small packs when there are many. Only who has the turn to write may call it.
///
/// What fails here leaves everything readable, and is tried again after the next change.
pub(super) fn tidy(store: &Store) -> Result<(), StoreError> {
    let folder = store.folder.join("objects/pack");
    let packs = small(&folder).map_err(disk(&folder))?;
    if packs.len() < MANY {
        return Ok(());
    }
    let merged = rolled_up(&packs);
    let mut ids = Vec::new();
    for (_, path) in merged {
        let index = path.with_extension("idx");
        let Some(more) = self::ids(&fs::read(&index).map_err(disk(&index))?) else { return Ok(()) };
        ids.extend(more);
    }
    let pack = store.repository.odb().and_then(|objects| Pack::read(&objects, ids)).map_err(store.git())?;
    write(&store.folder, &pack)?;
    let written = pack.name();
    // Who has a removed pack open reads on; who looks for it finds the new one.
    for (_, path) in merged.iter().filter(|(_, path)| path.file_stem().is_none_or(|stem| *stem != *written)) {
        for file in [path.with_extension("idx"), path.clone()] {
            fs::remove_file(&file).map_err(disk(&file))?;
        }
    }
    Ok(())
}

/// Removes all packs of a copy when what nobody needs any more is most of it; whether it did. What is left has no objects.
pub(super) fn cleared(store: &Store) -> Result<bool, StoreError> {
    let folder = store.folder.join("objects/pack");
    let sizes = |folder: &Path| -> io::Result<Vec<(u64, PathBuf)>> {
        fs::read_dir(folder)?.map(|entry| entry.and_then(|entry| Ok((entry.metadata()?.len(), entry.path())))).collect()
    };
    let files = sizes(&folder).map_err(disk(&folder))?;
    let total: u64 = files.iter().map(|(size, _)| size).sum();
    // The first fetch is the largest; each later one adds to it what has changed.
    let largest = files.iter().map(|(size, _)| *size).max().unwrap_or(0);
    if total < 3 * largest + SPARE {
        return Ok(false);
    }
    for (_, path) in files {
        fs::remove_file(&path).map_err(disk(&path))?;
    }
    Ok(true)
}

/// Size and path of each pack that is not large and has an index, the largest first. Few packs are not looked at: none.
fn small(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let names: BTreeSet<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
    let packs: Vec<&Path> = names
        .iter()
        .map(Path::new)
        .filter(|name| name.extension().is_some_and(|extension| extension == "idx"))
        .collect();
    if packs.len() < MANY {
        return Ok(Vec::new());
    }
    let is_kept =
        |name: &Path| ["keep", "promisor"].iter().any(|kind| names.contains(name.with_extension(kind).as_os_str()));
    let mut small: Vec<(u64, PathBuf)> = packs
        .into_iter()
        .filter(|name| !is_kept(name))
        .map(|name| folder.join(name).with_extension("pack"))
        .map(|path| (fs::metadata(&path).map_or(LARGE, |metadata| metadata.len()), path))
        .filter(|(size, _)| *size < LARGE)
        .collect();
    small.sort_by(|one, other| other.cmp(one));
    Ok(small)
}

/// The packs to merge: all but the largest ones that are each twice as large as everything after them, so that an object
/// is copied once for each doubling only.
fn rolled_up(packs: &[(u64, PathBuf)]) -> &[(u64, PathBuf)] {
    let mut rest: u64 = packs.iter().map(|(size, _)| size).sum();
    let mut first = 0;
    for (size, _) in packs {
        rest -= size;
        if *size < 2 * rest {
            break;
        }
        first += 1;
    }
    &packs[first.min(packs.len().saturating_sub(2))..]
}

/// The ids in an index of version 2 (gitformat-pack(5)); none when it is of another version or too short.
fn ids(index: &[u8]) -> Option<Vec<Oid>> {
    const HEAD: usize = 8 + 256 * 4;
    if !index.starts_with(b"\xfftOc\0\0\0\x02") {
        return None;
    }
    let count = u32::from_be_bytes(index.get(HEAD - 4..HEAD)?.try_into().ok()?) as usize;
    let ids = index.get(HEAD..HEAD.checked_add(count.checked_mul(20)?)?)?;
    ids.chunks_exact(20).map(|id| Oid::from_bytes(id).ok()).collect()
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Disk { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_copied_once_for_each_doubling() {
        let packs = |sizes: &[u64]| sizes.iter().map(|size| (*size, PathBuf::new())).collect::<Vec<_>>();
        let merged = |sizes: &[u64]| rolled_up(&packs(sizes)).iter().map(|(size, _)| *size).collect::<Vec<_>>();
        assert_eq!(merged(&[1000, 100, 3, 3, 3]), [3, 3, 3]);
        assert_eq!(merged(&[1000, 100, 60]), [100, 60]);
        assert_eq!(merged(&[4, 4, 4]), [4, 4, 4]);
        assert_eq!(merged(&[400, 1]), [400, 1], "two at least");
    }
}
