//! The first issues: posted once, and found again whatever became of their titles.

use serde_json::{Value, json};

use super::difference;
use crate::forge::github::call::{Call, Method, below};
use crate::forge::github::error::ForgeError;
use crate::forge::github::observed::{Observed, SettingSource};
use crate::model::repository::RepositorySlug;
use crate::model::setting::{Difference, Setting};
use crate::model::settings::Issue;

/// A hidden comment at the end of the issue's text.
fn marker(wanted: &Issue) -> String {
    format!("<!-- apiscaffold: {} -->", wanted.title.replace("--", "- "))
}

pub(super) fn differences(wanted: &Issue, observed: &Observed) -> Result<Vec<Difference>, ForgeError> {
    let marker = marker(wanted);
    let issues = observed.items(&SettingSource::Issues)?.iter().filter(|item| item.get("pull_request").is_none());
    let is_it = |item: &Value| {
        item["title"] == wanted.title.as_str() || item["body"].as_str().is_some_and(|body| body.contains(&marker))
    };
    let there = issues.clone().any(is_it);
    Ok(difference(there, Setting::Issue(wanted.clone()).words(), "there", Value::Null))
}

pub(super) fn calls(wanted: &Issue, target: &RepositorySlug) -> Vec<Call> {
    let text = format!("{}\n\n{}", wanted.body.trim_end(), marker(wanted));
    let mut body = json!({"title": wanted.title, "body": text.trim_start()});
    if !wanted.labels.is_empty() {
        body["labels"] = wanted.labels.clone().into();
    }
    vec![Call::with(Method::Post, below(target, &["issues"]), body)]
}
