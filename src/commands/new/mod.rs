//! `apiscaffold new`: decide everything, then do it.

mod hosted;
mod keys;
mod report;
pub(super) mod secrets;

use std::path::Path;

use jiff::Timestamp;

use super::input::Material;
use super::place::{InTheWay, Place, Standing};
use super::{registry_folder, render};
use crate::apply::{self, Hosting, Outcome};
use crate::cli::{Global, NewArgs};
use crate::error::{Failure, Fault};
use crate::forge::github::Secrets;
use crate::git::commit;
use crate::model::author::Author;
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::plan::{Plan, Step};
use crate::model::record::{KeyKind, PhaseChange, Record, State};
use crate::model::tree::Tree;
use crate::openapi::Spec;
use crate::registry::Registry;
use crate::world::World;
use hosted::{Forge, Hosted};
use keys::Keys;
use report::Report;

/// The ref that keeps the pristine render.
const BASE: &str = "refs/apiscaffold/base";

pub(super) fn run(arguments: &NewArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let place = Place::new(&world.absolute(&arguments.into), &name)?;
    let registry = registry_folder(global, world)?;
    let forge = Forge::open(arguments, world)?;
    let call = Call { arguments, registry: &registry, forge: forge.as_ref(), world };
    let mut decision = call.decide(&name, place.clone())?;
    if arguments.dry_run {
        if let (Some(hosted), Some(forge)) = (&mut decision.hosted, &forge) {
            forge.rehearse(hosted);
        }
        Report { decision: &decision, world }.plan();
        return Ok(());
    }
    let mut secrets = Secrets::default();
    loop {
        if let (Some(hosted), Some(forge)) = (&decision.hosted, &forge) {
            secrets::gather(&forge.secrets_missing(hosted)?, &mut secrets, world)?;
        }
        match call.apply(&mut decision, &secrets) {
            Ok(outcome) => return Report { decision: &decision, world }.outcome(outcome),
            // Someone else took a derived key in the meantime: it gets the next free value.
            Err(failure) if failure.fault() == Fault::Conflict && !world.terminal.can_ask() => {
                let next = call.decide(&name, place.clone())?;
                // Another run of the same command may have done it all by now.
                if next.keys() == decision.keys() && !next.plan.steps.is_empty() {
                    return Err(failure);
                }
                decision = next;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// What was asked for, and where.
struct Call<'c> {
    arguments: &'c NewArgs,
    registry: &'c Path,
    forge: Option<&'c Forge>,
    world: &'c World,
}

/// Everything that is known before the first effect.
struct Decision {
    plan: Plan,
    record: Record,
    place: Place,
    spec: Option<Spec>,
    hosted: Option<Hosted>,
    files: usize,
}

impl Decision {
    fn keys(&self) -> [String; 2] {
        [KeyKind::ShortName, KeyKind::BasePath].map(|kind| self.record.key(kind))
    }
}

impl Call<'_> {
    fn decide(&self, name: &ApiName, mut place: Place) -> Result<Decision, Failure> {
        let Self { arguments, forge, world, .. } = self;
        let surveyed = forge.map(|forge| forge.survey(name, world)).transpose()?;
        if let Some(surveyed) = &surveyed {
            place.url.clone_from(&surveyed.page);
        }
        let registry = Registry::open(self.registry)?;
        let standing = place.standing(name, registry.as_ref())?;
        let bar = world.terminal.bar("reading");
        let mut material = Material::read(name.clone(), &arguments.input, world)?;
        drop(bar);
        let keys = Keys { registry: registry.as_ref(), standing: &standing };
        let (answers, mut record) = keys.settle(&mut material, world)?;
        complete(&mut record, &standing, &place, world);
        let bar = world.terminal.bar("rendering");
        let rendered = render::repository(&mut material, &answers, &record)?;
        drop(bar);
        let files = rendered.tree.len();
        let hosted = match (surveyed, forge) {
            (Some(surveyed), Some(forge)) => {
                let tree = commit::tree_id(&rendered.tree);
                Some(forge.judge(
                    surveyed,
                    &standing,
                    &tree,
                    (rendered.settings, arguments.hosting.visibility, world),
                )?)
            }
            _ => None,
        };
        if let Some(hosted) = &hosted {
            record.repository.id = hosted.found.as_ref().map(|found| found.id).or(record.repository.id);
        }
        let plan = plan(&standing, &place, hosted.as_ref(), rendered.tree, record.clone())?;
        Ok(Decision { plan, record, place, spec: material.spec, hosted, files })
    }

    fn apply(&self, decision: &mut Decision, secrets: &Secrets) -> Result<Outcome, Failure> {
        let plan = std::mem::take(&mut decision.plan);
        let _bar = self.world.terminal.bar("writing");
        let forge = self.forge.and_then(|forge| Some((forge, forge.github.as_ref()?)));
        let mut hosting = match (&decision.hosted, forge) {
            (Some(hosted), Some((forge, github))) => Some(Hosting {
                github,
                target: hosted.new.target.clone(),
                found: hosted.found.clone(),
                claim: hosted.claim,
                tree: hosted.tree.clone(),
                secrets: secrets.clone(),
                create_teams: self.arguments.hosting.create_teams,
                ssh: self.arguments.hosting.ssh,
                network: forge.network.clone(),
                folder: decision.place.target.clone(),
                fresh: false,
            }),
            _ => None,
        };
        apply::apply(plan, self.registry, hosting.as_mut(), &author(self.world), self.world)
    }
}

/// Who makes a change: by the environment, else git's configuration, else this tool.
pub(super) fn author(world: &World) -> Author {
    let given =
        || Some((world.variable("GIT_AUTHOR_NAME")?.to_owned(), world.variable("GIT_AUTHOR_EMAIL")?.to_owned()));
    let fallback = || ("apiscaffold".to_owned(), "apiscaffold@localhost".to_owned());
    let (name, email) = given().or_else(commit::configured_identity).unwrap_or_else(fallback);
    Author { name, email }
}

/// Adds to a record where, by whom and when. What an earlier run of ours wrote stays.
fn complete(record: &mut Record, standing: &Standing, place: &Place, world: &World) {
    record.repository.url.clone_from(&place.url);
    record.history = match standing {
        Standing::Ours(earlier) => {
            record.repository.id = earlier.repository.id;
            earlier.history.clone()
        }
        Standing::Free => vec![PhaseChange {
            phase: Phase::Inception,
            date: Timestamp::from_second(world.now.as_second()).unwrap_or(world.now).to_string(),
            by: author(world).to_string(),
            note: None,
        }],
    };
}

/// What has become of an API since it was made stays: making it again does not begin its life anew.
fn go_on(record: &mut Record, earlier: &Record) {
    record.phase = earlier.phase;
    record.ending.clone_from(&earlier.ending);
    record.evidence.clone_from(&earlier.evidence);
    record.waivers.clone_from(&earlier.waivers);
    if earlier.state == State::Active {
        record.environments.clone_from(&earlier.environments);
    }
}

/// The steps from what is to what shall be.
fn plan(
    standing: &Standing,
    place: &Place,
    hosted: Option<&Hosted>,
    tree: Tree,
    record: Record,
) -> Result<Plan, Failure> {
    let target = place.target.clone();
    let is_active = matches!(standing, Standing::Ours(earlier) if earlier.state == State::Active);
    if matches!(standing, Standing::Ours(_)) && place.exists() {
        let base = commit::tree_of(&target, BASE)?;
        if base.is_none_or(|base| base != commit::tree_id(&tree)) {
            return Err(InTheWay::Differs(target).into());
        }
    }
    let pushed = hosted.map(|hosted| hosted.pushed);
    // A complete repository on a forge is cloned from there, where work may have gone on.
    let is_elsewhere = is_active && pushed == Some(true);
    let makes_folder = !place.exists() && !is_elsewhere;
    let mut steps = Vec::new();
    if makes_folder {
        let message = format!("Make {} from template {}", record.name, record.template.name);
        let (author, seconds) = first(&record);
        steps.push(Step::Commit { target: target.clone(), tree, message, author, seconds });
    }
    if !is_active && (makes_folder || hosted.is_some()) {
        steps.push(Step::Reserve { record: Box::new(record.clone()) });
    }
    if let Some(hosted) = hosted {
        steps.extend(hosted.steps(&place.url));
    }
    if makes_folder {
        steps.push(Step::Place { target });
    }
    if makes_folder || !is_active {
        let mut active = Record { state: State::Active, ..record };
        if let Standing::Ours(earlier) = standing {
            go_on(&mut active, earlier);
        }
        steps.push(Step::Activate { record: Box::new(active) });
    }
    Ok(Plan { steps })
}

/// Who made the first commit, and when: as the record has it, so that whoever finishes the work makes the same commit.
fn first(record: &Record) -> (Author, i64) {
    let first = record.history.first();
    let author = first.map_or_else(|| Author::read(""), |change| Author::read(&change.by));
    let date = first.and_then(|change| change.date.parse::<Timestamp>().ok());
    (author, date.map_or(0, Timestamp::as_second))
}
