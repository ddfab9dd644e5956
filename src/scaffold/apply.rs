//! Does what a plan says. Each step asks first whether the world is already so.

mod hosting;

use super::plan::{Plan, Status, Step};
use crate::disk::{self, Staging};
use crate::error::Failure;
use crate::git::commit::{self, NewCommit, Signature};
use crate::model::author::Author;
use crate::model::record::Record;
use crate::registry::{By, Change, Location, Registry};
use crate::world::World;

pub(crate) use hosting::Hosting;

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How each step went; the settings of a repository one by one.
    pub(crate) steps: Vec<Went>,
    /// The first commit, when one was made.
    pub(crate) commit: Option<String>,
    /// What ended it early, after something was done on the forge.
    pub(crate) stopped: Option<Failure>,
}

/// How a step went.
#[derive(Debug)]
pub(crate) struct Went {
    /// One word for the step.
    pub(crate) step: &'static str,
    /// The step in words.
    pub(crate) words: String,
    /// How it went.
    pub(crate) status: Status,
    /// Why it is not done.
    pub(crate) failure: Option<Failure>,
}

impl Outcome {
    /// The steps that are not done.
    pub(crate) fn left(&self) -> impl Iterator<Item = &Went> {
        self.steps.iter().filter(|went| !went.status.is_good())
    }
}

/// Does the steps in order. One that fails stops the others, except settings on a forge, which are tried each on its
/// own. To go on, the same command is run again.
///
/// The registry is made when it is not there yet.
///
/// # Errors
/// What failed, when nothing was done on a forge before; afterwards the outcome tells.
pub(crate) fn apply(
    plan: Plan,
    registry: &mut LazyRegistry,
    hosting: Option<&mut Hosting<'_>>,
    author: &Author,
    world: &World,
) -> Result<Outcome, Failure> {
    let mut run = Run { registry, hosting, author, world, staging: None, record: None, outcome: Outcome::default() };
    for step in plan.steps {
        run.take(step)?;
    }
    Ok(run.outcome)
}

struct Run<'r, 'h> {
    registry: &'r mut LazyRegistry,
    hosting: Option<&'r mut Hosting<'h>>,
    author: &'r Author,
    world: &'r World,
    staging: Option<Staging>,
    /// The record as it stands in the registry.
    record: Option<Record>,
    outcome: Outcome,
}

impl Run<'_, '_> {
    fn take(&mut self, step: Step) -> Result<(), Failure> {
        let (word, words) = (step.word(), step.words());
        if self.outcome.stopped.is_some() || (word == "activate" && self.has_failed()) {
            self.outcome.steps.push(Went { step: word, words, status: Status::Left, failure: None });
            return Ok(());
        }
        self.world.terminal.detail(&words);
        if let Step::Configure { settings } = &step {
            let went = self.hosting.as_mut().map(|hosting| hosting.configure(settings, self.world));
            let (went, stopped) = went.unwrap_or_default();
            self.outcome.steps.extend(went);
            self.outcome.stopped = stopped;
            return Ok(());
        }
        let touched = self.hosting.as_ref().is_some_and(|hosting| hosting.is_touched());
        match self.step(step) {
            Ok(status) => self.outcome.steps.push(Went { step: word, words, status, failure: None }),
            Err(failure) if touched => {
                self.outcome.steps.push(Went { step: word, words, status: Status::Failed, failure: None });
                self.outcome.stopped = Some(failure);
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// A secret that waits for its value is no failure of the repository.
    fn has_failed(&self) -> bool {
        self.outcome.steps.iter().any(|went| matches!(went.status, Status::Failed | Status::Left))
    }

    fn step(&mut self, step: Step) -> Result<Status, Failure> {
        match step {
            Step::Commit { target, tree, message, author, seconds } => {
                let parent = target.parent().unwrap_or(&target);
                let name = target.file_name().unwrap_or_default().to_string_lossy();
                let staging = Staging::new(parent, &name)?;
                self.world.interrupt.leftover(staging.path());
                let Author { name, email } = author;
                let new = NewCommit { author: Signature { name, email, seconds }, message };
                let (written, begun) =
                    rayon::join(|| disk::write(&tree, staging.path()), || commit::begin(staging.path(), &tree, &new));
                written?;
                self.outcome.commit = Some(commit::finish(staging.path(), &tree, begun?)?);
                self.staging = Some(staging);
                Ok(Status::Done)
            }
            Step::Reserve { record } => {
                let status = self.reserve(&record)?;
                self.record = Some(*record);
                Ok(status)
            }
            Step::Create { new } => self.create(&new),
            Step::Push { .. } => {
                let staging = self.staging.as_ref().map(Staging::path);
                self.hosting.as_ref().map_or(Ok(Status::AlreadySo), |hosting| hosting.push(staging))
            }
            // Done before, each setting on its own.
            Step::Configure { .. } => Ok(Status::AlreadySo),
            Step::Place { target } => {
                if let Some(staging) = self.staging.take() {
                    if let Some(hosting) = &self.hosting {
                        hosting.connect(staging.path())?;
                    }
                    staging.put(&target)?;
                }
                Ok(Status::Done)
            }
            Step::Activate { mut record } => {
                let id = self.hosting.as_ref().and_then(|hosting| hosting.id());
                record.repository.id = id.or(record.repository.id);
                let by = self.by();
                Ok(status(self.registry.make()?.activate(&record, &by)?))
            }
        }
    }

    fn reserve(&mut self, record: &Record) -> Result<Status, Failure> {
        let by = self.by();
        Ok(status(self.registry.make()?.add(record, &by)?))
    }

    /// Makes the repository on the forge and notes its number: by that a later run knows it again.
    fn create(&mut self, new: &crate::model::repository::NewRepository) -> Result<Status, Failure> {
        let Some(hosting) = &mut self.hosting else { return Ok(Status::AlreadySo) };
        let status = hosting.create(new)?;
        let id = hosting.id();
        if let Some(mut record) = self.record.take() {
            record.repository.id = id;
            self.reserve(&record)?;
        }
        Ok(status)
    }

    fn by(&self) -> By {
        let Author { name, email } = self.author.clone();
        By { name, email, seconds: self.world.now.as_second() }
    }
}

/// A registry that is opened once, and made when it is first needed.
pub(crate) struct LazyRegistry {
    location: Location,
    opened: Option<Registry>,
}

impl LazyRegistry {
    /// The registry at `location`, which is `opened` when it is there; nothing is made.
    pub(crate) const fn new(location: Location, opened: Option<Registry>) -> Self {
        Self { location, opened }
    }

    /// The registry, if there is one.
    pub(crate) const fn get(&self) -> Option<&Registry> {
        self.opened.as_ref()
    }

    fn make(&mut self) -> Result<&Registry, Failure> {
        match &mut self.opened {
            Some(registry) => Ok(registry),
            opened => Ok(opened.insert(Registry::open_or_create(&self.location)?)),
        }
    }
}

fn status(change: Change) -> Status {
    match change {
        Change::Done => Status::Done,
        Change::AlreadySo => Status::AlreadySo,
    }
}
