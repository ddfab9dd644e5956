//! `apiscaffold new`: decide everything, then do it.

mod hosted;
mod keys;
mod report;

use std::rc::Rc;

use jiff::Timestamp;

use crate::cli::{Global, NewArgs};
use crate::error::{Failure, Fault};
use crate::forge::github::Secrets;
use crate::git::commit;
use crate::model::author::Author;
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::record::{KeyKind, PhaseChange, Record, State};
use crate::model::tree::Tree;
use crate::openapi::Spec;
use crate::registry::{self, Registry};
use crate::scaffold::address::{self, Taken};
use crate::scaffold::apply::{self, Hosting, LazyRegistry, Outcome};
use crate::scaffold::place::{InTheWay, Place, Standing};
use crate::scaffold::plan::{Plan, Step};
use crate::scaffold::request::Material;
use crate::scaffold::{base, naming, open, render, secrets, warnings};
use crate::world::World;
use hosted::{Forge, Hosted, Wanted};
use keys::Keys;
use report::Report;

pub(super) fn run(arguments: &NewArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let place = Place::new(&world.absolute(&arguments.into), &name)?;
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let mut registry = LazyRegistry::new(location.clone(), open::registry::open(&location, world)?);
    let forge = Forge::open(arguments, world)?;
    let call = Call { arguments, forge: forge.as_ref(), author: open::author(world), world };
    let mut decision = call.decide(&name, place.clone(), registry.get())?;
    if arguments.dry_run {
        if let (Some(hosted), Some(forge)) = (&mut decision.hosted, &forge) {
            forge.rehearse(hosted, arguments.hosting.create_teams, world)?;
        }
        Report { decision: &decision, world }.plan();
        return Ok(());
    }
    location.may_change()?;
    let mut secrets = Secrets::default();
    loop {
        if let (Some(hosted), Some(forge)) = (&decision.hosted, &forge) {
            secrets::gather(&forge.secrets_missing(hosted, world)?, &mut secrets, world)?;
        }
        match call.apply(&mut decision, &secrets, &mut registry) {
            Ok(outcome) => {
                if outcome.stopped.is_none() && outcome.left().next().is_none() {
                    decision.record.state = State::Active;
                }
                return Report { decision: &decision, world }.outcome(outcome);
            }
            // Someone else took a derived key in the meantime: it gets the next free value.
            Err(failure) if failure.fault() == Fault::Conflict && !world.terminal.can_ask() => {
                let next = call.decide(&name, place.clone(), registry.get())?;
                // Another run of the same command may have done it all by now; or one that was killed had sent its
                // reservation, which came after we had looked: then there is something of ours to go on with.
                if next.claim() == decision.claim() && !next.plan.steps.is_empty() {
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
    forge: Option<&'c Forge>,
    author: Author,
    world: &'c World,
}

/// Everything that is known before the first effect.
struct Decision {
    plan: Plan,
    record: Record,
    place: Place,
    spec: Option<Rc<Spec>>,
    hosted: Option<Hosted>,
    files: usize,
    /// Answers, and what they were taken from.
    taken: Vec<Taken>,
    warnings: Vec<String>,
}

impl Decision {
    /// The keys it takes, and since when. An earlier run of ours says another time than this one.
    fn claim(&self) -> ([String; 2], &[PhaseChange]) {
        ([KeyKind::ShortName, KeyKind::BasePath].map(|kind| self.record.key(kind)), &self.record.history)
    }
}

impl Call<'_> {
    fn decide(&self, name: &ApiName, mut place: Place, registry: Option<&Registry>) -> Result<Decision, Failure> {
        let Self { arguments, forge, world, .. } = self;
        let surveyed = forge.map(|forge| forge.survey(name, arguments.hosting.visibility, world)).transpose()?;
        if let Some(surveyed) = &surveyed {
            place.url.clone_from(&surveyed.page);
        }
        let standing = place.standing(name, registry, &self.author)?;
        let bar = world.terminal.bar("reading");
        let mut material = Material::first(name.clone(), &arguments.input.inputs(), world)?;
        drop(bar);
        if matches!(standing, Standing::Free) {
            naming::check(name, &material.template.manifest.environments, registry, world)?;
        }
        if matches!(standing, Standing::Ours(_)) && place.exists() && world.terminal.can_ask() {
            // It was asked when the repository was made.
            material.remember(base::files(&place.target)?.as_ref().and_then(base::receipt));
        }
        let keys = Keys { registry, standing: &standing };
        let (answers, mut record) = keys.settle(&mut material, world)?;
        let (taken, warnings) = (address::taken(&material, &answers), warnings(&material, &answers, &record));
        self.complete(&mut record, &standing, &place);
        match &standing {
            Standing::Free => registry::check(&record, None)?,
            Standing::Ours(earlier) => {
                let mut later = record.clone();
                go_on(&mut later, earlier);
                registry::check(&later, Some(earlier))?;
            }
        }
        let bar = world.terminal.bar("rendering");
        let rendered = render::repository(&material, &answers, &record)?;
        drop(bar);
        let files = rendered.tree.len();
        let hosted = match (surveyed, forge) {
            (Some(surveyed), Some(forge)) => {
                let tree = commit::tree_id(&rendered.tree);
                let wanted = Wanted { settings: rendered.settings, visibility: arguments.hosting.visibility, tree };
                Some(forge.judge(surveyed, &standing, wanted, world)?)
            }
            _ => None,
        };
        if let Some(hosted) = &hosted {
            record.repository.id = hosted.found.as_ref().map(|found| found.id).or(record.repository.id);
        }
        let plan = plan(&standing, &place, hosted.as_ref(), rendered.tree, record.clone())?;
        Ok(Decision { plan, record, place, spec: material.spec, hosted, files, taken, warnings })
    }

    /// Adds to a record where, by whom and when. What an earlier run of ours wrote stays.
    fn complete(&self, record: &mut Record, standing: &Standing, place: &Place) {
        let now = self.world.now;
        record.repository.url.clone_from(&place.url);
        record.history = match standing {
            Standing::Ours(earlier) => {
                record.repository.id = earlier.repository.id;
                earlier.history.clone()
            }
            Standing::Free => vec![PhaseChange {
                phase: Phase::Inception,
                date: Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
                by: self.author.to_string(),
                note: None,
            }],
        };
    }

    fn apply(
        &self,
        decision: &mut Decision,
        secrets: &Secrets,
        registry: &mut LazyRegistry,
    ) -> Result<Outcome, Failure> {
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
                lower: hosted.lower,
            }),
            _ => None,
        };
        apply::apply(plan, registry, hosting.as_mut(), &self.author, self.world)
    }
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
        let base = base::files(&target)?;
        if base.as_ref() != Some(&tree) {
            let different = base.map(|base| base::differences(&base, &tree)).unwrap_or_default();
            return Err(InTheWay::Differs { folder: target, different }.into());
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
