//! How an API stands before the gates of its next phase.

use crate::model::gate::Gate;
use crate::model::phase::Phase;
use crate::model::record::{Evidence, Record, Waiver};

/// The check that only running the repository's code settles: a link does as well.
pub(crate) const LINT: &str = "lint";

/// Whether a gate is open, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GateState {
    Met(String),
    Waived(String),
    Unmet(String),
}

impl GateState {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Met(_) => "met",
            Self::Waived(_) => "waived",
            Self::Unmet(_) => "unmet",
        }
    }

    pub(crate) fn why(&self) -> &str {
        let (Self::Met(why) | Self::Waived(why) | Self::Unmet(why)) = self;
        why
    }
}

/// A gate as an API stands before it.
#[derive(Clone, Debug)]
pub(crate) struct GateStatus {
    pub(crate) gate: Gate,
    pub(crate) state: GateState,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) waivers: Vec<Waiver>,
}

impl GateStatus {
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state, GateState::Unmet(_))
    }
}

/// The gates that lead to `to`, in the template's order. `check` settles a check of this name: why it is met, or what is
/// missing.
///
/// What the tool can check is settled by the check alone. A waiver lets through whatever is not met.
pub(crate) fn standings(
    gates: &[Gate],
    to: Phase,
    record: &Record,
    check: &dyn Fn(&str) -> Result<String, String>,
) -> Vec<GateStatus> {
    let of = |gate: &Gate| {
        let evidence: Vec<_> = record.evidence.iter().filter(|evidence| evidence.gate == gate.id).cloned().collect();
        let waivers: Vec<_> = record.waivers.iter().filter(|waiver| waiver.gate == gate.id).cloned().collect();
        let shown = evidence.last().map(|evidence| evidence.link.clone());
        let result = match gate.check.as_deref() {
            Some(LINT) => check(LINT).or_else(|missing| shown.ok_or(missing)),
            Some(name) => check(name),
            None => shown.ok_or_else(|| "nothing shows it yet".to_owned()),
        };
        let state = match (result, waivers.last()) {
            (Ok(why), _) => GateState::Met(why),
            (Err(_), Some(waiver)) => GateState::Waived(waiver.reason.clone()),
            (Err(missing), None) => GateState::Unmet(missing),
        };
        GateStatus { gate: gate.clone(), state, evidence, waivers }
    };
    gates.iter().filter(|gate| gate.to == to).map(of).collect()
}
