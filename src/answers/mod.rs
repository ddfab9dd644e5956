//! Answers: what was asked, from which layer each answer comes, and everything that is missing or wrong.

pub mod file;
mod problem;
pub mod schema;
mod settle;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

pub use self::file::{AnswersFile, AnswersFileError};
pub use self::problem::{AnswersError, Problem};
pub use self::settle::{Ask, Expression, settle};

/// Where answers are looked for, strongest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// `--set KEY=VALUE`; the last of equal keys counts. Every key must be a question's.
    pub set: Vec<(String, String)>,
    /// `--answers FILE`. Every key must be a question's, or `name` with the API's name.
    pub file: Option<AnswersFile>,
    /// Key, variable and value of each variable of the environment that may be an answer; other keys are left alone.
    pub environment: Vec<(String, String, String)>,
    /// The user's own answers for every template; other keys are left alone, but told when a question is near.
    pub config: Option<AnswersFile>,
    /// What the spec says, by question. `null` is no answer; other keys are told.
    pub spec: Map<String, Value>,
    /// Values that stand in the place of defaults, by question.
    pub derived: Map<String, Value>,
    /// What a person has answered at a prompt before.
    pub asked: Map<String, Value>,
}

/// The layer that an answer comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Set,
    File(PathBuf),
    Environment(String),
    Config(PathBuf),
    Asked,
    Spec,
    Default,
}

impl Origin {
    /// Whether somebody gave the answer, in the spec or elsewhere, so that it must hold as it is.
    pub const fn is_given(&self) -> bool {
        !matches!(self, Self::Default)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set => f.write_str("`--set`"),
            Self::File(path) | Self::Config(path) => write!(f, "`{}`", path.display()),
            Self::Environment(variable) => write!(f, "variable `{variable}`"),
            Self::Asked => f.write_str("the prompt"),
            Self::Spec => f.write_str("the spec"),
            Self::Default => f.write_str("the template"),
        }
    }
}

/// An answer to every question of a template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    values: Map<String, Value>,
    origins: BTreeMap<String, Origin>,
    reasons: BTreeMap<String, String>,
    /// What the user should know about, such as an answer without effect: a sentence each.
    pub notes: Vec<String>,
}

impl Answers {
    /// The answers by name, in order of the questions. The answer to a `choice` or `integer` that was not asked and
    /// has no default is `null`.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Where the answer to `name` comes from; `None` when there is no such question.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.origins.get(name)
    }

    /// The answers that were typed at a prompt.
    pub fn asked(&self) -> Map<String, Value> {
        let asked = self.values.iter().filter(|(name, _)| self.origin(name) == Some(&Origin::Asked));
        asked.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What spoke for the default of `name`, where it was taken and its template says so; it may be nothing.
    pub fn reason(&self, name: &str) -> Option<&str> {
        self.reasons.get(name).map(String::as_str)
    }

    /// Whether somebody gave the answer to `name`: by flag, file, variable, config, at a prompt or in the spec.
    pub fn is_given(&self, name: &str) -> bool {
        self.origin(name).is_some_and(Origin::is_given)
    }

    fn insert(&mut self, name: &str, value: Value, origin: Origin) {
        self.values.insert(name.to_owned(), value);
        self.origins.insert(name.to_owned(), origin);
    }
}
