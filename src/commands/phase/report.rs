//! What `phase` says.

use serde_json::{Value, json};

use super::Transition;
use super::error::PhaseError;
use crate::error::shell_quoted;
use crate::model::phase::Phase;
use crate::model::record::Record;
use crate::model::text::{counted, one_line};
use crate::scaffold::apply::Outcome;
use crate::scaffold::checkout::Home;
use crate::scaffold::lifecycle::gates::{GateState, GateStatus};
use crate::scaffold::lifecycle::stage::StageChange;
use crate::scaffold::report::steps;

/// What the next phase asks for.
pub(super) fn standing(record: &Record, standings: &[GateStatus]) -> String {
    let Record { name, phase, .. } = record;
    let Some(next) = phase.next() else {
        return format!("{name} is in phase {}, the last one", phase.word());
    };
    let closed = standings.iter().filter(|standing| !standing.is_open()).count();
    let asks = match (standings.len(), closed) {
        (0, _) => "which has no gates".to_owned(),
        (all, 0) => format!("which has {}, all met or waived", counted(all, "gate")),
        (all, closed) => {
            format!("which has {}; {closed} {} not met", counted(all, "gate"), if closed == 1 { "is" } else { "are" })
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
    text
}

/// The refusal of a move, or of a change of dates.
pub(super) fn unmet(step: &Transition<'_>, standings: &[GateStatus]) -> PhaseError {
    let closed = standings.iter().filter(|standing| !standing.is_open());
    let unmet = closed.map(|GateStatus { gate, state, .. }| {
        one_line(&format!("  {}: {}; {}. {}", gate.id, gate.title, state.why(), gate.how)).into_owned()
    });
    PhaseError::Unmet {
        name: step.new.name.to_string(),
        to: step.to,
        changes_dates: step.changes_dates(),
        all: standings.len(),
        unmet: unmet.collect(),
        document: Box::new(facts(&step.new, standings, &[]).as_object().cloned().unwrap_or_default()),
    }
}

/// A move that was made.
pub(super) fn moved(record: &Record, outcome: &Outcome, standings: &[GateStatus], next: Option<&str>) -> String {
    let Record { name, phase, .. } = record;
    let already = if outcome.is_unchanged() { " already: nothing to do" } else { "" };
    let next = next.map(|next| format!("\n\nnext: {next}")).unwrap_or_default();
    format!("{name} is in phase {}{already}{}{}{next}", phase.word(), steps(outcome), waived(standings))
}

/// What is for people to do after the steps.
pub(super) fn next(record: &Record, home: &Home, outcome: &Outcome) -> Option<String> {
    let Record { name, phase, .. } = record;
    if let Some(page) = outcome.result("pull-request") {
        return Some(match phase {
            Phase::Retired => format!(
                "merge {page}, release it, then run `apiscaffold phase {name} retired` again: it archives the repository"
            ),
            _ => format!("see whether its checks pass, then merge {page}"),
        });
    }
    match home {
        Home::Here(folder) if outcome.result("commit").is_some() => {
            Some(format!("cd {} && make generate lint test, then push", shell_quoted(folder.display())))
        }
        _ => None,
    }
}

/// What a pull request says.
pub(super) fn pull_request(Record { phase, waivers, .. }: &Record, change: &StageChange) -> String {
    let mut body = format!("`apiscaffold phase` moves the API to phase **{}**.\n", phase.word());
    if !change.opened.is_empty() {
        let names = change.opened.join("`, `");
        body += &format!(
            "\nIt opens `{names}`: after merging, `apiscaffold check --settings --fix` makes what GitHub needs for it.\n"
        );
    }
    if !waivers.is_empty() {
        body += "\nWaived so far:\n\n";
        for waiver in waivers {
            body += &format!("- `{}`: {}\n", waiver.gate, escaped(&waiver.reason));
        }
    }
    for note in &change.notes {
        body += &format!("\n{note}\n");
    }
    body += "\nIf the workflow says that something is stale, run `make generate` on this branch, and commit.\n";
    body
}

/// A reason is text: it neither mentions people nor makes links.
fn escaped(text: &str) -> String {
    let special = |c: char| "\\`*_{}[]()<>#+!|@~&".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The gates that are passed by a waiver, a line each.
pub(super) fn waived(standings: &[GateStatus]) -> String {
    let waived = standings.iter().filter_map(|standing| match &standing.state {
        GateState::Waived(reason) => Some(format!("\n  waived {}: {}", standing.gate.id, one_line(reason))),
        GateState::Met(_) | GateState::Unmet(_) => None,
    });
    waived.collect()
}

/// What is known of the API beside the steps.
pub(super) fn facts(record: &Record, standings: &[GateStatus], notes: &[String]) -> Value {
    let Record { name, phase, ending, environments, waivers, .. } = record;
    let gates: Vec<Value> = standings.iter().map(gate).collect();
    json!({
        "name": name, "phase": phase, "next": phase.next(), "gates": gates, "ending": ending,
        "environments": environments, "waivers": waivers, "notes": notes,
    })
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
