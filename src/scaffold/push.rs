//! Pushing to a repository on the forge, with the patience that its API has: a fault that may pass, a repository that is
//! not known everywhere yet, and a token that has expired.

use std::path::Path;
use std::time::Duration;

use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{ForgeError, Github, PauseReason};
use crate::git::publish::{self, Network, Publish, PublishError};
use crate::model::repository::Target;

/// How often a push that met a fault is tried.
const TRIES: u32 = 4;

/// Where a push goes, and how.
pub(crate) struct Remote<'r> {
    pub(crate) github: &'r Github,
    pub(crate) target: &'r Target,
    /// The URL that git pushes to.
    pub(crate) url: &'r str,
    /// How to reach it, without a token.
    pub(crate) network: &'r Network,
    /// Whether over ssh, with the user's own keys.
    pub(crate) ssh: bool,
}

/// What is pushed.
#[derive(Clone, Debug)]
pub(crate) enum Commits {
    /// The first commit, and the pristine render beside it.
    First,
    /// A branch that is not there yet, at this commit (hex).
    Branch { name: String, commit: String },
}

impl Commits {
    fn send(&self, request: &Publish) -> Result<(), PublishError> {
        match self {
            Self::First => publish::publish(request),
            Self::Branch { name, commit } => publish::push_branch(request, name, commit),
        }
    }
}

/// The API gives an address that is not the forge's own.
#[derive(Debug, thiserror::Error)]
#[error("GitHub gives `{url}` as the address to push to, which is on another server than `{home}`")]
struct Elsewhere {
    url: String,
    home: String,
}

impl Blame for Elsewhere {
    fn fault(&self) -> Fault {
        Fault::Environment
    }

    fn hint(&self) -> Option<String> {
        Some("set `GITHUB_SERVER_URL` to the server that belongs to `GITHUB_API_URL`, or push with `--ssh`".to_owned())
    }
}

impl Remote<'_> {
    /// Pushes from the repository in `folder`.
    ///
    /// # Errors
    /// `Elsewhere` before a token would go to another server; else why the last of four tries failed.
    pub(crate) fn push(&self, folder: &Path, commits: &Commits) -> Result<(), Failure> {
        let server = self.github.server();
        if !self.ssh && !server.is_home_of(self.url) {
            return Err(Elsewhere { url: self.url.to_owned(), home: server.host().to_owned() }.into());
        }
        let mut attempt = 0;
        while let Err(error) = self.push_once(folder, commits)? {
            attempt += 1;
            let settling = self.github.settling(self.target);
            let pause = Duration::from_secs(1 << attempt.min(4)).mul_f64(0.5 + fastrand::f64() / 8.0);
            if error.is_not_there() && !settling.is_zero() {
                self.github.pause(pause.min(settling), PauseReason::Settling)?;
            } else if error.may_pass() && attempt < TRIES {
                self.github.pause(pause, PauseReason::Fault)?;
            } else {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// One push; the inner result is its end. A token that is refused is renewed once.
    fn push_once(&self, folder: &Path, commits: &Commits) -> Result<Result<(), PublishError>, ForgeError> {
        let mut renewed = false;
        loop {
            let token = if self.ssh { None } else { Some(self.github.token_to_push(self.target)?) };
            let network = Network { token: token.clone(), ..self.network.clone() };
            let request = Publish { folder: folder.to_owned(), url: self.url.to_owned(), network };
            let commits = commits.clone();
            let pushed = self.github.interrupt().race(move || commits.send(&request))?;
            match (&pushed, token) {
                (Err(error), Some(token)) if error.is_refused_token() && !renewed && self.github.renew(&token) => {
                    renewed = true;
                }
                _ => return Ok(pushed),
            }
        }
    }
}
