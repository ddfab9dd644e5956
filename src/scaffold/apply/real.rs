//! The effects of a run. Each step asks first whether the world is already so.

use std::path::Path;

use super::{Effects, Outcome, StepOutcome};
use crate::disk::{self, Staging};
use crate::error::Failure;
use crate::forge::github::{
    ForgeError, Github, HostedRepository, Ownership, Reservation, Secrets, SettingOutcome, SettingsRequest, Unclear,
    ownership,
};
use crate::git::commit::{self, NewCommit};
use crate::git::{change, publish};
use crate::model::author::{Author, Signature};
use crate::model::record::Record;
use crate::model::tree::Tree;
use crate::registry::{Location, RecordChange, Registry, RegistryError};
use crate::scaffold::plan::{Configure, CreateStep, HostedCommitStep, Plan, PushStep, Status, Step};
use crate::scaffold::push::{Commits, PushTarget};
use crate::scaffold::{open, secrets};
use crate::terminal::Bar;
use crate::world::World;

/// Changes files, the registry and the forge.
pub(crate) struct Real<'r> {
    registry: &'r mut LazyRegistry,
    github: Option<&'r Github>,
    author: &'r Author,
    world: &'r World,
    /// Values of secrets. They are no part of a plan, which is shown.
    secrets: Secrets,
    /// The files and the first commit that a step wrote, before they are put in their place.
    staging: Option<Staging>,
    /// The repository on the forge that a step made, or found made.
    repository: Option<HostedRepository>,
    /// Whether a step made it.
    is_fresh: bool,
    /// Shows that steps are being done.
    bar: Option<Bar>,
}

impl<'r> Real<'r> {
    /// `github` may be none when no step is on the forge.
    pub(crate) fn new(
        registry: &'r mut LazyRegistry,
        github: Option<&'r Github>,
        author: &'r Author,
        world: &'r World,
    ) -> Self {
        let (secrets, staging, repository, is_fresh, bar) = (Secrets::default(), None, None, false, None);
        Self { registry, github, author, world, secrets, staging, repository, is_fresh, bar }
    }

    /// Takes values of secrets that are known already.
    pub(crate) fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// The values of secrets, for another try.
    pub(crate) fn into_secrets(self) -> Secrets {
        self.secrets
    }
}

impl Effects for Real<'_> {
    fn is_dry_run(&self) -> bool {
        false
    }

    fn prepare(&mut self, plan: &Plan) -> Result<(), Failure> {
        if plan.steps.iter().any(Step::is_in_registry) {
            self.registry.location.may_change()?;
        }
        for step in &plan.steps {
            if let Step::Configure(configure) = step {
                self.gather(configure, plan.steps.iter().any(|step| matches!(step, Step::Create(_))))?;
            }
        }
        self.bar = Some(self.world.terminal.bar("writing"));
        Ok(())
    }

    fn take(&mut self, step: &Step, outcome: &mut Outcome) -> Result<(), Failure> {
        self.world.terminal.detail(&step.words());
        let mut one = StepOutcome::new(step, Status::Done);
        let by = self.author.at(self.world.now);
        match step {
            Step::Configure(configure) => return self.configure(step, configure, outcome),
            Step::FirstCommit { target, tree, commit } => one.result = Some(self.stage(target, tree, commit)?),
            Step::Reserve { record } => one.status = self.registry.make()?.add(record, &by)?.into(),
            Step::Create(create) => {
                one.status = self.create(create, &by)?;
                one.result = self.repository.as_ref().map(|found| found.id.to_string());
            }
            Step::Push(PushStep { is_there: true, .. })
            | Step::HostedCommit(HostedCommitStep { is_there: true, .. }) => one.status = Status::AlreadySo,
            Step::Push(push) => self.push(push)?,
            Step::HostedCommit(HostedCommitStep { target, new, .. }) => {
                one.result = Some(self.github()?.commit_signed(target, new)?);
            }
            Step::Place { target, origin } => self.place(target, origin.as_deref())?,
            Step::Activate { record } => {
                let mut record = record.clone();
                record.repository.id = self.repository.as_ref().map(|found| found.id).or(record.repository.id);
                one.status = self.registry.make()?.activate(&record, &by)?.into();
            }
            Step::Commit { folder, head, edits, commit } => {
                let id = change::prepare(folder, &head.commit, edits, commit)?;
                change::advance(folder, head, &id)?;
                one.result = Some(id);
            }
            Step::PullRequest { open: Some(page), .. } => {
                (one.status, one.result) = (Status::AlreadySo, Some(page.clone()));
            }
            Step::PullRequest { target, new, open: None } => {
                one.result = Some(self.github()?.open_pull(target, new)?.page);
            }
            Step::Archive { target, .. } if !self.github()?.archive(target)? => one.status = Status::AlreadySo,
            Step::Archive { .. } => {}
            Step::Record { old, new, .. } if old == new => one.status = Status::AlreadySo,
            Step::Record { old, new, message, .. } => {
                one.status = self.registry.make()?.update(old, new, message, &by)?.into();
            }
            Step::Import { incoming, .. } => {
                // What others took meanwhile stands against it as anything before, or gives a derived key another number.
                outcome.intake = Some(self.registry.make()?.import(incoming, &by)?.accepted()?);
            }
            Step::Release { record } => one.status = self.registry.make()?.release(&record.name, &by)?.into(),
        }
        outcome.steps.push(one);
        Ok(())
    }
}

impl Real<'_> {
    /// Asks for the values of secrets that the repository does not have yet.
    fn gather(&mut self, Configure { target, settings, .. }: &Configure, is_new: bool) -> Result<(), Failure> {
        let missing = if is_new {
            secrets::of(settings)
        } else {
            let _bar = self.world.terminal.bar("asking GitHub what is there");
            self.github()?.secrets_missing(target, settings)?
        };
        secrets::gather(&missing, &mut self.secrets, self.world)
    }

    /// Writes files and first commit at the same time; the id of the commit.
    fn stage(&mut self, target: &Path, tree: &Tree, new: &NewCommit) -> Result<String, Failure> {
        let parent = target.parent().unwrap_or(target);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let staging = Staging::new(parent, &name)?;
        self.world.interrupt.leftover(staging.path());
        let (written, begun) =
            rayon::join(|| disk::write(tree, staging.path()), || commit::begin(staging.path(), tree, new));
        written?;
        let id = commit::finish(staging.path(), tree, begun?)?;
        self.staging = Some(staging);
        Ok(id)
    }

    /// Makes the repository on the forge and notes its number: by that a later run knows it again.
    fn create(&mut self, create: &CreateStep, by: &Signature) -> Result<Status, Failure> {
        let CreateStep { new, claim, tree, record } = create;
        let github = self.github()?;
        // Without a record of an earlier run only a call of this one, whose answer got lost, can have made it.
        let now = Reservation { id: None, reserved: Some(jiff::Timestamp::now()) };
        let is_ours = |found: &HostedRepository, Unclear(unclear): Unclear| {
            let Some(claim) = claim.or(unclear.then_some(now)) else { return Ok(false) };
            let content = github.content(&new.target)?;
            Ok(matches!(ownership(Some(claim), new, found, &content, tree), Ownership::Ours { .. }))
        };
        let (found, is_fresh) = github.create(new, &is_ours)?;
        let mut record = Record::clone(record);
        record.repository.id = Some(found.id);
        self.repository = Some(found);
        self.is_fresh = is_fresh;
        self.registry.make()?.add(&record, by)?;
        Ok(if is_fresh { Status::Done } else { Status::AlreadySo })
    }

    fn push(&self, push: &PushStep) -> Result<(), Failure> {
        let PushStep { target, ssh, folder, commits, .. } = push;
        let Some(url) = self.address(push.url.as_deref(), *ssh) else { return Err(ForgeError::NoToken.into()) };
        let network = open::github::network(self.world)?;
        let staging = self.staging.as_ref().map(Staging::path);
        let folder = if matches!(commits, Commits::First) { staging.unwrap_or(folder) } else { folder };
        PushTarget { github: self.github()?, target, url: &url, network: &network, ssh: *ssh }.push(folder, commits)?;
        if matches!(commits, Commits::First) {
            // An earlier run may have pushed it from another folder.
            publish::connect(folder, &url)?;
        }
        Ok(())
    }

    /// The address of the repository on the forge: the one that the plan knows, else that of the repository made.
    fn address(&self, known: Option<&str>, ssh: bool) -> Option<String> {
        let made = self.repository.as_ref();
        let made = made.map(|found| if ssh { found.ssh_url.clone() } else { found.clone_url.clone() });
        known.map(str::to_owned).or(made)
    }

    fn place(&mut self, target: &Path, origin: Option<&str>) -> Result<(), Failure> {
        let Some(staging) = self.staging.take() else { return Ok(()) };
        if let Some(origin) = origin {
            publish::connect(staging.path(), origin)?;
        }
        Ok(staging.put(target)?)
    }

    /// Makes the settings so, and adds how each went.
    fn configure(&mut self, step: &Step, configure: &Configure, outcome: &mut Outcome) -> Result<(), Failure> {
        let Configure { target, settings, create_teams, lower } = configure;
        let total = settings.len() as u64;
        let progress = |done: usize, words: &str| self.world.terminal.progress(done as u64, total, words);
        let fresh = self.repository.as_ref().filter(|_| self.is_fresh).map(|found| &found.body);
        let secrets = Some(&self.secrets);
        let wish = SettingsRequest { target, settings, fresh, create_teams: *create_teams, lower: *lower, secrets };
        let github = self.github()?;
        let made = github.make(&wish, &progress);
        let interrupted = made.iter().any(|made| {
            matches!(
                made,
                SettingOutcome::Failed(ForgeError::Interrupted(_)) | SettingOutcome::Left(ForgeError::Interrupted(_))
            )
        });
        let steps =
            settings.iter().zip(made).map(|(setting, made)| StepOutcome::setting(step, setting, made, Vec::new()));
        outcome.steps.extend(steps);
        if interrupted && let Err(stopped) = github.interrupt().check() {
            outcome.stopped = Some(ForgeError::from(stopped).into());
        }
        Ok(())
    }

    fn github(&self) -> Result<&Github, ForgeError> {
        self.github.ok_or(ForgeError::NoToken)
    }
}

/// A registry that is opened once, and made when it is first needed.
pub(crate) struct LazyRegistry {
    location: Location,
    opened: Option<Registry>,
}

impl LazyRegistry {
    /// Opens the registry at `location`, if it is there; nothing is made.
    pub(crate) fn open(location: Location, world: &World) -> Result<Self, RegistryError> {
        let opened = open::registry::open(&location, world)?;
        Ok(Self::new(location, opened))
    }

    /// The registry at `location`, which is `opened` when it is there; nothing is made.
    pub(crate) const fn new(location: Location, opened: Option<Registry>) -> Self {
        Self { location, opened }
    }

    /// The registry, if there is one.
    pub(crate) const fn get(&self) -> Option<&Registry> {
        self.opened.as_ref()
    }

    fn make(&mut self) -> Result<&Registry, RegistryError> {
        match &mut self.opened {
            Some(registry) => Ok(registry),
            opened => Ok(opened.insert(Registry::open_or_create(&self.location)?)),
        }
    }
}

impl From<RecordChange> for Status {
    fn from(change: RecordChange) -> Self {
        match change {
            RecordChange::Done => Self::Done,
            RecordChange::AlreadySo => Self::AlreadySo,
        }
    }
}
