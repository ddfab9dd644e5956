//! Pushing to a repository on the forge, and in whose name git asks a server.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use crate::error::{Blame, Failure, Fault};
use crate::forge::github::Github;
use crate::git::change::{self, FileEdit};
use crate::git::commit::NewCommit;
use crate::git::publish::{self, Caller, Network, Publish};
use crate::model::repository::RepositorySlug;
use crate::model::token::Token;
use crate::net::{Interrupt, PauseReason};
use crate::terminal::Terminal;

/// Where a push goes, and how.
pub(crate) struct PushTarget<'r> {
    pub(crate) github: &'r Github,
    pub(crate) target: &'r RepositorySlug,
    pub(crate) url: &'r str,
    pub(crate) network: &'r Network,
    /// Whether over ssh, with the user's own keys.
    pub(crate) ssh: bool,
}

/// What is pushed.
#[derive(Clone, Debug)]
pub(crate) enum Commits {
    /// The first commit, and the pristine render beside it.
    First,
    /// A branch that is not there yet, with one commit on top of one that is there.
    Branch(Box<BranchCommit>),
}

/// A commit on a branch of its own.
#[derive(Clone, Debug)]
pub(crate) struct BranchCommit {
    /// The branch, without `refs/heads/`.
    pub(crate) branch: String,
    /// The commit that it comes after (hex).
    pub(crate) parent: String,
    /// The files that change.
    pub(crate) edits: Vec<FileEdit>,
    pub(crate) new: NewCommit,
    /// Whether it is of no use unless the forge accepts its signature.
    pub(crate) must_be_verified: bool,
}

impl Commits {
    /// The full names of the references that are pushed.
    pub(crate) fn references(&self) -> Vec<String> {
        match self {
            Self::First => publish::REFERENCES.map(str::to_owned).to_vec(),
            Self::Branch(commit) => vec![format!("refs/heads/{}", commit.branch)],
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

impl PushTarget<'_> {
    /// Pushes from the repository in `folder`.
    ///
    /// # Errors
    /// `Elsewhere` before a token would go to another server; else why the last try failed.
    pub(crate) fn push(&self, folder: &Path, commits: &Commits) -> Result<(), Failure> {
        let server = self.github.server();
        if !self.ssh && !server.is_home_of(self.url) {
            return Err(Elsewhere { url: self.url.to_owned(), home: server.host().to_owned() }.into());
        }
        let request = Publish { folder: folder.to_owned(), url: self.url.to_owned(), network: self.network.clone() };
        let caller = ForgeCaller { github: self.github.clone(), target: self.target.clone(), ssh: self.ssh };
        match commits {
            Commits::First => publish::publish(&request, &caller)?,
            Commits::Branch(commit) => {
                let BranchCommit { branch, parent, edits, new, must_be_verified } = &**commit;
                let commit = change::prepare(folder, parent, edits, new)?;
                publish::push_branch(&request, branch, &commit, &caller)?;
                if *must_be_verified {
                    self.github.branch_is_verified(self.target, branch)?;
                }
            }
        }
        Ok(())
    }
}

/// git in the name of a client of the forge, for one repository there.
pub(super) struct ForgeCaller {
    pub(super) github: Github,
    pub(super) target: RepositorySlug,
    /// Whether over ssh: without a token.
    pub(super) ssh: bool,
}

impl Caller for ForgeCaller {
    fn token(&self) -> Result<Option<Token>, Failure> {
        Ok(if self.ssh { None } else { Some(self.github.token_to_push(&self.target)?) })
    }

    fn renew(&self, refused: &Token) -> bool {
        self.github.renew(refused)
    }

    fn settling(&self) -> Duration {
        self.github.settling(&self.target)
    }

    fn pause(&self, time: Duration, why: PauseReason) -> Result<(), Failure> {
        Ok(self.github.pause(time, why)?)
    }

    fn interrupt(&self) -> &Interrupt {
        self.github.interrupt()
    }
}

/// git in the name of whoever has this token, if there is one, or has keys for ssh.
pub(super) struct UserCaller {
    pub(super) token: Option<Token>,
    pub(super) terminal: Terminal,
    pub(super) interrupt: Interrupt,
}

impl Caller for UserCaller {
    fn token(&self) -> Result<Option<Token>, Failure> {
        Ok(self.token.clone())
    }

    fn renew(&self, _: &Token) -> bool {
        false
    }

    fn settling(&self) -> Duration {
        Duration::ZERO
    }

    fn pause(&self, time: Duration, why: PauseReason) -> Result<(), Failure> {
        let words = match why {
            PauseReason::Limit => "the git server asks for a pause",
            _ => "the git server has a fault or is not reached; trying again",
        };
        let beginning = Cell::new(true);
        let show = |left: Duration| self.terminal.pause(words, left.as_secs(), beginning.replace(false));
        Ok(self.interrupt.sleep(time, &show)?)
    }

    fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }
}
