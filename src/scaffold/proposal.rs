//! The steps that change a repository: a commit where it is on this machine, a pull request where it is on the forge.

use super::checkout::{Checkout, CheckoutError, ForgeHome, Home};
use super::plan::{PushStep, Step};
use super::push::{BranchCommit, Commits};
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{NewPull, PullState};
use crate::git::change::{self, FileEdit};
use crate::git::commit::NewCommit;
use crate::git::sign::Signing;
use crate::model::author::Signature;
use crate::model::record::Record;

/// A change of a repository.
pub(crate) struct Proposal<'p> {
    /// The record of the API.
    pub(crate) record: &'p Record,
    pub(crate) checkout: &'p Checkout,
    pub(crate) edits: Vec<FileEdit>,
    /// What it is for, in a few words.
    pub(crate) title: &'p str,
    /// What the pull request says, in Markdown.
    pub(crate) body: String,
    /// The branch that the pull request is from: the same for every run, so that it is found again.
    pub(crate) branch: String,
    /// Whether an open pull request from that branch counts as this one, whatever its files are.
    pub(crate) may_be_open: bool,
    pub(crate) author: Signature,
}

/// Somebody else's work is where the change would be proposed.
#[derive(Debug, thiserror::Error)]
enum ProposalError {
    #[error("{page} has a branch `{branch}` with other files, and no open pull request from it")]
    StaleBranch { page: String, branch: String },
    #[error("{page} is open, and changes other files than this command would")]
    OtherPull { page: String },
}

impl Blame for ProposalError {
    fn fault(&self) -> Fault {
        Fault::Conflict
    }

    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::StaleBranch { .. } => {
                "delete the branch, or open its pull request again; then run the same command again"
            }
            Self::OtherPull { .. } => "merge it, or close it; delete its branch, then run the same command again",
        };
        Some(advice.to_owned())
    }
}

impl Proposal<'_> {
    /// The steps; none when nothing is edited.
    ///
    /// # Errors
    /// When the work tree is not clean, somebody else's work is in the way, or the repository cannot be changed at all.
    pub(crate) fn steps(self) -> Result<Vec<Step>, Failure> {
        let Checkout { git, head, home, .. } = self.checkout;
        if self.edits.is_empty() {
            return Ok(Vec::new());
        }
        match home {
            Home::Here(folder) => {
                change::must_be_clean(git)?;
                let commit = self.commit(Signing::configured(Some(folder))?);
                let (folder, head) = (folder.clone(), head.clone());
                Ok(vec![Step::Commit { folder, head, edits: self.edits, commit }])
            }
            Home::Forge(hosted) => self.propose(hosted),
            Home::Elsewhere => {
                let reason = format!("`{}` is neither on this machine nor on GitHub", self.record.repository.url);
                Err(CheckoutError::Unseen { name: self.record.name.to_string(), reason }.into())
            }
        }
    }

    fn commit(&self, signing: Signing) -> NewCommit {
        NewCommit { author: self.author.clone(), message: format!("{}\n", self.title), signing }
    }

    fn propose(self, hosted: &ForgeHome) -> Result<Vec<Step>, Failure> {
        // Only its files are looked at: nothing is signed before it is pushed.
        let (unsigned, new) = (self.commit(Signing::No), self.commit(Signing::configured(None)?));
        let Self { checkout: Checkout { git, head, .. }, edits, title, body, branch, may_be_open, .. } = self;
        let ForgeHome { github, target, url } = hosted;
        let page = github.server().page(target);
        let commit = change::prepare(git, &head.commit, &edits, &unsigned)?;
        let (there, wanted) = (github.branch(target, &branch)?, change::tree_of(git, &commit)?);
        let open = github.pull(target, &branch)?.filter(|pull| pull.state == PullState::Open).map(|pull| pull.page);
        let is_there = there.as_ref().is_some_and(|(_, commit)| commit.tree == wanted);
        match &open {
            Some(page) if !may_be_open && !is_there => {
                return Err(ProposalError::OtherPull { page: page.clone() }.into());
            }
            None if there.is_some() && !is_there => return Err(ProposalError::StaleBranch { page, branch }.into()),
            _ => {}
        }
        let mut steps = Vec::new();
        if open.is_none() {
            let (branch, parent) = (branch.clone(), head.commit.clone());
            let commits = Commits::Branch(Box::new(BranchCommit { branch, parent, edits, new }));
            let (target, url, folder) = (target.clone(), Some(url.clone()), git.clone());
            steps.push(Step::Push(PushStep { target, page, url, ssh: false, folder, commits, is_there }));
        }
        let new = NewPull { branch, base: head.name().to_owned(), title: title.to_owned(), body };
        steps.push(Step::PullRequest { target: target.clone(), new, open });
        Ok(steps)
    }
}
