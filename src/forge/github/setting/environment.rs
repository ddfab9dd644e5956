//! Environments: who must agree to a deployment, and from which branches and tags it may come. What the template does not
//! speak of stays as it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::strict::Merge;
use super::{SettingContext, difference};
use crate::forge::github::call::{Call, Method, below};
use crate::forge::github::error::ForgeError;
use crate::forge::github::observed::{Observed, SettingSource};
use crate::forge::github::setting::Lower;
use crate::model::setting::Difference;
use crate::model::settings::DeploymentEnvironment;

pub(super) fn readings(wanted: &DeploymentEnvironment) -> Vec<SettingSource> {
    let mut readings = vec![SettingSource::Environments];
    if patterns(wanted).is_some() {
        readings.push(SettingSource::Policies(wanted.name.clone()));
    }
    readings
}

pub(super) fn differences(wanted: &DeploymentEnvironment, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    Ok(match there(wanted, observed)? {
        Some(there) => settle(wanted, &there, Lower::No).differences,
        None => difference(false, format!("environment `{}`", wanted.name), "there", Value::Null),
    })
}

/// `branch` or `tag`, and the pattern.
type BranchPattern = (String, String);
type Patterns = BTreeSet<BranchPattern>;

/// From where deployments may come.
#[derive(Clone, Debug, PartialEq)]
enum Policy {
    /// From everywhere.
    Any,
    /// From branches that a rule protects.
    Protected,
    /// From what these patterns fit.
    Custom(Patterns),
}

impl Policy {
    fn value(&self) -> Value {
        match self {
            Self::Any => "every branch and tag".into(),
            Self::Protected => "protected branches".into(),
            Self::Custom(patterns) => {
                patterns.iter().map(|(kind, name)| Value::from(format!("{kind} {name}"))).collect()
            }
        }
    }

    /// As the environment itself has it.
    fn body(&self) -> Value {
        match self {
            Self::Any => Value::Null,
            Self::Protected => json!({"protected_branches": true, "custom_branch_policies": false}),
            Self::Custom(_) => json!({"protected_branches": false, "custom_branch_policies": true}),
        }
    }
}

/// The patterns that are asked for, if the template speaks of them.
fn patterns(wanted: &DeploymentEnvironment) -> Option<Patterns> {
    let DeploymentEnvironment { branches, tags, .. } = wanted;
    if branches.is_none() && tags.is_none() {
        return None;
    }
    let all = |kind: &'static str, patterns: &Option<Vec<String>>| -> Patterns {
        patterns.iter().flatten().map(|pattern| (kind.to_owned(), pattern.clone())).collect()
    };
    Some(all("branch", branches).into_iter().chain(all("tag", tags)).collect())
}

/// An environment as it is, or as it is to be.
#[derive(Clone, Debug, PartialEq)]
struct Environment {
    /// In words: the slug of a team, `user NAME`.
    reviewers: Vec<Value>,
    prevent_self_review: Value,
    wait_timer: Value,
    policy: Policy,
}

fn found<'o>(wanted: &DeploymentEnvironment, observed: &'o Observed) -> Result<Option<&'o Value>, ForgeError> {
    let named = |item: &&Value| item["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(&wanted.name));
    Ok(observed.items(&SettingSource::Environments)?.iter().find(named))
}

fn rule(found: &Value, kind: &str, key: &str) -> Value {
    let rules = found["protection_rules"].as_array().into_iter().flatten();
    rules.filter(|rule| rule["type"] == kind).find_map(|rule| rule.get(key)).cloned().unwrap_or_default()
}

/// Each reviewer in words, and as a PUT takes it.
fn reviewers(found: &Value) -> Vec<(Value, Value)> {
    let one = |item: &Value| {
        let who = &item["reviewer"];
        let slug = who["slug"].as_str().map(str::to_owned);
        let words = slug.unwrap_or_else(|| format!("user {}", who["login"].as_str().unwrap_or_default()));
        (words.into(), json!({"type": item["type"], "id": who["id"]}))
    };
    rule(found, "required_reviewers", "reviewers").as_array().into_iter().flatten().map(one).collect()
}

/// The environment as it is; none when it is missing.
fn there(wanted: &DeploymentEnvironment, observed: &Observed) -> Result<Option<Environment>, ForgeError> {
    let Some(found) = found(wanted, observed)? else { return Ok(None) };
    let policy = &found["deployment_branch_policy"];
    let policy = if policy["custom_branch_policies"] == true {
        let all = policies(wanted, observed)?;
        Policy::Custom(all.into_iter().map(|(pattern, _)| pattern).collect())
    } else if policy.is_null() {
        Policy::Any
    } else {
        Policy::Protected
    };
    Ok(Some(Environment {
        reviewers: reviewers(found).into_iter().map(|(words, _)| words).collect(),
        prevent_self_review: (rule(found, "required_reviewers", "prevent_self_review") == true).into(),
        wait_timer: rule(found, "wait_timer", "wait_timer").as_u64().unwrap_or(0).into(),
        policy,
    }))
}

/// The patterns that are there, with their numbers.
fn policies(
    wanted: &DeploymentEnvironment,
    observed: &Observed,
) -> Result<Vec<(BranchPattern, Option<u64>)>, ForgeError> {
    let items = observed.items(&SettingSource::Policies(wanted.name.clone()))?;
    let one = |item: &Value| {
        let kind = item["type"].as_str().unwrap_or("branch");
        Some(((kind.to_owned(), item["name"].as_str()?.to_owned()), item["id"].as_u64()))
    };
    Ok(items.iter().filter_map(one).collect())
}

/// What is to be there, and where it differs from what is.
struct Settled {
    to_be: Environment,
    differences: Vec<Difference>,
}

fn settle(wanted: &DeploymentEnvironment, there: &Environment, lower: Lower) -> Settled {
    let mut merge = Merge::new(lower == Lower::Yes);
    let mut set = |key: &str, wanted_value: Option<Value>, found: &Value| {
        let what = format!("environment `{}`: {key}", wanted.name);
        wanted_value.map_or_else(|| found.clone(), |value| merge.value(&what, key, &value, found))
    };
    let there_reviewers: Value = there.reviewers.clone().into();
    let reviewers = set("reviewers", wanted.reviewers.clone().map(Value::from), &there_reviewers);
    let reviewers = reviewers.as_array().cloned().unwrap_or_default();
    // Where nobody must agree, GitHub does not show it.
    let own = wanted.prevent_self_review.filter(|_| !reviewers.is_empty()).map(Value::from);
    let prevent_self_review = set("prevent_self_review", own, &there.prevent_self_review);
    let wait_timer = set("wait_timer", wanted.wait_timer.map(Value::from), &there.wait_timer);
    let mut differences = merge.differences;
    let mut policy = there.policy.clone();
    if let Some(difference) = policy_difference(wanted, &there.policy) {
        if lower.allows(&difference) {
            policy = policy_wanted(wanted);
        }
        differences.push(difference);
    }
    Settled { to_be: Environment { reviewers, prevent_self_review, wait_timer, policy }, differences }
}

fn policy_wanted(wanted: &DeploymentEnvironment) -> Policy {
    patterns(wanted).filter(|patterns| !patterns.is_empty()).map_or(Policy::Any, Policy::Custom)
}

/// Fewer patterns are stricter. So nothing is lowered where everything may be deployed today, or where patterns only go; a
/// pattern more lets more in, and which of two kinds of policy is the stricter one nobody can say.
fn policy_difference(wanted: &DeploymentEnvironment, there: &Policy) -> Option<Difference> {
    patterns(wanted)?;
    let asked = policy_wanted(wanted);
    if asked == *there {
        return None;
    }
    let (lowers, partial) = match (&asked, there) {
        (_, Policy::Any) => (false, false),
        (Policy::Custom(asked), Policy::Custom(there)) => (!asked.is_subset(there), there.is_subset(asked)),
        _ => (true, false),
    };
    let what = format!("environment `{}`: branches and tags", wanted.name);
    Some(Difference { what, wanted: asked.value(), found: there.value(), lowers, partial })
}

pub(super) fn calls(wanted: &DeploymentEnvironment, known: &SettingContext<'_>) -> Result<Vec<Call>, ForgeError> {
    let SettingContext { target, observed, .. } = known;
    let path = |words: &[&str]| below(target, &[&["environments", &wanted.name], words].concat());
    let (there, held) = (there(wanted, observed)?, found(wanted, observed)?.map(reviewers).unwrap_or_default());
    let nothing = Environment {
        reviewers: Vec::new(),
        prevent_self_review: false.into(),
        wait_timer: 0.into(),
        policy: Policy::Any,
    };
    let to_be = settle(wanted, there.as_ref().unwrap_or(&nothing), known.lower).to_be;
    let is_set = |there: &Environment| {
        let policy = there.policy.body() == to_be.policy.body();
        policy && Environment { policy: to_be.policy.clone(), ..there.clone() } == to_be
    };
    let mut calls = Vec::new();
    if !there.as_ref().is_some_and(is_set) {
        let reviewer = |words: &Value| match held.iter().find(|(held, _)| held == words) {
            Some((_, body)) => Ok(body.clone()),
            None => Ok(json!({"type": "Team", "id": known.team(words.as_str().unwrap_or_default())?})),
        };
        let reviewers: Vec<Value> = to_be.reviewers.iter().map(reviewer).collect::<Result<_, ForgeError>>()?;
        let body = json!({
            "wait_timer": to_be.wait_timer, "prevent_self_review": to_be.prevent_self_review,
            "reviewers": reviewers, "deployment_branch_policy": to_be.policy.body(),
        });
        calls.push(Call::with(Method::Put, path(&[]), body));
    }
    if let (Policy::Custom(to_be), true) = (&to_be.policy, patterns(wanted).is_some()) {
        let found = policies(wanted, observed)?;
        for (kind, name) in to_be.iter().filter(|pattern| !found.iter().any(|(found, _)| found == *pattern)) {
            let body = json!({"name": name, "type": kind});
            calls.push(Call::with(Method::Post, path(&["deployment-branch-policies"]), body));
        }
        let over = found.iter().filter(|(pattern, _)| !to_be.contains(pattern)).filter_map(|(_, id)| *id);
        for id in over {
            calls.push(Call::bare(Method::Delete, path(&["deployment-branch-policies", &id.to_string()])));
        }
    }
    Ok(calls)
}
