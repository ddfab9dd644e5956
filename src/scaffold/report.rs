//! What a command says in the end: in words, and as one JSON document of the same shape for every command.

use serde_json::{Map, Value, json};

use super::apply::{Outcome, StepOutcome};
use super::plan::Status;
use crate::error::{Blame, Failure, Fault};
use crate::world::World;

/// What a command found and did.
#[derive(Default)]
pub(crate) struct Report {
    /// What the steps were done to, such as the name of an API.
    pub(crate) subject: String,
    pub(crate) outcome: Outcome,
    /// What the command knows beside its steps: in JSON these keys stand beside `steps` and `warnings`.
    pub(crate) facts: Value,
    pub(crate) warnings: Vec<String>,
    /// What is said to people when every step is done.
    pub(crate) text: String,
    /// What a dry run says to people after its steps.
    pub(crate) details: String,
}

/// Some steps remain to be done.
#[derive(Debug, thiserror::Error)]
#[error("`{subject}` is not finished: {done} of {all} steps are done")]
struct Unfinished {
    subject: String,
    done: usize,
    all: usize,
    /// The steps that remain, each with the reason.
    remaining: Vec<String>,
    fault: Fault,
    document: Map<String, Value>,
}

impl Blame for Unfinished {
    fn fault(&self) -> Fault {
        self.fault
    }

    fn hint(&self) -> Option<String> {
        let remaining = self.remaining.join("\n");
        Some(format!("remaining:\n{remaining}\nrun the same command again: it does what remains, and nothing twice"))
    }

    fn document(&self) -> Map<String, Value> {
        self.document.clone()
    }
}

impl Report {
    /// Says it all.
    ///
    /// # Errors
    /// `Unfinished` when steps remain to be done, unless they were only planned.
    pub(crate) fn print(self, world: &World) -> Result<(), Failure> {
        for warning in &self.warnings {
            world.terminal.warn(warning);
        }
        if self.outcome.is_dry_run && !self.outcome.is_unchanged() {
            print(&format!("{}{}", plan(&self.outcome), self.details), &self.document(), world);
            return Ok(());
        }
        let document = self.document();
        if !self.outcome.is_complete() {
            return Err(self.unfinished(document).into());
        }
        print(&self.text, &document, world);
        Ok(())
    }

    /// The JSON document.
    pub(crate) fn document(&self) -> Map<String, Value> {
        let mut document = self.facts.as_object().cloned().unwrap_or_default();
        document.insert("steps".to_owned(), self.outcome.steps.iter().map(step_json).collect());
        document.insert("warnings".to_owned(), json!(self.warnings));
        document
    }

    fn unfinished(self, document: Map<String, Value>) -> Unfinished {
        let Self { subject, outcome, .. } = self;
        let stopped = outcome.stopped.as_deref();
        let mut remaining: Vec<String> = outcome.remaining().map(|step| remainder(step, stopped)).collect();
        if let Some(stopped) = stopped.filter(|_| remaining.is_empty()) {
            remaining.push(stopped.to_string());
        }
        let is_interrupted = stopped.is_some_and(|stopped| stopped.fault() == Fault::Interrupted);
        Unfinished {
            subject,
            done: outcome.steps.iter().filter(|step| step.status.is_good()).count(),
            all: outcome.steps.len(),
            remaining,
            fault: if is_interrupted { Fault::Interrupted } else { Fault::Partial },
            document,
        }
    }
}

/// Prints a result: its text, or its document for `--json`.
pub(crate) fn print(text: &str, document: &Map<String, Value>, world: &World) {
    if world.terminal.json() {
        world.terminal.result_json(document);
    } else {
        world.terminal.result(text);
    }
}

/// The steps of a dry run: each with a number, and below it what it would change or send.
fn plan(outcome: &Outcome) -> String {
    let mut text = "would do:".to_owned();
    for (number, step) in outcome.steps.iter().enumerate() {
        let status = if step.status == Status::AlreadySo { " (already so)" } else { "" };
        text += &format!("\n  {} {}{status}", number + 1, step.words);
        for line in step.command.iter().chain(&step.files) {
            text += &format!("\n      {line}");
        }
        for call in &step.calls {
            let body = call.body.as_ref().map(|body| format!(" {body}")).unwrap_or_default();
            text += &format!("\n      {}{body}", call.words());
        }
        let would = match step.status {
            Status::Kept => "would leave it as it is",
            Status::Failed | Status::Waiting => "would fail",
            Status::Left => "would not be tried",
            Status::Done | Status::AlreadySo | Status::Planned => continue,
        };
        text += &format!("\n      {would}{}", reason(step.failure.as_deref()));
    }
    text
}

/// What was stricter than the plan, and stays: a sentence each.
pub(crate) fn kept(outcome: &Outcome) -> impl Iterator<Item = String> {
    let kept = outcome.steps.iter().filter(|step| step.status == Status::Kept);
    kept.map(|step| format!("{}{}", step.words, reason(step.failure.as_deref())))
}

/// How each step went, a line for each, and the files that it changed.
pub(crate) fn steps(outcome: &Outcome) -> String {
    let mut text = String::new();
    for StepOutcome { status, words, files, failure, .. } in &outcome.steps {
        text += &format!("\n  {}: {words}{}", status.word(), reason(failure.as_deref()));
        for file in files {
            text += &format!("\n      {file}");
        }
    }
    text
}

fn step_json(step: &StepOutcome) -> Value {
    let StepOutcome { step, words, status, failure, result, files, calls, command } = step;
    let mut document = json!({"step": step, "words": words, "status": status.word()});
    if let Some(failure) = failure {
        document["error"] = failure.to_string().into();
        document["hint"] = failure.hint().into();
    }
    if let Some(result) = result {
        document["result"] = result.as_str().into();
    }
    if !files.is_empty() {
        document["files"] = json!(files);
    }
    if !calls.is_empty() {
        let call = |call: &_| {
            let crate::forge::github::call::Call { method, path, body } = call;
            json!({"method": method.word(), "path": path, "body": body})
        };
        document["calls"] = calls.iter().map(call).collect();
    }
    if let Some(command) = command {
        document["command"] = command.as_str().into();
    }
    document
}

/// `  failed: team `x` (push): there is no such team; make it, …`
fn remainder(step: &StepOutcome, stopped: Option<&dyn Blame>) -> String {
    let failure = step.failure.as_deref().or(stopped.filter(|_| step.status == Status::Failed));
    format!("  {}: {}{}", step.status.word(), step.words, reason(failure))
}

/// `: sentence: cause; hint`
fn reason(failure: Option<&dyn Blame>) -> String {
    let Some(failure) = failure else { return String::new() };
    let mut text = format!(": {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    if let Some(hint) = failure.hint() {
        text += &format!("; {hint}");
    }
    text
}
