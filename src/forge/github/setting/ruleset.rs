//! Rulesets, found again by their names.

use serde_json::{Map, Value};

use super::strict::Merge;
use super::{SettingContext, difference};
use crate::forge::github::call::{Call, Method, below};
use crate::forge::github::error::ForgeError;
use crate::forge::github::observed::{Observed, SettingSource};
use crate::forge::github::setting::Lower;
use crate::model::setting::Difference;

/// What of a ruleset is written.
const FIELDS: [&str; 6] = ["name", "target", "enforcement", "bypass_actors", "conditions", "rules"];

/// The number of the ruleset of this name.
pub(super) fn found(name: &str, observed: &Observed) -> Option<u64> {
    let items = observed.items(&SettingSource::Rulesets).ok()?;
    items.iter().find(|item| item["name"] == name)?.get("id")?.as_u64()
}

fn name(wanted: &Map<String, Value>) -> &str {
    wanted.get("name").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn differences(wanted: &Map<String, Value>, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    observed.items(&SettingSource::Rulesets)?;
    let name = name(wanted);
    let Some(id) = found(name, observed) else {
        return Ok(difference(false, format!("ruleset `{name}`"), "there", Value::Null));
    };
    let mut merge = Merge::new(false);
    merged(wanted, observed.get(&SettingSource::Ruleset(id))?, &mut merge);
    Ok(merge.differences)
}

/// The ruleset that is there, with what is asked for merged into it.
fn merged(wanted: &Map<String, Value>, there: &Value, merge: &mut Merge) -> Map<String, Value> {
    let written = |key: &&str| Some(((*key).to_owned(), there.get(*key).filter(|value| !value.is_null())?.clone()));
    let mut all: Map<String, Value> = FIELDS.iter().filter_map(written).collect();
    for (key, wanted) in wanted {
        let what = format!("ruleset `{}`: {key}", name(&all));
        let value = merge.value(&what, key, wanted, there.get(key).unwrap_or(&Value::Null));
        all.insert(key.clone(), value);
    }
    all
}

pub(super) fn calls(wanted: &Map<String, Value>, known: &SettingContext<'_>) -> Result<Vec<Call>, ForgeError> {
    Ok(vec![match found(name(wanted), known.observed) {
        Some(id) => {
            let mut merge = Merge::new(known.lower == Lower::Yes);
            let body = merged(wanted, known.observed.get(&SettingSource::Ruleset(id))?, &mut merge);
            Call::with(Method::Put, below(known.target, &["rulesets", &id.to_string()]), body.into())
        }
        None => Call::with(Method::Post, below(known.target, &["rulesets"]), wanted.clone().into()),
    }])
}
