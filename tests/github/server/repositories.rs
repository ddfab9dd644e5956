//! Repositories: made, shown, changed.

use serde_json::{Map, Value, json};

use super::http::Answer;
use super::show::BIRTH;
use super::state::{Call, Repository, State, TokenKind, now};

/// Answers what makes a repository or is about one as a whole.
pub(super) fn answer(state: &mut State, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let answer = match (method, parts) {
        ("POST", ["user", "repos"]) => match call.caller.kind {
            TokenKind::Installation | TokenKind::Actions => super::accounts::not_for_integrations(),
            _ => create(state, call, &call.caller.login.clone()),
        },
        ("POST", ["orgs", login, "repos"]) if state.organizations.contains_key(*login) => create(state, call, login),
        ("GET", ["repositories", id]) => {
            let found = state.repositories.iter().find(|repository| repository.id.to_string() == *id);
            found.map_or_else(Answer::not_found, |found| Answer::json(200, &state.repository(found, call.caller)))
        }
        _ => return None,
    };
    Some(answer)
}

/// Answers what is about one repository's own fields.
pub(super) fn answer_one(state: &mut State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    let owner = state.repositories[at].owner.clone();
    let answer = match rest {
        ("GET", []) => Answer::json(200, &state.repository(&state.repositories[at], call.caller)),
        ("PATCH", []) => patch(state, call, at),
        ("GET", ["topics"]) => Answer::json(200, &json!({"names": state.repositories[at].topics})),
        ("PUT", ["topics"]) => set_topics(&mut state.repositories[at], &call.body),
        ("GET", ["properties", "values"]) => {
            let value = |(name, value): (&String, &Value)| json!({"property_name": name, "value": value});
            Answer::json(200, &state.repositories[at].properties.iter().map(value).collect())
        }
        ("PATCH", ["properties", "values"]) => {
            let mut values = Map::new();
            for property in call.body["properties"].as_array().into_iter().flatten() {
                let name = property["property_name"].as_str().unwrap_or_default();
                values.insert(name.to_owned(), property["value"].clone());
            }
            match set_properties(state, at, &owner, &values) {
                Ok(()) => Answer::empty(204),
                Err(refused) => refused,
            }
        }
        ("POST", ["actions", "workflows", workflow, "dispatches"]) => dispatch(state, call, at, workflow),
        _ => return None,
    };
    Some(answer)
}

fn create(state: &mut State, call: &Call<'_>, owner: &str) -> Answer {
    let organization = state.organizations.get(owner);
    if !state.may_write(call.caller, owner) {
        return match call.caller.kind {
            TokenKind::Actions => super::accounts::not_for_integrations(),
            _ => Answer::error(403, "You need admin access to the organization before adding a repository to it."),
        };
    }
    if organization.is_some_and(|organization| organization.closed && !organization.is_owner(call.caller)) {
        return Answer::error(403, "You do not have permission to create repositories on this organization.");
    }
    if let TokenKind::Classic(scopes) = &call.caller.kind
        && !scopes.contains(&"repo")
    {
        return Answer::error(403, "Must have the `repo` scope").with("X-Accepted-OAuth-Scopes", "public_repo, repo");
    }
    let Some(name) = call.body["name"].as_str().filter(|name| !name.is_empty()) else {
        return Answer::invalid("Repository", "name", "missing_field", "name is too short");
    };
    let private = if call.body["private"] == true { "private" } else { "public" };
    let visibility = call.body["visibility"].as_str().unwrap_or(private);
    if visibility == "internal" && !organization.is_some_and(|organization| organization.enterprise) {
        return Answer::invalid("Repository", "visibility", "custom", "Visibility can't be internal");
    }
    if call.body["delete_branch_on_merge"] == true && !organization.is_none_or(|org| org.is_owner(call.caller)) {
        return Answer::error(403, "Only organization owners can set delete_branch_on_merge at creation.");
    }
    if state.find(owner, name).is_some() {
        let mut refused = Answer::invalid("Repository", "name", "custom", "name already exists on this account");
        let body = String::from_utf8_lossy(&refused.body).replace("Validation Failed", "Repository creation failed.");
        refused.body = body.into_bytes();
        return refused;
    }
    let at = state.add_repository(owner, name, visibility);
    state.repositories[at].created = true;
    state.repositories[at].created_at = now();
    let properties = call.body["custom_properties"].as_object().cloned().unwrap_or_default();
    if let Err(refused) = set_properties(state, at, owner, &properties) {
        state.repositories.pop();
        return refused;
    }
    let repository = &mut state.repositories[at];
    set_fields(repository, &call.body);
    let url = format!("{}/repos/{}", state.base, state.repositories[at].full_name());
    Answer::json(201, &state.repository(&state.repositories[at], call.caller)).with("Location", url)
}

impl State {
    /// Makes an empty repository and gives its place in the list.
    pub(super) fn add_repository(&mut self, owner: &str, name: &str, visibility: &str) -> usize {
        let fields = json!({
            "description": null, "homepage": null, "has_issues": true, "has_projects": true, "has_wiki": true,
            "has_discussions": false, "archived": false, "is_template": false, "allow_forking": true,
            "allow_squash_merge": true, "allow_merge_commit": true, "allow_rebase_merge": true,
            "allow_auto_merge": false, "pull_request_creation_policy": "all", "delete_branch_on_merge": false, "allow_update_branch": false,
            "use_squash_pr_title_as_default": false, "web_commit_signoff_required": false,
            "squash_merge_commit_title": "COMMIT_OR_PR_TITLE", "squash_merge_commit_message": "COMMIT_MESSAGES",
            "merge_commit_title": "MERGE_MESSAGE", "merge_commit_message": "PR_TITLE",
        });
        let fields = fields.as_object().cloned().unwrap_or_default();
        let repository = Repository {
            id: self.new_id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            visibility: visibility.to_owned(),
            default_branch: "main".to_owned(),
            created_at: BIRTH.to_owned(),
            fields,
            ..Repository::default()
        };
        super::git::make(&self.folder(&repository));
        self.repositories.push(repository);
        self.repositories.len() - 1
    }
}

fn set_fields(repository: &mut Repository, body: &Value) {
    for (name, value) in &mut repository.fields {
        if let Some(wanted) = body.get(name) {
            value.clone_from(wanted);
        }
    }
}

fn patch(state: &mut State, call: &Call<'_>, at: usize) -> Answer {
    let folder = state.folder(&state.repositories[at]);
    if let Some(branch) = call.body["default_branch"].as_str() {
        if !super::git::has_commits(&folder) {
            return Answer::invalid(
                "Repository",
                "default_branch",
                "invalid",
                "Cannot update default branch for an empty repository. Please init the repository and push first",
            );
        }
        if super::git::resolve(&folder, &format!("refs/heads/{branch}")).is_none() {
            let message = format!("The branch {branch} was not found. Please push that ref first or create it.");
            return Answer::invalid("Repository", "default_branch", "invalid", &message);
        }
        super::git::set_head(&folder, branch);
        state.repositories[at].default_branch = branch.to_owned();
    }
    let repository = &mut state.repositories[at];
    if let Some(features) = call.body["security_and_analysis"].as_object() {
        for (feature, wanted) in features {
            let status = wanted["status"].as_str().unwrap_or_default();
            repository.analysis.insert(feature.clone(), status.to_owned());
        }
    }
    if let Some(visibility) = call.body["visibility"].as_str() {
        repository.visibility = visibility.to_owned();
    }
    set_fields(repository, &call.body);
    Answer::json(200, &state.repository(&state.repositories[at], call.caller))
}

fn set_topics(repository: &mut Repository, body: &Value) -> Answer {
    let names: Vec<String> =
        body["names"].as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    let fits = |name: &String| {
        name.len() <= 50
            && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if names.len() > 20 || !names.iter().all(fits) {
        return Answer::invalid_text(
            "Topics must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens.",
        );
    }
    repository.topics.clone_from(&names);
    repository.topics.sort();
    Answer::json(200, &json!({"names": names}))
}

/// Sets custom properties; those that the organisation does not have are refused, and then none is set.
fn set_properties(state: &mut State, at: usize, owner: &str, values: &Map<String, Value>) -> Result<(), Answer> {
    let known = state.organizations.get(owner).map(|organization| organization.properties.clone()).unwrap_or_default();
    for name in values.keys() {
        if !known.contains(name) {
            let message = format!("Property \"{name}\" is not defined.");
            return Err(Answer::invalid("Repository", "custom_properties", "invalid", &message));
        }
    }
    let held = &mut state.repositories[at].properties;
    for (name, value) in values {
        if value.is_null() {
            held.remove(name);
        } else {
            held.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

fn dispatch(state: &mut State, call: &Call<'_>, at: usize, workflow: &str) -> Answer {
    let folder = state.folder(&state.repositories[at]);
    let reference = call.body["ref"].as_str().unwrap_or_default();
    if super::git::resolve(&folder, &format!("{reference}:.github/workflows/{workflow}")).is_none() {
        return Answer::not_found();
    }
    state.repositories[at].dispatches.push((workflow.to_owned(), call.body["inputs"].clone()));
    if call.body["return_run_details"] != true {
        return Answer::empty(204);
    }
    let id = state.new_id();
    let url = format!("{}/repos/{}/actions/runs/{id}", state.base, state.repositories[at].full_name());
    Answer::json(200, &json!({"workflow_run_id": id, "run_url": url, "html_url": url}))
}
