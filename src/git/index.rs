//! `.git/index` (gitformat-index(5), version 2) of files that were just written, so that git need not add them.

use std::fs::{self, Metadata};
use std::path::Path;

use rayon::prelude::*;
use sha1::{Digest as _, Sha1};

use super::GitError;
use super::pack::Id;
use crate::model::tree::Tree;

/// Longest path whose length the entry itself can say.
const LENGTH_MAX: usize = 0xfff;

/// The index, and whether the file system keeps the executable bit.
pub(super) struct Index {
    pub(super) bytes: Vec<u8>,
    pub(super) keeps_mode: bool,
}

/// The index of the files of `tree` as they lie in `folder`; `blobs` are their ids, in the tree's order, which is git's
/// (bytes of the whole path). Looks at the files, and does not read them.
pub(super) fn of(folder: &Path, tree: &Tree, blobs: &[Id]) -> Result<Index, GitError> {
    let files: Vec<_> = tree.iter().zip(blobs).collect();
    let look = |((path, _), _): &((&_, &_), &Id)| look_at(folder, path);
    let seen: Vec<Metadata> = files.par_iter().with_min_len(64).map(look).collect::<Result<_, _>>()?;
    let mut bytes = Vec::with_capacity(12 + 128 * files.len());
    bytes.extend(b"DIRC\0\0\0\x02");
    bytes.extend((files.len() as u32).to_be_bytes());
    let mut keeps_mode = cfg!(unix);
    for (((path, file), id), metadata) in files.into_iter().zip(&seen) {
        let stat = Stat::of(metadata);
        keeps_mode &= stat.executable == file.executable;
        let mode = if file.executable { 0o100_755 } else { 0o100_644 };
        let [head @ .., uid, gid, size] = stat.words;
        head.iter().chain([&mode, &uid, &gid, &size]).for_each(|word| bytes.extend(word.to_be_bytes()));
        bytes.extend(id);
        let name = path.as_str().as_bytes();
        bytes.extend((name.len().min(LENGTH_MAX) as u16).to_be_bytes());
        bytes.extend(name);
        // At least one NUL, and the entry's length a multiple of eight.
        bytes.resize(bytes.len() + 8 - (62 + name.len()) % 8, 0);
    }
    let checksum: Id = Sha1::digest(&bytes).into();
    bytes.extend(checksum);
    Ok(Index { bytes, keeps_mode })
}

fn look_at(folder: &Path, path: &crate::model::tree::TreePath) -> Result<Metadata, GitError> {
    let path = folder.join(path.as_str());
    fs::symlink_metadata(&path).map_err(|source| GitError::Look { path, source })
}

/// What git remembers of a file to know without reading that it is unchanged, cut to 32 bits as git does.
struct Stat {
    /// Change time (seconds, nanoseconds), modification time, device, inode; then user, group, size.
    words: [u32; 9],
    executable: bool,
}

impl Stat {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let words = [
            metadata.ctime() as u32,
            metadata.ctime_nsec() as u32,
            metadata.mtime() as u32,
            metadata.mtime_nsec() as u32,
            metadata.dev() as u32,
            metadata.ino() as u32,
            metadata.uid(),
            metadata.gid(),
            metadata.size() as u32,
        ];
        Self { words, executable: metadata.mode() & 0o100 != 0 }
    }

    /// Elsewhere git looks at each file once more.
    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self { words: [0; 9], executable: false }
    }
}
