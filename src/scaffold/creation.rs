//! A new repository: what is there, what it shall be, and the steps between.

use std::rc::Rc;

use jiff::Timestamp;

use super::address::{self, DerivedAnswer};
use super::hosting::{Hosted, HostingTarget};
use super::keys::Keys;
use super::place::{LocationError, NameClaim, RepositoryLocation};
use super::plan::{Plan, Step};
use super::request::{Inputs, Material};
use super::{base, naming, overlap, render, warnings};
use crate::error::Failure;
use crate::git::commit::{self, NewCommit};
use crate::git::sign::Signing;
use crate::model::author::{Author, Signature};
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::record::{KeyKind, PhaseChange, Record, RecordState};
use crate::model::tree::Tree;
use crate::openapi::Spec;
use crate::registry::{self, Registry};
use crate::world::World;

/// What a new repository is made from.
pub(crate) struct Creation<'c> {
    pub(crate) name: &'c ApiName,
    pub(crate) inputs: &'c Inputs,
    /// None for a repository on this machine alone.
    pub(crate) forge: Option<&'c HostingTarget<'c>>,
    pub(crate) author: &'c Author,
    pub(crate) world: &'c World,
}

/// Everything that is known before the first effect.
pub(crate) struct Decision {
    pub(crate) plan: Plan,
    pub(crate) record: Record,
    pub(crate) place: RepositoryLocation,
    pub(crate) spec: Option<Rc<Spec>>,
    pub(crate) is_hosted: bool,
    pub(crate) files: usize,
    /// Answers, and what they were taken from.
    pub(crate) taken: Vec<DerivedAnswer>,
    pub(crate) warnings: Vec<String>,
}

impl Creation<'_> {
    /// Decides everything before the first effect.
    ///
    /// # Errors
    /// When the input is wrong, or something that is not ours is in the way.
    pub(crate) fn decide(
        &self,
        mut place: RepositoryLocation,
        registry: Option<&Registry>,
    ) -> Result<Decision, Failure> {
        let Self { name, inputs, forge, author, world } = self;
        let surveyed = forge.map(|forge| forge.survey(name)).transpose()?;
        if let Some(surveyed) = &surveyed {
            place.url.clone_from(&surveyed.page);
        }
        let standing = place.standing(name, registry, author)?;
        let bar = world.terminal.bar("reading");
        let mut material = Material::first((*name).clone(), inputs, world)?;
        drop(bar);
        if matches!(standing, NameClaim::Free) {
            naming::check(name, &material.template.manifest.environments, registry, world)?;
        }
        if matches!(standing, NameClaim::Ours(_)) && place.exists() && world.terminal.can_ask() {
            // It was asked when the repository was made.
            material.remember(base::files(&place.target)?.as_ref().and_then(base::receipt));
        }
        let keys = Keys { registry, standing: &standing };
        let (answers, mut record) = keys.settle(&mut material, world)?;
        let (taken, mut warnings) = (address::taken(&material, &answers), warnings(&material, &answers, &record));
        if let (Some(registry), NameClaim::Free) = (registry, &standing) {
            warnings.extend(overlap::check(&record.base_path, registry)?);
        }
        self.complete(&mut record, &standing, &place);
        match &standing {
            NameClaim::Free => registry::check(&record, None)?,
            NameClaim::Ours(earlier) => registry::check(&go_on(record.clone(), earlier), Some(earlier))?,
        }
        let bar = world.terminal.bar("rendering");
        let rendered = render::repository(&material, &answers, &record)?;
        drop(bar);
        let files = rendered.tree.len();
        let judge = |(forge, surveyed): (&&HostingTarget<'_>, _)| {
            forge.judge(surveyed, &standing, rendered.settings, commit::tree_id(&rendered.tree))
        };
        let hosted = forge.as_ref().zip(surveyed).map(judge).transpose()?;
        if let Some(id) = hosted.as_ref().and_then(Hosted::id) {
            record.repository.id = Some(id);
        }
        let hosted = hosted.as_ref().zip(*forge);
        let plan = plan(&standing, &place, hosted, rendered.tree, &record)?;
        let (spec, is_hosted) = (material.spec, hosted.is_some());
        Ok(Decision { plan, record, place, spec, is_hosted, files, taken, warnings })
    }

    /// Adds to a record where, by whom and when. What an earlier run of ours wrote stays.
    fn complete(&self, record: &mut Record, standing: &NameClaim, place: &RepositoryLocation) {
        let now = self.world.now;
        record.repository.url.clone_from(&place.url);
        record.history = match standing {
            NameClaim::Ours(earlier) => {
                record.repository.id = earlier.repository.id;
                earlier.history.clone()
            }
            NameClaim::Free => vec![PhaseChange {
                phase: Phase::Inception,
                date: Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
                by: self.author.to_string(),
                note: None,
            }],
        };
    }
}

/// What has become of an API since it was made stays: making it again does not begin its life anew.
fn go_on(record: Record, earlier: &Record) -> Record {
    let Record { phase, ending, evidence, waivers, .. } = earlier.clone();
    let is_active = earlier.state == RecordState::Active;
    let environments = if is_active { earlier.environments.clone() } else { record.environments.clone() };
    Record { phase, ending, evidence, waivers, environments, ..record }
}

/// The steps from what is to what shall be.
fn plan(
    standing: &NameClaim,
    place: &RepositoryLocation,
    hosted: Option<(&Hosted, &HostingTarget<'_>)>,
    tree: Tree,
    record: &Record,
) -> Result<Plan, Failure> {
    let target = place.target.clone();
    let is_active = matches!(standing, NameClaim::Ours(earlier) if earlier.state == RecordState::Active);
    if matches!(standing, NameClaim::Ours(_)) && place.exists() {
        let base = base::files(&target)?;
        if base.as_ref() != Some(&tree) {
            let different = base.map(|base| base::differences(&base, &tree)).unwrap_or_default();
            return Err(LocationError::Differs { folder: target, different }.into());
        }
    }
    // A complete repository on a forge is cloned from there, where work may have gone on.
    let is_elsewhere = is_active && hosted.is_some_and(|(hosted, _)| hosted.is_pushed);
    let makes_folder = !place.exists() && !is_elsewhere;
    let mut steps = Vec::new();
    if makes_folder {
        let message = format!("Make {} from template {}", record.name, record.template.name);
        let there = hosted.and_then(|(hosted, _)| hosted.signing());
        let signing = there.map_or_else(|| Signing::configured(None), Ok)?;
        let commit = NewCommit { author: first(record), message, signing };
        steps.push(Step::FirstCommit { target: target.clone(), tree, commit });
    }
    if !is_active && (makes_folder || hosted.is_some()) {
        steps.push(Step::Reserve { record: Box::new(record.clone()) });
    }
    if let Some((hosted, forge)) = hosted {
        steps.extend(forge.steps(hosted, record, &target));
    }
    if makes_folder {
        let origin = hosted.and_then(|(hosted, forge)| forge.address(hosted));
        steps.push(Step::Place { target, origin });
    }
    if makes_folder || !is_active {
        let active = Record { state: RecordState::Active, ..record.clone() };
        let active = match standing {
            NameClaim::Ours(earlier) => go_on(active, earlier),
            NameClaim::Free => active,
        };
        steps.push(Step::Activate { record: Box::new(active) });
    }
    Ok(Plan { steps, is_begun: hosted.is_some_and(|(hosted, _)| hosted.id().is_some()) })
}

/// Who made the first commit, and when: as the record has it, so that whoever finishes the work makes the same commit.
fn first(record: &Record) -> Signature {
    let first = record.history.first();
    let Author { name, email } = first.map_or_else(|| Author::read(""), |change| Author::read(&change.by));
    let date = first.and_then(|change| change.date.parse::<Timestamp>().ok());
    Signature { name, email, seconds: date.map_or(0, Timestamp::as_second) }
}

impl Decision {
    /// The keys it takes, and since when. An earlier run of ours says another time than this one.
    pub(crate) fn claim(&self) -> ([String; 2], &[PhaseChange]) {
        ([KeyKind::ShortName, KeyKind::BasePath].map(|kind| self.record.key(kind)), &self.record.history)
    }
}
