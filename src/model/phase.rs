//! The phases of an API's life.

use serde::{Deserialize, Serialize};

/// A phase of the delivery process, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The API has a name and a repository.
    #[default]
    Inception,
    /// The need is being understood.
    Discovery,
    /// A first version is being tried.
    Alpha,
    /// In production, beta.
    Beta,
    /// In production.
    Live,
    /// Still available; no new consumers.
    Deprecated,
    /// Gone.
    Retired,
}
