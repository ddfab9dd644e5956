//! The effects of a dry run: GitHub is asked as in a run, and nothing is changed.

use serde_json::Value;

use super::{Effects, Outcome, StepOutcome};
use crate::error::Failure;
use crate::forge::github::{self, ForgeError, Github, SettingOutcome, SettingPreview, SettingsRequest};
use crate::model::repository::NewRepository;
use crate::scaffold::plan::{Configure, CreateStep, HostedCommitStep, Plan, PushStep, Status, Step};
use crate::world::World;

/// Says of each step what it would do.
pub(crate) struct DryRun<'d> {
    /// None without a token: then nothing is asked.
    github: Option<&'d Github>,
    world: &'d World,
    /// What GitHub will show of the repository that an earlier step would make.
    made: Option<Value>,
}

impl<'d> DryRun<'d> {
    pub(crate) const fn new(github: Option<&'d Github>, world: &'d World) -> Self {
        Self { github, world, made: None }
    }

    /// For settings of a repository that would be made before.
    pub(crate) fn for_new(github: &'d Github, new: &NewRepository, world: &'d World) -> Self {
        Self { made: Some(github::as_made(new)), ..Self::new(Some(github), world) }
    }

    fn configure(&self, step: &Step, configure: &Configure, outcome: &mut Outcome) -> Result<(), Failure> {
        let Configure { target, settings, create_teams, lower } = configure;
        let _bar = self.world.terminal.bar("asking GitHub what is there");
        let (fresh, create_teams, lower) = (self.made.as_ref(), *create_teams, *lower);
        let wish = SettingsRequest { target, settings, fresh, create_teams, lower, secrets: None };
        for (setting, SettingPreview { made, calls }) in settings.iter().zip(github::rehearse(self.github, &wish)) {
            match made {
                SettingOutcome::Failed(error) if error.ends_all() => return Err(error.into()),
                made => {
                    let mut one = StepOutcome::setting(step, setting, made, calls);
                    if one.status == Status::Done {
                        one.status = Status::Planned;
                    }
                    outcome.steps.push(one);
                }
            }
        }
        match self.github {
            Some(github) => Ok(github.interrupt().check().map_err(ForgeError::from)?),
            None => Ok(()),
        }
    }
}

impl Effects for DryRun<'_> {
    fn is_dry_run(&self) -> bool {
        true
    }

    fn prepare(&mut self, _: &Plan) -> Result<(), Failure> {
        Ok(())
    }

    fn take(&mut self, step: &Step, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut one = StepOutcome::new(step, Status::Planned);
        match step {
            Step::Configure(configure) => return self.configure(step, configure, outcome),
            Step::Create(CreateStep { new, .. }) => {
                self.made = Some(github::as_made(new));
                one.calls.push(github::create_call(new));
            }
            Step::Push(PushStep { is_there: true, .. })
            | Step::HostedCommit(HostedCommitStep { is_there: true, .. }) => one.status = Status::AlreadySo,
            Step::HostedCommit(HostedCommitStep { target, new, .. }) => one.calls.extend(new.calls(target)),
            Step::Push(PushStep { url, page, commits, .. }) => {
                let url = url.clone().unwrap_or_else(|| format!("{page}.git"));
                one.command = Some(format!("git push {url} {}", commits.references().join(" ")));
            }
            Step::PullRequest { open: Some(_), .. } => one.status = Status::AlreadySo,
            Step::PullRequest { target, new, open: None } => one.calls.push(github::pull_call(target, new)),
            Step::Archive { target, .. } => one.calls.push(github::archive_call(target)),
            Step::Record { old, new, .. } if old == new => one.status = Status::AlreadySo,
            _ => {}
        }
        outcome.steps.push(one);
        Ok(())
    }
}
