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

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 7] =
        [Self::Inception, Self::Discovery, Self::Alpha, Self::Beta, Self::Live, Self::Deprecated, Self::Retired];

    /// The word that manifests, records and the command line have for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inception => "inception",
            Self::Discovery => "discovery",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Live => "live",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }

    /// The phase of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.word() == word)
    }

    /// The phase after it; none after the last.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| *phase > self)
    }

    /// The phase before it; none before the first.
    pub fn before(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|phase| *phase < self)
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;

    #[test]
    fn words_are_those_of_the_records_and_lead_back_to_their_phase() {
        for phase in Phase::ALL {
            assert_eq!(serde_json::to_value(phase).expect("JSON"), phase.word());
            assert_eq!(Phase::of_word(phase.word()), Some(phase));
        }
        assert_eq!((Phase::Inception.before(), Phase::Retired.before()), (None, Some(Phase::Deprecated)));
        assert_eq!((Phase::Inception.next(), Phase::Retired.next()), (Some(Phase::Discovery), None));
    }
}
