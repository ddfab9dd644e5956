//! What is done to a repository: a commit where it is on this machine, a pull request where it is on the forge.

use super::error::PhaseError;
use super::report::Took;
use super::shift::Shift;
use super::sight::{Home, Hosted, Sight};
use crate::error::{Failure, shell_quoted};
use crate::forge::github::{NewPull, PullState};
use crate::git::change;
use crate::git::commit::{NewCommit, Signature};
use crate::model::phase::Phase;
use crate::model::record::Record;
use crate::scaffold::plan::Status;
use crate::scaffold::push::{Commits, Remote};

/// A change of a repository.
pub(super) struct Changing<'c> {
    /// The record as it will be.
    pub(super) record: &'c Record,
    /// What it is for, in a few words.
    pub(super) title: &'c str,
    /// Whether a pull request that waits already may be taken for this one, whatever its files are.
    pub(super) may_wait: bool,
    pub(super) sight: &'c Sight,
    pub(super) shift: &'c Shift,
    pub(super) author: Signature,
    /// Whether it is only planned.
    pub(super) planned: bool,
}

/// What became of it.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) took: Vec<Took>,
    /// What is for people to do now.
    pub(super) next: Option<String>,
}

impl Changing<'_> {
    /// Makes the change, and where the API is retired already archives its repository on the forge.
    pub(super) fn make(&self) -> Result<Changed, Failure> {
        match (&self.sight.home, self.shift.edits.is_empty()) {
            (Home::Here, false) => self.commit(),
            (Home::Forge(hosted), false) => self.propose(hosted),
            (Home::Forge(hosted), true) if self.record.phase == Phase::Retired => self.archive(hosted),
            (Home::Elsewhere, false) => {
                let reason = format!("`{}` is neither on this machine nor on GitHub", self.record.repository.url);
                Err(PhaseError::Unseen { name: self.record.name.to_string(), reason }.into())
            }
            (_, true) => Ok(Changed::default()),
        }
    }

    fn prepare(&self) -> Result<String, Failure> {
        let Sight { git, head, .. } = self.sight;
        let new = NewCommit { author: self.author.clone(), message: format!("{}\n", self.title) };
        Ok(change::prepare(git, &head.commit, &self.shift.edits, &new)?)
    }

    fn commit(&self) -> Result<Changed, Failure> {
        let Sight { folder, git, head, .. } = self.sight;
        let branch = head.branch.trim_start_matches("refs/heads/");
        let words = format!("commit {} files on {branch} in {}", self.shift.edits.len(), folder.display());
        change::must_be_clean(git)?;
        let status = if self.planned {
            Status::Left
        } else {
            change::advance(git, head, &self.prepare()?)?;
            Status::Done
        };
        let next = Some(format!("cd {} && make generate lint test, then push", shell_quoted(folder.display())));
        Ok(Changed { took: vec![Took { step: "commit", words, status }], next })
    }

    /// The id of the tree that the repository is to have.
    fn tree(&self) -> Result<String, Failure> {
        Ok(change::tree_of(&self.sight.git, &self.prepare()?)?)
    }

    /// The branch that the pull request is from: the same for every run, so that it is found again.
    fn branch(&self) -> String {
        format!("apiscaffold/phase-{}", self.record.phase.word())
    }

    fn propose(&self, hosted: &Hosted) -> Result<Changed, Failure> {
        let Hosted { github, target, .. } = hosted;
        let (branch, page) = (self.branch(), github.server().page(target));
        let push = format!("push a commit of {} files to branch {branch} of {page}", self.shift.edits.len());
        let pull = format!("open a pull request: {}", self.title);
        let found = github.pull(target, &branch)?;
        if let Some(open) = found.as_ref().filter(|pull| pull.state == PullState::Open) {
            if !self.may_wait && github.branch_tree(target, &branch)? != Some(self.tree()?) {
                return Err(PhaseError::OtherPull { page: open.page.clone() }.into());
            }
            let words = format!("{pull}, {}", open.page);
            return Ok(Changed {
                took: vec![Took { step: "pull-request", words, status: Status::AlreadySo }],
                next: Some(self.then(&open.page)),
            });
        }
        let pushed = self.push(hosted, &branch)?;
        let took = |step, words, status| Took { step, words, status };
        if self.planned {
            let took = vec![took("push", push, Status::Left), took("pull-request", pull, Status::Left)];
            return Ok(Changed { took, next: None });
        }
        let base = self.sight.head.branch.trim_start_matches("refs/heads/").to_owned();
        let new = NewPull { branch, base, title: self.title.to_owned(), body: self.body() };
        let opened = github.open_pull(target, &new)?;
        let next = Some(self.then(&opened.page));
        let pull = took("pull-request", format!("{pull}, {}", opened.page), Status::Done);
        Ok(Changed { took: vec![took("push", push, pushed), pull], next })
    }

    /// Pushes the branch, unless it is there with the same files.
    fn push(&self, hosted: &Hosted, branch: &str) -> Result<Status, Failure> {
        let Hosted { github, target, url, network } = hosted;
        let commit = self.prepare()?;
        match github.branch_tree(target, branch)? {
            Some(tree) if tree == change::tree_of(&self.sight.git, &commit)? => return Ok(Status::AlreadySo),
            Some(_) => {
                let (page, branch) = (github.server().page(target), branch.to_owned());
                return Err(PhaseError::StaleBranch { page, branch }.into());
            }
            None if self.planned => return Ok(Status::Left),
            None => {}
        }
        Remote { github, target, url, network, ssh: false }
            .push(&self.sight.git, &Commits::Branch { name: branch.to_owned(), commit })?;
        Ok(Status::Done)
    }

    fn then(&self, page: &str) -> String {
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
        if !self.shift.opened.is_empty() {
            let names = self.shift.opened.join("`, `");
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
        for note in &self.shift.notes {
            body += &format!("\n{note}\n");
        }
        body += "\nIf the workflow says that something is stale, run `make generate` on this branch, and commit.\n";
        body
    }

    fn archive(&self, hosted: &Hosted) -> Result<Changed, Failure> {
        let page = hosted.github.server().page(&hosted.target);
        let status = match (self.planned, self.planned || hosted.github.archive(&hosted.target)?) {
            (true, _) => Status::Left,
            (false, true) => Status::Done,
            (false, false) => Status::AlreadySo,
        };
        Ok(Changed { took: vec![Took { step: "archive", words: format!("archive {page}"), status }], next: None })
    }
}

/// A reason is text: it neither mentions people nor makes links.
fn escaped(text: &str) -> String {
    let special = |c: char| "\\`*_{}[]()<>#+!|@~&".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
