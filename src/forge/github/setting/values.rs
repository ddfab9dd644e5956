//! Variables and secrets of Actions.

use serde_json::{Value, json};

use super::{SettingContext, difference, scope};
use crate::forge::github::call::{Call, Method, below};
use crate::forge::github::error::ForgeError;
use crate::forge::github::observed::{Observed, SettingSource};
use crate::forge::github::seal::sealed;
use crate::model::setting::{Difference, Setting};
use crate::model::settings::{Secret, Variable};

/// GitHub takes names in any case and keeps them in upper case.
fn named<'o>(items: &'o [Value], name: &str) -> Option<&'o Value> {
    items.iter().find(|item| item["name"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name)))
}

pub(super) fn variable(wanted: &Variable, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    let items = observed.items(&SettingSource::Variables(wanted.environment.clone()))?;
    let found = named(items, &wanted.name).map(|item| item["value"].clone()).unwrap_or_default();
    let what = Setting::Variable(wanted.clone()).words();
    Ok(difference(found == wanted.value.as_str(), what, wanted.value.as_str(), found))
}

/// The value of a secret cannot be read back: being there is all that can be seen.
pub(super) fn secret(wanted: &Secret, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    let items = observed.items(&SettingSource::Secrets(wanted.environment.clone()))?;
    let what = Setting::Secret(wanted.clone()).words();
    Ok(difference(named(items, &wanted.name).is_some(), what, "there", Value::Null))
}

fn path(known: &SettingContext<'_>, environment: Option<&String>, words: &[&str]) -> String {
    match environment {
        Some(environment) => below(known.target, &[&["environments", environment], words].concat()),
        None => below(known.target, &[&["actions"], words].concat()),
    }
}

pub(super) fn set_variable(wanted: &Variable, known: &SettingContext<'_>) -> Result<Vec<Call>, ForgeError> {
    let Variable { name, value, environment } = wanted;
    let items = known.observed.items(&SettingSource::Variables(environment.clone()))?;
    let body = json!({"name": name, "value": value});
    Ok(vec![match named(items, name) {
        Some(_) => Call::with(Method::Patch, path(known, environment.as_ref(), &["variables", name]), body),
        None => Call::with(Method::Post, path(known, environment.as_ref(), &["variables"]), body),
    }])
}

pub(super) fn set_secret(wanted: &Secret, known: &SettingContext<'_>) -> Result<Vec<Call>, ForgeError> {
    let Secret { name, environment, .. } = wanted;
    let path = path(known, environment.as_ref(), &["secrets", name]);
    let Some(values) = known.secrets else {
        let body =
            json!({"encrypted_value": format!("(the value of {name}, sealed)"), "key_id": "(the id of the key)"});
        return Ok(vec![Call::with(Method::Put, path, body)]);
    };
    let value = values.get(&scope(wanted)).ok_or_else(|| ForgeError::NoValue { variable: wanted.variable() })?;
    let key = known.observed.get(&SettingSource::Key(environment.clone()))?;
    let strange = || ForgeError::Strange { call: format!("PUT {path}"), why: "GitHub gave no key for it".to_owned() };
    let encrypted = key["key"].as_str().and_then(|key| sealed(value, key)).ok_or_else(strange)?;
    let body = json!({"encrypted_value": encrypted, "key_id": key["key_id"]});
    Ok(vec![Call::with(Method::Put, path, body)])
}
