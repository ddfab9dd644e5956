//! A commit's files as a tree, straight from the object database.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use git2::{ErrorCode, ObjectType, Oid, Repository};
use rayon::prelude::*;

use super::GitError;
use crate::error::nearest;
use crate::model::refs;
use crate::model::tree::{File, Tree, TreePath};

/// Fewest files that are worth another thread, which opens the repository anew.
const SHARE_MIN: usize = 64;

/// Most files and folders of a tree: small objects can name each other to make any number of paths.
const ENTRIES_MAX: usize = 200_000;

/// Most bytes of all files together: one small object can stand at any number of paths.
const BYTES_MAX: usize = 512 << 20;

/// Longest path in bytes, the longest that Linux opens.
const PATH_MAX: usize = 4096;

/// The files of `revision` (tag, branch, commit id, also shortened; `None` is `HEAD`) of the repository in the folder
/// `repository` (its work tree, or its git folder), below `subfolder` if one is given; and the commit's full id.
///
/// # Errors
/// An unknown revision or folder, a folder that is no repository (all `Fault::Input`); a symbolic link, submodule or
/// path that a tree does not take (`Fault::Template`); a repository that cannot be read.
pub fn tree_at(repository: &Path, revision: Option<&str>, subfolder: Option<&str>) -> Result<(Tree, String), GitError> {
    let opened = open(repository)?;
    let unreadable = |source| GitError::Unreadable { path: repository.to_owned(), source };
    let commit = commit_at(&opened, repository, revision)?;
    let id = commit.id().to_string();
    let mut root = commit.tree().map_err(unreadable)?;
    for name in subfolder.unwrap_or_default().split('/').filter(|name| !name.is_empty() && *name != ".") {
        let folder = root.get_name(name).filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id());
        let Some(folder) = folder else {
            let folder = subfolder.unwrap_or_default().to_owned();
            return Err(GitError::UnknownFolder { path: repository.to_owned(), commit: id, folder });
        };
        root = opened.find_tree(folder).map_err(unreadable)?;
    }
    let found = files_below(&opened, root.id(), repository)?;
    let share = found.len().div_ceil(2 * rayon::current_num_threads()).max(SHARE_MIN);
    let left = AtomicUsize::new(BYTES_MAX);
    let contents: Vec<Vec<Vec<u8>>> =
        found.par_chunks(share).map(|part| contents(repository, part, &left)).collect::<Result<_, _>>()?;
    let mut tree = Tree::new();
    for (file, bytes) in found.into_iter().zip(contents.into_iter().flatten()) {
        tree.insert(file.path, File { bytes: bytes.into(), executable: file.executable })?;
    }
    Ok((tree, id))
}

/// The files of one commit, each read when it is asked for: what a repository holds beside them costs nothing. The
/// repository is opened once.
pub struct CommitFiles {
    repository: Repository,
    root: Oid,
    place: PathBuf,
}

impl CommitFiles {
    /// Those of the commit with this id (hex) of the repository in `place`.
    ///
    /// # Errors
    /// There is no repository, or no such commit.
    pub fn open(place: &Path, commit: &str) -> Result<Self, GitError> {
        let repository = open(place)?;
        let root = commit_at(&repository, place, Some(commit))?.tree_id();
        Ok(Self { repository, root, place: place.to_owned() })
    }

    /// The file at `path`, `/` between names; none when nothing is there, or something that is no plain file.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn get(&self, path: &str) -> Result<Option<File>, GitError> {
        let unreadable = |source| GitError::Unreadable { path: self.place.clone(), source };
        // libgit2 takes an empty path for a fault.
        if path.is_empty() {
            return Ok(None);
        }
        let root = self.repository.find_tree(self.root).map_err(unreadable)?;
        let entry = match root.get_path(Path::new(path)) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let executable = match entry.filemode() {
            0o100_755 => true,
            0o100_644 | 0o100_664 => false,
            _ => return Ok(None),
        };
        let blob = self.repository.find_blob(entry.id()).map_err(unreadable)?;
        Ok(Some(File { bytes: blob.content().to_vec().into(), executable }))
    }
}

/// The name of the newest base of the repository in `folder`; none when it has none, or when there is no repository.
///
/// # Errors
/// The repository cannot be read.
pub fn base(folder: &Path) -> Result<Option<String>, GitError> {
    let repository = match open(folder) {
        Ok(repository) => repository,
        Err(GitError::NotARepository { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    base_of(&repository).map_err(|source| GitError::Unreadable { path: folder.to_owned(), source })
}

pub(super) fn base_of(repository: &Repository) -> Result<Option<String>, git2::Error> {
    let mut references = repository.references_glob(&format!("{}*", refs::OLD_BASE))?;
    let names: Vec<String> = references.names().filter_map(|name| name.ok().map(str::to_owned)).collect();
    Ok(refs::newest_base(names.iter().map(String::as_str)).map(str::to_owned))
}

/// Opens the repository in `path` itself, not in a folder above.
pub(super) fn open(path: &Path) -> Result<Repository, GitError> {
    Repository::open(path).map_err(|source| match source.code() {
        ErrorCode::NotFound => GitError::NotARepository { path: path.to_owned() },
        ErrorCode::Owner => GitError::Untrusted { path: path.to_owned() },
        _ => GitError::Unreadable { path: path.to_owned(), source },
    })
}

fn commit_at<'a>(
    repository: &'a Repository,
    path: &Path,
    revision: Option<&str>,
) -> Result<git2::Commit<'a>, GitError> {
    let Some(revision) = revision else {
        return repository.head().and_then(|head| head.peel_to_commit()).map_err(|source| match source.code() {
            ErrorCode::UnbornBranch => GitError::NoCommit { path: path.to_owned() },
            _ => GitError::Unreadable { path: path.to_owned(), source },
        });
    };
    let object = repository.revparse_single(revision);
    object.and_then(|object| object.peel_to_commit()).map_err(|source| match source.code() {
        ErrorCode::Ambiguous => GitError::AmbiguousRevision { path: path.to_owned(), revision: revision.to_owned() },
        _ => GitError::UnknownRevision {
            path: path.to_owned(),
            revision: revision.to_owned(),
            near: nearest(revision, names(repository).iter().map(String::as_str)).map(str::to_owned),
            source,
        },
    })
}

/// Tags and branches, those of remotes too. They only serve a hint: what cannot be listed is left out.
fn names(repository: &Repository) -> Vec<String> {
    let Ok(references) = repository.references() else { return Vec::new() };
    let spoken = ["refs/tags/", "refs/heads/", "refs/remotes/"];
    references
        .flatten()
        .filter_map(|reference| {
            let name = reference.name().ok()?;
            spoken.iter().find_map(|prefix| name.strip_prefix(prefix)).map(str::to_owned)
        })
        .collect()
}

/// A file that was found in a git tree.
struct TreeFile {
    path: TreePath,
    blob: Oid,
    executable: bool,
}

/// Every file below a git tree. Without recursion: the depth is the template's choice.
fn files_below(repository: &Repository, root: Oid, at: &Path) -> Result<Vec<TreeFile>, GitError> {
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), root)];
    let mut seen = 0;
    while let Some((prefix, id)) = folders.pop() {
        let tree = repository.find_tree(id).map_err(|source| GitError::Unreadable { path: at.to_owned(), source })?;
        for entry in &tree {
            let refused = |reason| GitError::Unsupported {
                path: format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes())),
                reason,
            };
            seen += 1;
            if seen > ENTRIES_MAX {
                return Err(refused("there are more than 200,000 files and folders before it"));
            }
            if prefix.len() + entry.name_bytes().len() > PATH_MAX {
                return Err(refused("its path is longer than 4,096 bytes"));
            }
            let name = str::from_utf8(entry.name_bytes()).map_err(|_| refused("its name is not UTF-8"))?;
            let path = TreePath::new(format!("{prefix}{name}"))?;
            match entry.filemode() {
                0o040_000 => folders.push((format!("{path}/"), entry.id())),
                0o120_000 => return Err(refused("it is a symbolic link")),
                0o160_000 => return Err(refused("it is a submodule")),
                mode => files.push(TreeFile { path, blob: entry.id(), executable: mode & 0o100 != 0 }),
            }
        }
    }
    Ok(files)
}

/// The contents of some files, through a repository of this thread's own. `left` is what all threads may still read.
fn contents(repository: &Path, files: &[TreeFile], left: &AtomicUsize) -> Result<Vec<Vec<u8>>, GitError> {
    let opened = open(repository)?;
    let unreadable = |source| GitError::Unreadable { path: repository.to_owned(), source };
    let objects = opened.odb().map_err(unreadable)?;
    let read = |file: &TreeFile| {
        let (size, _) = objects.read_header(file.blob).map_err(unreadable)?;
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size)).is_err() {
            let reason = "with it the files are more than 512 MiB";
            return Err(GitError::Unsupported { path: file.path.to_string(), reason });
        }
        opened.find_blob(file.blob).map(|blob| blob.content().to_vec()).map_err(unreadable)
    };
    files.iter().map(read).collect()
}
