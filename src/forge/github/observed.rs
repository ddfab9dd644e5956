//! What was read of a repository: each thing once, however many settings need it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::Github;
use super::call::{Answer, Call, below, path};
use super::error::ForgeError;
use super::retry::Why;
use crate::forge::Forge;
use crate::model::repository::Target;

/// One thing to read. An environment is named where it has its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::forge) enum Reading {
    Repository,
    Properties,
    Teams,
    /// A team of the organisation, by slug.
    Team(String),
    Environments,
    /// The branches and tags that may deploy to an environment.
    Policies(String),
    Variables(Option<String>),
    Secrets(Option<String>),
    /// The key that seals secrets.
    Key(Option<String>),
    Alerts,
    Fixes,
    Reporting,
    Issues,
    Rulesets,
    Ruleset(u64),
}

/// What was read; `null` where there is nothing.
#[derive(Clone, Debug, Default)]
pub(in crate::forge) struct Observed(BTreeMap<Reading, Result<Value, ForgeError>>);

impl Observed {
    /// What is there; `null` when it is missing or was not read.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) fn get(&self, reading: &Reading) -> Result<&Value, ForgeError> {
        match self.0.get(reading) {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(&Value::Null),
        }
    }

    /// The items of a list; none when it is missing.
    pub(super) fn items(&self, reading: &Reading) -> Result<&[Value], ForgeError> {
        Ok(self.get(reading)?.as_array().map(Vec::as_slice).unwrap_or_default())
    }

    pub(super) fn has(&self, reading: &Reading) -> bool {
        matches!(self.0.get(reading), Some(Ok(_)))
    }

    pub(super) fn put(&mut self, reading: Reading, value: Value) {
        self.0.insert(reading, Ok(value));
    }

    /// Adds what `other` read; it is newer.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Forge for Github {
    fn observe(&self, target: &Target, readings: BTreeSet<Reading>) -> Observed {
        Observed(self.at_once(readings.into_iter().collect(), |reading| self.read(target, reading)))
    }

    fn write(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.call(call)
    }

    fn pause(&self, time: Duration, why: Why) -> Result<(), ForgeError> {
        self.sender.pause(time, why)
    }
}

impl Github {
    fn read(&self, target: &Target, reading: &Reading) -> Result<Value, ForgeError> {
        let list = |words: &[&str], query: &str, key| {
            let mark = if query.is_empty() { "" } else { "?" };
            let items = self.list(&format!("{}{mark}{query}", below(target, words)), key)?;
            Ok(items.map_or(Value::Null, Value::from))
        };
        let one = |path: String| Ok(self.find(path)?.map_or(Value::Null, |answer| answer.body));
        let of_actions = |environment: &Option<String>, what: &str| match environment {
            Some(environment) => below(target, &["environments", environment, what]),
            None => below(target, &["actions", what]),
        };
        let list_at = |path: String, key| {
            let items = self.list(&format!("{path}?per_page=30"), Some(key))?;
            Ok(items.map_or(Value::Null, Value::from))
        };
        match reading {
            Reading::Repository => Ok(self.there(below(target, &[]))?.body),
            Reading::Properties => list(&["properties", "values"], "", None),
            Reading::Teams => list(&["teams"], "per_page=100", None),
            Reading::Team(slug) => one(path(&["orgs", &target.owner, "teams", slug])),
            Reading::Environments => list(&["environments"], "per_page=100", Some("environments")),
            Reading::Policies(name) => {
                list(&["environments", name, "deployment-branch-policies"], "per_page=100", Some("branch_policies"))
            }
            Reading::Variables(environment) => list_at(of_actions(environment, "variables"), "variables"),
            Reading::Secrets(environment) => list_at(of_actions(environment, "secrets"), "secrets"),
            Reading::Key(environment) => {
                Ok(self.there(format!("{}/public-key", of_actions(environment, "secrets")))?.body)
            }
            Reading::Alerts => Ok(self.find(below(target, &["vulnerability-alerts"]))?.is_some().into()),
            Reading::Fixes => one(below(target, &["automated-security-fixes"])),
            Reading::Reporting => one(below(target, &["private-vulnerability-reporting"])),
            Reading::Issues => list(&["issues"], "state=all&sort=created&direction=asc&per_page=100", None),
            Reading::Rulesets => list(&["rulesets"], "includes_parents=false&per_page=100", None),
            Reading::Ruleset(id) => one(below(target, &["rulesets", &id.to_string()])),
        }
    }
}
