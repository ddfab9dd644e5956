//! `apiscaffold new`: decide everything, then do it.

use serde_json::{Value, json};

use crate::cli::{Global, HostingArgs, NewArgs};
use crate::error::{Failure, Fault, shell_quoted};
use crate::forge::github::Secrets;
use crate::model::name::ApiName;
use crate::model::record::{Record, RecordState};
use crate::model::text::counted;
use crate::scaffold::address::DerivedAnswer;
use crate::scaffold::apply::{DryRun, LazyRegistry, Outcome, Real, apply};
use crate::scaffold::creation::{Creation, Decision};
use crate::scaffold::hosting::{Hosting, HostingTarget};
use crate::scaffold::open;
use crate::scaffold::place::RepositoryLocation;
use crate::scaffold::report::{Report, kept};
use crate::world::World;

/// How many findings of a spec are shown; `--json` has them all.
const FINDINGS_SHOWN: usize = 5;

pub(super) fn run(arguments: &NewArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let place = RepositoryLocation::new(&world.absolute(&arguments.into), &name)?;
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let mut registry = LazyRegistry::open(location, world)?;
    let owner = open::github::owner(arguments.hosting.owner.as_ref(), world)?;
    let forge = owner.as_ref().map(|owner| {
        let HostingArgs { visibility, create_teams, ssh, .. } = arguments.hosting;
        HostingTarget::open(Hosting { owner, visibility, create_teams, ssh }, arguments.dry_run, world)
    });
    let forge = forge.transpose()?;
    let github = forge.as_ref().and_then(|forge| forge.github.as_ref());
    let author = open::author(world);
    let inputs = arguments.input.inputs();
    let creation = Creation { name: &name, inputs: &inputs, forge: forge.as_ref(), author: &author, world };
    let mut decision = creation.decide(place.clone(), registry.get())?;
    if arguments.dry_run {
        let outcome = apply(&decision.plan, &mut DryRun::new(github, world))?;
        return report(decision, outcome, world);
    }
    let mut secrets = Secrets::default();
    loop {
        let mut effects = Real::new(&mut registry, github, &author, world).with_secrets(secrets);
        let outcome = apply(&decision.plan, &mut effects);
        secrets = effects.into_secrets();
        match outcome {
            Ok(outcome) => return report(decision, outcome, world),
            // Someone else took a derived key in the meantime: it gets the next free value.
            Err(failure) if failure.fault() == Fault::Conflict && !world.terminal.can_ask() => {
                let next = creation.decide(place.clone(), registry.get())?;
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

fn report(mut decision: Decision, outcome: Outcome, world: &World) -> Result<(), Failure> {
    if outcome.is_complete() && !outcome.is_dry_run {
        decision.record.state = RecordState::Active;
    }
    let id = outcome.result("create").and_then(|id| id.parse().ok());
    decision.record.repository.id = id.or(decision.record.repository.id);
    let shown = shown(&decision, world);
    let text = if outcome.is_unchanged() {
        format!("{} is complete already in {shown}: nothing to do", decision.record.name)
    } else {
        ready(&decision, &shown, &outcome)
    };
    warn_of_findings(&decision, world);
    if !outcome.is_dry_run {
        decision.warnings.extend(kept(&outcome));
    }
    Report {
        subject: decision.record.name.to_string(),
        facts: facts(&decision, outcome.result("commit")),
        details: derived(&decision),
        warnings: decision.warnings,
        outcome,
        text,
    }
    .print(world)
}

fn ready(decision: &Decision, shown: &str, outcome: &Outcome) -> String {
    let Record { name, short_name, base_path, template, repository, .. } = &decision.record;
    let spec = decision.spec.as_ref().map_or_else(String::new, |spec| {
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
    let github = if decision.is_hosted {
        format!("\n  GitHub    {}, {settings} as the template asks", repository.url)
    } else {
        String::new()
    };
    format!(
        "{name} is ready in {shown}\n  files     {}, one commit on main, from template {}{spec}{github}\n  registry  short name {short_name}, base path {base_path}, phase inception{}\n\nnext: cd {}",
        decision.files,
        template.name,
        derived(decision),
        shell_quoted(shown),
    )
}

/// A line for each answer that says what it was taken from.
fn derived(decision: &Decision) -> String {
    decision.taken.iter().map(|taken| format!("\n  {}", taken.line())).collect()
}

/// Where the repository is: the target, relative to the current folder when it is below it, or its page.
fn shown(decision: &Decision, world: &World) -> String {
    let RepositoryLocation { target, url } = &decision.place;
    if decision.is_hosted && !decision.place.exists() {
        return url.clone();
    }
    target.strip_prefix(&world.folder).unwrap_or(target).display().to_string()
}

fn warn_of_findings(decision: &Decision, world: &World) {
    let findings = decision.spec.as_ref().map_or(&[][..], |spec| &spec.findings);
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        world.terminal.warn(&finding.to_string());
    }
    if findings.len() > FINDINGS_SHOWN {
        let more = findings.len() - FINDINGS_SHOWN;
        world.terminal.warn(&format!("{more} more findings in the spec: see them with --json"));
    }
}

fn facts(decision: &Decision, commit: Option<&str>) -> Value {
    let spec = decision.spec.as_ref().map(|spec| {
        let findings: Vec<Value> = spec
            .findings
            .iter()
            .map(|finding| {
                let (line, column) = finding.place.map(|place| (place.line, place.column)).unzip();
                json!({
                    "file": finding.file, "line": line, "column": column, "pointer": finding.pointer,
                    "message": finding.message,
                })
            })
            .collect();
        json!({"openapi": spec.summary.openapi, "operations": spec.summary.operations.len(), "findings": findings})
    });
    let Decision { record, place, files, taken, .. } = decision;
    let answers: Vec<Value> = taken.iter().map(DerivedAnswer::json).collect();
    json!({
        "name": record.name, "path": place.target, "repository": record.repository.url, "commit": commit,
        "files": files, "record": record, "spec": spec, "answers": answers,
    })
}
