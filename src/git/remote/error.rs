//! Why a commit could not be brought to this machine.

use std::io;
use std::path::PathBuf;

use crate::error::{Blame, Fault, nearest};
use crate::git::transport::NetworkError;

/// The most names that a hint lists.
const NAMES: usize = 10;

/// Why a commit could not be brought to this machine.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL holds a password or what may be one; it is not repeated here.
    #[error("the git URL holds a user or a password")]
    Secret,
    /// `git://`, `ftp://`, or a host or a path that begins with `-`.
    #[error("cannot fetch from `{}`", url.escape_debug())]
    Unsupported { url: String },
    #[error("cannot fetch `{url}`")]
    Unreachable {
        url: String,
        #[source]
        cause: NetworkError,
        /// Whether the revision is in the cache.
        cached: bool,
    },
    #[error("`{url}` has no tag, branch or commit `{}`", revision.escape_debug())]
    UnknownRevision {
        url: String,
        revision: String,
        /// The tags and branches there are.
        names: Vec<String>,
    },
    #[error("`{}` in `{url}` is not a commit", revision.escape_debug())]
    NotACommit { url: String, revision: String },
    #[error("{} of `{url}` is not in the cache", revision.as_ref().map_or("HEAD".to_owned(), |name| format!("`{}`", name.escape_debug())))]
    NotCached { url: String, revision: Option<String> },
    #[error("`{url}` sends more than 1 GiB")]
    TooLarge { url: String },
    #[error("cannot read the git repository `{}`", path.display())]
    Local {
        path: PathBuf,
        /// libgit2's message.
        #[source]
        source: git2::Error,
    },
    #[error("cannot use the cache `{}`", path.display())]
    Cache {
        path: PathBuf,
        /// The error of the system or libgit2.
        #[source]
        source: io::Error,
    },
}

impl FetchError {
    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { cause, .. } if cause.may_pass())
    }
}

impl Blame for FetchError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unreachable { cause, .. } => cause.fault(),
            Self::TooLarge { .. } | Self::Cache { .. } => Fault::Environment,
            Self::Local { source, .. } if source.code() != git2::ErrorCode::NotFound => Fault::Environment,
            _ => Fault::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Secret => {
                "take it out of the URL; over ssh your own keys are used: `git@host:owner/repository`".to_owned()
            }
            Self::Unsupported { .. } => "use `https://host/owner/repository` or `git@host:owner/repository`".to_owned(),
            Self::Unreachable { cause, cached, .. } => {
                let offline = cached.then(|| "`--offline` uses what was fetched before".to_owned());
                return cause.hint().into_iter().chain(offline).reduce(|hint, more| format!("{hint}\n{more}"));
            }
            Self::UnknownRevision { revision, names, .. } => return names_hint(revision, names),
            Self::NotACommit { .. } => "give a tag or a branch of a commit".to_owned(),
            Self::NotCached { .. } => "run it once without `--offline`".to_owned(),
            Self::TooLarge { .. } => "is this the right repository? A template is far smaller".to_owned(),
            Self::Local { source, .. } if source.code() == git2::ErrorCode::Owner => {
                "`git config --global --add safe.directory FOLDER` says that you trust it".to_owned()
            }
            Self::Local { .. } => "give the root of a git repository".to_owned(),
            Self::Cache { .. } => "check the folder's owner and the space left on its disk".to_owned(),
        })
    }
}

fn names_hint(revision: &str, names: &[String]) -> Option<String> {
    let near = nearest(revision, names.iter().map(String::as_str));
    let meant = near.map(|name| format!("did you mean `{name}`?"));
    let more = if names.len() > NAMES { format!(", and {} more", names.len() - NAMES) } else { String::new() };
    let listed: Vec<String> = names.iter().take(NAMES).map(|name| format!("`{name}`")).collect();
    let there = (!names.is_empty()).then(|| format!("there are {}{more}", listed.join(", ")));
    let nothing = names.is_empty().then(|| "the repository has no commit yet".to_owned());
    meant.into_iter().chain(there).chain(nothing).reduce(|hint, more| format!("{hint}\n{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first_and_long_lists_end() {
        let names: Vec<String> = (0..12).map(|n| format!("v1.{n}")).collect();
        let hint = names_hint("v1.02", &names).expect("names");
        assert!(
            hint.starts_with("did you mean `v1.0`?\nthere are `v1.0`, ") && hint.ends_with("`v1.9`, and 2 more"),
            "{hint}"
        );
    }
}
