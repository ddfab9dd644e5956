//! A commit's files as one archive in the cache: to read many objects out of a repository takes several times as long.
//!
//! An archive begins with a line for itself and one for each part, its length and its checksum (CRC-32); then come the
//! parts. A part is a line for each file (mode, length, path), an empty line, and the files' contents.
//!
//! The checksums find damage, not malice: as with all that is cached, who may write to the cache is trusted.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rayon::prelude::*;
use tempfile::NamedTempFile;

use super::remote::slug;
use crate::model::tree::{self, Tree, TreePath};

/// What an archive of this form begins with.
const FORM: &str = "apiscaffold-archive-1";
/// A part holds files until they have as many bytes: enough for one read, and few enough for all processors.
const PART_BYTES: usize = 256 << 10;

/// The place of a template's archive, of which there is one whatever the commit.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
}

impl Archive {
    /// That of `subfolder` of the repository `url` (or path), in the folder `cache`. Touches no disk.
    pub fn of(cache: &Path, url: &str, subfolder: Option<&str>) -> Self {
        let name = slug(&format!("{url}//{}", subfolder.unwrap_or_default()));
        Self { path: cache.join(format!("{name}.archive")) }
    }

    /// The template's files, if they are of `commit`, a full id, and as they were kept.
    pub fn read(&self, commit: &str) -> Option<Tree> {
        read(&self.path, commit).ok()
    }

    /// Keeps the files of `commit` instead of those of another. Where this fails, the next run only takes longer.
    pub fn keep(&self, tree: &Tree, commit: &str) {
        let _ = write(tree, commit, &self.path);
    }
}

/// The archive at `path`, if it is of `commit` and no bit of it has changed.
fn read(path: &Path, commit: &str) -> io::Result<Tree> {
    let parts: Vec<Vec<_>> = parts(path, commit)?.par_iter().map(|part| part.read(path)).collect::<Result<_, _>>()?;
    Tree::of(parts.into_iter().flatten().collect()).map_err(|_| unsound())
}

/// Where a part is.
struct Part {
    start: u64,
    length: u64,
    checksum: u32,
}

/// The parts of the archive at `path`, which fill it to its end.
fn parts(path: &Path, commit: &str) -> io::Result<Vec<Part>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut lines = BufReader::new(file);
    let mut line = String::new();
    let mut start = lines.read_line(&mut line)? as u64;
    let count = line.trim_end().strip_prefix(&format!("{FORM} {commit} ")).and_then(|count| count.parse().ok());
    let mut parts = Vec::new();
    for _ in 0..count.ok_or_else(unsound)? {
        line.clear();
        start += lines.read_line(&mut line)? as u64;
        let numbers = line.trim_end().split_once(' ');
        let numbers = numbers.and_then(|(length, checksum)| Some((length.parse().ok()?, checksum.parse().ok()?)));
        let (length, checksum) = numbers.ok_or_else(unsound)?;
        parts.push(Part { start: 0, length, checksum });
    }
    for part in &mut parts {
        part.start = start;
        start = start.checked_add(part.length).ok_or_else(unsound)?;
    }
    if start == size { Ok(parts) } else { Err(unsound()) }
}

impl Part {
    fn read(&self, path: &Path) -> io::Result<Vec<(TreePath, tree::File)>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).map_err(|_| unsound())?);
        file.take(self.length).read_to_end(&mut bytes)?;
        if crc32fast::hash(&bytes) != self.checksum {
            return Err(unsound());
        }
        files(&Bytes::from(bytes)).ok_or_else(unsound)
    }
}

/// The files of a part.
fn files(part: &Bytes) -> Option<Vec<(TreePath, tree::File)>> {
    let head = memchr::memmem::find(part, b"\n\n")?;
    let mut contents = part.slice(head + 2..);
    let file = |line: &str| {
        let (mode, rest) = line.split_once(' ')?;
        let (length, path) = rest.split_once(' ')?;
        let length = length.parse().ok().filter(|length| *length <= contents.len())?;
        let file = tree::File { bytes: contents.split_to(length), executable: mode == "755" };
        Some((TreePath::new(path).ok()?, file))
    };
    str::from_utf8(&part[..head]).ok()?.lines().map(file).collect()
}

/// Puts an archive of `tree` at `path` in one step.
fn write(tree: &Tree, commit: &str, path: &Path) -> io::Result<()> {
    let mut files = tree.iter().peekable();
    let mut parts = Vec::new();
    let mut lines = String::new();
    while files.peek().is_some() {
        let (mut head, mut held, mut bytes) = (String::new(), Vec::new(), 0);
        while let Some((path, file)) = files.next_if(|_| bytes < PART_BYTES) {
            let mode = if file.executable { "755" } else { "644" };
            head.push_str(&format!("{mode} {} {path}\n", file.bytes.len()));
            bytes += file.bytes.len();
            held.push(&file.bytes);
        }
        head.push('\n');
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(head.as_bytes());
        held.iter().for_each(|bytes| checksum.update(bytes));
        lines.push_str(&format!("{} {}\n", head.len() + bytes, checksum.finalize()));
        parts.push((head, held));
    }
    let mut archive = BufWriter::new(beside(path)?);
    write!(archive, "{FORM} {commit} {}\n{lines}", parts.len())?;
    for (head, held) in parts {
        archive.write_all(head.as_bytes())?;
        held.into_iter().try_for_each(|bytes| archive.write_all(bytes))?;
    }
    archive.into_inner()?.persist(path)?;
    Ok(())
}

/// A file beside `path`, locked until it is put there. Those of runs that were killed are removed.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let prefix = format!("{}-", path.file_name().unwrap_or_default().display());
    for entry in fs::read_dir(folder)?.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(&prefix);
        // One that another run has made and not locked yet goes too: that run ends without an archive.
        if is_ours && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            fs::remove_file(entry.path())?;
        }
    }
    let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder)?;
    file.as_file().lock()?;
    Ok(file)
}

fn unsound() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn tree_of(files: Vec<(String, Vec<u8>, bool)>) -> Tree {
        let mut tree = Tree::new();
        for (path, bytes, executable) in files {
            let file = tree::File { bytes: bytes.into(), executable };
            // One that does not fit beside the others is left out.
            let _ = tree.insert(TreePath::new(path).expect("a path"), file);
        }
        tree
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            files in prop::collection::vec(
                ("[a-c é'#]{1,3}(/[a-c.]{1,2}x){0,2}", prop::collection::vec(any::<u8>(), 0..40), any::<bool>()),
                0..20,
            ),
            large in 0..3 * PART_BYTES,
        ) {
            let mut files = files;
            files.push(("large".to_owned(), b"\n\n".repeat(large / 2), false));
            let tree = tree_of(files);
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("cache/x.archive");
            write(&tree, COMMIT, &path).expect("written");
            prop_assert_eq!(read(&path, COMMIT).expect("read"), tree);
            prop_assert!(read(&path, &COMMIT.replace('0', "1")).is_err());
        }
    }

    #[test]
    fn no_changed_bit_and_no_lost_end_goes_unseen() {
        let tree = tree_of(vec![("a".to_owned(), b"12\n\n".to_vec(), false), ("b/c".to_owned(), vec![0; 9], true)]);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.archive");
        write(&tree, COMMIT, &path).expect("written");
        let sound = fs::read(&path).expect("read");
        for at in 0..sound.len() {
            for bit in 0..8 {
                let mut bytes = sound.clone();
                bytes[at] ^= 1 << bit;
                fs::write(&path, &bytes).expect("written");
                assert!(read(&path, COMMIT).is_err(), "bit {bit} of byte {at}");
            }
            fs::write(&path, &sound[..at]).expect("written");
            assert!(read(&path, COMMIT).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn each_template_has_one_archive_of_one_commit() {
        let cache = tempfile::tempdir().expect("a folder");
        let archive = |url, subfolder| Archive::of(cache.path(), url, subfolder);
        let (one, other) = (tree_of(vec![("a".to_owned(), vec![1], false)]), Tree::new());
        archive("https://h/r", None).keep(&one, COMMIT);
        assert_eq!(archive("https://h/r", None).read(COMMIT), Some(one));
        for (url, subfolder) in [("https://h/r", Some("a")), ("https://h/q", None), ("http://h/r", None)] {
            assert_eq!(archive(url, subfolder).read(COMMIT), None);
        }
        let killed = format!("{}-killed", archive("https://h/r", None).path.display());
        fs::write(&killed, "half").expect("written");
        let later = COMMIT.replace('0', "1");
        archive("https://h/r", None).keep(&other, &later);
        assert_eq!(
            (archive("https://h/r", None).read(&later), archive("https://h/r", None).read(COMMIT)),
            (Some(other), None)
        );
        assert_eq!(fs::read_dir(cache.path()).expect("read").count(), 1, "what a killed run left is removed");
    }

    #[test]
    fn no_archive_is_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("cache"), "").expect("written");
        let archive = Archive::of(&folder.path().join("cache"), "https://h/r", None);
        archive.keep(&Tree::new(), COMMIT);
        assert_eq!(archive.read(COMMIT), None);
    }
}
