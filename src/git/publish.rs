//! Publishing: the references of a repository on this machine, pushed to an empty one elsewhere.

mod sole;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, PushOptions, RemoteCallbacks, Repository};

use self::sole::{Sole, sole};
use super::push::{Push, Pushed};
use super::transport::{Address, Session};
use super::{pack, read};
use crate::error::{Blame, Fault, shell_quoted};
use crate::model::refs::{FIRST_BASE, MAIN};
use crate::model::text::{has_user, without_user};
use crate::net::printable;

pub use super::transport::{Network, NetworkError};

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

/// A repository that was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The URL holds a password, or is none that can be pushed to.
    #[error("`{}` is no URL that can be pushed to", .0.escape_debug())]
    Url(String),
    /// The repository on this machine cannot be used.
    #[error("git cannot use the repository `{}`", folder.display())]
    Here {
        /// Its folder.
        folder: PathBuf,
        /// git's reason.
        #[source]
        source: git2::Error,
    },
    /// The remote cannot be reached, or does not let us in.
    #[error("`{url}` cannot be pushed to")]
    There {
        /// Its URL.
        url: String,
        /// Why not.
        #[source]
        cause: NetworkError,
    },
    /// The remote has other commits.
    #[error("`{url}` has commits that are not ours, and is left as it is")]
    Other {
        /// Its URL.
        url: String,
    },
    /// A hook or a rule of the remote refuses.
    #[error("`{url}` refuses {reference}: {reason}")]
    Refused {
        /// Its URL.
        url: String,
        /// Which reference.
        reference: String,
        /// In the remote's words.
        reason: String,
    },
}

impl PublishError {
    /// Whether the remote may only not know the repository yet.
    pub fn is_not_there(&self) -> bool {
        matches!(self, Self::There { cause: NetworkError::NotThere { .. } | NetworkError::Status { status: 409 }, .. })
    }

    /// Whether the token was not taken.
    pub fn is_refused_token(&self) -> bool {
        matches!(self, Self::There { cause: NetworkError::Forbidden { .. }, .. })
    }

    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::There { cause, .. } if cause.may_pass())
    }
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
                "have the rule or the hook let the first push through, then run the same command again; `apiscaffold doctor` names rules".to_owned(),
            ),
        }
    }
}

/// Pushes [`REFERENCES`], or the branch and the base that the repository has. What is there already stays; nothing is ever overwritten.
///
/// The pack that the first commit was written as goes out as it is, when it is all there is: libgit2 would make another.
pub fn publish(request: &Publish) -> Result<(), PublishError> {
    let is_here = matches!(checked(&request.url)?, Address::Local(_));
    let here = |source| PublishError::Here { folder: request.folder.clone(), source };
    let repository = opened(&request.folder)?;
    let base = read::base_of(&repository).map_err(here)?;
    let references = [MAIN, base.as_deref().unwrap_or(FIRST_BASE)];
    let written = if is_here { None } else { sole(&repository, &references) };
    written.map_or_else(|| push(request, &references), |written| send(request, written, &references))
}

/// Sends the repository's one pack.
fn send(request: &Publish, Sole { commit, pack }: Sole, references: &[&str]) -> Result<(), PublishError> {
    let Publish { network, url, .. } = request;
    let push = Push { references, expected: None, commit: pack::of_git2(commit) };
    let url = url.clone();
    match push.run(pack, network, &url) {
        Ok(Pushed::Done) => Ok(()),
        Ok(Pushed::Moved) => Err(PublishError::Other { url }),
        Ok(Pushed::Refused { reference, reason, said }) => {
            Err(PublishError::Refused { url, reference, reason: printable(&format!("{reason}\n{said}")) })
        }
        Err(cause) => Err(PublishError::There { url, cause }),
    }
}

/// Pushes a branch that is not there yet, at this commit (hex) of the repository on this machine.
pub fn push_branch(request: &Publish, branch: &str, commit: &str) -> Result<(), PublishError> {
    let here = |source| PublishError::Here { folder: request.folder.clone(), source };
    let name = format!("refs/heads/{branch}");
    let repository = opened(&request.folder)?;
    let id = git2::Oid::from_str(commit).map_err(here)?;
    repository.reference(&name, id, true, "push").map_err(here)?;
    push(request, &[&name])
}

/// Pushes these references under the names that they have here.
fn push(request: &Publish, references: &[&str]) -> Result<(), PublishError> {
    let Publish { folder, url, network } = request;
    checked(url)?;
    let here = |source| PublishError::Here { folder: folder.clone(), source };
    let repository = opened(folder)?;
    let session = Session::begin(network);
    let said = RefCell::new(Vec::new());
    let refused = RefCell::new(None);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.sideband_progress(|bytes| {
        said.borrow_mut().extend_from_slice(bytes);
        true
    });
    // A push that is refused for one of its references succeeds as a whole: only this tells.
    callbacks.push_update_reference(|reference, why| {
        if let Some(why) = why {
            refused.borrow_mut().get_or_insert_with(|| (reference.to_owned(), why.to_owned()));
        }
        Ok(())
    });
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks);
    let mut remote = repository.remote_anonymous(url).map_err(here)?;
    let specs: Vec<String> = references.iter().map(|name| format!("{name}:{name}")).collect();
    let pushed = remote.push(&specs, Some(&mut options));
    drop(options);
    let url = url.clone();
    match (pushed, refused.into_inner()) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some((reference, why))) => {
            let words = String::from_utf8_lossy(&said.into_inner()).into_owned();
            Err(PublishError::Refused { url, reference, reason: printable(&format!("{why}\n{words}")) })
        }
        (Err(error), _) if error.code() == ErrorCode::NotFastForward => Err(PublishError::Other { url }),
        (Err(error), _) => Err(PublishError::There { url, cause: session.explain(&error) }),
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

/// Where a URL leads, when it is one that can be pushed to.
fn checked(url: &str) -> Result<Address, PublishError> {
    match Address::of(url) {
        Address::Unknown => Err(PublishError::Url(without_user(url))),
        _ if has_user(url) => Err(PublishError::Url(without_user(url))),
        address => Ok(address),
    }
}

fn opened(folder: &Path) -> Result<Repository, PublishError> {
    read::open(folder).map_err(|error| {
        let source = git2::Error::from_str(&error.to_string());
        PublishError::Here { folder: folder.to_owned(), source }
    })
}

#[cfg(test)]
mod tests;
