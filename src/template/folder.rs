//! A folder of this machine as a `Tree`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rayon::prelude::*;

use crate::error::{Blame, Fault};
use crate::model::tree::{self, PathError, Tree, TreePath};

const MOST_FILES: usize = 100_000;
/// The most bytes that are read, over all files: 512 MiB.
const MOST_BYTES: u64 = 512 << 20;

const LINK: &str = "it is a symbolic link, which could lead out of the template";
const SPECIAL: &str = "it is neither a file nor a folder";

/// How many files a thread reads at a time.
const BATCH_LEAST: usize = 8;
const BATCH_MOST: usize = 64;
/// How much memory a thread reserves for them.
const BATCH_BYTES: usize = 128 << 10;

/// Reads every file below `folder` but `.git`, as it is.
///
/// Symbolic links, special files and names that are not UTF-8 are refused, as are more than 100,000 files or 512 MiB.
pub fn read_folder(folder: &Path) -> Result<Tree, FolderError> {
    read_limited(folder, None, MOST_FILES, MOST_BYTES)
}

/// Reads these files, which are paths below `folder`, as [`read_folder`] does.
pub fn read_files(folder: &Path, files: Vec<String>) -> Result<Tree, FolderError> {
    read_limited(folder, Some(files), MOST_FILES, MOST_BYTES)
}

/// Whether there is a folder at this place.
pub fn check_is_folder(folder: &Path) -> Result<(), FolderError> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FolderError::Missing { path: folder.into() }),
        Ok(found) if !found.is_dir() => Err(FolderError::NotAFolder { path: folder.into() }),
        _ => Ok(()),
    }
}

fn read_limited(
    folder: &Path,
    files: Option<Vec<String>>,
    most_files: usize,
    most_bytes: u64,
) -> Result<Tree, FolderError> {
    check_is_folder(folder)?;
    let paths = match files {
        None => walk(folder, most_files)?,
        Some(files) => listed(folder, files, most_files)?,
    };
    let budget = ByteBudget { taken: AtomicU64::new(0), limit: most_bytes };
    let read = |batch: Batch, path: TreePath| {
        let on_disk = folder.join(path.as_str());
        match batch.read(&on_disk, path, &budget) {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => Err(FolderError::TooLarge { path: folder.into() }),
            Err(source) => Err(FolderError::Unreadable { path: on_disk, source }),
        }
    };
    let paths = paths.into_par_iter().with_min_len(BATCH_LEAST).with_max_len(BATCH_MOST);
    let batches: Result<Vec<_>, _> = paths.try_fold(Batch::new, read).collect();
    let files = batches?.into_iter().flat_map(Batch::files).collect();
    // Two files have one path only when another process changes the folder meanwhile.
    Tree::of(files).map_err(|mut errors| FolderError::Path { source: errors.swap_remove(0) })
}

/// Every file below `folder`; all folders of one depth are read at a time.
fn walk(folder: &Path, most_files: usize) -> Result<Vec<TreePath>, FolderError> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while !folders.is_empty() {
        let read: Result<Vec<Entries>, _> = folders.par_iter().map(|path| entries(folder, path, most_files)).collect();
        folders = Vec::new();
        for found in read? {
            files.extend(found.files);
            folders.extend(found.folders);
        }
        if files.len() > most_files {
            return Err(FolderError::TooMany { path: folder.into(), limit: most_files });
        }
    }
    Ok(files)
}

/// The files of a list, each of which must be one.
fn listed(folder: &Path, files: Vec<String>, most_files: usize) -> Result<Vec<TreePath>, FolderError> {
    if files.len() > most_files {
        return Err(FolderError::TooMany { path: folder.into(), limit: most_files });
    }
    let checked = |path: String| {
        let on_disk = folder.join(&path);
        let found = fs::symlink_metadata(&on_disk);
        let kind = found.map_err(|source| FolderError::Unreadable { path: on_disk.clone(), source })?.file_type();
        match kind {
            kind if kind.is_symlink() => Err(FolderError::Refused { path: on_disk, reason: LINK }),
            kind if !kind.is_file() => Err(FolderError::Refused { path: on_disk, reason: SPECIAL }),
            _ => TreePath::new(path).map_err(|source| FolderError::Path { source }),
        }
    };
    files.into_par_iter().map(checked).collect()
}

/// The paths of what is in one folder.
#[derive(Default)]
struct Entries {
    files: Vec<TreePath>,
    folders: Vec<String>,
}

/// What is in the folder at `path` of the tree in `root`; an empty path is that of the root.
fn entries(root: &Path, path: &str, most_files: usize) -> Result<Entries, FolderError> {
    let (folder, prefix) = match path {
        "" => (root.to_owned(), String::new()),
        _ => (root.join(path), format!("{path}/")),
    };
    let unreadable = |source| FolderError::Unreadable { path: folder.clone(), source };
    let mut entries = Entries::default();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        if name == ".git" {
            continue;
        }
        let refused = |reason| FolderError::Refused { path: entry.path(), reason };
        let name = name.to_str().ok_or_else(|| refused("its name is not UTF-8"))?;
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            entries.folders.push(format!("{prefix}{name}"));
        } else if kind.is_symlink() {
            return Err(refused(LINK));
        } else if !kind.is_file() {
            return Err(refused(SPECIAL));
        } else if entries.files.len() > most_files {
            return Err(FolderError::TooMany { path: folder, limit: most_files });
        } else {
            let path = TreePath::new(format!("{prefix}{name}"));
            entries.files.push(path.map_err(|source| FolderError::Path { source })?);
        }
    }
    Ok(entries)
}

/// The bytes that may still be read, over all threads.
struct ByteBudget {
    taken: AtomicU64,
    limit: u64,
}

impl ByteBudget {
    fn take(&self, bytes: u64) -> bool {
        self.taken.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= self.limit
    }
}

/// Files that a thread reads one after the other into one buffer: a buffer for each costs as much time as the reading.
struct Batch {
    bytes: Vec<u8>,
    files: Vec<(TreePath, Range<usize>, bool)>,
}

impl Batch {
    fn new() -> Self {
        Self { bytes: Vec::with_capacity(BATCH_BYTES), files: Vec::with_capacity(BATCH_LEAST) }
    }

    /// The batch with one file more; nothing when the file exceeds the budget.
    fn read(mut self, on_disk: &Path, path: TreePath, budget: &ByteBudget) -> io::Result<Option<Self>> {
        let file = File::open(on_disk)?;
        let found = file.metadata()?;
        if !budget.take(found.len()) {
            return Ok(None);
        }
        // A file of unknown length has length 0, and may have no end.
        let limit = if found.len() == 0 { budget.limit } else { found.len() };
        let start = self.bytes.len();
        self.bytes.reserve(usize::try_from(found.len()).unwrap_or_default());
        file.take(limit).read_to_end(&mut self.bytes)?;
        self.files.push((path, start..self.bytes.len(), is_executable(&found)));
        Ok(Some(self))
    }

    fn files(self) -> impl Iterator<Item = (TreePath, tree::File)> {
        let bytes = Bytes::from(self.bytes);
        let file = move |(path, range, executable)| (path, tree::File { bytes: bytes.slice(range), executable });
        self.files.into_iter().map(file)
    }
}

#[cfg(unix)]
fn is_executable(found: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// A folder that cannot be a template.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("there is no folder `{}`", path.display())]
    Missing { path: PathBuf },
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the template cannot hold `{}`: {reason}", path.display())]
    Refused { path: PathBuf, reason: &'static str },
    #[error("the template holds a file that cannot be used")]
    Path {
        #[source]
        source: PathError,
    },
    #[error("`{}` holds more than {limit} files", path.display())]
    TooMany { path: PathBuf, limit: usize },
    #[error("the files in `{}` are too large for a template", path.display())]
    TooLarge { path: PathBuf },
}

impl Blame for FolderError {
    fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. } | Self::NotAFolder { .. } | Self::TooMany { .. } | Self::TooLarge { .. } => {
                Fault::Input
            }
            Self::Unreadable { .. } => Fault::Environment,
            Self::Refused { .. } | Self::Path { .. } => Fault::Template,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => "give a folder, `gh:owner/repository` or a git URL",
            Self::NotAFolder { .. } => "give the folder that holds `apiscaffold.toml`",
            Self::Unreadable { .. } => "check its owner and its permissions",
            Self::Refused { .. } => "put a copy of the file there, or take it out of the template",
            Self::Path { .. } => "rename the file",
            Self::TooMany { .. } | Self::TooLarge { .. } => {
                "is this the right folder? With `--at REVISION` only what is committed is read; the limits are 100,000 files and 512 MiB"
            }
        };
        Some(hint.to_owned())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folder");
        fs::write(path, text).expect("write");
    }

    fn reason(folder: &Path) -> (Fault, String) {
        let error = read_folder(folder).expect_err("refused");
        (error.fault(), crate::error::render(&error))
    }

    #[test]
    fn files_are_read_as_they_are_without_gits_own() {
        let folder = folder();
        for (path, text) in
            [("a/b/c.txt", "x\r\n"), (".gitignore", "*"), ("run", "#!"), (".git/config", ""), ("sub/.git", "gitdir")]
        {
            write(folder.path(), path, text);
        }
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o755)).expect("mode");
        let tree = read_folder(folder.path()).expect("read");
        let found: Vec<_> = tree.iter().map(|(path, file)| (path.as_str(), file.text(), file.executable)).collect();
        assert_eq!(
            found,
            [(".gitignore", Some("*"), false), ("a/b/c.txt", Some("x\r\n"), false), ("run", Some("#!"), true)]
        );
    }

    #[test]
    fn links_sockets_and_strange_names_are_refused_by_name() {
        let linked = folder();
        symlink("/etc/passwd", linked.path().join("secret")).expect("link");
        let (fault, text) = reason(linked.path());
        assert!(fault == Fault::Template && text.contains("secret`: it is a symbolic link"), "{text}");

        let special = folder();
        let _socket = UnixListener::bind(special.path().join("sock")).expect("socket");
        assert!(reason(special.path()).1.contains("sock`: it is neither"));

        let strange = folder();
        fs::write(strange.path().join(OsStr::from_bytes(b"a\xff")), "").expect("write");
        assert!(reason(strange.path()).1.contains("not UTF-8"));

        let back = folder();
        write(back.path(), "a\\b", "");
        assert!(reason(back.path()).1.contains("backslash"));
    }

    #[test]
    fn of_a_list_nothing_else_is_read_and_links_are_refused() {
        let folder = folder();
        for path in ["a/b", "c", "d"] {
            write(folder.path(), path, path);
        }
        symlink("/etc/passwd", folder.path().join("link")).expect("link");
        let read = |files: &[&str]| read_files(folder.path(), files.iter().map(|path| (*path).to_owned()).collect());
        let tree = read(&["c", "a/b"]).expect("read");
        assert_eq!(tree.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["a/b", "c"]);
        for path in ["link", "a", "gone", "../x"] {
            assert!(read(&["c", path]).is_err(), "{path}");
        }
    }

    #[test]
    fn a_missing_folder_and_a_file_are_the_users_fault() {
        let folder = folder();
        write(folder.path(), "file", "");
        assert_eq!(reason(&folder.path().join("nothing")).0, Fault::Input);
        assert_eq!(reason(&folder.path().join("file")).0, Fault::Input);
    }

    #[test]
    fn the_limits_hold() {
        let folder = folder();
        for name in ["a", "b", "c"] {
            write(folder.path(), name, "12345");
        }
        assert_eq!(read_limited(folder.path(), None, 3, 15).expect("at the limits").len(), 3);
        assert!(matches!(read_limited(folder.path(), None, 2, 15), Err(FolderError::TooMany { .. })));
        assert!(matches!(read_limited(folder.path(), None, 3, 14), Err(FolderError::TooLarge { .. })));
    }
}
