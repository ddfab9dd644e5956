//! From a request to the handler that answers it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::state::{Call, Caller, State, TokenKind};
use super::{accounts, environments, git, holdings, pulls, repositories, settings};

/// Versions of the API that GitHub answers to.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// Answers a request to the API. Whatever the answer, it says what was needed and what is left of the rate.
pub(super) fn answer(state: &mut State, request: &Request) -> Answer {
    let parts = request.parts();
    let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    // The API of an Enterprise Server is below this path.
    if parts.starts_with(&["api", "v3"]) {
        parts.drain(..2);
    }
    let (answer, caller) = match entry(state, request, &parts) {
        _ if request.method != "GET" && state.is_too_much() => {
            (super::fault::answers::secondary_limit(403, Some(60)), None)
        }
        Err(answer) => (answer, None),
        Ok(Entry::App(jwt)) => (accounts::answer_app(state, &jwt, &request.method, &parts), None),
        Ok(Entry::Caller(caller)) => {
            let call = Call { request, caller: &caller, body: request.json().unwrap_or_default() };
            (route(state, &call, &parts).unwrap_or_else(Answer::not_found), Some(caller))
        }
    };
    state.remaining = state.remaining.saturating_sub(1);
    dress(state, answer, caller.as_ref(), &parts, &request.method)
}

/// Who is let in.
enum Entry {
    Caller(Caller),
    /// With this JWT.
    App(String),
}

fn entry(state: &State, request: &Request, parts: &[&str]) -> Result<Entry, Answer> {
    if request.header("user-agent").is_empty() {
        return Err(Answer::error(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        ));
    }
    let version = request.header("x-github-api-version");
    if !version.is_empty() && !VERSIONS.contains(&version) {
        return Err(Answer::error(400, "The API version is not supported"));
    }
    let accept = request.header("accept");
    if !accept.is_empty() && !["*/*", "application/json", "application/vnd.github+json"].contains(&accept) {
        return Err(Answer::error(415, "Unsupported 'Accept' header"));
    }
    if parts.last() == Some(&"") {
        return Err(Answer::not_found());
    }
    if !request.body.is_empty() && request.json().is_none() {
        return Err(Answer::error(400, "Problems parsing JSON"));
    }
    let token = request.token().unwrap_or_default();
    let for_app = matches!(parts, ["app", ..] | ["orgs" | "users", _, "installation"]);
    if for_app && token.split('.').count() == 3 {
        return Ok(Entry::App(token));
    }
    state.caller(&token).map(Entry::Caller).ok_or_else(|| Answer::error(401, "Bad credentials"))
}

fn route(state: &mut State, call: &Call<'_>, parts: &[&str]) -> Option<Answer> {
    let method = call.request.method.as_str();
    if let ("PUT", ["orgs", login, "teams", slug, "repos", owner, name]) = (method, parts) {
        return Some(settings::let_in(state, call, [login, slug, owner, name]));
    }
    if let ["repos", owner, name, rest @ ..] = parts {
        return about_repository(state, call, (owner, name), rest);
    }
    accounts::answer(state, call, method, parts)
        .or_else(|| holdings::answer(state, call, method, parts))
        .or_else(|| repositories::answer(state, call, method, parts))
}

fn about_repository(state: &mut State, call: &Call<'_>, named: (&str, &str), rest: &[&str]) -> Option<Answer> {
    let (owner, name) = named;
    let Some(at) = state.find(owner, name) else {
        let id = state.renamed.get(&format!("{owner}/{name}").to_lowercase())?;
        let tail: String = rest.iter().map(|part| format!("/{part}")).collect();
        let url = format!("{}/repositories/{id}{tail}", state.base);
        let moved =
            json!({"message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/"});
        return Some(Answer::json(301, &moved).with("Location", url));
    };
    let method = call.request.method.as_str();
    let may_write = state.may_write(call.caller, owner);
    if state.repositories[at].visibility != "public" && !may_write {
        return Some(Answer::not_found());
    }
    if method != "GET" && !may_write {
        return Some(match call.caller.kind {
            TokenKind::Actions | TokenKind::Installation => accounts::not_for_integrations(),
            _ => Answer::error(403, "Must have admin rights to Repository."),
        });
    }
    let rest = (method, rest);
    if method != "GET" && !rest.1.is_empty() && state.repositories[at].fields["archived"] == true {
        return Some(Answer::error(403, "Repository was archived so is read-only."));
    }
    repositories::answer_one(state, call, at, rest)
        .or_else(|| settings::answer_teams(state, call, at, rest))
        .or_else(|| environments::answer(state, call, at, rest))
        .or_else(|| settings::answer(state, call, at, rest))
        .or_else(|| settings::answer_rulesets(state, call, at, rest))
        .or_else(|| pulls::answer(state, call, at, rest))
        .or_else(|| holdings::answer_file(state, at, rest))
        .or_else(|| git::answer(state, at, rest))
}

/// One page of a list, with links to its neighbours; `key` is the list's name when it is wrapped in an object.
pub(super) fn paged(state: &State, call: &Call<'_>, all: Vec<Value>, key: Option<&str>) -> Answer {
    let number =
        |name: &str, usual: usize| call.request.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let size = number("per_page", 30).clamp(1, 100);
    let page = number("page", 1).max(1);
    let total = all.len();
    let shown: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    let body = match key {
        None => Value::Array(shown),
        Some(key) => json!({"total_count": total, key: shown}),
    };
    let answer = Answer::json(200, &body);
    if page * size >= total {
        return answer;
    }
    let last = total.div_ceil(size);
    // An opaque mark, so that nobody can build such a link but the server.
    let link = |to: usize, rel: &str| {
        format!("<{}{}?per_page={size}&page={to}&mark={:x}>; rel=\"{rel}\"", state.base, call.request.path, to * 7919)
    };
    answer.with("Link", format!("{}, {}", link(page + 1, "next"), link(last, "last")))
}

/// Adds the headers that every answer of GitHub has.
fn dress(state: &State, answer: Answer, caller: Option<&Caller>, parts: &[&str], method: &str) -> Answer {
    let reset = Timestamp::now().as_second() + 3600;
    let request = format!("{:04X}:{:06X}:TEST", state.remaining, reset & 0xFF_FFFF);
    let mut answer = answer.with("X-GitHub-Request-Id", request).with("X-GitHub-Media-Type", "github.v3; format=json");
    if !answer.headers.iter().any(|(name, _)| name == "X-RateLimit-Remaining") {
        answer = answer
            .with("X-RateLimit-Limit", 5000)
            .with("X-RateLimit-Remaining", state.remaining)
            .with("X-RateLimit-Used", 5000 - state.remaining)
            .with("X-RateLimit-Reset", reset)
            .with("X-RateLimit-Resource", "core");
    }
    answer = answer.with("X-Accepted-GitHub-Permissions", needed(parts, method));
    if let Some(Caller { kind: TokenKind::Classic(scopes), .. }) = caller {
        answer = answer.with("X-OAuth-Scopes", scopes.join(", "));
    }
    answer
}

/// The permission that a call needs, in the words of the header.
fn needed(parts: &[&str], method: &str) -> String {
    let level = if method == "GET" { "read" } else { "write" };
    let area = match parts {
        ["repos", _, _, "issues", ..] => "issues",
        ["repos", _, _, "pulls", ..] => "pull_requests",
        ["repos", _, _, "actions", "variables", ..] => "actions_variables",
        ["repos", _, _, "actions", "secrets", ..] => "secrets",
        ["repos", _, _, "actions", ..] => "actions",
        ["repos", _, _, "environments", _, "secrets" | "variables", ..] => "environments",
        ["repos", _, _, "git" | "commits" | "branches" | "contents", ..] => "contents",
        ["repos", _, _] if method == "GET" => "metadata",
        ["repos", _, _, "properties", ..] => "repository_custom_properties",
        ["orgs", _, "repos"] if method == "GET" => "metadata",
        ["repos", ..] | ["orgs", _, "repos"] | ["user", "repos"] => "administration",
        ["orgs", ..] => "members",
        _ => "metadata",
    };
    format!("{area}={level}")
}

impl State {
    /// Whose token it is; none when it never was one or is one no longer.
    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        let caller = self.tokens.get(token)?;
        let alive = caller.expires.is_none_or(|expires| Timestamp::now().as_second() < expires);
        alive.then(|| caller.clone())
    }
}
