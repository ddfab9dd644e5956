//! `apiscaffold new`: decide everything, then do it.

use std::rc::Rc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::{Global, HostingArgs, NewArgs};
use crate::error::{Failure, Fault, shell_quoted};
use crate::forge::github::Secrets;
use crate::git::commit::{self, NewCommit};
use crate::model::author::{Author, Signature};
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::record::{KeyKind, PhaseChange, Record, RecordState};
use crate::model::tree::Tree;
use crate::openapi::Spec;
use crate::registry::{self, Registry};
use crate::scaffold::address::{self, DerivedAnswer};
use crate::scaffold::apply::{DryRun, LazyRegistry, Outcome, Real, apply};
use crate::scaffold::hosting::{Forge, Hosted, Hosting};
use crate::scaffold::keys::Keys;
use crate::scaffold::place::{LocationError, NameClaim, RepositoryLocation};
use crate::scaffold::plan::{Plan, Step};
use crate::scaffold::report::{Report, counted, kept};
use crate::scaffold::request::Material;
use crate::scaffold::{base, naming, open, render, warnings};
use crate::world::World;

/// How many findings of a spec are shown; `--json` has them all.
const FINDINGS_SHOWN: usize = 5;

pub(super) fn run(arguments: &NewArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let place = RepositoryLocation::new(&world.absolute(&arguments.into), &name)?;
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let mut registry = LazyRegistry::new(location.clone(), open::registry::open(&location, world)?);
    let owner = open::github::owner(arguments.hosting.owner.as_ref(), world)?;
    let forge = owner.as_ref().map(|owner| {
        let HostingArgs { visibility, create_teams, ssh, .. } = arguments.hosting;
        Forge::open(Hosting { owner, visibility, create_teams, ssh }, arguments.dry_run, world)
    });
    let forge = forge.transpose()?;
    let github = forge.as_ref().and_then(|forge| forge.github.as_ref());
    let author = open::author(world);
    let deciding = Deciding { name: &name, arguments, forge: forge.as_ref(), author: &author, world };
    let mut decision = deciding.decide(place.clone(), registry.get())?;
    if arguments.dry_run {
        let outcome = apply(&decision.plan, &mut DryRun::new(github, world))?;
        return decision.report(outcome, world);
    }
    let mut secrets = Secrets::default();
    loop {
        let bar = world.terminal.bar("writing");
        let mut effects = Real::new(&mut registry, github, &author, world).with_secrets(secrets);
        let outcome = apply(&decision.plan, &mut effects);
        secrets = effects.into_secrets();
        drop(bar);
        match outcome {
            Ok(outcome) => return decision.report(outcome, world),
            // Someone else took a derived key in the meantime: it gets the next free value.
            Err(failure) if failure.fault() == Fault::Conflict && !world.terminal.can_ask() => {
                let next = deciding.decide(place.clone(), registry.get())?;
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

/// What a decision is made from.
struct Deciding<'d> {
    name: &'d ApiName,
    arguments: &'d NewArgs,
    forge: Option<&'d Forge<'d>>,
    author: &'d Author,
    world: &'d World,
}

/// Everything that is known before the first effect.
struct Decision {
    plan: Plan,
    record: Record,
    place: RepositoryLocation,
    spec: Option<Rc<Spec>>,
    is_hosted: bool,
    files: usize,
    /// Answers, and what they were taken from.
    taken: Vec<DerivedAnswer>,
    warnings: Vec<String>,
}

impl Deciding<'_> {
    fn decide(&self, mut place: RepositoryLocation, registry: Option<&Registry>) -> Result<Decision, Failure> {
        let Self { name, arguments, forge, author, world } = self;
        let surveyed = forge.map(|forge| forge.survey(name)).transpose()?;
        if let Some(surveyed) = &surveyed {
            place.url.clone_from(&surveyed.page);
        }
        let standing = place.standing(name, registry, author)?;
        let bar = world.terminal.bar("reading");
        let mut material = Material::first((*name).clone(), &arguments.input.inputs(), world)?;
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
        let (taken, warnings) = (address::taken(&material, &answers), warnings(&material, &answers, &record));
        self.complete(&mut record, &standing, &place);
        match &standing {
            NameClaim::Free => registry::check(&record, None)?,
            NameClaim::Ours(earlier) => registry::check(&go_on(record.clone(), earlier), Some(earlier))?,
        }
        let bar = world.terminal.bar("rendering");
        let rendered = render::repository(&material, &answers, &record)?;
        drop(bar);
        let files = rendered.tree.len();
        let judge = |(forge, surveyed): (&&Forge<'_>, _)| {
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
    hosted: Option<(&Hosted, &Forge<'_>)>,
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
        let commit = NewCommit { author: first(record), message };
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
    fn claim(&self) -> ([String; 2], &[PhaseChange]) {
        ([KeyKind::ShortName, KeyKind::BasePath].map(|kind| self.record.key(kind)), &self.record.history)
    }

    fn report(mut self, outcome: Outcome, world: &World) -> Result<(), Failure> {
        if outcome.is_complete() && !outcome.is_dry_run {
            self.record.state = RecordState::Active;
        }
        let shown = self.shown(world);
        let text = if outcome.is_unchanged() {
            format!("{} is complete already in {shown}: nothing to do", self.record.name)
        } else {
            self.ready(&shown, &outcome)
        };
        self.warn_of_findings(world);
        if !outcome.is_dry_run {
            self.warnings.extend(kept(&outcome));
        }
        Report {
            subject: self.record.name.to_string(),
            facts: self.facts(outcome.result("commit")),
            details: self.taken(),
            warnings: self.warnings,
            outcome,
            text,
        }
        .print(world)
    }

    fn ready(&self, shown: &str, outcome: &Outcome) -> String {
        let Record { name, short_name, base_path, template, repository, .. } = &self.record;
        let spec = self.spec.as_ref().map_or_else(String::new, |spec| {
            let summary = &spec.summary;
            format!(
                "\n  spec      {} {}, {}, {}",
                if summary.openapi.starts_with("2.") { "Swagger" } else { "OpenAPI" },
                summary.openapi,
                counted(summary.operations.len(), "operation"),
                counted(spec.findings.len(), "finding")
            )
        });
        let settings = outcome.steps.iter().filter(|step| step.step == "configure").count();
        let settings = counted(settings, "setting");
        let github = if self.is_hosted {
            format!("\n  GitHub    {}, {settings} as the template asks", repository.url)
        } else {
            String::new()
        };
        format!(
            "{name} is ready in {shown}\n  files     {}, one commit on main, from template {}{spec}{github}\n  registry  short name {short_name}, base path {base_path}, phase inception{}\n\nnext: cd {}",
            self.files,
            template.name,
            self.taken(),
            shell_quoted(shown),
        )
    }

    /// A line for each answer that says what it was taken from.
    fn taken(&self) -> String {
        self.taken.iter().map(|taken| format!("\n  {}", taken.line())).collect()
    }

    /// Where the repository is: the target, relative to the current folder when it is below it, or its page.
    fn shown(&self, world: &World) -> String {
        let RepositoryLocation { target, url } = &self.place;
        if self.is_hosted && !self.place.exists() {
            return url.clone();
        }
        target.strip_prefix(&world.folder).unwrap_or(target).display().to_string()
    }

    fn warn_of_findings(&self, world: &World) {
        let findings = self.spec.as_ref().map_or(&[][..], |spec| &spec.findings);
        for finding in findings.iter().take(FINDINGS_SHOWN) {
            world.terminal.warn(&finding.to_string());
        }
        if findings.len() > FINDINGS_SHOWN {
            let more = findings.len() - FINDINGS_SHOWN;
            world.terminal.warn(&format!("{more} more findings in the spec: see them with --json"));
        }
    }

    fn facts(&self, commit: Option<&str>) -> Value {
        let spec = self.spec.as_ref().map(|spec| {
            let findings: Vec<Value> = spec
                .findings
                .iter()
                .map(|finding| json!({"file": finding.file, "pointer": finding.pointer, "message": finding.message}))
                .collect();
            json!({"openapi": spec.summary.openapi, "operations": spec.summary.operations.len(), "findings": findings})
        });
        let Self { record, place, files, taken, .. } = self;
        let answers: Vec<Value> = taken.iter().map(DerivedAnswer::json).collect();
        json!({
            "name": record.name, "path": place.target, "repository": record.repository.url, "commit": commit,
            "files": files, "record": record, "spec": spec, "answers": answers,
        })
    }
}
