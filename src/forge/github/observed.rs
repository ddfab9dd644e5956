//! What was read of a repository: each thing once, however many settings need it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::call::{Answer, Call, below, path};
use super::error::ForgeError;
use super::fields::{self, FieldType, Fields};
use super::retry::PauseReason;
use super::{Github, at_once};
use crate::forge::Forge;
use crate::model::repository::RepositorySlug;

/// One thing to read. An environment is named where it has its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::forge) enum SettingSource {
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

/// How a thing is read.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// An object that is there, even if a part of GitHub does not know it yet.
    There,
    /// An object that may be missing.
    One,
    /// A list; this names it in answers that are objects.
    List(Option<&'static str>),
    /// 204 says on, 404 says off.
    Switch,
}

impl SettingSource {
    /// Where it is read.
    fn path(&self, target: &RepositorySlug) -> String {
        let of_actions = |environment: &Option<String>, words: &[&str]| match environment {
            Some(environment) => below(target, &[&["environments", environment], words].concat()),
            None => below(target, &[&["actions"], words].concat()),
        };
        let (path, query) = match self {
            Self::Repository => (below(target, &[]), ""),
            Self::Properties => (below(target, &["properties", "values"]), ""),
            Self::Teams => (below(target, &["teams"]), "?per_page=100"),
            Self::Team(slug) => (path(&["orgs", &target.owner, "teams", slug]), ""),
            Self::Environments => (below(target, &["environments"]), "?per_page=100"),
            Self::Policies(name) => {
                (below(target, &["environments", name, "deployment-branch-policies"]), "?per_page=100")
            }
            Self::Variables(environment) => (of_actions(environment, &["variables"]), "?per_page=30"),
            Self::Secrets(environment) => (of_actions(environment, &["secrets"]), "?per_page=30"),
            Self::Key(environment) => (of_actions(environment, &["secrets", "public-key"]), ""),
            Self::Alerts => (below(target, &["vulnerability-alerts"]), ""),
            Self::Fixes => (below(target, &["automated-security-fixes"]), ""),
            Self::Reporting => (below(target, &["private-vulnerability-reporting"]), ""),
            Self::Issues => (below(target, &["issues"]), "?state=all&sort=created&direction=asc&per_page=100"),
            Self::Rulesets => (below(target, &["rulesets"]), "?includes_parents=false&per_page=100"),
            Self::Ruleset(id) => (below(target, &["rulesets", &id.to_string()]), ""),
        };
        path + query
    }

    fn form(&self) -> Form {
        match self {
            Self::Repository | Self::Key(_) => Form::There,
            Self::Team(_) | Self::Fixes | Self::Reporting | Self::Ruleset(_) => Form::One,
            Self::Properties | Self::Teams | Self::Issues | Self::Rulesets => Form::List(None),
            Self::Environments => Form::List(Some("environments")),
            Self::Policies(_) => Form::List(Some("branch_policies")),
            Self::Variables(_) => Form::List(Some("variables")),
            Self::Secrets(_) => Form::List(Some("secrets")),
            Self::Alerts => Form::Switch,
        }
    }

    /// What it, or each item of it, must hold.
    fn fields(&self) -> Fields {
        match self {
            Self::Repository => {
                &[("id", FieldType::Number), ("full_name", FieldType::Text), ("topics", FieldType::List)]
            }
            Self::Properties => &[("property_name", FieldType::Text)],
            Self::Teams => &[("slug", FieldType::Text), ("permission", FieldType::Text)],
            Self::Team(_) => &[("id", FieldType::Number), ("slug", FieldType::Text)],
            Self::Environments => &[("name", FieldType::Text), ("protection_rules", FieldType::List)],
            Self::Policies(_) => &[("id", FieldType::Number), ("name", FieldType::Text)],
            Self::Variables(_) => &[("name", FieldType::Text), ("value", FieldType::TextOrNull)],
            Self::Secrets(_) => &[("name", FieldType::Text)],
            Self::Key(_) => &[("key", FieldType::Text), ("key_id", FieldType::Text)],
            Self::Alerts => &[],
            Self::Fixes | Self::Reporting => &[("enabled", FieldType::Flag)],
            Self::Issues => {
                &[("number", FieldType::Number), ("title", FieldType::Text), ("body", FieldType::TextOrNull)]
            }
            Self::Rulesets => &[("id", FieldType::Number), ("name", FieldType::Text)],
            Self::Ruleset(_) => &[
                ("id", FieldType::Number),
                ("name", FieldType::Text),
                ("enforcement", FieldType::Text),
                ("rules", FieldType::List),
            ],
        }
    }
}

/// What was read; `null` where there is nothing.
#[derive(Clone, Debug, Default)]
pub(in crate::forge) struct Observed(BTreeMap<SettingSource, Result<Value, ForgeError>>);

impl Observed {
    /// What is there; `null` when it is missing or was not read.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) fn get(&self, reading: &SettingSource) -> Result<&Value, ForgeError> {
        match self.0.get(reading) {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(&Value::Null),
        }
    }

    /// The items of a list; none when it is missing.
    pub(super) fn items(&self, reading: &SettingSource) -> Result<&[Value], ForgeError> {
        Ok(self.get(reading)?.as_array().map(Vec::as_slice).unwrap_or_default())
    }

    /// Why nothing can be done, when that was seen.
    pub(super) fn end(&self) -> Option<ForgeError> {
        self.0.values().filter_map(|read| read.as_ref().err()).find(|error| error.ends_all()).cloned()
    }

    pub(super) fn has(&self, reading: &SettingSource) -> bool {
        matches!(self.0.get(reading), Some(Ok(_)))
    }

    pub(super) fn put(&mut self, reading: SettingSource, value: Value) {
        self.0.insert(reading, Ok(value));
    }

    /// Adds what `other` read; it is newer.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Forge for Github {
    fn observe(&self, target: &RepositorySlug, readings: BTreeSet<SettingSource>) -> Observed {
        Observed(at_once(readings.into_iter().collect(), |reading| self.read(target, reading)))
    }

    fn write(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.call(call)
    }

    fn pause(&self, time: Duration, why: PauseReason) -> Result<(), ForgeError> {
        Github::pause(self, time, why)
    }
}

/// So many numbers in a row that are no issues any more are looked at, beyond the issues that are known.
const MOST_GONE: u64 = 100;

impl Github {
    fn read(&self, target: &RepositorySlug, reading: &SettingSource) -> Result<Value, ForgeError> {
        let path = reading.path(target);
        let call = format!("GET {path}");
        let body = match reading.form() {
            Form::There => self.there(path)?.body,
            Form::One => match self.find(path)? {
                Some(answer) => answer.body,
                None => return Ok(Value::Null),
            },
            Form::List(key) => {
                let Some(items) = self.list(&path, key)? else { return Ok(Value::Null) };
                fields::each_must_hold(&call, &items, reading.fields())?;
                let all = if *reading == SettingSource::Issues { self.issues(target, items)? } else { items };
                return Ok(all.into());
            }
            Form::Switch => {
                return match self.find(path)? {
                    Some(answer) if answer.status != 204 => {
                        let why = "it is neither `204` nor `404`".to_owned();
                        Err(ForgeError::Strange { call, why })
                    }
                    found => Ok(found.is_some().into()),
                };
            }
        };
        fields::must_hold(&call, &body, reading.fields())?;
        Ok(body)
    }

    /// The issues of a list, and those that the list does not show yet. A list may be late, and what is asked for by its
    /// number is not; numbers are given one after the other, to pull requests too.
    fn issues(&self, target: &RepositorySlug, mut items: Vec<Value>) -> Result<Vec<Value>, ForgeError> {
        let listed: BTreeSet<u64> = items.iter().filter_map(|item| item["number"].as_u64()).collect();
        let mut last = listed.last().copied().unwrap_or_default();
        let mut number = 0;
        while number <= last + MOST_GONE {
            number += 1;
            if listed.contains(&number) {
                continue;
            }
            let path = below(target, &["issues", &number.to_string()]);
            match self.find(path.clone()) {
                Ok(Some(answer)) => {
                    fields::must_hold(&format!("GET {path}"), &answer.body, SettingSource::Issues.fields())?;
                    items.push(answer.body);
                    last = last.max(number);
                }
                Ok(None) if number > last => return Ok(items),
                // A number that is not used any more.
                Ok(None) => {}
                Err(error) if error.status() == Some(410) => {}
                Err(error) => return Err(error),
            }
        }
        let why =
            format!("no issue has any of the {MOST_GONE} numbers before, and GitHub does not say that it is free");
        Err(ForgeError::Strange { call: format!("GET {}", below(target, &["issues", &number.to_string()])), why })
    }
}
