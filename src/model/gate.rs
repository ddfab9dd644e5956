//! Phases as a template describes them, and the gates between them.

use serde::Serialize;

use super::phase::Phase;

/// What a template says about a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseWords {
    pub name: Phase,
    pub title: String,
    pub about: String,
    /// The word for it in the catalogue; `None` when the catalogue does not list an API in this phase.
    pub status: Option<String>,
}

/// Something that must be so before an API moves from one phase to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Lower-case words joined by hyphens; no other gate has it. Evidence and waivers are kept under it.
    pub id: String,
    pub from: Phase,
    pub to: Phase,
    /// What must be so, in a line.
    pub title: String,
    pub how: String,
    /// The check of [`CHECKS`] that settles it; without one people decide, and leave evidence: a link, who, when.
    pub check: Option<String>,
}

/// What a template says about the life of its APIs as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleRules {
    /// Fewest months between deprecation and sunset, 0 to 120.
    pub notice_months: i64,
    /// The TOML file of a repository whose `[[environment]]` tables say where the API runs; without one the record says.
    pub environments: Option<String>,
    /// Keys of those tables that limit an environment's rate: each must be a number above 0.
    pub limits: Vec<String>,
}

impl Default for LifecycleRules {
    fn default() -> Self {
        Self { notice_months: 6, environments: None, limits: Vec::new() }
    }
}

/// What a gate may have checked for it, by name, and when that is met.
pub const CHECKS: [(&str, &str); 9] = [
    ("owner", "the record names an owner"),
    ("contact", "the record names an address for users"),
    ("examples", "the specification is valid, and each operation has an example of an answer"),
    ("lint", "the repository passes its own `make lint test`: run when asked to, else shown by a link"),
    ("sandbox", "one of the environments has `sandbox = true` in the manifest"),
    ("integration", "one of the environments has `integration = true` in the manifest"),
    ("limits", "every environment has limits for its rate"),
    ("dates", "the dates of deprecation and sunset are set, far enough apart, and give enough time from today"),
    ("sunset", "the date of the sunset has passed"),
];
