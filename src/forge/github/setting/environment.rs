//! Environments: who must agree to a deployment, and from which branches and tags it may come.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Known, difference};
use crate::forge::github::call::{Call, Method, below};
use crate::forge::github::error::ForgeError;
use crate::forge::github::observed::{Observed, Reading};
use crate::model::setting::Difference;
use crate::model::settings::DeploymentEnvironment;

pub(super) fn readings(wanted: &DeploymentEnvironment) -> Vec<Reading> {
    let mut readings = vec![Reading::Environments];
    if has_patterns(wanted) {
        readings.push(Reading::Policies(wanted.name.clone()));
    }
    readings
}

fn has_patterns(wanted: &DeploymentEnvironment) -> bool {
    !wanted.branches.is_empty() || !wanted.tags.is_empty()
}

pub(super) fn differences(wanted: &DeploymentEnvironment, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    let mut all = rules(wanted, observed)?;
    if has_patterns(wanted) {
        let found = patterns_found(wanted, observed)?;
        let found: BTreeSet<(&str, &str)> = found.iter().map(|policy| (policy.kind, policy.name)).collect();
        let list = |set: &BTreeSet<(&str, &str)>| -> Value {
            set.iter().map(|(kind, name)| Value::from(format!("{kind} {name}"))).collect()
        };
        let patterns = patterns(wanted);
        all.extend(difference(patterns == found, about(wanted, "branches and tags"), list(&patterns), list(&found)));
    }
    Ok(all)
}

fn about(wanted: &DeploymentEnvironment, what: &str) -> String {
    format!("environment `{}`: {what}", wanted.name)
}

/// Differences in what one PUT sets.
fn rules(wanted: &DeploymentEnvironment, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    let environments = observed.items(&Reading::Environments)?;
    let named = |item: &&Value| item["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(&wanted.name));
    let Some(found) = environments.iter().find(named) else {
        let what = format!("environment `{}`", wanted.name);
        return Ok(difference(false, what, "there", Value::Null));
    };
    let rule = |kind: &str, key: &str| {
        let rules = found["protection_rules"].as_array().into_iter().flatten();
        rules.filter(|rule| rule["type"] == kind).find_map(|rule| rule.get(key)).cloned().unwrap_or_default()
    };
    let slugs: BTreeSet<String> = wanted.reviewers.iter().cloned().collect();
    let reviewers = rule("required_reviewers", "reviewers");
    let slug = |item: &Value| {
        let who = &item["reviewer"];
        who["slug"].as_str().or_else(|| who["login"].as_str()).unwrap_or_default().to_owned()
    };
    let have: BTreeSet<String> = reviewers.as_array().into_iter().flatten().map(slug).collect();
    let mut all = difference(
        slugs == have,
        about(wanted, "reviewers"),
        wanted.reviewers.clone(),
        have.into_iter().collect::<Vec<_>>().into(),
    );
    let own = rule("required_reviewers", "prevent_self_review");
    let same = slugs.is_empty() || own.as_bool().unwrap_or(false) == wanted.prevent_self_review;
    all.extend(difference(same, about(wanted, "prevent_self_review"), wanted.prevent_self_review, own));
    let timer = rule("wait_timer", "wait_timer");
    let same = timer.as_u64().unwrap_or(0) == u64::from(wanted.wait_timer);
    all.extend(difference(same, about(wanted, "wait_timer"), wanted.wait_timer, timer));
    let custom = &found["deployment_branch_policy"]["custom_branch_policies"];
    let any = found["deployment_branch_policy"].is_null();
    let same = if has_patterns(wanted) { custom == &Value::Bool(true) } else { any };
    let policy = found["deployment_branch_policy"].clone();
    all.extend(difference(same, about(wanted, "deployment_branch_policy"), policy_wanted(wanted), policy));
    Ok(all)
}

fn policy_wanted(wanted: &DeploymentEnvironment) -> Value {
    if has_patterns(wanted) {
        json!({"protected_branches": false, "custom_branch_policies": true})
    } else {
        Value::Null
    }
}

/// `branch` or `tag`, and the pattern.
fn patterns(wanted: &DeploymentEnvironment) -> BTreeSet<(&str, &str)> {
    let branches = wanted.branches.iter().map(|pattern| ("branch", pattern.as_str()));
    branches.chain(wanted.tags.iter().map(|pattern| ("tag", pattern.as_str()))).collect()
}

/// A policy that is there.
struct Policy<'o> {
    kind: &'o str,
    name: &'o str,
    id: Option<u64>,
}

fn patterns_found<'o>(wanted: &DeploymentEnvironment, observed: &'o Observed) -> Result<Vec<Policy<'o>>, ForgeError> {
    let items = observed.items(&Reading::Policies(wanted.name.clone()))?;
    let one = |item: &'o Value| {
        let kind = item["type"].as_str().unwrap_or("branch");
        Some(Policy { kind, name: item["name"].as_str()?, id: item["id"].as_u64() })
    };
    Ok(items.iter().filter_map(one).collect())
}

pub(super) fn calls(wanted: &DeploymentEnvironment, known: &Known<'_>) -> Result<Vec<Call>, ForgeError> {
    let Known { target, observed, .. } = known;
    let path = |words: &[&str]| below(target, &[&["environments", &wanted.name], words].concat());
    let mut calls = Vec::new();
    if !rules(wanted, observed)?.is_empty() {
        let reviewers: Result<Vec<Value>, ForgeError> =
            wanted.reviewers.iter().map(|slug| Ok(json!({"type": "Team", "id": known.team(slug)?}))).collect();
        let body = json!({
            "wait_timer": wanted.wait_timer, "prevent_self_review": wanted.prevent_self_review,
            "reviewers": reviewers?, "deployment_branch_policy": policy_wanted(wanted),
        });
        calls.push(Call::with(Method::Put, path(&[]), body));
    }
    if has_patterns(wanted) {
        let found = patterns_found(wanted, observed)?;
        let patterns = patterns(wanted);
        for (kind, name) in &patterns {
            if !found.iter().any(|policy| (policy.kind, policy.name) == (*kind, *name)) {
                let body = json!({"name": name, "type": kind});
                calls.push(Call::with(Method::Post, path(&["deployment-branch-policies"]), body));
            }
        }
        for Policy { kind, name, id } in found {
            if let Some(id) = id.filter(|_| !patterns.contains(&(kind, name))) {
                let path = path(&["deployment-branch-policies", &id.to_string()]);
                calls.push(Call::bare(Method::Delete, path));
            }
        }
    }
    Ok(calls)
}
