//! `apiscaffold phase`: what an API's next phase asks for, and the move there.

mod additions;
mod error;
mod report;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use jiff::tz::TimeZone;

use super::show;
use crate::cli::{Global, PhaseArgs};
use crate::error::Failure;
use crate::forge::github::Github;
use crate::git::change as git_change;
use crate::model::author::Author;
use crate::model::ending::{self, Ending};
use crate::model::phase::Phase;
use crate::model::record::{PhaseChange, Record, RecordState};
use crate::registry::{self, Location, Registry};
use crate::scaffold::apply::{DryRun, LazyRegistry, Outcome, Real, apply};
use crate::scaffold::checkout::{self, Checkout, Home};
use crate::scaffold::lifecycle::checks::Inspection;
use crate::scaffold::lifecycle::gates::{self, GateStatus};
use crate::scaffold::lifecycle::stage::{StageChange, Stages};
use crate::scaffold::plan::{Plan, Step};
use crate::scaffold::proposal::Proposal;
use crate::scaffold::report::Report;
use crate::scaffold::template::Template;
use crate::scaffold::{open, request, variables};
use crate::world::World;
use error::PhaseError;

pub(super) fn run(arguments: &PhaseArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let writes = arguments.phase.is_some() || !arguments.evidence.is_empty() || !arguments.waive.is_empty();
    if writes && !arguments.dry_run {
        // Before the repository is changed.
        location.may_change()?;
    }
    let registry = open::registry::open(&location, world)?;
    if let Some(registry) = &registry {
        open::registry::warn_of_age(registry, world);
    }
    let record = show::record(&arguments.name, registry.as_ref())?;
    let Some(registry) = registry else { return Err(PhaseError::Reserved(arguments.name.clone()).into()) };
    if record.state == RecordState::Reserved {
        return Err(PhaseError::Reserved(record.name.to_string()).into());
    }
    let goal = goal(&record, arguments.phase)?;
    let template = template(&record, arguments, world)?;
    variables::refuse_misspelt(&template.manifest.questions, world)?;
    let author = open::author(world);
    let gates = &template.manifest.gates;
    let new = additions::add(&record, arguments, gates, (&author.to_string(), world.now))?;
    registry::check(&new, Some(&record))?;
    let call = PhaseRun { arguments, world, location, registry, template, author };
    if goal.moves() && !arguments.dry_run {
        call.resume(&record)?;
    }
    let checkout = checkout::look(&record, arguments.repository.as_deref(), world);
    match goal {
        Goal::Ask => {
            let reason = checkout.as_ref().err().map(ToString::to_string);
            call.ask(&record, new, checkout.as_ref().map_err(|_| reason.as_deref().unwrap_or_default()))
        }
        Goal::Again(phase) if record.ending.same_dates(&new.ending) => {
            call.go(Transition { record: &record, new, to: phase }, &checkout?, &[])
        }
        Goal::Again(phase) | Goal::Move(phase) => {
            let checkout = checkout?;
            let step = Transition { record: &record, new, to: phase };
            let standings = call.asked(&step, &checkout);
            if standings.iter().any(|standing| !standing.is_open()) {
                checkout.warn_of_uncommitted(world)?;
                return Err(report::unmet(&step, &standings).into());
            }
            call.go(step, &checkout, &standings)
        }
    }
}

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// What is missing.
    Ask,
    /// To finish the move to the phase that the record is in, or to change its dates.
    Again(Phase),
    /// To move to the next phase.
    Move(Phase),
}

impl Goal {
    const fn moves(self) -> bool {
        !matches!(self, Self::Ask)
    }
}

fn goal(record: &Record, asked: Option<Phase>) -> Result<Goal, PhaseError> {
    match asked {
        None => Ok(Goal::Ask),
        Some(asked) if asked == record.phase => Ok(Goal::Again(asked)),
        Some(asked) if record.phase.next() == Some(asked) => Ok(Goal::Move(asked)),
        Some(asked) => Err(PhaseError::NotNext { name: record.name.to_string(), at: record.phase, asked }),
    }
}

/// The template whose gates hold: the one that the API was made from, unless another is named.
fn template(record: &Record, arguments: &PhaseArgs, world: &World) -> Result<Rc<Template>, Failure> {
    let choice = arguments.template.choice();
    let used = &record.template;
    let is_explicit = choice.source.is_some();
    if !is_explicit && used.source.is_empty() {
        return Err(PhaseError::NoTemplate(record.name.to_string()).into());
    }
    let template = request::again(&choice, used, &record.name, world)?;
    template.warn_of_uncommitted(world);
    let (named, made_from) = (&template.used.name, &used.name);
    if is_explicit && !made_from.is_empty() && named != made_from {
        let (name, named, made_from) = (record.name.to_string(), named.clone(), made_from.clone());
        return Err(PhaseError::AnotherTemplate { name, named, made_from }.into());
    }
    if !is_explicit && template.used.revision != used.revision {
        world.terminal.warn(&format!(
            "template `{}` has changed since `{}` was made from it: its gates are those of today",
            template.used.name, record.name
        ));
    }
    Ok(template.into())
}

/// A step in an API's life: the move to a phase, or a change within it.
struct Transition<'s> {
    /// The record as it was read.
    record: &'s Record,
    /// With what the command line adds to it.
    new: Record,
    to: Phase,
}

impl Transition<'_> {
    /// Whether the API stays in its phase, and the dates of its end change.
    fn changes_dates(&self) -> bool {
        self.record.phase == self.to && !self.record.ending.same_dates(&self.new.ending)
    }

    /// The record with what counts for its gates: what people showed or waived for other dates does not count for new
    /// ones, unless these only give more time.
    fn counting(&self) -> Record {
        let Self { record, new, .. } = self;
        let mut counting = new.clone();
        if self.changes_dates() && !new.ending.only_extends(&record.ending) {
            counting.evidence.drain(..record.evidence.len());
            counting.waivers.drain(..record.waivers.len());
        }
        counting
    }

    /// In a few words, for people.
    fn title(&self) -> String {
        let name = &self.record.name;
        if self.changes_dates() {
            return format!("Change dates of {name}: {}", ending::change(&self.record.ending, &self.new.ending));
        }
        format!("Move {name} to phase {}", self.to.word())
    }
}

/// One run of the command.
struct PhaseRun<'c> {
    arguments: &'c PhaseArgs,
    world: &'c World,
    location: Location,
    registry: Registry,
    template: Rc<Template>,
    author: Author,
}

impl PhaseRun<'_> {
    /// Finishes a commit that a run that was killed has left half in place.
    fn resume(&self, record: &Record) -> Result<(), Failure> {
        if let Some(folder) = checkout::folder(record, self.arguments.repository.as_deref(), self.world) {
            git_change::resume(&folder)?;
        }
        Ok(())
    }

    /// How the API stands before a step.
    fn asked(&self, step: &Transition<'_>, checkout: &Checkout) -> Vec<GateStatus> {
        let Transition { record: old, new, to } = step;
        if !step.changes_dates() {
            return self.standings(new, *to, Ok(checkout));
        }
        self.standings_after(&old.ending, &step.counting(), *to, Ok(checkout))
    }

    fn standings(&self, record: &Record, to: Phase, checkout: Result<&Checkout, &str>) -> Vec<GateStatus> {
        self.standings_after(&Ending::default(), record, to, checkout)
    }

    /// `announced` are the dates that users know.
    fn standings_after(
        &self,
        announced: &Ending,
        record: &Record,
        to: Phase,
        checkout: Result<&Checkout, &str>,
    ) -> Vec<GateStatus> {
        let manifest = &self.template.manifest;
        let inspection = Inspection {
            record,
            rules: &manifest.lifecycle,
            platform: &manifest.environments,
            checkout,
            today: self.world.now.to_zoned(TimeZone::UTC).date(),
            announced,
            may_run: self.arguments.run_checks,
        };
        gates::standings(&manifest.gates, to, record, &|name| inspection.check(name))
    }

    /// Says how the API stands before its next phase, and keeps evidence and waivers that were given.
    fn ask(self, record: &Record, new: Record, checkout: Result<&Checkout, &str>) -> Result<(), Failure> {
        if let Ok(checkout) = checkout {
            checkout.warn_of_uncommitted(self.world)?;
        }
        let standings = record.phase.next().map(|to| self.standings(&new, to, checkout)).unwrap_or_default();
        let (words, message) =
            (format!("keep evidence and waivers of `{}`", record.name), format!("Keep evidence for {}", record.name));
        let keep = Step::Record { old: Box::new(record.clone()), new: Box::new(new.clone()), words, message };
        let steps = if new == *record { Vec::new() } else { vec![keep] };
        let world = self.world;
        let outcome = self.apply(steps.into(), None)?;
        let text = report::standing(&new, &standings);
        let (subject, details) = (new.name.to_string(), format!("\n\n{text}"));
        let facts = report::facts(&new, &standings, &[]);
        Report { subject, outcome, facts, text, details, ..Report::default() }.print(world)
    }

    /// Moves the API, repository first: the registry says last that it is there.
    fn go(self, step: Transition<'_>, checkout: &Checkout, standings: &[GateStatus]) -> Result<(), Failure> {
        let title = step.title();
        let dates = step.changes_dates().then(|| ending::change(&step.record.ending, &step.new.ending));
        let Transition { record, mut new, to } = step;
        let change = self.change(record, &new, to, checkout)?;
        self.enter(&mut new, to, &change, dates);
        let proposal = Proposal {
            record: &new,
            checkout,
            edits: change.edits.clone(),
            title: &title,
            body: report::pull_request(&new, &change),
            branch: format!("apiscaffold/phase-{}", to.word()),
            may_be_open: record.ending.same_dates(&new.ending),
            author: self.author.at(self.world.now),
        };
        let mut steps = proposal.steps()?;
        if let (Home::Forge(hosted), true, Phase::Retired) = (&checkout.home, steps.is_empty(), to) {
            // Nothing is left to be merged.
            let (target, page) = (hosted.target.clone(), hosted.github.server().page(&hosted.target));
            steps.push(Step::Archive { target, page });
        }
        let words = format!("record `{}` in phase {}", record.name, to.word());
        let (old, recorded) = (Box::new(record.clone()), Box::new(new.clone()));
        steps.push(Step::Record { old, new: recorded, words, message: title.clone() });
        let github = match &checkout.home {
            Home::Forge(hosted) => Some(&hosted.github),
            Home::Here(_) | Home::Elsewhere => None,
        };
        let world = self.world;
        let outcome = self.apply(steps.into(), github)?;
        let next = report::next(&new, &checkout.home, &outcome);
        let text = report::moved(&new, &outcome, standings, next.as_deref());
        let facts = report::facts(&new, standings, &change.notes);
        let details = report::waived(standings);
        let subject = new.name.to_string();
        Report { subject, outcome, facts, warnings: change.notes, text, details }.print(world)
    }

    fn apply(self, plan: Plan, github: Option<&Github>) -> Result<Outcome, Failure> {
        let Self { arguments, world, location, registry, author, .. } = self;
        if arguments.dry_run {
            return apply(&plan, &mut DryRun::new(github, world));
        }
        let mut registry = LazyRegistry::new(location, Some(registry));
        apply(&plan, &mut Real::new(&mut registry, github, &author, world))
    }

    fn change(&self, record: &Record, new: &Record, to: Phase, checkout: &Checkout) -> Result<StageChange, Failure> {
        let Some(receipt) = &checkout.receipt else {
            let note = "the repository was not made by apiscaffold, so what the phase changes there is yours to do";
            return Ok(StageChange { notes: vec![note.to_owned()], ..StageChange::default() });
        };
        let lags = to != record.phase && receipt.phase < record.phase;
        if lags || receipt.phase > to {
            let name = record.name.to_string();
            return Err(PhaseError::OutOfStep { name, there: receipt.phase, here: record.phase }.into());
        }
        Stages { checkout, receipt, template: &self.template, world: self.world }.change(to, &new.ending)
    }

    /// Writes down the phase entered, or how the dates changed.
    fn enter(&self, new: &mut Record, to: Phase, change: &StageChange, dates: Option<String>) {
        for name in &change.opened {
            if !new.environments.contains(name) {
                new.environments.push(name.clone());
            }
        }
        if new.phase == to && dates.is_none() {
            return;
        }
        let note: Vec<String> = dates.into_iter().chain(self.arguments.note.clone()).collect();
        new.phase = to;
        new.history.push(PhaseChange {
            phase: to,
            date: additions::moment(self.world.now),
            by: self.author.to_string(),
            note: (!note.is_empty()).then(|| note.join(": ")),
        });
    }
}
