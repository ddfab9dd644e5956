//! What the user is told.

use serde_json::{Map, Value, json};

use super::Step;
use super::error::PhaseError;
use super::gates::{GateStatus, State};
use super::stage::StageChange;
use crate::model::record::Record;
use crate::model::text::one_line;
use crate::scaffold::plan::Status;
use crate::world::World;

/// A step, and how it went.
pub(super) struct Took {
    pub(super) step: &'static str,
    pub(super) words: String,
    /// `Left` when it was only planned.
    pub(super) status: Status,
}

/// A move.
pub(super) struct Moved<'m> {
    pub(super) change: &'m StageChange,
    pub(super) took: &'m [Took],
    pub(super) standings: &'m [GateStatus],
    /// Whether it was only planned.
    pub(super) planned: bool,
    /// What is for people to do now.
    pub(super) next: Option<&'m str>,
}

pub(super) struct Report<'r> {
    pub(super) record: &'r Record,
    pub(super) world: &'r World,
}

impl Report<'_> {
    /// What the next phase asks for.
    pub(super) fn standing(&self, standings: &[GateStatus], took: &[Took]) {
        let Record { name, phase, .. } = self.record;
        let Some(next) = phase.next() else {
            let text = format!("{name} is in phase {}, the last one", phase.word());
            return self.tell(&text, self.document(standings, took, &[]));
        };
        let closed = standings.iter().filter(|standing| !standing.is_open()).count();
        let asks = match (standings.len(), closed) {
            (0, _) => "which asks for nothing".to_owned(),
            (all, 0) => format!("which asks for {all} gates, all met or waived"),
            (all, closed) => {
                format!("which asks for {all} gates; {closed} {} not met", if closed == 1 { "is" } else { "are" })
            }
        };
        let mut text = format!("{name} is in phase {}; the next is {}, {asks}", phase.word(), next.word());
        let width = standings.iter().map(|standing| standing.gate.id.len()).max().unwrap_or_default();
        for standing in standings {
            text += &line(standing, width);
        }
        text += &match closed {
            0 => format!("\n\nnext: apiscaffold phase {name} {}", next.word()),
            _ => format!("\n\nnext: apiscaffold phase {name} --evidence GATE=LINK, or --waive GATE=REASON"),
        };
        self.tell(&text, self.document(standings, took, &[]));
    }

    /// The refusal of a move, or of a change of dates.
    pub(super) fn unmet(&self, step: &Step<'_>, standings: &[GateStatus]) -> PhaseError {
        let closed = standings.iter().filter(|standing| !standing.is_open());
        let unmet = closed.map(|GateStatus { gate, state, .. }| {
            one_line(&format!("  {}: {}; {}. {}", gate.id, gate.title, state.why(), gate.how)).into_owned()
        });
        PhaseError::Unmet {
            name: self.record.name.to_string(),
            to: step.to,
            changes_dates: step.changes_dates(),
            all: standings.len(),
            unmet: unmet.collect(),
            document: Box::new(self.document(standings, &[], &[])),
        }
    }

    /// A move that was made, or what it would do.
    pub(super) fn moved(&self, moved: &Moved<'_>) {
        let Record { name, phase, .. } = self.record;
        let Moved { change, took, standings, planned, next } = *moved;
        let document = self.document(standings, took, &change.notes);
        let mut text = match (planned, took.iter().all(|took| took.status == Status::AlreadySo)) {
            (true, _) => "would do:".to_owned(),
            (false, true) => format!("{name} is in phase {} already: nothing to do", phase.word()),
            (false, false) => format!("{name} is in phase {}", phase.word()),
        };
        for (number, Took { words, status, .. }) in took.iter().enumerate() {
            text += &if planned {
                format!("\n  {} {words}", number + 1)
            } else {
                format!("\n  {}: {words}", status.word())
            };
        }
        for edit in &change.edits {
            text += &format!(
                "\n      {}{}",
                one_line(edit.path.as_str()),
                if edit.file.is_some() { "" } else { " (goes)" }
            );
        }
        for standing in standings {
            if let State::Waived(reason) = &standing.state {
                text += &format!("\n  waived {}: {}", standing.gate.id, one_line(reason));
            }
        }
        if let Some(next) = next.filter(|_| !planned) {
            text += &format!("\n\nnext: {next}");
        }
        self.tell(&text, document);
        for note in &change.notes {
            self.world.terminal.warn(note);
        }
    }

    fn tell(&self, text: &str, document: Map<String, Value>) {
        if self.world.terminal.json() {
            self.world.terminal.result_json(&document);
        } else {
            self.world.terminal.result(text);
        }
    }

    fn document(&self, standings: &[GateStatus], took: &[Took], notes: &[String]) -> Map<String, Value> {
        let Record { name, phase, ending, environments, waivers, .. } = self.record;
        let gates: Vec<Value> = standings.iter().map(gate).collect();
        let steps: Vec<Value> = took
            .iter()
            .map(|took| json!({"step": took.step, "words": took.words, "status": took.status.word()}))
            .collect();
        let document = json!({
            "name": name, "phase": phase, "next": phase.next(), "gates": gates, "ending": ending,
            "environments": environments, "waivers": waivers, "steps": steps, "notes": notes,
        });
        document.as_object().cloned().unwrap_or_default()
    }
}

fn gate(standing: &GateStatus) -> Value {
    let GateStatus { gate, state, evidence, waivers } = standing;
    json!({
        "id": gate.id, "phase": gate.to, "title": gate.title, "how": gate.how, "check": gate.check,
        "state": state.word(), "why": state.why(), "evidence": evidence, "waivers": waivers,
    })
}

fn line(standing: &GateStatus, width: usize) -> String {
    let GateStatus { gate, state, .. } = standing;
    let mut text =
        format!("\n  {:6} {:width$}  {}: {}", state.word(), gate.id, one_line(&gate.title), one_line(state.why()));
    if !standing.is_open() {
        text += &format!("\n  {:6} {:width$}  {}", "", "", one_line(&gate.how));
    }
    text
}
