//! The forge: where repositories are shared, and their settings. GitHub is the one there is; what any forge would share (a
//! repository, its settings, the steps of a plan) are values in `model`.

pub mod github;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::repository::RepositorySlug;
use github::call::{Answer, Call};
use github::observed::{Observed, SettingSource};
use github::{ForgeError, PauseReason};

/// What settings are made on: GitHub itself, or the rehearsal of a dry run, which asks and notes what would be written.
/// One piece of code drives either, so that a dry run shows what a run does.
trait Forge {
    /// Reads all of these, at the same time.
    fn observe(&self, target: &RepositorySlug, readings: BTreeSet<SettingSource>) -> Observed;

    /// Makes a call that changes something; an answer that is no success is an error.
    fn write(&self, call: &Call) -> Result<Answer, ForgeError>;

    /// Waits, telling why.
    fn pause(&self, time: Duration, why: PauseReason) -> Result<(), ForgeError>;
}
