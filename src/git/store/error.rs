//! What can go wrong with a store, and who must act.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::ErrorCode;

use crate::error::{Blame, Fault, shell_quoted};
use crate::git::sign::SignError;
use crate::git::transport::NetworkError;

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something else is where the store should be.
    #[error("`{}` is not a bare git repository", folder.display())]
    NotAStore { folder: PathBuf },
    #[error("the git repository `{name}` has branches, but none called `main`")]
    NoMain { name: String },
    /// The branch is gone, or is not what came after what it was: to go on would give every name away once more.
    #[error("{}", match now {
        None => format!("`{name}` has lost its branch `main`, which was at commit {seen}"),
        Some(now) => format!("the branch `main` of `{name}` was set back or replaced: it is at commit {now}, which does not come after {seen}, where it was when this machine saw it last"),
    })]
    Lost {
        name: String,
        seen: String,
        now: Option<String>,
        /// The copy on this machine; none for a store that is read where it is.
        copy: Option<PathBuf>,
    },
    #[error("`{path}` in the git repository `{}` is a file where a folder should be, or a folder where a file should be", folder.display())]
    Obstacle { folder: PathBuf, path: String },
    #[error("`{}` was in use by others for {} seconds", path.display(), patience.as_secs())]
    Busy {
        /// The lock.
        path: PathBuf,
        patience: Duration,
    },
    /// The URL holds a password or what may be one; it is not repeated here.
    #[error("the URL of the shared repository holds a user or a password")]
    Secret,
    #[error("`{}` is not an address that git could fetch from here", url.escape_debug())]
    Unsupported { url: String },
    #[error("cannot {} `{url}`", if *writing { "write to" } else { "read" })]
    Network {
        url: String,
        writing: bool,
        #[source]
        source: NetworkError,
        cached: bool,
    },
    #[error("`{url}` refuses the change: {reason}{}", if said.is_empty() { String::new() } else { format!(" ({said})") })]
    Refused { url: String, reason: String, said: String },
    #[error("others kept changing `{url}` for {} seconds", patience.as_secs())]
    Crowded { url: String, patience: Duration },
    #[error("`{url}` cannot be changed offline")]
    Offline { url: String },
    #[error("there is no copy of `{url}` on this machine")]
    NotCached { url: String },
    #[error("cannot use `{}`", path.display())]
    Disk {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("git cannot use the repository `{}`", folder.display())]
    Git {
        folder: PathBuf,
        #[source]
        source: git2::Error,
    },
}

impl Blame for StoreError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotAStore { .. } | Self::NoMain { .. } | Self::Secret | Self::Unsupported { .. } => Fault::Input,
            Self::Offline { .. } | Self::NotCached { .. } => Fault::Input,
            Self::Network { source, .. } => source.fault(),
            Self::Refused { .. } => Fault::Permission,
            Self::Crowded { .. } => Fault::Environment,
            Self::Lost { .. } => Fault::Conflict,
            Self::Sign(error) => error.fault(),
            Self::Obstacle { .. } | Self::Busy { .. } | Self::Disk { .. } | Self::Git { .. } => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAStore { .. } => "name a bare git repository, or a folder that does not exist yet".to_owned(),
            Self::NoMain { name } => format!(
                "name another place; or, if this is the right one, see its branches with `git ls-remote --heads {}`",
                shell_quoted(name)
            ),
            Self::Lost { name, seen, now, copy } => lost(name, seen, now.as_deref(), copy.as_deref()),
            Self::Obstacle { folder, .. } => {
                format!(
                    "clone `{}`, put the folder right, commit and push, then run the same command again",
                    folder.display()
                )
            }
            Self::Secret => {
                "take it out of the URL: GH_TOKEN or GITHUB_TOKEN is used for its own host, and over ssh your own keys"
                    .to_owned()
            }
            Self::Unsupported { .. } => {
                "use `https://host/owner/repository`, `git@host:owner/repository` or a path".to_owned()
            }
            Self::Network { source, cached, .. } => {
                let offline = cached.then(|| "`--offline` reads the copy of the last time".to_owned());
                return source.hint().into_iter().chain(offline).reduce(|hint, more| format!("{hint}\n{more}"));
            }
            Self::Refused { .. } => {
                "let who runs this push to its branch `main`: a rule or a hook of that repository forbids it; where it \
                 asks for signed commits, sign with your own key: git config --global commit.gpgsign true"
                    .to_owned()
            }
            Self::Sign(error) => return error.hint(),
            Self::Crowded { .. } => "run the same command again".to_owned(),
            Self::Offline { .. } => "run it without `--offline`".to_owned(),
            Self::NotCached { .. } => "run it once without `--offline`".to_owned(),
            Self::Busy { path, .. } => {
                format!(
                    "see who holds it with `fuser {}`, then run the same command again",
                    shell_quoted(path.display())
                )
            }
            Self::Disk { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "free some space, then run the same command again"
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "get the right to write there, or name another place"
                }
                _ => "fix what the cause says, then run the same command again",
            }
            .to_owned(),
            Self::Git { folder, source } if source.code() == ErrorCode::Owner => format!(
                "it belongs to another user; if you trust it: `git config --global --add safe.directory {}`",
                shell_quoted(folder.display())
            ),
            Self::Git { folder, .. } => {
                format!("see what is wrong with `git --git-dir {} fsck`", shell_quoted(folder.display()))
            }
        })
    }
}

/// How to bring back what a branch held.
fn lost(name: &str, seen: &str, now: Option<&str>, copy: Option<&Path>) -> String {
    let Some(copy) = copy else {
        let folder = shell_quoted(name);
        return format!(
            "nothing was written; put it back with `git --git-dir {folder} update-ref refs/heads/main {seen}`"
        );
    };
    let (url, copy) = (shell_quoted(name), shell_quoted(copy.display()));
    let parent = now.map(|now| format!(" -p {now}")).unwrap_or_default();
    format!(
        "nothing was written, and the copy on this machine is kept: `--offline` reads it\n\
         if this was a mistake, put the branch back at commit {seen} where the repository is kept; or restore its files \
         from the copy: `commit=$(git --git-dir {copy} -c user.name=apiscaffold -c user.email=apiscaffold@localhost \
         commit-tree{parent} -m 'Restore the registry' '{seen}^{{tree}}') && git --git-dir {copy} push {url} \
         \"$commit:refs/heads/main\"`\n\
         if it is as it should be, remove the copy with `rm -r {copy}`, then run the same command again"
    )
}
