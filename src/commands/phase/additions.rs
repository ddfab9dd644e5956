//! What the command line adds to a record; every problem is reported at once.

use jiff::Timestamp;

use super::error::PhaseError;
use crate::cli::{EndingArgs, PhaseArgs};
use crate::error::nearest;
use crate::model::ending::Ending;
use crate::model::gate::Gate;
use crate::model::phase::Phase;
use crate::model::record::{Evidence, Record, Waiver};
use crate::model::text::{secret, steers};
use crate::registry::link_fault;

/// Longest reason or note, in bytes.
const LONGEST: usize = 2000;

/// Adds the command line's evidence, waivers and dates to a record. The same evidence, or the same waiver, is kept once.
///
/// # Errors
/// `BadInput` with a line for each problem.
pub(super) fn add(
    record: &Record,
    arguments: &PhaseArgs,
    gates: &[Gate],
    (by, now): (&str, Timestamp),
) -> Result<Record, PhaseError> {
    let mut problems = Vec::new();
    let mut new = record.clone();
    let date = moment(now);
    let ending = ending(&arguments.ending, arguments.phase, &mut problems);
    new.ending = new.ending.with(ending);
    problems.extend(order_problem(&new.ending));
    // For other dates the same has to be shown again, and the record says who did when.
    let is_anew = record.phase == Phase::Deprecated && !new.ending.same_dates(&record.ending);
    for (gate, link) in &arguments.evidence {
        problems.extend(known(gate, gates).into_iter().chain(link_problem("--evidence", link)));
        let mut shown = new.evidence.iter().skip(if is_anew { record.evidence.len() } else { 0 });
        let is_there = shown.any(|evidence| evidence.gate == *gate && evidence.link == *link);
        if !is_there {
            let (gate, link, by, date) = (gate.clone(), link.clone(), by.to_owned(), date.clone());
            new.evidence.push(Evidence { gate, link, by, date });
        }
    }
    for (gate, reason) in &arguments.waive {
        let reason = reason.trim();
        problems.extend(known(gate, gates));
        if reason.is_empty() {
            problems.push(format!("`--waive {gate}` needs a reason: `--waive {gate}=REASON`"));
        }
        problems.extend(line_problem("--waive", reason));
        let mut waived = new.waivers.iter().skip(if is_anew { record.waivers.len() } else { 0 });
        let is_there = waived.any(|waiver| waiver.gate == *gate && waiver.reason == reason);
        if !is_there {
            let (gate, reason, by, date) = (gate.clone(), reason.to_owned(), by.to_owned(), date.clone());
            new.waivers.push(Waiver { gate, reason, by, date });
        }
    }
    problems.extend(arguments.note.as_deref().and_then(|note| line_problem("--note", note)));
    if problems.is_empty() { Ok(new) } else { Err(PhaseError::BadInput(problems)) }
}

/// A moment as records say it.
pub(super) fn moment(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

fn ending(given: &EndingArgs, to: Option<Phase>, problems: &mut Vec<String>) -> Ending {
    let ending = Ending {
        deprecation: given.deprecation,
        sunset: given.sunset,
        documentation: given.documentation.clone(),
        successor: given.successor.clone(),
    };
    if !ending.is_none() && to != Some(Phase::Deprecated) {
        problems.push("dates and pages of the end belong to phase deprecated: give them with it".to_owned());
    }
    for (flag, page) in [("--documentation", &ending.documentation), ("--successor", &ending.successor)] {
        let Some(page) = page else { continue };
        problems.extend(link_problem(flag, page));
        if !page.starts_with("https://") {
            problems.push(format!("`{flag}` must be an https address"));
        }
    }
    ending
}

/// A sunset follows a deprecation, whatever is waived: the headers would contradict each other (RFC 9745, section 4).
fn order_problem(ending: &Ending) -> Option<String> {
    match (ending.deprecation, ending.sunset) {
        (None, Some(_)) => Some("a sunset needs the date of a deprecation before it: `--deprecation DATE`".to_owned()),
        (Some(deprecation), Some(sunset)) if sunset < deprecation => {
            Some(format!("the sunset on {sunset} is before the deprecation on {deprecation}"))
        }
        _ => None,
    }
}

fn known(gate: &str, gates: &[Gate]) -> Option<String> {
    if gates.iter().any(|known| known.id == gate) {
        return None;
    }
    let near = nearest(gate, gates.iter().map(|gate| gate.id.as_str()));
    let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Some(format!("the template has no gate `{}`{meant}", gate.escape_debug()))
}

fn link_problem(flag: &str, link: &str) -> Option<String> {
    link_fault(link).map(|why| format!("`{flag}`: {why}"))
}

fn line_problem(flag: &str, text: &str) -> Option<String> {
    if text.chars().any(steers) {
        return Some(format!("`{flag}` must be one line, without control characters"));
    }
    if let Some(kind) = secret(text, false) {
        return Some(format!("`{flag}` holds an address with {kind}: give it without"));
    }
    (text.len() > LONGEST).then(|| format!("`{flag}` is longer than 2000 bytes"))
}
