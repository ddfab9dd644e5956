//! The steps that change a repository: a commit where it is on this machine, a pull request where it is on the forge.

use super::error::PhaseError;
use super::stage::StageChange;
use crate::error::{Failure, shell_quoted};
use crate::forge::github::{NewPull, PullState};
use crate::git::change;
use crate::git::commit::NewCommit;
use crate::model::author::Signature;
use crate::model::phase::Phase;
use crate::model::record::Record;
use crate::scaffold::checkout::{Checkout, CheckoutError, Home, Hosted};
use crate::scaffold::plan::{Push, Step};
use crate::scaffold::push::Commits;

/// A change of a repository.
pub(super) struct Changing<'c> {
    /// The record as it will be.
    pub(super) record: &'c Record,
    /// What it is for, in a few words.
    pub(super) title: &'c str,
    /// Whether a pull request that waits already may be taken for this one, whatever its files are.
    pub(super) may_wait: bool,
    pub(super) checkout: &'c Checkout,
    pub(super) change: &'c StageChange,
    pub(super) author: Signature,
}

/// The steps, and what is for people to do after them.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    /// None when it is to review and merge the pull request.
    pub(super) next: Option<String>,
}

impl Changing<'_> {
    /// Decides the steps. Where the API is retired already, its repository on the forge is archived.
    ///
    /// # Errors
    /// When somebody else's work is in the way.
    pub(super) fn steps(&self) -> Result<Steps, Failure> {
        let Checkout { git, head, home, .. } = self.checkout;
        let commit = NewCommit { author: self.author.clone(), message: format!("{}\n", self.title) };
        match (home, self.change.edits.is_empty()) {
            (Home::Here(folder), false) => {
                change::must_be_clean(git)?;
                let (folder, head, edits) = (folder.clone(), head.clone(), self.change.edits.clone());
                let next = Some(format!("cd {} && make generate lint test, then push", shell_quoted(folder.display())));
                Ok(Steps { steps: vec![Step::Commit { folder, head, edits, commit }], next })
            }
            (Home::Forge(hosted), false) => self.propose(hosted, &commit),
            (Home::Forge(hosted), true) if self.record.phase == Phase::Retired => {
                let (target, page) = (hosted.target.clone(), hosted.github.place().page(&hosted.target));
                Ok(Steps { steps: vec![Step::Archive { target, page }], next: None })
            }
            (Home::Elsewhere, false) => {
                let reason = format!("`{}` is neither on this machine nor on GitHub", self.record.repository.url);
                Err(CheckoutError::Unseen { name: self.record.name.to_string(), reason }.into())
            }
            (_, true) => Ok(Steps::default()),
        }
    }

    /// The branch that the pull request is from: the same for every run, so that it is found again.
    fn branch(&self) -> String {
        format!("apiscaffold/phase-{}", self.record.phase.word())
    }

    fn propose(&self, hosted: &Hosted, new: &NewCommit) -> Result<Steps, Failure> {
        let Hosted { github, target, url } = hosted;
        let Checkout { git, head, .. } = self.checkout;
        let (branch, page) = (self.branch(), github.place().page(target));
        let commit = change::prepare(git, &head.commit, &self.change.edits, new)?;
        let (there, wanted) = (github.branch_tree(target, &branch)?, change::tree_of(git, &commit)?);
        let open = github.pull(target, &branch)?.filter(|pull| pull.state == PullState::Open).map(|pull| pull.page);
        let is_same = there.as_ref() == Some(&wanted);
        match &open {
            Some(page) if !self.may_wait && !is_same => {
                return Err(PhaseError::OtherPull { page: page.clone() }.into());
            }
            None if there.is_some() && !is_same => return Err(PhaseError::StaleBranch { page, branch }.into()),
            _ => {}
        }
        let mut steps = Vec::new();
        if open.is_none() {
            let commits = Commits::Branch { name: branch.clone(), commit };
            let (target, url, folder) = (target.clone(), Some(url.clone()), git.clone());
            let edits = self.change.edits.clone();
            steps.push(Step::Push(Push { target, page, url, ssh: false, folder, commits, edits, is_there: is_same }));
        }
        let base = head.name().to_owned();
        let new = NewPull { branch, base, title: self.title.to_owned(), body: self.body() };
        steps.push(Step::PullRequest { target: target.clone(), new, open });
        Ok(Steps { steps, next: None })
    }

    /// What is for people to do with the pull request.
    pub(super) fn review(&self, page: &str) -> String {
        let name = &self.record.name;
        match self.record.phase {
            Phase::Retired => format!(
                "merge {page}, release it, then run `apiscaffold phase {name} retired` again: it archives the repository"
            ),
            _ => format!("see whether its checks pass, then merge {page}"),
        }
    }

    /// What the pull request says.
    fn body(&self) -> String {
        let Record { phase, waivers, .. } = self.record;
        let mut body = format!("`apiscaffold phase` moves the API to phase **{}**.\n", phase.word());
        if !self.change.opened.is_empty() {
            let names = self.change.opened.join("`, `");
            body += &format!(
                "\nIt opens `{names}`: after merging, `apiscaffold check --settings --fix` makes what GitHub needs for it.\n"
            );
        }
        if !waivers.is_empty() {
            body += "\nWaived so far:\n\n";
            for waiver in waivers {
                body += &format!("- `{}`: {}\n", waiver.gate, escaped(&waiver.reason));
            }
        }
        for note in &self.change.notes {
            body += &format!("\n{note}\n");
        }
        body += "\nIf the workflow says that something is stale, run `make generate` on this branch, and commit.\n";
        body
    }
}

/// A reason is text: it neither mentions people nor makes links.
fn escaped(text: &str) -> String {
    let special = |c: char| "\\`*_{}[]()<>#+!|@~&".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
