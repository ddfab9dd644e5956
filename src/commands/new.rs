//! `apiscaffold new`: decide everything, then do it.

use serde_json::{Value, json};

use super::input::Material;
use super::place::{InTheWay, Place, Standing};
use super::{author, location, naming, render};
use crate::answers::Answers;
use crate::apply::{self, Author, Outcome};
use crate::cli::{Global, NewArgs};
use crate::error::{Failure, Fault};
use crate::git::commit;
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::plan::{Plan, Status, Step};
use crate::model::question::Question;
use crate::model::record::{KeyKind, PhaseChange, Record, State};
use crate::model::tree::Tree;
use crate::openapi::Spec;
use crate::registry::{Location, Registry, RegistryError};
use crate::world::World;

/// The ref that keeps the pristine render.
const BASE: &str = "refs/apiscaffold/base";
/// How many of a spec's findings are told; `--json` has them all.
const FINDINGS_TOLD: usize = 5;

pub(super) fn run(arguments: &NewArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let place = Place::new(&world.absolute(&arguments.into), &name)?;
    let registry = location::registry(global, world)?;
    let mut decision = decide(arguments, &place, &registry, world)?;
    if arguments.dry_run {
        Report { decision: &decision, place: &place, world }.plan();
        return Ok(());
    }
    registry.may_change()?;
    let author = author(world);
    loop {
        let plan = std::mem::take(&mut decision.plan);
        let bar = world.terminal.bar("writing");
        let applied = apply::apply(plan, &registry, &author, world);
        drop(bar);
        match applied {
            Ok(outcome) => {
                Report { decision: &decision, place: &place, world }.outcome(&outcome);
                return Ok(());
            }
            // Someone else took a derived key in the meantime: it gets the next free value.
            Err(failure) if failure.fault() == Fault::Conflict && !world.terminal.can_ask() => {
                let next = decide(arguments, &place, &registry, world)?;
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

/// Everything that is known before the first effect.
struct Decision {
    plan: Plan,
    record: Record,
    spec: Option<Spec>,
    files: usize,
}

impl Decision {
    fn keys(&self) -> [String; 2] {
        [KeyKind::ShortName, KeyKind::BasePath].map(|kind| self.record.key(kind))
    }
}

fn decide(arguments: &NewArgs, place: &Place, registry: &Location, world: &World) -> Result<Decision, Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let registry = Registry::open(registry)?;
    let standing = place.standing(&name, registry.as_ref())?;
    let bar = world.terminal.bar("reading");
    let mut material = Material::read(name, &arguments.input, world)?;
    drop(bar);
    if matches!(standing, Standing::Free) {
        naming::check(&material.name, &material.template.manifest.environments, registry.as_ref(), world)?;
    }
    let keys = Keys { registry: registry.as_ref(), standing: &standing };
    let (answers, mut record) = keys.settle(&mut material, world)?;
    complete(&mut record, &standing, place, &author(world), world);
    let bar = world.terminal.bar("rendering");
    let tree = render::repository(&mut material, &answers, &record)?;
    let files = tree.len();
    let plan = plan(&standing, place, tree, record.clone())?;
    drop(bar);
    Ok(Decision { plan, record, spec: material.spec, files })
}

/// The keys of a new API: given ones must be free, derived ones take the next free value.
struct Keys<'k> {
    registry: Option<&'k Registry>,
    standing: &'k Standing,
}

impl Keys<'_> {
    fn settle(&self, material: &mut Material, world: &World) -> Result<(Answers, Record), Failure> {
        let propose = |question: &Question, proposed: Option<Value>| self.propose(question, proposed);
        let mut answers = material.answers(world, &propose)?;
        let mut record = render::draft(material, &answers);
        let mut changed = false;
        for (question, kind) in [("short_name", KeyKind::ShortName), ("base_path", KeyKind::BasePath)] {
            let value = record.key(kind);
            let free = self.free(kind, &value)?;
            if free == value {
                continue;
            }
            if answers.is_given(question) {
                let holder = self.holder(kind, &value)?.unwrap_or_default();
                let has = self.registry.map(|registry| registry.get(&holder)).transpose()?.flatten();
                return Err(RegistryError::taken(kind, value, &holder, has.as_ref()).into());
            }
            world.terminal.say(&format!("the {} `{value}` is taken: `{free}` it is", kind.word()));
            material.derive(question, &free);
            changed = true;
        }
        if changed {
            answers = material.answers(world, &|_, proposed| proposed)?;
            record = render::draft(material, &answers);
        }
        Ok((answers, record))
    }

    /// What to propose to a person: a key that is free.
    fn propose(&self, question: &Question, proposed: Option<Value>) -> Option<Value> {
        let kind = match question.name.as_str() {
            "short_name" => KeyKind::ShortName,
            "base_path" => KeyKind::BasePath,
            _ => return proposed,
        };
        let text = proposed.as_ref().and_then(Value::as_str)?;
        self.free(kind, text).ok().map(Value::from)
    }

    fn holder(&self, kind: KeyKind, value: &str) -> Result<Option<String>, Failure> {
        let holder = self.registry.map(|registry| registry.holder(kind, value)).transpose()?.flatten();
        let ours = match self.standing {
            Standing::Ours(record) => Some(record.name.as_str()),
            Standing::Free => None,
        };
        Ok(holder.filter(|holder| Some(holder.as_str()) != ours))
    }

    /// `value`, or the next one that nobody has. What an earlier run of ours reserved is kept.
    fn free(&self, kind: KeyKind, value: &str) -> Result<String, Failure> {
        if let Standing::Ours(record) = self.standing
            && is_numbered(&record.key(kind), value)
        {
            return Ok(record.key(kind));
        }
        let mut candidate = value.to_owned();
        let mut number = 2;
        while self.holder(kind, &candidate)?.is_some() {
            candidate = numbered(kind, value, number);
            number += 1;
        }
        Ok(candidate)
    }
}

/// `pds` → `pds2`; `my-api/FHIR/R4` → `my-api-2/FHIR/R4`.
fn numbered(kind: KeyKind, value: &str, number: usize) -> String {
    match (kind, value.split_once('/')) {
        (KeyKind::BasePath, Some((first, rest))) => format!("{first}-{number}/{rest}"),
        (KeyKind::BasePath, None) => format!("{value}-{number}"),
        _ => format!("{value}{number}"),
    }
}

/// Whether `key` is `value` with a number that `numbered` gave it.
fn is_numbered(key: &str, value: &str) -> bool {
    let head = value.split('/').next().unwrap_or(value);
    let number = key.split('/').next().and_then(|first| first.strip_prefix(head));
    number.is_some_and(|number| {
        let digits = number.trim_start_matches('-');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Adds to a record where, by whom and when. What an earlier run of ours wrote stays.
fn complete(record: &mut Record, standing: &Standing, place: &Place, author: &Author, world: &World) {
    record.repository.url.clone_from(&place.url);
    record.history = match standing {
        Standing::Ours(earlier) => earlier.history.clone(),
        Standing::Free => vec![PhaseChange {
            phase: Phase::Inception,
            date: jiff::Timestamp::from_second(world.now.as_second()).unwrap_or(world.now).to_string(),
            by: format!("{} <{}>", author.name, author.email),
            note: None,
        }],
    };
}

/// The steps from what is to what shall be.
fn plan(standing: &Standing, place: &Place, tree: Tree, record: Record) -> Result<Plan, Failure> {
    let target = place.target.clone();
    let mut active = record.clone();
    active.state = State::Active;
    let activate = Step::Activate { record: Box::new(active) };
    if let Standing::Ours(earlier) = standing
        && place.exists()
    {
        let same = commit::tree_of(&target, BASE)?.is_some_and(|base| base == commit::tree_id(&tree));
        return match (same, earlier.state) {
            (false, _) => Err(InTheWay::Differs(target).into()),
            (true, State::Active) => Ok(Plan { steps: Vec::new() }),
            (true, State::Reserved) => Ok(Plan { steps: vec![activate] }),
        };
    }
    let message = format!("Make {} from template {}", record.name, record.template.name);
    let mut steps = vec![Step::Commit { target: target.clone(), tree, message }];
    if !matches!(standing, Standing::Ours(earlier) if earlier.state == State::Active) {
        steps.push(Step::Reserve { record: Box::new(record) });
    }
    steps.extend([Step::Place { target }, activate]);
    Ok(Plan { steps })
}

/// What the user is told.
struct Report<'r> {
    decision: &'r Decision,
    place: &'r Place,
    world: &'r World,
}

impl Report<'_> {
    fn plan(&self) {
        let plan = &self.decision.plan;
        if self.world.terminal.json() {
            let steps: Vec<Value> =
                plan.steps.iter().map(|step| json!({"step": step.word(), "words": step.words()})).collect();
            self.world.terminal.result_json(&self.document(steps, None));
            return;
        }
        let lines: Vec<String> =
            plan.steps.iter().enumerate().map(|(i, step)| format!("  {} {}", i + 1, step.words())).collect();
        let text =
            if lines.is_empty() { "nothing to do".to_owned() } else { format!("would do:\n{}", lines.join("\n")) };
        self.world.terminal.result(&text);
    }

    fn outcome(&self, outcome: &Outcome) {
        self.findings();
        if self.world.terminal.json() {
            let step = |(word, words, status): &(&str, String, Status)| json!({"step": word, "words": words, "status": status.word()});
            let steps = outcome.steps.iter().map(step).collect();
            self.world.terminal.result_json(&self.document(steps, outcome.commit.as_deref()));
            return;
        }
        let name = &self.decision.record.name;
        let shown = self.shown();
        if outcome.steps.is_empty() {
            self.world.terminal.result(&format!("{name} is complete already in {shown}: nothing to do"));
            return;
        }
        let spec = self.decision.spec.as_ref().map_or_else(String::new, |spec| {
            let summary = &spec.summary;
            format!(
                "\n  spec      {} {}, {}, {}",
                if summary.openapi.starts_with("2.") { "Swagger" } else { "OpenAPI" },
                summary.openapi,
                counted(summary.operations.len(), "operation"),
                counted(spec.findings.len(), "finding")
            )
        });
        let Record { short_name, base_path, template, .. } = &self.decision.record;
        self.world.terminal.result(&format!(
            "{name} is ready in {shown}\n  files     {}, one commit on main, from template {}{spec}\n  registry  short name {short_name}, base path {base_path}, phase inception\n\nnext: cd '{shown}'",
            self.decision.files, template.name,
        ));
    }

    /// The target, relative to the current folder when it is below it.
    fn shown(&self) -> String {
        let target = &self.place.target;
        target.strip_prefix(&self.world.folder).unwrap_or(target).display().to_string()
    }

    fn findings(&self) {
        let findings = self.decision.spec.as_ref().map_or(&[][..], |spec| &spec.findings);
        for finding in findings.iter().take(FINDINGS_TOLD) {
            self.world.terminal.warn(&finding.to_string());
        }
        if findings.len() > FINDINGS_TOLD {
            let more = findings.len() - FINDINGS_TOLD;
            self.world.terminal.warn(&format!("{more} more findings in the spec: see them with --json"));
        }
    }

    fn document(&self, steps: Vec<Value>, commit: Option<&str>) -> Value {
        let spec = self.decision.spec.as_ref().map(|spec| {
            let findings: Vec<Value> = spec
                .findings
                .iter()
                .map(|finding| json!({"file": finding.file, "pointer": finding.pointer, "message": finding.message}))
                .collect();
            json!({"openapi": spec.summary.openapi, "operations": spec.summary.operations.len(), "findings": findings})
        });
        json!({
            "name": self.decision.record.name, "path": self.place.target, "commit": commit, "files": self.decision.files,
            "record": self.decision.record, "spec": spec, "steps": steps,
        })
    }
}

/// `1 file`, `2 files`.
fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_takes_the_next_number() {
        assert_eq!(numbered(KeyKind::ShortName, "pds", 2), "pds2");
        assert_eq!(numbered(KeyKind::BasePath, "my-api", 3), "my-api-3");
        assert_eq!(numbered(KeyKind::BasePath, "my-api/FHIR/R4", 2), "my-api-2/FHIR/R4");
        assert!(is_numbered("pds2", "pds") && is_numbered("my-api-12/FHIR/R4", "my-api/FHIR/R4"));
        assert!(!is_numbered("pds", "pds") && !is_numbered("pdsx", "pds") && !is_numbered("x2", "pds"));
    }
}
