//! Rulesets, found again by their names.

use serde_json::{Map, Value};

use super::compare::covers;
use super::{Known, difference};
use crate::forge::github::call::{Call, Method, below};
use crate::forge::github::error::ForgeError;
use crate::forge::github::observed::{Observed, Reading};
use crate::model::setting::Difference;

/// The number of the ruleset of this name.
pub(super) fn found(name: &str, observed: &Observed) -> Option<u64> {
    let items = observed.items(&Reading::Rulesets).ok()?;
    items.iter().find(|item| item["name"] == name)?.get("id")?.as_u64()
}

fn name(wanted: &Map<String, Value>) -> &str {
    wanted.get("name").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn differences(wanted: &Map<String, Value>, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    observed.items(&Reading::Rulesets)?;
    let name = name(wanted);
    let Some(id) = found(name, observed) else {
        return Ok(difference(false, format!("ruleset `{name}`"), "there", Value::Null));
    };
    let there = observed.get(&Reading::Ruleset(id))?;
    let differs = |(key, wanted): (&String, &Value)| {
        let found = there.get(key).cloned().unwrap_or_default();
        difference(covers(wanted, &found), format!("ruleset `{name}`: {key}"), wanted.clone(), found)
    };
    Ok(wanted.iter().flat_map(differs).collect())
}

pub(super) fn calls(wanted: &Map<String, Value>, known: &Known<'_>) -> Vec<Call> {
    let body = Value::Object(wanted.clone());
    vec![match found(name(wanted), known.observed) {
        Some(id) => Call::with(Method::Put, below(known.target, &["rulesets", &id.to_string()]), body),
        None => Call::with(Method::Post, below(known.target, &["rulesets"]), body),
    }]
}
