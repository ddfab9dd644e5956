//! Does what a plan says. A dry run is the same walk, over effects that only report.

mod dry;
mod real;

use super::plan::{HostedCommitStep, Plan, PushStep, Status, Step};
use super::push::Commits;
use crate::error::Failure;
use crate::forge::github::call::Call;
use crate::forge::github::{ForgeError, SettingOutcome};
use crate::git::change::FileEdit;
use crate::model::setting::Setting;
use crate::model::text::one_line;
use crate::registry::ImportPlan;

pub(crate) use dry::DryRun;
pub(crate) use real::{LazyRegistry, Real};

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How each step went; the settings of a repository one by one.
    pub(crate) steps: Vec<StepOutcome>,
    /// What ended it early, after something was done on the forge.
    pub(crate) stopped: Option<Failure>,
    /// What an import recorded.
    pub(crate) intake: Option<ImportPlan>,
    /// Whether it was a dry run.
    pub(crate) is_dry_run: bool,
}

/// The result of a step.
#[derive(Debug)]
pub(crate) struct StepOutcome {
    pub(crate) step: &'static str,
    pub(crate) words: String,
    pub(crate) status: Status,
    /// Why it is not done, or what was kept.
    pub(crate) failure: Option<Failure>,
    /// What it made: the id of a commit, the forge's number of a repository, or the page of a pull request.
    pub(crate) result: Option<String>,
    /// The files that it changes; a path ends in ` (removed)` when the file is deleted.
    pub(crate) files: Vec<String>,
    /// What a dry run would send to GitHub's API.
    pub(crate) calls: Vec<Call>,
    /// The git command that does the same, of a dry run.
    pub(crate) command: Option<String>,
}

impl StepOutcome {
    /// A step that went so.
    pub(crate) fn new(step: &Step, status: Status) -> Self {
        let files = match step {
            Step::Push(PushStep { commits: Commits::Branch(commit), .. }) => commit.edits.iter().map(file).collect(),
            Step::Commit { edits, .. } | Step::HostedCommit(HostedCommitStep { edits, .. }) => {
                edits.iter().map(file).collect()
            }
            _ => Vec::new(),
        };
        Self {
            step: step.word(),
            words: step.words(),
            status,
            failure: None,
            result: None,
            files,
            calls: Vec::new(),
            command: None,
        }
    }

    /// A setting that went so.
    fn setting(step: &Step, setting: &Setting, made: SettingOutcome, calls: Vec<Call>) -> Self {
        let (status, failure) = match made {
            SettingOutcome::Done => (Status::Done, None),
            SettingOutcome::AlreadySo => (Status::AlreadySo, None),
            SettingOutcome::Kept(error) => (Status::Kept, Some(error)),
            SettingOutcome::Failed(error @ ForgeError::NoValue { .. }) => (Status::Waiting, Some(error)),
            SettingOutcome::Failed(error) => (Status::Failed, Some(error)),
            SettingOutcome::Left(error @ ForgeError::NoEnvironment { .. }) => (Status::Left, Some(error)),
            SettingOutcome::Left(_) => (Status::Left, None),
        };
        let failure = failure.map(Failure::from);
        Self { words: setting.words(), failure, calls, ..Self::new(step, status) }
    }
}

impl Outcome {
    /// The steps that remain to be done.
    pub(crate) fn remaining(&self) -> impl Iterator<Item = &StepOutcome> {
        self.steps.iter().filter(|step| !step.status.is_good())
    }

    /// Whether everything is done.
    pub(crate) fn is_complete(&self) -> bool {
        self.stopped.is_none() && self.remaining().next().is_none()
    }

    /// Whether there was nothing to do.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.steps.iter().all(|step| step.status == Status::AlreadySo)
    }

    /// What the step of this word made.
    pub(crate) fn result(&self, word: &str) -> Option<&str> {
        self.steps.iter().find(|step| step.step == word)?.result.as_deref()
    }

    /// A secret that waits for its value is no failure of the repository.
    fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.status, Status::Failed | Status::Left))
    }
}

/// A file that changes, on one line.
fn file(edit: &FileEdit) -> String {
    format!("{}{}", one_line(edit.path.as_str()), if edit.file.is_some() { "" } else { " (removed)" })
}

/// What steps do.
pub(crate) trait Effects {
    /// Whether nothing is changed.
    fn is_dry_run(&self) -> bool;

    /// Finds out what is needed from a person before the first step is done, and whether the plan can be done at all.
    fn prepare(&mut self, plan: &Plan) -> Result<(), Failure>;

    /// Does a step, and adds how it went.
    ///
    /// # Errors
    /// What failed.
    fn take(&mut self, step: &Step, outcome: &mut Outcome) -> Result<(), Failure>;
}

/// Does the steps in order. One that fails stops the others, except settings on a forge, which are tried each on its
/// own. To go on, the same command is run again.
///
/// # Errors
/// What failed, when nothing was done on a forge before; afterwards the outcome says it.
pub(crate) fn apply(plan: &Plan, effects: &mut dyn Effects) -> Result<Outcome, Failure> {
    effects.prepare(plan)?;
    let mut outcome = Outcome { is_dry_run: effects.is_dry_run(), ..Outcome::default() };
    let mut is_begun = plan.is_begun;
    for step in &plan.steps {
        let needs_all = matches!(step, Step::Activate { .. });
        if outcome.stopped.is_some() || (needs_all && outcome.has_failed()) {
            outcome.steps.push(StepOutcome::new(step, Status::Left));
            continue;
        }
        match effects.take(step, &mut outcome) {
            Ok(()) => is_begun |= step.is_on_forge(),
            Err(failure) if is_begun && !outcome.is_dry_run => {
                outcome.steps.push(StepOutcome::new(step, Status::Failed));
                outcome.stopped = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(outcome)
}
