//! Writing a tree to disk: beside its place, then there by one rename.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::TempDir;

use crate::error::{Blame, Fault};
use crate::model::tree::{File, Tree, TreePath};

/// How often a staging folder is made anew.
const TRIES: usize = 100;

/// A folder or file that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Something could not be made or written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// What was written.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Other runs of the same command keep removing what this one makes.
    #[error("other runs are at work in `{}`", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The place is taken.
    #[error("`{}` exists already, and stays unchanged", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
}

impl Blame for DiskError {
    fn fault(&self) -> Fault {
        match self {
            Self::Write { .. } | Self::Busy { .. } => Fault::Environment,
            Self::Exists { .. } => Fault::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Busy { .. } => "run the same command again when they are done",
            Self::Exists { .. } => "choose another name, or another folder with `--into`",
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space, then run the same command again"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "choose a folder that you may write to, with `--into`"
                }
                _ => "fix what the cause says, then run the same command again",
            },
        };
        Some(advice.to_owned())
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    move |source| DiskError::Write { path: path.to_owned(), source }
}

/// A folder beside the place it is for. When it is dropped before it is put there, it is removed.
#[derive(Debug)]
pub struct Staging {
    folder: TempDir,
    /// Held for as long as this run lives: the kernel lets go of it when the process dies, however it dies. Windows opens no
    /// folder as a file: there is no lock there, and what a killed run left behind stays.
    _lock: Option<fs::File>,
}

impl Staging {
    /// Makes a staging folder in `parent`, which is made as well, for the folder `name`, and removes those that killed runs left behind.
    pub fn new(parent: &Path, name: &str) -> Result<Self, DiskError> {
        fs::create_dir_all(parent).map_err(failed(parent))?;
        let prefix = format!(".apiscaffold-{name}-");
        remove_abandoned(parent, &prefix);
        for _ in 0..TRIES {
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(failed(parent))?;
            // Between its making and its locking another run may take the folder for an abandoned one.
            let lock = fs::File::open(folder.path()).ok();
            // A file system without locks only loses the cleaning up after a killed run.
            let _ = lock.as_ref().map(fs::File::lock);
            if folder.path().exists() {
                return Ok(Self { folder, _lock: lock });
            }
        }
        Err(DiskError::Busy { path: parent.to_owned() })
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the folder at `target` in one step.
    ///
    /// # Errors
    /// `Exists` when something is there by now.
    pub fn put(self, target: &Path) -> Result<(), DiskError> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(DiskError::Exists { path: target.to_owned() });
        }
        match fs::rename(self.folder.path(), target) {
            Ok(()) => {
                let _moved = self.folder.keep();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                Err(DiskError::Exists { path: target.to_owned() })
            }
            Err(error) => Err(failed(target)(error)),
        }
    }

    /// Puts the folder at `target`. A folder that is there is removed: the two change places in one step where the system
    /// can do that (Linux and macOS, on most file systems), so that nobody ever finds nothing; elsewhere in two.
    pub fn replace(self, target: &Path) -> Result<(), DiskError> {
        if fs::symlink_metadata(target).is_err() {
            return self.put(target);
        }
        if exchange(self.path(), target).is_ok() {
            return Ok(());
        }
        let parent = target.parent().unwrap_or(target);
        let aside = tempfile::tempdir_in(parent).map_err(failed(parent))?;
        let old = aside.path().join("old");
        fs::rename(target, &old).map_err(failed(target))?;
        self.put(target).inspect_err(|_| {
            // The error names what cannot be put back; it is then in the folder aside.
            let _ = fs::rename(&old, target);
        })
    }
}

/// Two folders change places.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn remove_abandoned(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let unlocked = fs::File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if unlocked {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes every file of `tree` below `folder`, which exists and holds none of them. Files are written once, on all
/// processors.
pub fn write(tree: &Tree, folder: &Path) -> Result<(), DiskError> {
    let make = |path: &str| {
        let path = folder.join(path);
        fs::create_dir(&path).map_err(failed(&path))
    };
    let all = folders(tree);
    all.iter().filter(|(path, held)| held.folders && !path.is_empty()).try_for_each(|(path, _)| make(path))?;
    let all: Vec<_> = all.into_iter().collect();
    all.into_par_iter().with_max_len(1).try_for_each(|(path, held)| {
        if !held.folders && !path.is_empty() {
            make(path)?;
        }
        held.files.into_par_iter().with_min_len(8).try_for_each(|(path, file)| {
            let path = folder.join(path.as_str());
            write_file(&path, file).map_err(failed(&path))
        })
    })
}

/// What is in a folder itself.
#[derive(Default)]
struct Held<'t> {
    files: Vec<(&'t TreePath, &'t File)>,
    /// Whether there are folders, which can only be made after it.
    folders: bool,
}

/// Every folder by its path: first the root, whose path is empty, and each before those in it.
fn folders(tree: &Tree) -> BTreeMap<&str, Held<'_>> {
    let mut folders: BTreeMap<&str, Held<'_>> = BTreeMap::new();
    let files: Vec<_> = tree.iter().collect();
    // Those that follow each other in one folder together: looking a folder up takes time.
    for run in files.chunk_by(|(one, _), (other, _)| one.folder() == other.folder()) {
        let mut folder = run[0].0.folder();
        let mut is_new = !folders.contains_key(folder);
        folders.entry(folder).or_default().files.extend(run);
        while is_new && !folder.is_empty() {
            (folder, _) = folder.rsplit_once('/').unwrap_or_default();
            is_new = !folders.contains_key(folder);
            folders.entry(folder).or_default().folders = true;
        }
    }
    folders
}

fn write_file(path: &Path, file: &File) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if file.executable { 0o777 } else { 0o666 });
    }
    options.open(path)?.write_all(&file.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let mut tree = Tree::new();
        for (path, executable) in [("a/b/c", false), ("a/run", true), ("z", false)] {
            let file = File { bytes: path.as_bytes().to_vec().into(), executable };
            tree.insert(TreePath::new(path).expect("a path"), file).expect("new");
        }
        tree
    }

    #[test]
    fn a_tree_is_written_with_its_modes_and_put_in_place_by_one_rename() {
        let parent = tempfile::tempdir().expect("a folder");
        let staging = Staging::new(parent.path(), "x").expect("staged");
        write(&sample(), staging.path()).expect("written");
        let target = parent.path().join("x");
        staging.put(&target).expect("put");
        assert_eq!(fs::read(target.join("a/b/c")).expect("there"), b"a/b/c");
        assert_eq!(fs::read_dir(parent.path()).expect("listed").count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &str| fs::metadata(target.join(path)).expect("there").permissions().mode() & 0o100;
            assert_eq!((mode("a/run"), mode("z")), (0o100, 0));
        }
    }

    #[test]
    fn a_folder_is_replaced_by_another_and_nothing_of_it_is_left() {
        let parent = tempfile::tempdir().expect("a folder");
        let target = parent.path().join("x");
        for round in ["first", "second"] {
            let staging = Staging::new(parent.path(), "x").expect("staged");
            fs::write(staging.path().join(round), "").expect("written");
            staging.replace(&target).expect("replaced");
            let names: Vec<_> =
                fs::read_dir(&target).expect("there").flatten().map(|entry| entry.file_name()).collect();
            assert_eq!(names, [round]);
        }
        assert_eq!(fs::read_dir(parent.path()).expect("listed").count(), 1);
    }

    #[test]
    fn what_exists_is_not_touched_and_nothing_is_left_behind() {
        let parent = tempfile::tempdir().expect("a folder");
        let target = parent.path().join("x");
        fs::write(&target, "mine").expect("written");
        let staging = Staging::new(parent.path(), "x").expect("staged");
        assert!(matches!(staging.put(&target), Err(DiskError::Exists { .. })));
        assert_eq!(fs::read(&target).expect("there"), b"mine");
        assert_eq!(fs::read_dir(parent.path()).expect("listed").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn an_abandoned_staging_folder_is_removed_and_a_live_one_is_not() {
        let parent = tempfile::tempdir().expect("a folder");
        let live = Staging::new(parent.path(), "x").expect("staged");
        let dead = parent.path().join(".apiscaffold-x-dead");
        fs::create_dir(&dead).expect("made");
        let _next = Staging::new(parent.path(), "x").expect("staged");
        assert!(live.path().exists() && !dead.exists());
    }
}
