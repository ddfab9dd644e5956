//! Publishing: the references of a repository on this machine, pushed to an empty one elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ErrorCode, Oid, Repository};

use super::pack::{self, Pack};
use super::push::{Move, Push, PushOutcome};
use super::read;
use super::transport::Address;
use crate::error::{Blame, Fault, shell_quoted};
use crate::model::refs::{FIRST_BASE, MAIN};
use crate::model::text::{has_user, without_user};
use crate::net::printable;

pub use super::transport::{Caller, Network, NetworkError};

/// What the first push of a new repository holds: the branch, and the pristine render beside it.
pub const REFERENCES: [&str; 2] = [MAIN, FIRST_BASE];

/// What is pushed, and where to.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The folder that holds `.git`.
    pub folder: PathBuf,
    /// `https://`, `ssh://` or `user@host:path`; never with a password.
    pub url: String,
    /// How to reach it.
    pub network: Network,
}

impl Publish {
    fn here(&self) -> impl Fn(git2::Error) -> PublishError {
        |source| PublishError::Here { folder: self.folder.clone(), source }
    }
}

/// A repository that was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("`{}` is not a URL that git can push to", .0.escape_debug())]
    Url(String),
    #[error("git cannot use the repository `{}`", folder.display())]
    Here {
        folder: PathBuf,
        #[source]
        source: git2::Error,
    },
    #[error("`{url}` cannot be pushed to")]
    There {
        url: String,
        #[source]
        cause: NetworkError,
    },
    /// The remote has other commits.
    #[error("`{url}` has commits that this tool did not make, and stays unchanged")]
    Other { url: String },
    /// A hook or a rule of the remote refuses.
    #[error("`{url}` refuses {reference}: {reason}")]
    Refused {
        url: String,
        /// Which reference.
        reference: String,
        /// In the remote's words.
        reason: String,
    },
}

impl Blame for PublishError {
    fn fault(&self) -> Fault {
        match self {
            Self::Url(_) => Fault::Input,
            Self::Here { .. } => Fault::Environment,
            Self::There { cause, .. } => cause.fault(),
            Self::Other { .. } => Fault::Conflict,
            Self::Refused { .. } => Fault::Permission,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Url(_) => Some("see whether `GITHUB_API_URL` names the API of a GitHub".to_owned()),
            Self::Here { folder, .. } => Some(format!("see what git says: git -C {} fsck", shell_quoted(folder.display()))),
            Self::There { cause: NetworkError::Forbidden { .. }, .. } => {
                Some("the token needs to write contents and workflows (a classic one: `repo` and `workflow`)".to_owned())
            }
            Self::There { cause, .. } => cause.hint(),
            Self::Other { .. } => Some("choose another name, or see who works there".to_owned()),
            Self::Refused { .. } => Some(
                "have the rule or the hook let the push through, then run the same command again; where it asks for signed commits, sign with your own key: git config --global commit.gpgsign true; `apiscaffold doctor` names rules".to_owned(),
            ),
        }
    }
}

/// Pushes [`REFERENCES`], or the branch and the base that the repository has. What is there already stays; nothing is ever
/// overwritten.
pub fn publish(request: &Publish, caller: &dyn Caller) -> Result<(), PublishError> {
    let repository = opened(&request.folder)?;
    let base = read::base_of(&repository).map_err(request.here())?;
    let found = |name: &str| Ok((name.to_owned(), repository.refname_to_id(name)?));
    let references = [MAIN, base.as_deref().unwrap_or(FIRST_BASE)].into_iter().map(found).collect::<Result<_, _>>();
    push(request, &repository, references.map_err(request.here())?, &[], caller)
}

/// Pushes a branch that is not there yet, at this commit (hex) of the repository on this machine. Its parents were
/// fetched from there.
pub fn push_branch(request: &Publish, branch: &str, commit: &str, caller: &dyn Caller) -> Result<(), PublishError> {
    let repository = opened(&request.folder)?;
    let found = Oid::from_str(commit).and_then(|commit| repository.find_commit(commit)).map_err(request.here())?;
    let parents: Vec<Oid> = found.parent_ids().collect();
    push(request, &repository, vec![(format!("refs/heads/{branch}"), found.id())], &parents, caller)
}

/// Pushes references that are not there yet. `known` are commits that are there.
fn push(
    request: &Publish,
    repository: &Repository,
    references: Vec<(String, Oid)>,
    known: &[Oid],
    caller: &dyn Caller,
) -> Result<(), PublishError> {
    let url = request.url.clone();
    if has_user(&url) || !matches!(Address::of(&url), Address::Http | Address::Ssh(_)) {
        return Err(PublishError::Url(without_user(&url)));
    }
    let tips: Vec<Oid> = references.iter().map(|(_, tip)| *tip).collect();
    let pack = Arc::new(Pack::of_commits(repository, &tips, known).map_err(request.here())?);
    let moved = |(reference, tip)| Move { reference, from: None, to: pack::of_git2(tip) };
    let moves = references.into_iter().map(moved).collect();
    match (Push { url: url.clone(), moves, pack }).run(caller, &request.network) {
        Ok(PushOutcome::Done) => Ok(()),
        Ok(PushOutcome::Moved) => Err(PublishError::Other { url }),
        Ok(PushOutcome::Refused { reference, reason, said }) => {
            Err(PublishError::Refused { url, reference, reason: printable(&format!("{reason}\n{said}")) })
        }
        Err(cause) => Err(PublishError::There { url, cause }),
    }
}

/// Lets the repository know where it was published, as `git clone` would: `origin`, and what `main` follows.
pub fn connect(folder: &Path, url: &str) -> Result<(), PublishError> {
    let here = |source| PublishError::Here { folder: folder.to_owned(), source };
    let repository = opened(folder)?;
    match repository.remote("origin", url) {
        Ok(_) => {}
        Err(error) if error.code() == ErrorCode::Exists => return Ok(()),
        Err(error) => return Err(here(error)),
    }
    let main = repository.refname_to_id(MAIN).map_err(here)?;
    repository.reference("refs/remotes/origin/main", main, true, "push").map_err(here)?;
    let mut config = repository.config().map_err(here)?;
    config.set_str("branch.main.remote", "origin").map_err(here)?;
    config.set_str("branch.main.merge", MAIN).map_err(here)
}

/// The URL of the remote `origin`, without what may be a secret.
pub fn origin(folder: &Path) -> Option<String> {
    let repository = read::open(folder).ok()?;
    let remote = repository.find_remote("origin").ok()?;
    let url = remote.url().ok()?;
    (!has_user(url)).then(|| url.to_owned())
}

fn opened(folder: &Path) -> Result<Repository, PublishError> {
    read::open(folder).map_err(|error| {
        let source = git2::Error::from_str(&error.to_string());
        PublishError::Here { folder: folder.to_owned(), source }
    })
}

#[cfg(test)]
mod tests;
