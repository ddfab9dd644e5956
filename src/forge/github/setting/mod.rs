//! What each setting reads, how it differs, and which calls make it so. Values in, values out.

mod compare;
mod environment;
mod issue;
mod ruleset;
mod strict;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::call::{Call, Method, below, path};
use super::error::ForgeError;
use super::observed::{Observed, SettingSource};
use crate::model::repository::RepositorySlug;
use crate::model::setting::{Difference, Setting};
use crate::model::settings::Secret;
use crate::model::token::Token;
use compare::covers;

/// Whether what people made stricter than the template asks may be lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lower {
    /// No.
    No,
    /// No; but what is a part of what is wanted, as an earlier run of ours that was broken off left it, is completed.
    Unfinished,
    /// Yes, the user said so.
    Yes,
}

impl Lower {
    /// Whether a difference may be fixed.
    pub(super) fn allows(self, difference: &Difference) -> bool {
        !difference.lowers || self == Self::Yes || (self == Self::Unfinished && difference.partial)
    }
}

/// What a secret's value is filed under: environment (none: the repository) and name.
pub(super) type SecretScope = (Option<String>, String);

pub(super) fn scope(secret: &Secret) -> SecretScope {
    (secret.environment.clone(), secret.name.clone())
}

/// What calls are made from.
pub(super) struct SettingContext<'k> {
    pub(super) target: &'k RepositorySlug,
    pub(super) observed: &'k Observed,
    /// The values of secrets; none: names stand for what only GitHub knows, as in a plan.
    pub(super) secrets: Option<&'k BTreeMap<SecretScope, Token>>,
    /// Whether what is stricter than asked for is lowered.
    pub(super) lower: Lower,
}

impl SettingContext<'_> {
    /// The number of a team.
    fn team(&self, slug: &str) -> Result<Value, ForgeError> {
        let team = self.observed.get(&SettingSource::Team(slug.to_owned()))?;
        match (team.get("id").filter(|id| id.is_u64()), self.secrets) {
            (Some(id), _) => Ok(id.clone()),
            (None, None) => Ok(format!("(the id of team {slug})").into()),
            (None, Some(_)) => Err(no_team(self.target, slug)),
        }
    }
}

pub(super) fn no_team(target: &RepositorySlug, slug: &str) -> ForgeError {
    ForgeError::NoTeam { organisation: target.owner.clone(), slug: slug.to_owned() }
}

/// What must be read to compare a setting.
pub(super) fn readings(setting: &Setting) -> Vec<SettingSource> {
    match setting {
        Setting::Repository(_) | Setting::Topics(_) | Setting::SecretScanning { .. } => vec![SettingSource::Repository],
        Setting::Properties(_) => vec![SettingSource::Properties],
        Setting::Team(_) => vec![SettingSource::Teams],
        Setting::Environment(wanted) => environment::readings(wanted),
        Setting::Variable(wanted) => vec![SettingSource::Variables(wanted.environment.clone())],
        Setting::Secret(wanted) => vec![SettingSource::Secrets(wanted.environment.clone())],
        Setting::VulnerabilityAlerts => vec![SettingSource::Alerts],
        Setting::AutomatedFixes => vec![SettingSource::Fixes],
        Setting::PrivateReporting => vec![SettingSource::Reporting],
        Setting::Issue(_) => vec![SettingSource::Issues],
        Setting::Ruleset(_) => vec![SettingSource::Rulesets],
    }
}

/// What must be read after that.
pub(super) fn deeper(setting: &Setting, observed: &Observed) -> Option<SettingSource> {
    let id = ruleset::found(setting.name()?, observed)?;
    Some(SettingSource::Ruleset(id))
}

/// The environment that a setting belongs to.
pub(super) fn environment(setting: &Setting) -> Option<&str> {
    match setting {
        Setting::Variable(variable) => variable.environment.as_deref(),
        Setting::Secret(secret) => secret.environment.as_deref(),
        _ => None,
    }
}

/// The environment that a setting makes.
pub(super) fn makes_environment(setting: &Setting) -> Option<&str> {
    match setting {
        Setting::Environment(environment) => Some(&environment.name),
        _ => None,
    }
}

/// The teams that must be there before a setting can be made.
pub(super) fn teams(setting: &Setting) -> BTreeSet<&str> {
    match setting {
        Setting::Team(team) => BTreeSet::from([team.slug.as_str()]),
        Setting::Environment(environment) => environment.reviewers.iter().flatten().map(String::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

/// Where the world is not as the setting wants it; nothing when it is.
pub(super) fn differences(setting: &Setting, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    Ok(match setting {
        Setting::Repository(wanted) => fields(wanted, observed.get(&SettingSource::Repository)?),
        Setting::SecretScanning { push_protection } => {
            fields(&scanning(*push_protection), observed.get(&SettingSource::Repository)?)
        }
        Setting::Topics(wanted) => topics(wanted, observed.get(&SettingSource::Repository)?),
        Setting::Properties(wanted) => properties(wanted, observed.items(&SettingSource::Properties)?),
        Setting::Team(wanted) => {
            let teams = observed.items(&SettingSource::Teams)?;
            let found = teams.iter().find(|team| team["slug"] == wanted.slug.as_str());
            let role = |key: &str| found.and_then(|team| team.get(key)).cloned().unwrap_or_default();
            let same = ["permission", "role_name"].iter().any(|key| role(key) == wanted.permission.as_str());
            difference(same, setting.words(), wanted.permission.clone(), role("permission"))
        }
        Setting::Environment(wanted) => environment::differences(wanted, observed)?,
        Setting::Variable(wanted) => values::variable(wanted, observed)?,
        Setting::Secret(wanted) => values::secret(wanted, observed)?,
        Setting::VulnerabilityAlerts => on(setting, observed.get(&SettingSource::Alerts)?),
        Setting::AutomatedFixes => on(setting, &observed.get(&SettingSource::Fixes)?["enabled"]),
        Setting::PrivateReporting => on(setting, &observed.get(&SettingSource::Reporting)?["enabled"]),
        Setting::Issue(wanted) => issue::differences(wanted, observed)?,
        Setting::Ruleset(wanted) => ruleset::differences(wanted, observed)?,
    })
}

/// The calls that make a setting so, in order; a setting that differs has at least one.
pub(super) fn calls(setting: &Setting, known: &SettingContext<'_>) -> Result<Vec<Call>, ForgeError> {
    let SettingContext { target, observed, .. } = known;
    let switch = |word: &str| vec![Call::bare(Method::Put, below(target, &[word]))];
    Ok(match setting {
        Setting::Repository(wanted) => patch(known, wanted)?,
        Setting::SecretScanning { push_protection } => patch(known, &scanning(*push_protection))?,
        Setting::Topics(names) => {
            vec![Call::with(Method::Put, below(target, &["topics"]), json!({"names": names}))]
        }
        Setting::Properties(wanted) => {
            let wanted = wanted.iter().filter(|(name, value)| {
                let found = observed.items(&SettingSource::Properties).unwrap_or_default();
                !found.iter().any(|item| item["property_name"] == name.as_str() && item["value"] == value.as_str())
            });
            let list: Vec<Value> = wanted.map(|(name, value)| json!({"property_name": name, "value": value})).collect();
            vec![Call::with(Method::Patch, below(target, &["properties", "values"]), json!({"properties": list}))]
        }
        Setting::Team(team) => {
            let words = ["orgs", &target.owner, "teams", &team.slug, "repos", &target.owner, &target.name];
            vec![Call::with(Method::Put, path(&words), json!({"permission": team.permission}))]
        }
        Setting::Environment(wanted) => environment::calls(wanted, known)?,
        Setting::Variable(wanted) => values::set_variable(wanted, known)?,
        Setting::Secret(wanted) => values::set_secret(wanted, known)?,
        Setting::VulnerabilityAlerts => switch("vulnerability-alerts"),
        Setting::AutomatedFixes => switch("automated-security-fixes"),
        Setting::PrivateReporting => switch("private-vulnerability-reporting"),
        Setting::Issue(wanted) => issue::calls(wanted, target),
        Setting::Ruleset(wanted) => ruleset::calls(wanted, known)?,
    })
}

fn difference(same: bool, what: String, wanted: impl Into<Value>, found: Value) -> Vec<Difference> {
    if same {
        return Vec::new();
    }
    vec![Difference { what, wanted: wanted.into(), found, lowers: false, partial: false }]
}

fn on(setting: &Setting, found: &Value) -> Vec<Difference> {
    difference(found == &Value::Bool(true), setting.words(), true, found.clone())
}

/// Fields of the repository that are not as wanted. One without an order protects nothing.
fn fields(wanted: &Map<String, Value>, found: &Value) -> Vec<Difference> {
    let differs = |(name, wanted): (&String, &Value)| {
        let found = found.get(name).cloned().unwrap_or_default();
        let lowers = strict::order(name).is_some() && strict::lowers(name, wanted, &found);
        let difference =
            |found| Difference { what: name.clone(), wanted: wanted.clone(), found, lowers, partial: false };
        (!covers(wanted, &found)).then(|| difference(found))
    };
    wanted.iter().filter_map(differs).collect()
}

/// One PATCH of the fields that differ and may be set.
fn patch(known: &SettingContext<'_>, wanted: &Map<String, Value>) -> Result<Vec<Call>, ForgeError> {
    let differing = fields(wanted, known.observed.get(&SettingSource::Repository)?);
    let allowed = differing.into_iter().filter(|field| known.lower.allows(field));
    let body: Map<String, Value> = allowed.map(|field| (field.what, field.wanted)).collect();
    Ok(vec![Call::with(Method::Patch, below(known.target, &[]), body.into())])
}

fn scanning(push_protection: bool) -> Map<String, Value> {
    let mut features = Map::new();
    features.insert("secret_scanning".to_owned(), json!({"status": "enabled"}));
    if push_protection {
        features.insert("secret_scanning_push_protection".to_owned(), json!({"status": "enabled"}));
    }
    Map::from_iter([("security_and_analysis".to_owned(), features.into())])
}

fn topics(wanted: &[String], repository: &Value) -> Vec<Difference> {
    let found = repository.get("topics").cloned().unwrap_or_default();
    let have: BTreeSet<&str> = found.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let same = have == wanted.iter().map(String::as_str).collect();
    difference(same, "topics".to_owned(), wanted.to_vec(), found)
}

fn properties(wanted: &BTreeMap<String, String>, found: &[Value]) -> Vec<Difference> {
    let value = |name: &str| {
        let item = found.iter().find(|item| item["property_name"] == name);
        item.and_then(|item| item.get("value")).cloned().unwrap_or_default()
    };
    let one = |(name, wanted): (&String, &String)| {
        let found = value(name);
        difference(found == wanted.as_str(), format!("custom property `{name}`"), wanted.as_str(), found)
    };
    wanted.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests;
