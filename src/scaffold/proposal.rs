//! The steps that change a repository: a commit where it is on this machine, a pull request where it is on the forge.

use super::checkout::{Checkout, CheckoutError, ForgeHome, Home};
use super::plan::{HostedCommitStep, PushStep, Step};
use super::push::{BranchCommit, Commits};
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{HostedCommit, NewPull, PullState};
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

/// Why a change cannot be proposed.
#[derive(Debug, thiserror::Error)]
enum ProposalError {
    #[error("{page} has a branch `{branch}` with other files, and no open pull request from it")]
    StaleBranch { page: String, branch: String },
    #[error("{page} is open, and changes other files than this command would")]
    OtherPull { page: String },
    #[error(
        "branch `{base}` of {page} takes signed commits only; git's configuration names no key to sign with, and GitHub \
         cannot sign a commit that {what} `{path}`"
    )]
    Unsignable { page: String, base: String, what: &'static str, path: String },
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
            Self::Unsignable { .. } => {
                "sign with your own key, which GitHub must know: git config --global commit.gpgsign true; then run the \
                 same command again"
            }
        };
        Some(advice.to_owned())
    }
}

/// How a commit gets the signature that a branch asks for.
enum Route {
    /// It is pushed as it is made here, with the user's signature or none.
    Push(Signing),
    /// GitHub makes and signs it.
    Hosted,
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
        let Self { checkout: Checkout { git, head, .. }, edits, branch, may_be_open, .. } = &self;
        let ForgeHome { github, target, .. } = hosted;
        let page = github.server().page(target);
        // Only its files are looked at: nothing is signed before it is pushed.
        let unsigned = change::prepare(git, &head.commit, edits, &self.commit(Signing::No))?;
        let (there, tree) = (github.branch(target, branch)?, change::tree_of(git, &unsigned)?);
        let open = github.pull(target, branch)?.filter(|pull| pull.state == PullState::Open).map(|pull| pull.page);
        let must_be_verified = github.asks_for_signatures(target, head.name())?;
        let route = self.route(must_be_verified, &page)?;
        let is_there = there.as_ref().is_some_and(|(_, commit)| commit.tree == tree);
        // GitHub makes the branch first, and the commit on it afterwards.
        let is_begun = matches!(route, Route::Hosted) && there.as_ref().is_some_and(|(id, _)| *id == head.commit);
        match &open {
            Some(page) if !may_be_open && !is_there => {
                return Err(ProposalError::OtherPull { page: page.clone() }.into());
            }
            None if there.is_some() && !is_there && !is_begun => {
                return Err(ProposalError::StaleBranch { page, branch: branch.clone() }.into());
            }
            _ => {}
        }
        if let Some((_, commit)) = there.filter(|_| is_there && must_be_verified) {
            github.must_be_verified(target, branch, &commit.verified)?;
        }
        let mut steps = Vec::new();
        if open.is_none() {
            steps.push(self.commit_step(hosted, route, must_be_verified, (tree, is_there)));
        }
        let Self { title, body, branch, .. } = self;
        let new = NewPull { branch, base: head.name().to_owned(), title: title.to_owned(), body };
        steps.push(Step::PullRequest { target: target.clone(), new, open });
        Ok(steps)
    }

    /// The user's own key goes first; GitHub signs where signatures are asked for and there is none.
    fn route(&self, must_be_verified: bool, page: &str) -> Result<Route, Failure> {
        let signing = Signing::configured(None)?;
        if !must_be_verified || signing != Signing::No {
            return Ok(Route::Push(signing));
        }
        for FileEdit { path, file } in &self.edits {
            let Some(file) = file else { continue };
            let was = self.checkout.files.get(path.as_str());
            let was = was.map_err(|source| CheckoutError::Unreadable { path: path.to_string(), source })?;
            if was.is_some_and(|was| was.executable) != file.executable {
                let what = if file.executable { "makes an executable of" } else { "makes a plain file of" };
                let (page, base, path) = (page.to_owned(), self.checkout.head.name().to_owned(), path.to_string());
                return Err(ProposalError::Unsignable { page, base, what, path }.into());
            }
        }
        Ok(Route::Hosted)
    }

    /// The step that brings the commit with this tree there.
    fn commit_step(
        &self,
        hosted: &ForgeHome,
        route: Route,
        must_be_verified: bool,
        (tree, is_there): (String, bool),
    ) -> Step {
        let ForgeHome { github, target, url } = hosted;
        let (target, page) = (target.clone(), github.server().page(target));
        let (branch, parent, edits) = (self.branch.clone(), self.checkout.head.commit.clone(), self.edits.clone());
        match route {
            Route::Push(signing) => {
                let new = self.commit(signing);
                let commits = Box::new(BranchCommit { branch, parent, edits, new, must_be_verified });
                let commits = Commits::Branch(commits);
                let (url, folder) = (Some(url.clone()), self.checkout.git.clone());
                Step::Push(PushStep { target, page, url, ssh: false, folder, commits, is_there })
            }
            Route::Hosted => {
                let change = |edit: &FileEdit| (edit.path.clone(), edit.file.as_ref().map(|file| file.bytes.clone()));
                let (title, changes) = (self.title.to_owned(), edits.iter().map(change).collect());
                let new = HostedCommit { branch, parent, title, changes, tree };
                Step::HostedCommit(HostedCommitStep { target, page, new, edits, is_there })
            }
        }
    }
}
