//! All of git: reading a tree, the first commit, publishing it, fetching a template. Nothing else uses `git2`.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Blame, Fault, shell_quoted};
use crate::model::tree::PathError;

pub mod change;
pub mod commit;
mod index;
pub mod merge;
mod pack;
pub mod publish;
mod push;
pub mod read;
pub mod remote;
pub mod sign;
pub mod store;
mod transport;
pub mod worktree;

#[cfg(test)]
mod tests;

/// A repository that could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("cannot write `{}`", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read `{}`", path.display())]
    Look {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not a git repository", path.display())]
    NotARepository { path: PathBuf },
    #[error("the git repository `{}` belongs to another user", path.display())]
    Untrusted { path: PathBuf },
    #[error("`{}` is part of a git repository, and not of its work tree", path.display())]
    NoWorkTree { path: PathBuf },
    #[error("`{}` is ignored by the git repository `{}`, so that none of its files would be used", path.display(), root.display())]
    Ignored { path: PathBuf, root: PathBuf },
    #[error("cannot read the git repository `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: git2::Error,
    },
    #[error("the git repository `{}` has no commit yet", path.display())]
    NoCommit { path: PathBuf },
    #[error("`{}` has no commit, tag or branch `{revision}`", path.display())]
    UnknownRevision {
        path: PathBuf,
        revision: String,
        /// A tag or branch that is likely meant.
        near: Option<String>,
        #[source]
        source: git2::Error,
    },
    #[error("more than one object of `{}` has an id that begins with `{revision}`", path.display())]
    AmbiguousRevision { path: PathBuf, revision: String },
    #[error("commit {commit} of `{}` has no folder `{folder}`", path.display())]
    UnknownFolder { path: PathBuf, commit: String, folder: String },
    #[error("`{}` cannot be used: {reason}", path.escape_debug())]
    Unsupported {
        path: String,
        /// Why not, as half a sentence.
        reason: &'static str,
    },
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Sign(#[from] sign::SignError),
}

impl Blame for GitError {
    fn fault(&self) -> Fault {
        match self {
            Self::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => Fault::Conflict,
            Self::Write { .. } | Self::Look { .. } | Self::Unreadable { .. } => Fault::Environment,
            Self::Untrusted { .. } => Fault::Permission,
            Self::NotARepository { .. }
            | Self::NoWorkTree { .. }
            | Self::Ignored { .. }
            | Self::NoCommit { .. }
            | Self::UnknownRevision { .. }
            | Self::AmbiguousRevision { .. }
            | Self::UnknownFolder { .. } => Fault::Input,
            Self::Unsupported { .. } => Fault::Template,
            Self::Path(error) => error.fault(),
            Self::Sign(error) => error.fault(),
        }
    }

    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Write { source, .. } => return Some(advice_on_writing(source.kind()).to_owned()),
            Self::Look { .. } => "fix what the cause says, then run the same command again",
            Self::NotARepository { .. } => "give the folder of a git repository, the one that holds `.git`",
            Self::Untrusted { path } => {
                return Some(format!(
                    "if you trust it: git config --global --add safe.directory {}",
                    shell_quoted(path.display())
                ));
            }
            Self::Unreadable { path, .. } => {
                return Some(format!("see what git says: git -C {} fsck", shell_quoted(path.display())));
            }
            Self::NoWorkTree { .. } => {
                "name a folder of a work tree; of a bare repository a commit is read: give it with `--at REVISION`"
            }
            Self::Ignored { .. } => "take it out of `.gitignore`, or name a copy outside of the repository",
            Self::NoCommit { .. } => "commit the files of the template there first",
            Self::UnknownRevision { near: Some(near), .. } => return Some(format!("did you mean `{near}`?")),
            Self::UnknownRevision { path, .. } => {
                return Some(format!("see what there is: git -C {} for-each-ref", shell_quoted(path.display())));
            }
            Self::AmbiguousRevision { .. } => "give more digits of the id",
            Self::UnknownFolder { path, commit, .. } => {
                return Some(format!(
                    "see which folders there are: git -C {} ls-tree -rd --name-only {commit}",
                    shell_quoted(path.display())
                ));
            }
            Self::Unsupported { .. } => "take it out of the template, or put a plain file in its place",
            Self::Path(error) => return error.hint(),
            Self::Sign(error) => return error.hint(),
        };
        Some(advice.to_owned())
    }
}

fn advice_on_writing(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, then run the same command again",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose a folder that you may write to",
        io::ErrorKind::AlreadyExists => "choose a folder that is not a git repository yet",
        _ => "fix what the cause says, then run the same command again",
    }
}

fn failed_to_write(path: &Path) -> impl FnOnce(io::Error) -> GitError {
    move |source| GitError::Write { path: path.to_owned(), source }
}
