//! Users, organisations, their teams and properties; the App.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value, json};

use super::http::{Answer, Request};
use super::route::paged;
use super::state::{App, Call, Caller, Grant, State, Team, TokenKind, now, stamp};

/// Answers what is about accounts.
pub(super) fn answer(state: &mut State, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let answer = match (method, parts) {
        ("GET", ["rate_limit"]) => rate_limit(state),
        ("GET", ["user"]) => user(state, call.caller),
        ("GET", ["users", login]) if state.users.contains_key(*login) => Answer::json(200, &state.user(login)),
        // An organisation is a user, too.
        ("GET", ["users", login]) if state.organizations.contains_key(*login) => Answer::json(200, &state.user(login)),
        ("GET", ["user", "memberships", "orgs", login]) => match call.caller.kind {
            TokenKind::Installation | TokenKind::Actions => not_for_integrations(),
            _ => membership(state, login, &call.caller.login),
        },
        ("GET", ["orgs", login, "memberships", user]) => membership(state, login, user),
        (_, ["orgs", login, ..]) if !state.organizations.contains_key(*login) => Answer::not_found(),
        ("GET", ["orgs", login]) => Answer::json(200, &state.organization(login, true)),
        ("GET", ["orgs", login, "properties", "schema"]) => {
            let property = |name: &String| json!({"property_name": name, "value_type": "string", "required": false});
            Answer::json(200, &state.organizations[*login].properties.iter().map(property).collect())
        }
        ("GET", ["orgs", login, "rulesets", id]) => {
            let place = id.parse::<usize>().unwrap_or_default().wrapping_sub(1);
            match state.organizations[*login].rulesets.get(place) {
                Some(ruleset) => Answer::json(200, &show_ruleset(login, place, ruleset, true)),
                None => Answer::not_found(),
            }
        }
        ("GET", ["orgs", login, "rulesets"]) => Answer::json(
            200,
            &state.organizations[*login]
                .rulesets
                .iter()
                .enumerate()
                .map(|(place, ruleset)| show_ruleset(login, place, ruleset, false))
                .collect(),
        ),
        ("GET", ["orgs", login, "teams"]) => {
            let teams = state.organizations[*login].teams.iter();
            paged(state, call, teams.map(|(slug, team)| state.team(login, slug, team, false)).collect(), None)
        }
        ("POST", ["orgs", login, "teams"]) => create_team(state, call, login),
        ("GET", ["orgs", login, "teams", slug]) => match state.organizations[*login].teams.get(*slug) {
            Some(team) => Answer::json(200, &state.team(login, slug, team, true)),
            None => Answer::not_found(),
        },
        _ => return None,
    };
    Some(answer)
}

/// A list shows less than a single ruleset.
fn show_ruleset(login: &str, place: usize, ruleset: &Map<String, Value>, full: bool) -> Value {
    let mut shown = json!({
        "id": place + 1, "name": ruleset["name"], "source": login, "source_type": "Organization", "target": "branch",
        "enforcement": ruleset["enforcement"], "node_id": format!("RRS_{place}"), "created_at": now(),
        "updated_at": now(),
    });
    if full {
        for (name, value) in ruleset {
            shown[name] = value.clone();
        }
    }
    shown
}

pub(super) fn not_for_integrations() -> Answer {
    Answer::error(403, "Resource not accessible by integration")
}

fn user(state: &State, caller: &Caller) -> Answer {
    match caller.kind {
        TokenKind::Installation | TokenKind::Actions => not_for_integrations(),
        _ => Answer::json(200, &state.user(&caller.login)),
    }
}

fn rate_limit(state: &State) -> Answer {
    let reset = Timestamp::now().as_second() + 3600;
    let limit = json!({"limit": 5000, "remaining": state.remaining, "used": 5000 - state.remaining, "reset": reset});
    Answer::json(200, &json!({"resources": {"core": limit, "search": limit}, "rate": limit}))
}

fn membership(state: &State, login: &str, user: &str) -> Answer {
    let Some(role) = state.organizations.get(login).and_then(|organization| organization.members.get(user)) else {
        return Answer::not_found();
    };
    let url = format!("{}/orgs/{login}", state.base);
    let shown = json!({
        "state": "active", "role": role, "organization_url": url, "url": format!("{url}/memberships/{user}"),
        "organization": state.organization(login, false), "user": state.account(user),
    });
    Answer::json(200, &shown)
}

fn create_team(state: &mut State, call: &Call<'_>, login: &str) -> Answer {
    if !state.may_write(call.caller, login) {
        return Answer::error(403, "You must be an owner of this organization to create a team.");
    }
    let Some(name) = call.body["name"].as_str() else {
        return Answer::invalid("Team", "name", "missing_field", "name is missing");
    };
    let slug: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if state.organizations[login].teams.contains_key(&slug) {
        return Answer::invalid("Team", "data", "already_exists", "Name must be unique for this org");
    }
    let team = Team { id: state.new_id(), name: name.to_owned() };
    let shown = state.team(login, &slug, &team, true);
    if let Some(organization) = state.organizations.get_mut(login) {
        organization.teams.insert(slug, team);
    }
    Answer::json(201, &shown)
}

/// Answers what an App asks in its own name, with a JWT instead of a token.
pub(super) fn answer_app(state: &mut State, jwt: &str, request: &Request, parts: &[&str]) -> Answer {
    let Some(app) = state.app.clone() else { return Answer::not_found() };
    let key = DecodingKey::from_rsa_pem(app.public_key.as_bytes()).expect("the test gave a public key");
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_required_spec_claims(&["exp", "iss", "iat"]);
    rules.leeway = 0;
    let Ok(token) = decode::<Value>(jwt, &key, &rules) else {
        return Answer::error(401, "A JSON web token could not be decoded");
    };
    let now = Timestamp::now().as_second();
    let time = |name: &str| token.claims[name].as_i64().unwrap_or_default();
    let issuer = token.claims["iss"].as_str().map_or_else(|| token.claims["iss"].to_string(), ToOwned::to_owned);
    if issuer != app.id.to_string() {
        return Answer::error(401, "'Issuer' claim ('iss') must be the App's ID");
    }
    // GitHub's limits: ten minutes, and no birth in the future.
    if time("exp") > now + 600 {
        return Answer::error(401, "'Expiration time' claim ('exp') is too far in the future");
    }
    if time("iat") > now {
        return Answer::error(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        );
    }
    let installation = |login: &str| app.installations.get(login).map(|id| show_installation(state, &app, login, *id));
    match (request.method.as_str(), parts) {
        ("GET", ["app"]) => {
            let shown = json!({
                "id": app.id, "node_id": "A_1", "slug": "scaffold", "owner": state.account("octo"), "name": "Scaffold",
                "description": null, "external_url": state.base, "html_url": state.base, "created_at": stamp(0),
                "updated_at": stamp(0), "permissions": app.permissions, "events": [],
            });
            Answer::json(200, &shown)
        }
        ("GET", ["app", "installations"]) => {
            Answer::json(200, &app.installations.keys().filter_map(|login| installation(login)).collect())
        }
        ("GET", ["orgs" | "users", login, "installation"]) => {
            installation(login).map_or_else(Answer::not_found, |shown| Answer::json(200, &shown))
        }
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            let login = app.installations.iter().find(|(_, known)| known.to_string() == *id).map(|(login, _)| login);
            let asked = request.json().unwrap_or_default();
            login.map_or_else(Answer::not_found, |login| new_token(state, login, &app, &asked))
        }
        _ => Answer::not_found(),
    }
}

fn show_installation(state: &State, app: &App, login: &str, id: u64) -> Value {
    let url = format!("{}/app/installations/{id}", state.base);
    json!({
        "id": id, "app_id": app.id, "app_slug": "scaffold", "target_id": 1, "target_type": "Organization",
        "single_file_name": null, "repository_selection": "all", "access_tokens_url": format!("{url}/access_tokens"),
        "html_url": url, "repositories_url": format!("{}/installation/repositories", state.base), "events": [],
        "account": state.account(login), "permissions": app.permissions,
        "created_at": stamp(0), "updated_at": stamp(0), "suspended_by": null, "suspended_at": null,
    })
}

/// A token of an installation: no more than it has, and for the repositories that are named.
fn new_token(state: &mut State, login: &str, app: &App, asked: &Value) -> Answer {
    let permissions = match asked["permissions"].as_object().filter(|asked| !asked.is_empty()) {
        None => app.permissions.clone(),
        Some(asked) => {
            let level =
                |(name, level): (&String, &Value)| (name.clone(), level.as_str().unwrap_or_default().to_owned());
            asked.iter().map(level).chain([("metadata".to_owned(), "read".to_owned())]).collect()
        }
    };
    let granted = Grant { permissions: app.permissions.clone(), repositories: None };
    if !permissions.iter().all(|(name, level)| granted.may(name, level)) {
        return Answer::error(422, "The permissions requested are not granted to this installation.");
    }
    let repositories: Option<Vec<String>> = asked["repositories"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    if repositories.iter().flatten().any(|name| state.find(login, name).is_none()) {
        let why =
            "There is at least one repository that does not exist or is not accessible to the parent installation.";
        return Answer::error(422, why);
    }
    let expires = Timestamp::now().as_second() + app.lifetime;
    let token =
        format!("ghs_{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &state.new_id().to_be_bytes()).simple());
    let shown = json!({"token": token, "expires_at": stamp(expires), "permissions": permissions});
    let grant = Some(Grant { permissions, repositories });
    let caller = Caller { login: login.to_owned(), kind: TokenKind::Installation, expires: Some(expires), grant };
    state.tokens.insert(token, caller);
    Answer::json(201, &shown)
}
