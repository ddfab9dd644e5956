//! The answers to a template's questions, the layer of each, and everything that is missing or wrong.

pub mod file;
mod problem;
pub mod schema;
mod settle;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

pub use self::file::{AnswersFile, AnswersFileError};
pub use self::problem::{AnswerProblem, AnswersError};
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
    /// The user's own answers for every template; another key is ignored, with a warning if it is nearly a question's.
    pub config: Option<AnswersFile>,
    /// The spec's answers, by question. `null` is no answer; other keys get a warning.
    pub spec: Map<String, Value>,
    /// Values that replace defaults, by question.
    pub derived: Map<String, Value>,
    /// The answers that were typed at a prompt before.
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
    /// Whether the answer is not a default, so that it must not be changed.
    pub const fn is_explicit(&self) -> bool {
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
    /// Warnings, such as an answer without effect: a sentence each.
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

    /// The template's reason for the default of `name`, when the default was taken; it may be empty.
    pub fn reason(&self, name: &str) -> Option<&str> {
        self.reasons.get(name).map(String::as_str)
    }

    /// Whether the answer to `name` is not a default.
    pub fn is_explicit(&self, name: &str) -> bool {
        self.origin(name).is_some_and(Origin::is_explicit)
    }

    fn insert(&mut self, name: &str, value: Value, origin: Origin) {
        self.values.insert(name.to_owned(), value);
        self.origins.insert(name.to_owned(), origin);
    }
}
