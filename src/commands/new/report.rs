//! What the user is told.

use serde_json::{Map, Value, json};

use super::Decision;
use crate::commands::counted;
use crate::error::{Blame, Failure, Fault, shell_quoted};
use crate::forge::github::ForgeError;
use crate::forge::github::call::Call;
use crate::model::record::Record;
use crate::scaffold::address::Taken;
use crate::scaffold::apply::{Outcome, Went};
use crate::scaffold::plan::{Status, Step};
use crate::world::World;

/// How many of a spec's findings are told; `--json` has them all.
const FINDINGS_TOLD: usize = 5;

/// Something is left to be done.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is not finished: {done} of {all} steps are done")]
struct Unfinished {
    name: String,
    done: usize,
    all: usize,
    /// What is left, each with the reason.
    left: Vec<String>,
    fault: Fault,
    document: Map<String, Value>,
}

impl Blame for Unfinished {
    fn fault(&self) -> Fault {
        self.fault
    }

    fn hint(&self) -> Option<String> {
        let left = self.left.join("\n");
        Some(format!("left to do:\n{left}\nrun the same command again: it does what is left, and nothing twice"))
    }

    fn document(&self) -> Map<String, Value> {
        self.document.clone()
    }
}

pub(super) struct Report<'r> {
    pub(super) decision: &'r Decision,
    pub(super) world: &'r World,
}

impl Report<'_> {
    /// What would be done.
    pub(super) fn plan(&self) {
        let steps = &self.decision.plan.steps;
        self.warnings();
        if self.world.terminal.json() {
            let steps = steps.iter().map(|step| self.step_json(step)).collect();
            self.world.terminal.result_json(&self.document(steps, None));
            return;
        }
        let mut text = if steps.is_empty() { "nothing to do".to_owned() } else { "would do:".to_owned() };
        for (number, step) in steps.iter().enumerate() {
            text += &format!("\n  {} {}", number + 1, step.words());
            for line in self.details(step) {
                text += &format!("\n      {line}");
            }
        }
        self.world.terminal.result(&format!("{text}{}", self.taken()));
    }

    /// A line for each answer that says what it was taken from.
    fn taken(&self) -> String {
        self.decision.taken.iter().map(|taken| format!("\n  {}", taken.line())).collect()
    }

    fn warnings(&self) {
        for warning in &self.decision.warnings {
            self.world.terminal.warn(warning);
        }
    }

    fn details(&self, step: &Step) -> Vec<String> {
        let Some(hosted) = &self.decision.hosted else { return Vec::new() };
        if let Step::Push { .. } = step {
            return vec![hosted.push_words()];
        }
        let mut lines: Vec<String> = hosted.calls(step).iter().map(line).collect();
        for (would, told) in [("would fail", hosted.failing(step)), ("would leave", hosted.kept(step))] {
            for (words, error) in told {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                lines.push(format!("{would}: {words}: {error}{hint}"));
            }
        }
        lines
    }

    fn step_json(&self, step: &Step) -> Value {
        let mut told = json!({"step": step.word(), "words": step.words()});
        if let Some(hosted) = &self.decision.hosted {
            let one = |call: &Call| json!({"method": call.method.word(), "path": call.path, "body": call.body});
            let calls = hosted.calls(step);
            if !calls.is_empty() {
                told["calls"] = calls.iter().map(one).collect();
            }
            let one = |(words, error): &(String, &ForgeError)| json!({"setting": words, "error": error.to_string(), "hint": error.hint()});
            for (key, list) in [("failing", hosted.failing(step)), ("kept", hosted.kept(step))] {
                if !list.is_empty() {
                    told[key] = list.iter().map(one).collect();
                }
            }
            if let Step::Push { .. } = step {
                told["command"] = hosted.push_words().into();
            }
        }
        told
    }

    /// What was done.
    ///
    /// # Errors
    /// When something is left.
    pub(super) fn outcome(&self, outcome: Outcome) -> Result<(), Failure> {
        self.findings();
        self.warnings();
        let steps = outcome.steps.iter().map(went_json).collect();
        let document = self.document(steps, outcome.commit.as_deref());
        if outcome.left().next().is_some() || outcome.stopped.is_some() {
            return Err(self.unfinished(outcome, document).into());
        }
        if self.world.terminal.json() {
            self.world.terminal.result_json(&document);
        } else if outcome.steps.iter().all(|went| went.status == Status::AlreadySo) {
            let name = &self.decision.record.name;
            self.world.terminal.result(&format!("{name} is complete already in {}: nothing to do", self.shown()));
        } else {
            self.ready(&outcome);
        }
        Ok(())
    }

    fn ready(&self, outcome: &Outcome) {
        let Record { name, short_name, base_path, template, repository, .. } = &self.decision.record;
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
        let settings = outcome.steps.iter().filter(|went| went.step == "configure").count();
        let github = self.decision.hosted.as_ref().map_or_else(String::new, |_| {
            format!("\n  GitHub    {}, {} as the template asks", repository.url, counted(settings, "setting"))
        });
        let shown = self.shown();
        self.world.terminal.result(&format!(
            "{name} is ready in {shown}\n  files     {}, one commit on main, from template {}{spec}{github}\n  registry  short name {short_name}, base path {base_path}, phase inception{}\n\nnext: cd {}",
            self.decision.files, template.name, self.taken(), shell_quoted(&shown),
        ));
    }

    fn unfinished(&self, outcome: Outcome, document: Map<String, Value>) -> Unfinished {
        let all = outcome.steps.len();
        let stopped = outcome.stopped.as_deref();
        let mut left: Vec<String> = outcome.left().map(|went| reason(went, stopped)).collect();
        if let Some(stopped) = stopped.filter(|_| left.is_empty()) {
            left.push(stopped.to_string());
        }
        let interrupted = stopped.is_some_and(|stopped| stopped.fault() == Fault::Interrupted);
        Unfinished {
            name: self.decision.record.name.to_string(),
            done: outcome.steps.iter().filter(|went| went.status.is_good()).count(),
            all,
            left,
            fault: if interrupted { Fault::Interrupted } else { Fault::Partial },
            document,
        }
    }

    /// Where the repository is: the target, relative to the current folder when it is below it, or its page.
    fn shown(&self) -> String {
        let place = &self.decision.place;
        if self.decision.hosted.is_some() && !place.exists() {
            return place.url.clone();
        }
        place.target.strip_prefix(&self.world.folder).unwrap_or(&place.target).display().to_string()
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

    fn document(&self, steps: Vec<Value>, commit: Option<&str>) -> Map<String, Value> {
        let spec = self.decision.spec.as_ref().map(|spec| {
            let findings: Vec<Value> = spec
                .findings
                .iter()
                .map(|finding| json!({"file": finding.file, "pointer": finding.pointer, "message": finding.message}))
                .collect();
            json!({"openapi": spec.summary.openapi, "operations": spec.summary.operations.len(), "findings": findings})
        });
        let Decision { record, place, files, taken, warnings, .. } = self.decision;
        let answers: Vec<Value> = taken.iter().map(Taken::json).collect();
        let document = json!({
            "name": record.name, "path": place.target, "repository": record.repository.url, "commit": commit,
            "files": files, "record": record, "spec": spec, "steps": steps, "answers": answers, "warnings": warnings,
        });
        document.as_object().cloned().unwrap_or_default()
    }
}

fn went_json(went: &Went) -> Value {
    let mut told = json!({"step": went.step, "words": went.words, "status": went.status.word()});
    if let Some(failure) = &went.failure {
        told["error"] = failure.to_string().into();
        told["hint"] = failure.hint().into();
    }
    told
}

/// `  failed: team `x` (push): there is no such team; make it, …`
fn reason(went: &Went, stopped: Option<&dyn Blame>) -> String {
    let failure = went.failure.as_deref().or(stopped.filter(|_| went.status == Status::Failed));
    let mut text = format!("  {}: {}", went.status.word(), went.words);
    if let Some(failure) = failure {
        text += &format!(": {failure}");
        let mut cause = failure.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        if let Some(hint) = failure.hint() {
            text += &format!("; {hint}");
        }
    }
    text
}

/// `POST /orgs/o/repos {"name":"x"}`
fn line(call: &Call) -> String {
    match &call.body {
        Some(body) => format!("{} {body}", call.words()),
        None => call.words(),
    }
}
