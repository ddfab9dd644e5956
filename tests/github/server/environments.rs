//! Environments: who may deploy from where, and what a deployment knows.

use serde_json::{Value, json};

use super::http::Answer;
use super::route::paged;
use super::settings::{public_key, secrets, variables};
use super::state::{Call, Environment, State, now};

/// Answers what is about the environments of one repository.
pub(super) fn answer(state: &mut State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    let (method, ["environments", rest @ ..]) = rest else { return None };
    let answer = match (method, rest) {
        ("GET", []) => {
            let environments = state.repositories[at].environments.iter();
            let all = environments.map(|(name, environment)| show(state, at, name, environment)).collect();
            paged(state, call, all, Some("environments"))
        }
        ("PUT", [name]) => put(state, call, at, name),
        (_, [name, ..]) if !state.repositories[at].environments.contains_key(*name) => Answer::not_found(),
        ("GET", [name]) => Answer::json(200, &show(state, at, name, &state.repositories[at].environments[*name])),
        ("GET", [_, "secrets", "public-key"]) => public_key(state),
        (_, [name, rest @ ..]) => {
            // Taken out, so that what needs the rest of the state can have it.
            let mut environment = state.repositories[at].environments.remove(*name)?;
            let answer = match rest {
                ["variables", rest @ ..] => variables(state, call, &mut environment.variables, (method, rest)),
                ["secrets", rest @ ..] => secrets(state, call, &mut environment.secrets, (method, rest)),
                ["deployment-branch-policies", rest @ ..] => policies(state, call, &mut environment, (method, rest)),
                _ => None,
            };
            state.repositories[at].environments.insert((*name).to_owned(), environment);
            answer?
        }
        _ => return None,
    };
    Some(answer)
}

fn put(state: &mut State, call: &Call<'_>, at: usize, name: &str) -> Answer {
    let policy = &call.body["deployment_branch_policy"];
    if policy.is_object() && policy["protected_branches"] == policy["custom_branch_policies"] {
        return Answer::error(422, "protected_branches and custom_branch_policies cannot have the same value");
    }
    let reviewers = call.body["reviewers"].as_array().cloned().unwrap_or_default();
    if reviewers.len() > 6 {
        return Answer::error(422, "An environment may have up to six reviewers");
    }
    let organization = state.organizations.get(&state.repositories[at].owner);
    let is_known = |reviewer: &Value| {
        let known = organization.is_some_and(|known| known.teams.values().any(|team| reviewer["id"] == team.id));
        known || state.users.values().any(|id| reviewer["id"] == *id)
    };
    if !reviewers.iter().all(is_known) {
        return Answer::error(
            422,
            "Failed to create the environment protection rule. Please ensure that the reviewers exist.",
        );
    }
    let id = state.new_id();
    let environments = &mut state.repositories[at].environments;
    let environment =
        environments.entry(name.to_owned()).or_insert_with(|| Environment { id, ..Environment::default() });
    environment.body = call.body.as_object().cloned().unwrap_or_default();
    if policy["custom_branch_policies"] != true {
        environment.policies.clear();
    }
    let shown = environment.clone();
    Answer::json(200, &show(state, at, name, &shown))
}

fn show(state: &State, at: usize, name: &str, environment: &Environment) -> Value {
    let repository = &state.repositories[at];
    let url = format!("{}/repos/{}/environments/{name}", state.base, repository.full_name());
    let mut rules = Vec::new();
    let rule = |kind: &str| json!({"id": environment.id, "node_id": "GA_1", "type": kind});
    if let Some(minutes) = environment.body.get("wait_timer").filter(|minutes| **minutes != 0) {
        let mut timer = rule("wait_timer");
        timer["wait_timer"] = minutes.clone();
        rules.push(timer);
    }
    let reviewers = environment.body.get("reviewers").and_then(Value::as_array).cloned().unwrap_or_default();
    if !reviewers.is_empty() {
        let mut required = rule("required_reviewers");
        required["prevent_self_review"] = json!(environment.body.get("prevent_self_review") == Some(&json!(true)));
        required["reviewers"] = reviewers.iter().map(|reviewer| show_reviewer(state, at, reviewer)).collect();
        rules.push(required);
    }
    let policy = environment.body.get("deployment_branch_policy").cloned().unwrap_or_default();
    if policy.is_object() {
        rules.push(rule("branch_policy"));
    }
    json!({
        "id": environment.id, "node_id": format!("EN_{}", environment.id), "name": name, "url": url,
        "html_url": url, "created_at": now(), "updated_at": now(), "protection_rules": rules,
        "deployment_branch_policy": policy,
    })
}

fn show_reviewer(state: &State, at: usize, reviewer: &Value) -> Value {
    let owner = &state.repositories[at].owner;
    let teams = state.organizations.get(owner).map(|organization| &organization.teams);
    let team = teams.and_then(|teams| teams.iter().find(|(_, team)| reviewer["id"] == team.id));
    if let Some((slug, team)) = team {
        return json!({"type": "Team", "reviewer": state.team(owner, slug, team, false)});
    }
    let user = state.users.iter().find(|(_, id)| reviewer["id"] == **id).map_or("", |(login, _)| login);
    json!({"type": "User", "reviewer": state.account(user)})
}

fn policies(
    state: &mut State,
    call: &Call<'_>,
    environment: &mut Environment,
    rest: (&str, &[&str]),
) -> Option<Answer> {
    let shown = |id: u64, name: &str, kind: &str| json!({"id": id, "node_id": "DBP_1", "name": name, "type": kind});
    let custom =
        environment.body.get("deployment_branch_policy").is_some_and(|policy| policy["custom_branch_policies"] == true);
    let answer = match rest {
        ("GET", []) => {
            let all = environment.policies.iter().map(|(id, name, kind)| shown(*id, name, kind)).collect();
            paged(state, call, all, Some("branch_policies"))
        }
        ("POST", []) if !custom => Answer::not_found(),
        ("POST", []) => {
            let name = call.body["name"].as_str().unwrap_or_default();
            let kind = call.body["type"].as_str().unwrap_or("branch");
            if environment.policies.iter().any(|(_, held, of)| held == name && of == kind) {
                return Some(Answer::empty(303));
            }
            let id = state.new_id();
            environment.policies.push((id, name.to_owned(), kind.to_owned()));
            Answer::json(200, &shown(id, name, kind))
        }
        ("DELETE", [id]) => {
            environment.policies.retain(|(known, ..)| known.to_string() != *id);
            Answer::empty(204)
        }
        _ => return None,
    };
    Some(answer)
}
