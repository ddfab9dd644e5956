//! git objects, and a pack of them with its index (gitformat-pack(5), version 2 of both), made from bytes in memory.
//!
//! No deltas: looking for them costs ten times what the whole commit may cost, and git makes them at its next `gc`.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, Status};
use git2::{ObjectType, Odb, Oid, Repository};
use rayon::prelude::*;
use sha1::{Digest as _, Sha1};

/// The name of an object: a SHA-1.
pub(super) type Id = [u8; 20];

/// libgit2's form of an id in ours.
pub(super) fn of_git2(id: Oid) -> Id {
    let mut bytes = Id::default();
    bytes.copy_from_slice(id.as_bytes());
    bytes
}

/// Offsets from here on do not fit the index's first table.
const LARGE: u64 = 1 << 31;

/// What an object is. The number is the pack's.
#[derive(Clone, Copy)]
pub(super) enum ObjectKind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
    Tag = 4,
}

impl ObjectKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    const fn of_git2(kind: ObjectType) -> Self {
        match kind {
            ObjectType::Commit => Self::Commit,
            ObjectType::Tree => Self::Tree,
            ObjectType::Tag => Self::Tag,
            ObjectType::Blob | ObjectType::Any => Self::Blob,
        }
    }
}

/// The id of an object with this content.
pub(super) fn id(kind: ObjectKind, bytes: &[u8]) -> Id {
    let mut hash = Sha1::new();
    hash.update(format!("{} {}\0", kind.name(), bytes.len()));
    hash.update(bytes);
    hash.finalize().into()
}

/// An id as people write it.
pub(super) fn hex(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An object as it stands in a pack.
struct Entry {
    id: Id,
    packed: Vec<u8>,
    crc: u32,
}

/// A pack, in the parts it is written in.
pub(super) struct Pack {
    header: [u8; 12],
    entries: Vec<Entry>,
    checksum: Id,
}

impl Pack {
    /// Compresses the objects, each id once, on all processors.
    pub(super) fn new(objects: BTreeMap<Id, (ObjectKind, &[u8])>) -> Self {
        let mut header = *b"PACK\0\0\0\x02\0\0\0\0";
        // A pack counts in 32 bits; a tree of that many files does not fit in memory.
        header[8..].copy_from_slice(&(objects.len() as u32).to_be_bytes());
        let objects: Vec<_> = objects.into_iter().collect();
        let share = objects.len().div_ceil(4 * rayon::current_num_threads());
        let entries: Vec<_> = objects
            .into_par_iter()
            .with_min_len(share)
            .map_init(Deflate::default, |deflate, (id, (kind, bytes))| {
                let packed = packed(deflate.fit(bytes), kind, bytes);
                Entry { id, crc: crc32fast::hash(&packed), packed }
            })
            .collect();
        let mut hash = Sha1::new_with_prefix(header);
        entries.iter().for_each(|entry| hash.update(&entry.packed));
        Self { header, entries, checksum: hash.finalize().into() }
    }

    /// The objects with these ids, read from a repository.
    pub(super) fn read(objects: &Odb<'_>, ids: impl IntoIterator<Item = Oid>) -> Result<Self, git2::Error> {
        let read = |id| {
            let object = objects.read(id)?;
            Ok((of_git2(id), (ObjectKind::of_git2(object.kind()), object.data().to_vec())))
        };
        let read: BTreeMap<Id, (ObjectKind, Vec<u8>)> =
            ids.into_iter().map(read).collect::<Result<_, git2::Error>>()?;
        Ok(Self::new(read.iter().map(|(id, (kind, bytes))| (*id, (*kind, &bytes[..]))).collect()))
    }

    /// All objects that the commits `tips` need and the commits `known`, which the receiver has, do not.
    pub(super) fn of_commits(repository: &Repository, tips: &[Oid], known: &[Oid]) -> Result<Self, git2::Error> {
        let mut met = known.iter().copied().collect();
        let folder = |id: &Oid| Ok((repository.find_commit(*id)?.tree_id(), ObjectType::Tree));
        below(repository, known.iter().map(folder).collect::<Result<_, git2::Error>>()?, &mut met)?;
        let tips = tips.iter().map(|id| (*id, ObjectType::Commit)).collect();
        Self::read(&repository.odb()?, below(repository, tips, &mut met)?)
    }

    /// The name that git gives the files of this pack, without `.pack` or `.idx`.
    pub(super) fn name(&self) -> String {
        format!("pack-{}", hex(&self.checksum))
    }

    /// How many bytes the `.pack` file has.
    pub(super) fn length(&self) -> usize {
        let packed: usize = self.entries.iter().map(|entry| entry.packed.len()).sum();
        self.header.len() + packed + self.checksum.len()
    }

    /// Writes the bytes of the `.pack` file.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.header)?;
        self.entries.iter().try_for_each(|entry| to.write_all(&entry.packed))?;
        to.write_all(&self.checksum)
    }

    /// The bytes of the `.idx` file.
    pub(super) fn index(&self) -> Vec<u8> {
        let mut next = self.header.len() as u64;
        let offsets = self.entries.iter().map(|entry| {
            let offset = next;
            next += entry.packed.len() as u64;
            offset
        });
        let rows: Vec<_> = self.entries.iter().zip(offsets).map(|(entry, at)| (entry.id, entry.crc, at)).collect();
        index_of(&rows, &self.checksum)
    }
}

/// These objects and those that they need, but for those that were `met` before.
fn below(
    repository: &Repository,
    mut open: Vec<(Oid, ObjectType)>,
    met: &mut HashSet<Oid>,
) -> Result<Vec<Oid>, git2::Error> {
    let mut found = Vec::new();
    while let Some((id, kind)) = open.pop() {
        if !met.insert(id) {
            continue;
        }
        found.push(id);
        if kind == ObjectType::Commit {
            let commit = repository.find_commit(id)?;
            open.push((commit.tree_id(), ObjectType::Tree));
            open.extend(commit.parent_ids().map(|parent| (parent, ObjectType::Commit)));
        } else if kind == ObjectType::Tree {
            // The commit of a submodule is in another repository.
            let is_here = |kind: &ObjectType| matches!(kind, ObjectType::Tree | ObjectType::Blob);
            let folder = repository.find_tree(id)?;
            open.extend(folder.iter().filter_map(|entry| Some((entry.id(), entry.kind().filter(is_here)?))));
        }
    }
    Ok(found)
}

/// Compressors that are used again and again. One with a small window is ready sooner, and most objects are small.
struct Deflate {
    small: Compress,
    large: Option<Compress>,
}

/// A window of 8 KiB.
const SMALL_BITS: u8 = 13;

impl Default for Deflate {
    fn default() -> Self {
        Self { small: Compress::new_with_window_bits(Compression::fast(), true, SMALL_BITS), large: None }
    }
}

impl Deflate {
    fn fit(&mut self, bytes: &[u8]) -> &mut Compress {
        if bytes.len() <= 1 << SMALL_BITS {
            return &mut self.small;
        }
        self.large.get_or_insert_with(|| Compress::new(Compression::fast(), true))
    }
}

/// The object's type and size, then its content through zlib.
fn packed(deflate: &mut Compress, kind: ObjectKind, bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() / 2 + 64);
    let mut size = bytes.len() as u64;
    let mut byte = (kind as u8) << 4 | (size & 0x0f) as u8;
    size >>= 4;
    while size > 0 {
        packed.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    packed.push(byte);
    deflate.reset();
    loop {
        // The counter is of this object alone, since the last `reset`.
        let rest = &bytes[deflate.total_in() as usize..];
        let flush = if rest.len() > u32::MAX as usize { FlushCompress::None } else { FlushCompress::Finish };
        let status = deflate.compress_vec(rest, &mut packed, flush).expect("deflate takes any bytes");
        if status == Status::StreamEnd {
            return packed;
        }
        packed.reserve(bytes.len() / 4 + 64);
    }
}

/// An index of version 2 of objects (id, CRC-32 of the packed bytes, offset) in order of id.
fn index_of(rows: &[(Id, u32, u64)], checksum: &Id) -> Vec<u8> {
    let mut index = Vec::with_capacity(1072 + 28 * rows.len());
    index.extend(b"\xfftOc\0\0\0\x02");
    for first in 0..=u8::MAX {
        let up_to = rows.partition_point(|(id, ..)| id[0] <= first);
        index.extend((up_to as u32).to_be_bytes());
    }
    rows.iter().for_each(|(id, ..)| index.extend(id));
    rows.iter().for_each(|(_, crc, _)| index.extend(crc.to_be_bytes()));
    let mut large = Vec::new();
    for (.., offset) in rows {
        if *offset < LARGE {
            index.extend((*offset as u32).to_be_bytes());
        } else {
            index.extend((LARGE as u32 | (large.len() / 8) as u32).to_be_bytes());
            large.extend(offset.to_be_bytes());
        }
    }
    index.extend(large);
    index.extend(checksum);
    let own: Id = Sha1::digest(&index).into();
    index.extend(own);
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        assert_eq!(hex(&id(ObjectKind::Blob, b"")), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(hex(&id(ObjectKind::Tree, b"")), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn offsets_beyond_two_gigabytes_go_to_the_second_table() {
        let rows = [([1; 20], 7, 12), ([2; 20], 8, 1 << 31), ([3; 20], 9, 5 << 32)];
        let index = index_of(&rows, &[0xee; 20]);
        let table = 8 + 1024 + 3 * 24;
        assert_eq!(index[table..table + 12], *b"\0\0\0\x0c\x80\0\0\0\x80\0\0\x01");
        assert_eq!(index[table + 12..table + 28], *b"\0\0\0\0\x80\0\0\0\0\0\0\x05\0\0\0\0");
        assert_eq!(index[table + 28..table + 48], [0xee; 20]);
        assert_eq!(index.len(), table + 68);
    }
}
