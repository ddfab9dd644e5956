//! What belongs to one repository: teams, environments, variables, secrets, security, issues, rulesets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::http::Answer;
use super::route::paged;
use super::state::{Call, Repository, State, now};

/// The id of the one key that secrets are sealed for.
const KEY_ID: &str = "568250167242549743";
/// The permissions that GitHub has; organisations may have roles of their own.
const PERMISSIONS: [&str; 5] = ["pull", "triage", "push", "maintain", "admin"];

/// Answers what is about variables, secrets, security and issues of one repository.
pub(super) fn answer(state: &mut State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    let answer = match rest {
        ("GET", ["actions", "secrets", "public-key"]) => public_key(state),
        (method, ["actions", "variables", rest @ ..]) => {
            let mut held = std::mem::take(&mut state.repositories[at].variables);
            let answer = variables(state, call, &mut held, (method, rest));
            state.repositories[at].variables = held;
            answer?
        }
        (method, ["actions", "secrets", rest @ ..]) => {
            let mut held = std::mem::take(&mut state.repositories[at].secrets);
            let answer = secrets(state, call, &mut held, (method, rest));
            state.repositories[at].secrets = held;
            answer?
        }
        ("GET", ["vulnerability-alerts"]) if state.repositories[at].alerts => Answer::empty(204),
        ("GET", ["vulnerability-alerts"]) => Answer::error(404, "Vulnerability alerts are disabled."),
        ("PUT", ["vulnerability-alerts"]) => {
            state.repositories[at].alerts = true;
            Answer::empty(204)
        }
        ("GET", ["automated-security-fixes"]) => {
            Answer::json(200, &json!({"enabled": state.repositories[at].fixes, "paused": false}))
        }
        ("PUT", ["automated-security-fixes"]) if !state.repositories[at].alerts => {
            Answer::error(422, "Vulnerability alerts must be enabled to configure automated security fixes.")
        }
        ("PUT", ["automated-security-fixes"]) => {
            state.repositories[at].fixes = true;
            Answer::empty(204)
        }
        ("GET", ["private-vulnerability-reporting"]) => {
            Answer::json(200, &json!({"enabled": state.repositories[at].reporting}))
        }
        // It is for public repositories only.
        ("PUT", ["private-vulnerability-reporting"]) if state.repositories[at].visibility != "public" => {
            Answer::error(422, "Bad Request")
        }
        ("PUT", ["private-vulnerability-reporting"]) => {
            state.repositories[at].reporting = true;
            Answer::empty(204)
        }
        ("GET", ["issues"]) => {
            let issues = state.repositories[at].issues.iter().rev();
            paged(state, call, issues.map(|issue| Value::Object(issue.clone())).collect(), None)
        }
        ("GET", ["issues", number]) => {
            let repository = &state.repositories[at];
            let mut all = repository.issues.iter().chain(&repository.pulls);
            let found = all.find(|one| one["number"].as_u64() == number.parse().ok());
            found.map_or_else(Answer::not_found, |one| Answer::json(200, &Value::Object(one.clone())))
        }
        ("POST", ["issues"]) => open_issue(state, call, at),
        _ => return None,
    };
    Some(answer)
}

/// Answers what is about the teams of one repository.
pub(super) fn answer_teams(state: &mut State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    let ("GET", ["teams"]) = rest else { return None };
    let repository = &state.repositories[at];
    let organization = state.organizations.get(&repository.owner)?;
    let teams = repository.teams.iter().filter_map(|(slug, permission)| {
        let mut shown = state.team(&repository.owner, slug, organization.teams.get(slug)?, false);
        shown["permission"] = json!(permission);
        Some(shown)
    });
    Some(paged(state, call, teams.collect(), None))
}

/// Lets a team into a repository.
pub(super) fn let_in(state: &mut State, call: &Call<'_>, path: [&str; 4]) -> Answer {
    let [login, slug, owner, name] = path;
    let Some(at) = state.find(owner, name) else { return Answer::not_found() };
    if !state.organizations.get(login).is_some_and(|organization| organization.teams.contains_key(slug)) {
        return Answer::not_found();
    }
    let permission = call.body["permission"].as_str().unwrap_or("push");
    if !PERMISSIONS.contains(&permission) {
        return Answer::invalid("TeamMember", "permission", "invalid", "permission is no role of this organization");
    }
    state.repositories[at].teams.insert(slug.to_owned(), permission.to_owned());
    Answer::empty(204)
}

pub(super) fn public_key(state: &State) -> Answer {
    let key = STANDARD.encode(state.secrets_key.public_key().as_bytes());
    Answer::json(200, &json!({"key_id": KEY_ID, "key": key}))
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with("GITHUB_")
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Answers what is about variables, wherever they belong.
pub(super) fn variables(
    state: &State,
    call: &Call<'_>,
    held: &mut BTreeMap<String, String>,
    rest: (&str, &[&str]),
) -> Option<Answer> {
    let shown =
        |name: &str, value: &str| json!({"name": name, "value": value, "created_at": now(), "updated_at": now()});
    let value = call.body["value"].as_str().unwrap_or_default().to_owned();
    let answer = match rest {
        ("GET", []) => {
            let all = held.iter().map(|(name, value)| shown(name, value)).collect();
            paged(state, call, all, Some("variables"))
        }
        ("GET", [name]) => match held.get(*name) {
            Some(value) => Answer::json(200, &shown(name, value)),
            None => Answer::not_found(),
        },
        ("POST", []) => {
            let name = call.body["name"].as_str().unwrap_or_default().to_uppercase();
            if !is_variable_name(&name) {
                return Some(Answer::invalid_text("Variable names can only contain letters, digits and underscores."));
            }
            if held.contains_key(&name) {
                return Some(Answer::error(409, "Already exists - Variable already exists"));
            }
            held.insert(name, value);
            Answer::json(201, &json!({}))
        }
        ("PATCH", [name]) => match held.get_mut(*name) {
            Some(old) => {
                *old = value;
                Answer::empty(204)
            }
            None => Answer::not_found(),
        },
        _ => return None,
    };
    Some(answer)
}

/// Answers what is about secrets, wherever they belong. A value that does not open is refused.
pub(super) fn secrets(
    state: &State,
    call: &Call<'_>,
    held: &mut BTreeMap<String, String>,
    rest: (&str, &[&str]),
) -> Option<Answer> {
    let shown = |name: &String| json!({"name": name, "created_at": now(), "updated_at": now()});
    let answer = match rest {
        ("GET", []) => paged(state, call, held.keys().map(shown).collect(), Some("secrets")),
        ("GET", [name]) => match held.get_key_value(*name) {
            Some((name, _)) => Answer::json(200, &shown(name)),
            None => Answer::not_found(),
        },
        ("PUT", [name]) => {
            let sealed = call.body["encrypted_value"].as_str().and_then(|text| STANDARD.decode(text).ok());
            let opened = sealed.and_then(|sealed| state.secrets_key.unseal(&sealed).ok());
            let (Some(opened), Some(KEY_ID)) = (opened, call.body["key_id"].as_str()) else {
                return Some(Answer::error(422, "Bad request - could not decrypt the encrypted_value"));
            };
            let value = String::from_utf8_lossy(&opened).into_owned();
            match held.insert((*name).to_owned(), value) {
                None => Answer::json(201, &json!({})),
                Some(_) => Answer::empty(204),
            }
        }
        _ => return None,
    };
    Some(answer)
}

fn open_issue(state: &mut State, call: &Call<'_>, at: usize) -> Answer {
    let Some(title) = call.body["title"].as_str().filter(|title| !title.is_empty()) else {
        return Answer::invalid("Issue", "title", "missing_field", "title can't be blank");
    };
    if state.repositories[at].fields["has_issues"] == false {
        return Answer::error(410, "Issues has been disabled in this repository.");
    }
    let id = state.new_id();
    let number = state.repositories[at].pulls.len() + state.repositories[at].issues.len() + 1;
    let repository = format!("{}/repos/{}", state.base, state.repositories[at].full_name());
    let url = format!("{repository}/issues/{number}");
    let user = state.account(&call.caller.login);
    let shown = json!({
        "id": id, "node_id": format!("I_{id}"), "number": number, "title": title, "body": call.body["body"],
        "labels": call.body["labels"].as_array().cloned().unwrap_or_default(), "state": "open", "locked": false,
        "assignee": null, "milestone": null, "comments": 0, "closed_at": null, "created_at": now(),
        "updated_at": now(), "author_association": "OWNER", "repository_url": repository, "url": url,
        "html_url": url, "comments_url": format!("{url}/comments"), "events_url": format!("{url}/events"),
        "labels_url": format!("{url}/labels"), "user": user,
    });
    if let Value::Object(issue) = shown.clone() {
        state.repositories[at].issues.push(issue);
    }
    Answer::json(201, &shown).with("Location", url)
}

/// Answers what is about rulesets of one repository.
pub(super) fn answer_rulesets(state: &mut State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    let body = call.body.as_object().cloned().unwrap_or_default();
    let clash = |repository: &Repository, id: u64| {
        repository.rulesets.iter().any(|(other, held)| *other != id && held["name"] == body["name"])
    };
    let refused = || Some(Answer::invalid_text("Name must be unique"));
    let answer = match rest {
        ("GET", ["rulesets"]) => {
            let rulesets = state.repositories[at].rulesets.iter();
            let all = rulesets.map(|(id, body)| show_ruleset(state, at, *id, body, false)).collect();
            paged(state, call, all, None)
        }
        ("POST", ["rulesets"]) => {
            if clash(&state.repositories[at], 0) {
                return refused();
            }
            let id = state.new_id();
            let body = whole(Map::new(), body);
            state.repositories[at].rulesets.push((id, body.clone()));
            Answer::json(201, &show_ruleset(state, at, id, &body, true))
        }
        (method @ ("GET" | "PUT"), ["rulesets", id]) => {
            let place = state.repositories[at].rulesets.iter().position(|(known, _)| known.to_string() == *id);
            let Some(place) = place else { return Some(Answer::not_found()) };
            let id = state.repositories[at].rulesets[place].0;
            if method == "PUT" {
                if clash(&state.repositories[at], id) {
                    return refused();
                }
                let before = &mut state.repositories[at].rulesets[place].1;
                *before = whole(std::mem::take(before), body);
            }
            let held = state.repositories[at].rulesets[place].1.clone();
            Answer::json(200, &show_ruleset(state, at, id, &held, true))
        }
        ("GET", ["rules", "branches", branch]) => {
            let rules = super::git::rules_for(state, at, &format!("refs/heads/{branch}"));
            let shown = |rule: Value| {
                let mut rule = rule.as_object().cloned().unwrap_or_default();
                rule.insert("ruleset_id".to_owned(), json!(1));
                rule.insert("ruleset_source".to_owned(), json!(state.repositories[at].full_name()));
                Value::Object(rule)
            };
            Answer::json(200, &rules.into_iter().map(shown).collect())
        }
        _ => return None,
    };
    Some(answer)
}

/// A ruleset after a request: what it protects is what the request says, and nothing else.
fn whole(before: Map<String, Value>, body: Map<String, Value>) -> Map<String, Value> {
    let none = json!({"bypass_actors": [], "conditions": {"ref_name": {"include": [], "exclude": []}}, "rules": []});
    let mut all = before;
    all.extend(none.as_object().cloned().unwrap_or_default());
    all.extend(body);
    all
}

/// A list shows less than a single ruleset.
fn show_ruleset(state: &State, at: usize, id: u64, body: &Map<String, Value>, full: bool) -> Value {
    let repository = state.repositories[at].full_name();
    let mut shown = json!({
        "id": id, "name": body["name"], "target": "branch", "source_type": "Repository", "source": repository,
        "enforcement": body["enforcement"], "node_id": format!("RRS_{id}"), "created_at": now(), "updated_at": now(),
        "_links": {"self": {"href": format!("{}/repos/{repository}/rulesets/{id}", state.base)}},
    });
    if full {
        for (name, value) in body {
            shown[name] = value.clone();
        }
    }
    shown
}
