//! One more commit on the branch of a repository that somebody works in: prepared without touching the work tree, then
//! put in place so that a run that is killed is finished by the next.
//!
//! While it is put in place, the file `MOVING` names the commit. The files come first, each by one rename, then the index,
//! then the branch, then that file goes.

use std::fs;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{Commit, Delta, ErrorCode, FileMode, ObjectType, Odb, Oid, Repository, StatusOptions};

use super::GitError;
use super::commit::NewCommit;
use super::read::{self, CommitFiles};
use crate::error::{Blame, Fault, shell_quoted};
use crate::model::author::Signature;
use crate::model::text::named;
use crate::model::tree::{File, TreePath};

/// The file in git's folder that names a commit that is being put in place. It is no reference: a process that is killed
/// while it writes one leaves a lock behind.
const MOVING: &str = "apiscaffold-moving";
/// How many changed files a message names.
pub const NAMED: usize = 5;

/// The commit that a branch is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit's id (hex).
    pub commit: String,
    /// The branch's full name.
    pub branch: String,
}

impl Head {
    /// The branch's name without `refs/heads/`.
    pub fn name(&self) -> &str {
        self.branch.trim_start_matches("refs/heads/")
    }
}

/// A file that is to be different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEdit {
    /// Where it is.
    pub path: TreePath,
    /// What it will be; none when it goes.
    pub file: Option<File>,
}

/// A repository that takes no commit.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("`{}` has changes that are not committed: {}", folder.display(), named(files, NAMED))]
    Dirty { folder: PathBuf, files: Vec<String> },
    /// A file is to be made where something is.
    #[error("`{path}` is in the way in `{}`: the change makes a file of that name", folder.display())]
    InTheWay {
        folder: PathBuf,
        /// Where the file is to be.
        path: TreePath,
    },
    #[error("`{}` is on no branch", .0.display())]
    Detached(PathBuf),
    #[error("`{}` was changed by somebody else at the same time", .0.display())]
    Moved(PathBuf),
    #[error("git cannot change the repository `{}`", folder.display())]
    Here {
        folder: PathBuf,
        #[source]
        source: git2::Error,
    },
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Blame for ChangeError {
    fn fault(&self) -> Fault {
        match self {
            Self::Dirty { .. } | Self::InTheWay { .. } | Self::Detached(_) | Self::Moved(_) => Fault::Conflict,
            Self::Here { .. } => Fault::Environment,
            Self::Git(error) => error.fault(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Dirty { .. } => "commit or stash them, then run the same command again".to_owned(),
            Self::InTheWay { .. } => "rename what is there, then run the same command again".to_owned(),
            Self::Detached(folder) => {
                format!("check a branch out first: git -C {} switch main", shell_quoted(folder.display()))
            }
            Self::Moved(_) => "run the same command again".to_owned(),
            Self::Here { folder, source } if source.code() == ErrorCode::Locked => {
                let lock = match source.class() {
                    git2::ErrorClass::Index => shell_quoted(folder.join(".git/index.lock").display()),
                    _ => "the lock file that the cause names".to_owned(),
                };
                format!("another git is at work there; if none is, remove {lock}, then run the same command again")
            }
            Self::Here { folder, .. } => format!("see what git says: git -C {} status", shell_quoted(folder.display())),
            Self::Git(error) => return error.hint(),
        })
    }
}

/// The branch that is checked out, and where it is.
pub fn head(folder: &Path) -> Result<Head, ChangeError> {
    let repository = read::open(folder)?;
    let here = at(folder);
    if repository.head_detached().map_err(&here)? {
        return Err(ChangeError::Detached(folder.to_owned()));
    }
    let head = repository.head().map_err(|source| match source.code() {
        ErrorCode::UnbornBranch => ChangeError::Git(GitError::NoCommit { path: folder.to_owned() }),
        _ => here(source),
    })?;
    let commit = head.peel_to_commit().map_err(&here)?.id().to_string();
    Ok(Head { commit, branch: String::from_utf8_lossy(head.name_bytes()).into_owned() })
}

/// The id (hex) of the tree of a commit.
pub fn tree_of(folder: &Path, commit: &str) -> Result<String, ChangeError> {
    let repository = read::open(folder)?;
    found(&repository, commit).map(|commit| commit.tree_id().to_string()).map_err(at(folder))
}

/// Refuses when tracked files differ from the last commit.
pub fn must_be_clean(folder: &Path) -> Result<(), ChangeError> {
    clean_but_for(&read::open(folder)?, folder, &[])
}

/// The tracked files that differ from the last commit.
pub fn uncommitted(folder: &Path) -> Result<Vec<String>, ChangeError> {
    differing(&read::open(folder)?).map_err(at(folder))
}

/// Writes a commit on top of `parent` without moving anything; its id (hex). A file takes the place of a file only.
///
/// # Errors
/// `InTheWay` when it does not; `Sign` when the commit is to be signed, and cannot be.
pub fn prepare(folder: &Path, parent: &str, edits: &[FileEdit], new: &NewCommit) -> Result<String, ChangeError> {
    let repository = read::open(folder)?;
    let tree = found(&repository, parent).and_then(|parent| parent.tree()).map_err(at(folder))?;
    if let Some(edit) = edits.iter().find(|edit| edit.file.is_some() && is_blocked(&tree, edit.path.as_str())) {
        return Err(ChangeError::InTheWay { folder: folder.to_owned(), path: edit.path.clone() });
    }
    let write = || {
        let parent = found(&repository, parent)?;
        let mut update = TreeUpdateBuilder::new();
        for FileEdit { path, file } in edits {
            match file {
                Some(file) => {
                    let mode = if file.executable { FileMode::BlobExecutable } else { FileMode::Blob };
                    update.upsert(path.as_str(), repository.blob(&file.bytes)?, mode);
                }
                None => {
                    update.remove(path.as_str());
                }
            }
        }
        let tree = repository.find_tree(update.create_updated(&repository, &parent.tree()?)?)?;
        let author = signature(&new.author)?;
        let text = repository.commit_create_buffer(&author, &author, &new.message, &tree, &[&parent])?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let text = new.signing.sign(write().map_err(at(folder))?, &new.author).map_err(GitError::Sign)?;
    let put = |objects: Odb<'_>| objects.write(ObjectType::Commit, text.as_bytes());
    repository.odb().and_then(put).map(|id| id.to_string()).map_err(at(folder))
}

/// Puts a commit that [`prepare`] made in place: work tree, index and branch. Files that nobody changed stay untouched.
pub fn advance(folder: &Path, head: &Head, commit: &str) -> Result<(), ChangeError> {
    let repository = read::open(folder)?;
    let advance = Advance::new(&repository, folder, head, commit)?;
    clean_but_for(&repository, folder, &[])?;
    advance.overwrites_nothing()?;
    begin(&repository, commit)?;
    advance.finish()
}

/// Finishes what a run that was killed has left, if it left something; says whether it did.
pub fn resume(folder: &Path) -> Result<bool, ChangeError> {
    let repository = read::open(folder)?;
    let place = repository.path().join(MOVING);
    let id = match fs::read_to_string(&place) {
        Ok(id) => Oid::from_str(id.trim()).map_err(at(folder))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(GitError::Look { path: place, source }.into()),
    };
    let head = head(folder)?;
    let commit = repository.find_commit(id).map_err(at(folder))?;
    let is_next = commit.parent_ids().any(|parent| parent.to_string() == head.commit);
    if !is_next && id.to_string() != head.commit {
        // There are newer commits on the branch.
        end(&repository)?;
        return Ok(false);
    }
    let advance = Advance::new(&repository, folder, &head, &id.to_string())?;
    clean_but_for(&repository, folder, &advance.halfway()?)?;
    advance.overwrites_nothing()?;
    advance.finish()?;
    Ok(true)
}

fn at(folder: &Path) -> impl Fn(git2::Error) -> ChangeError {
    move |source| ChangeError::Here { folder: folder.to_owned(), source }
}

fn failed_at(path: &Path) -> impl Fn(io::Error) -> ChangeError {
    move |source| ChangeError::Git(GitError::Write { path: path.to_owned(), source })
}

fn found<'r>(repository: &'r Repository, commit: &str) -> Result<Commit<'r>, git2::Error> {
    repository.find_commit(Oid::from_str(commit)?)
}

fn signature(of: &Signature) -> Result<git2::Signature<'static>, git2::Error> {
    let [name, email] = of.fields();
    git2::Signature::new(&name, &email, &git2::Time::new(of.seconds.max(0), 0))
}

/// Whether something that is no plain file is at `path` of a tree, or no folder where one of its folders is to be.
fn is_blocked(tree: &git2::Tree<'_>, path: &str) -> bool {
    let mode = |path: &str| tree.get_path(Path::new(path)).ok().map(|entry| entry.filemode());
    let mut folders = path.match_indices('/').filter_map(|(end, _)| mode(&path[..end]));
    folders.any(|mode| mode != 0o040_000) || mode(path).is_some_and(|mode| mode & 0o170_000 != 0o100_000)
}

/// Writes down that `commit` is on its way, by one rename.
fn begin(repository: &Repository, commit: &str) -> Result<(), ChangeError> {
    let place = repository.path().join(MOVING);
    let failed = failed_at(&place);
    let mut new = tempfile::Builder::new().prefix(".apiscaffold-").tempfile_in(repository.path()).map_err(&failed)?;
    new.write_all(commit.as_bytes()).map_err(&failed)?;
    new.persist(&place).map_err(|error| failed(error.error))?;
    Ok(())
}

fn end(repository: &Repository) -> Result<(), ChangeError> {
    let place = repository.path().join(MOVING);
    match fs::remove_file(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed_at(&place)(error)),
        _ => Ok(()),
    }
}

/// `allowed` are files that may differ.
fn clean_but_for(repository: &Repository, folder: &Path, allowed: &[String]) -> Result<(), ChangeError> {
    let mut files = differing(repository).map_err(at(folder))?;
    files.retain(|path| !allowed.contains(path));
    if files.is_empty() { Ok(()) } else { Err(ChangeError::Dirty { folder: folder.to_owned(), files }) }
}

fn differing(repository: &Repository) -> Result<Vec<String>, git2::Error> {
    let mut options = StatusOptions::new();
    options.include_untracked(false).include_ignored(false);
    let statuses = repository.statuses(Some(&mut options))?;
    Ok(statuses.iter().map(|status| String::from_utf8_lossy(status.path_bytes()).into_owned()).collect())
}

/// A commit on its way into the work tree.
struct Advance<'a> {
    repository: &'a Repository,
    folder: &'a Path,
    head: &'a Head,
    to: Oid,
    /// Each file that it changes: path, before, after.
    files: Vec<(TreePath, Option<File>, Option<File>)>,
}

impl<'a> Advance<'a> {
    fn new(repository: &'a Repository, folder: &'a Path, head: &'a Head, to: &str) -> Result<Self, ChangeError> {
        let paths = || {
            let commit = found(repository, to)?;
            let parent = commit.parent(0)?;
            let diff = repository.diff_tree_to_tree(Some(&parent.tree()?), Some(&commit.tree()?), None)?;
            let path = |delta: git2::DiffDelta<'_>| {
                let file = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
                file.path_bytes().map(|path| String::from_utf8_lossy(path).into_owned())
            };
            let paths: Vec<String> = diff.deltas().filter_map(path).collect();
            Ok((parent.id().to_string(), paths, commit.id()))
        };
        let (parent, paths, to) = paths().map_err(at(folder))?;
        let (before, after) = (CommitFiles::open(folder, &parent)?, CommitFiles::open(folder, &to.to_string())?);
        let mut files = Vec::new();
        for path in paths {
            let path = TreePath::new(path).map_err(GitError::Path)?;
            let (before, after) = (before.get(path.as_str())?, after.get(path.as_str())?);
            files.push((path, before, after));
        }
        Ok(Self { repository, folder, head, to, files })
    }

    /// Refuses when a file that git does not know is where a new one is to be.
    fn overwrites_nothing(&self) -> Result<(), ChangeError> {
        for (path, before, after) in &self.files {
            let place = self.folder.join(path.as_str());
            let is_there = before.is_none() && fs::symlink_metadata(&place).is_ok();
            if is_there && !fs::read(&place).is_ok_and(|now| after.as_ref().is_some_and(|after| after.bytes == now)) {
                return Err(ChangeError::InTheWay { folder: self.folder.to_owned(), path: path.clone() });
            }
        }
        Ok(())
    }

    /// Files that are as they were or as they will be.
    fn halfway(&self) -> Result<Vec<String>, ChangeError> {
        let mut halfway = Vec::new();
        for (path, before, after) in &self.files {
            let place = self.folder.join(path.as_str());
            let now = match fs::read(&place) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(source) => return Err(GitError::Look { path: place, source }.into()),
            };
            let is = |file: &Option<File>| file.as_ref().map(|file| &*file.bytes) == now.as_deref();
            if is(before) || is(after) {
                halfway.push(path.to_string());
            }
        }
        Ok(halfway)
    }

    fn finish(&self) -> Result<(), ChangeError> {
        for (path, _, after) in &self.files {
            self.write(path, after.as_ref())?;
        }
        let put = || {
            let mut index = self.repository.index()?;
            for (path, _, after) in &self.files {
                let path = Path::new(path.as_str());
                if after.is_some() { index.add_path(path)? } else { index.remove_path(path)? }
            }
            index.write()?;
            if self.head.commit != self.to.to_string() {
                let from = Oid::from_str(&self.head.commit)?;
                let message = found(self.repository, &self.to.to_string())?;
                let message = format!("commit: {}", message.summary().ok().flatten().unwrap_or_default());
                self.repository.reference_matching(&self.head.branch, self.to, true, from, &message)?;
            }
            Ok(())
        };
        put().map_err(|error: git2::Error| match error.code() {
            ErrorCode::Modified => ChangeError::Moved(self.folder.to_owned()),
            _ => at(self.folder)(error),
        })?;
        end(self.repository)
    }

    /// The file appears by one rename, so that it is never half written.
    fn write(&self, path: &TreePath, file: Option<&File>) -> Result<(), ChangeError> {
        let target = self.folder.join(path.as_str());
        let failed = failed_at(&target);
        let Some(file) = file else {
            return match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        };
        let parent = target.parent().unwrap_or(self.folder);
        fs::create_dir_all(parent).map_err(&failed)?;
        let mut new = tempfile::Builder::new().prefix(".apiscaffold-").tempfile_in(parent).map_err(&failed)?;
        new.write_all(&file.bytes).map_err(&failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = if file.executable { 0o755 } else { 0o644 };
            new.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(&failed)?;
        }
        new.persist(&target).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
