//! Does what a plan says. Each step asks first whether the world is already so.

use std::path::PathBuf;

use crate::disk::{self, Staging};
use crate::error::Failure;
use crate::git::commit::{self, NewCommit, Signature};
use crate::model::plan::{Plan, Status, Step};
use crate::registry::{By, Change, Registry};
use crate::world::World;

/// What became of a plan.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Each step's word, in words, and how it went.
    pub steps: Vec<(&'static str, String, Status)>,
    /// The first commit, when one was made.
    pub commit: Option<String>,
}

/// Who does it.
#[derive(Clone, Debug)]
pub struct Author {
    /// A name.
    pub name: String,
    /// An address.
    pub email: String,
}

/// Does the steps in order and stops at the first that fails: to go on, the same command is run again.
///
/// The registry is made when it is not there yet.
pub fn apply(plan: Plan, registry: &mut LazyRegistry, author: &Author, world: &World) -> Result<Outcome, Failure> {
    let mut run = Run { registry, author, world, staging: None, outcome: Outcome::default() };
    for step in plan.steps {
        let (word, words) = (step.word(), step.words());
        world.terminal.detail(&words);
        let status = run.step(step)?;
        run.outcome.steps.push((word, words, status));
    }
    Ok(run.outcome)
}

struct Run<'r> {
    registry: &'r mut LazyRegistry,
    author: &'r Author,
    world: &'r World,
    staging: Option<Staging>,
    outcome: Outcome,
}

impl Run<'_> {
    fn step(&mut self, step: Step) -> Result<Status, Failure> {
        match step {
            Step::Commit { target, tree, message } => {
                let parent = target.parent().unwrap_or(&target);
                let name = target.file_name().unwrap_or_default().to_string_lossy();
                let staging = Staging::new(parent, &name)?;
                let new = NewCommit { author: self.signature(), message };
                let (written, prepared) =
                    rayon::join(|| disk::write(&tree, staging.path()), || commit::prepare(&tree, &new));
                written?;
                self.outcome.commit = Some(commit::store(staging.path(), &tree, prepared)?);
                self.staging = Some(staging);
                // The process soon ends, which frees its memory at once rather than file by file.
                std::mem::forget(tree);
                Ok(Status::Done)
            }
            Step::Reserve { record } => {
                let by = self.by();
                Ok(status(self.registry.make()?.add(&record, &by)?))
            }
            Step::Place { target } => {
                if let Some(staging) = self.staging.take() {
                    staging.put(&target)?;
                }
                Ok(Status::Done)
            }
            Step::Activate { record } => {
                let by = self.by();
                Ok(status(self.registry.make()?.activate(&record, &by)?))
            }
        }
    }

    fn signature(&self) -> Signature {
        let Author { name, email } = self.author.clone();
        Signature { name, email, seconds: self.world.now.as_second() }
    }

    fn by(&self) -> By {
        let Author { name, email } = self.author.clone();
        By { name, email, seconds: self.world.now.as_second() }
    }
}

/// A registry that is opened once, and made when it is first needed.
pub struct LazyRegistry {
    folder: PathBuf,
    opened: Option<Registry>,
}

impl LazyRegistry {
    /// The registry in `folder`, if there is one; nothing is made.
    pub fn open(folder: PathBuf) -> Result<Self, Failure> {
        let opened = Registry::open(&folder)?;
        Ok(Self { folder, opened })
    }

    /// The registry, if there is one.
    pub const fn get(&self) -> Option<&Registry> {
        self.opened.as_ref()
    }

    fn make(&mut self) -> Result<&Registry, Failure> {
        match &mut self.opened {
            Some(registry) => Ok(registry),
            opened => Ok(opened.insert(Registry::open_or_create(&self.folder)?)),
        }
    }
}

fn status(change: Change) -> Status {
    match change {
        Change::Done => Status::Done,
        Change::AlreadySo => Status::AlreadySo,
    }
}
