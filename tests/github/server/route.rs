//! From a request to the handler that answers it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::state::{Call, Caller, State, TokenKind};
use super::{accounts, environments, git, holdings, pulls, repositories, settings, signatures};

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
    if parts == ["api", "graphql"] {
        parts.remove(0);
    }
    let (answer, caller) = match entry(state, request, &parts) {
        _ if is_content(request) && state.is_too_much() => {
            (super::fault::answers::secondary_limit(403, Some(60)), None)
        }
        Err(answer) => (answer, None),
        Ok(Entry::App(jwt)) => (accounts::answer_app(state, &jwt, request, &parts), None),
        Ok(Entry::Caller(caller)) => {
            let call = Call { request, caller: &caller, body: request.json().unwrap_or_default() };
            let answer = match ungranted(&caller, &parts, &request.method) {
                Some(refused) => refused,
                None if (request.method.as_str(), parts.as_slice()) == ("DELETE", &["installation", "token"]) => {
                    revoked(state, &request.token().unwrap_or_default())
                }
                None => {
                    let answer = route(state, &call, &parts).unwrap_or_else(Answer::not_found);
                    shortened(answer, &caller, &parts)
                }
            };
            (answer, Some(caller))
        }
    };
    state.remaining = state.remaining.saturating_sub(1);
    dress(state, answer, caller.as_ref(), &parts, &request.method)
}

/// Whether a request may make something that counts; tokens do not.
fn is_content(request: &Request) -> bool {
    let is_token = request.path.ends_with("/access_tokens") || request.path.ends_with("/installation/token");
    request.method != "GET" && !is_token
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
    if let ("POST", ["graphql"]) = (method, parts) {
        return Some(signatures::answer_graphql(state, call));
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
        .or_else(|| git::answer(state, call, at, rest))
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

/// Ends a token; one that is a person's is not ended like that.
fn revoked(state: &mut State, token: &str) -> Answer {
    match state.tokens.get_mut(token) {
        Some(caller) if caller.kind == TokenKind::Installation => {
            caller.expires = Some(0);
            Answer::empty(204)
        }
        _ => Answer::error(403, "Must authenticate with an installation access token"),
    }
}

/// Why a token of an installation may not make this call: it was narrowed to less, or to other repositories.
fn ungranted(caller: &Caller, parts: &[&str], method: &str) -> Option<Answer> {
    let grant = caller.grant.as_ref()?;
    if let ["repos", _, name, ..] = parts
        && !grant.is_for(name)
    {
        return Some(Answer::not_found());
    }
    // Who is for some repositories makes no others.
    let makes = method == "POST" && matches!(parts, ["orgs", _, "repos"]);
    let may = |(permission, level): &(&str, &str)| grant.may(permission, level);
    let may_all = needs(parts, method).iter().all(may) && !(makes && grant.repositories.is_some());
    (!may_all).then(accounts::not_for_integrations)
}

/// Leaves out what GitHub shows of a repository and its rulesets to their administrators alone.
fn shortened(mut answer: Answer, caller: &Caller, parts: &[&str]) -> Answer {
    let hidden: &[&str] = match (caller.grant.as_ref(), parts) {
        (Some(grant), ["repos", _, _]) if !grant.may("administration", "read") => {
            &["allow_merge_commit", "allow_squash_merge", "delete_branch_on_merge", "security_and_analysis"]
        }
        (Some(grant), ["repos", _, _, "rulesets", _]) if !grant.may("administration", "write") => &["bypass_actors"],
        _ => &[],
    };
    if !hidden.is_empty()
        && let Ok(Value::Object(mut body)) = serde_json::from_slice(&answer.body)
    {
        body.retain(|name, _| !hidden.contains(&name.as_str()));
        answer.body = Value::Object(body).to_string().into_bytes();
    }
    answer
}

/// The permissions that a call needs, as GitHub's table has them
/// (<https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>).
fn needs(parts: &[&str], method: &str) -> Vec<(&'static str, &'static str)> {
    let level = if method == "GET" { "read" } else { "write" };
    let reads = level == "read";
    let one = match parts {
        ["orgs", _, "teams", _, "repos", ..] => return vec![("administration", "write"), ("members", "read")],
        ["orgs", _, "rulesets", ..] => return vec![("organization_administration", "write")],
        ["orgs", _, "properties", ..] => "organization_custom_properties",
        ["orgs", _, "teams", ..] => "members",
        ["repos", _, _, "issues", ..] => "issues",
        ["repos", _, _, "pulls", ..] => "pull_requests",
        ["repos", _, _, "actions", "variables", ..] => "actions_variables",
        ["repos", _, _, "actions", "secrets", ..] => "secrets",
        ["repos", _, _, "actions", ..] => "actions",
        ["repos", _, _, "environments", _, "secrets" | "variables", ..] => "environments",
        ["repos", _, _, "environments", ..] if reads => "actions",
        ["repos", _, _, "git" | "commits" | "branches" | "contents", ..] => "contents",
        ["repos", _, _, "properties", ..] if !reads => "repository_custom_properties",
        ["repos", _, _, "rules", ..] => "metadata",
        ["repos", _, _] | ["repos", _, _, "properties" | "rulesets" | "topics", ..] | ["orgs", _, "repos"] if reads => {
            "metadata"
        }
        ["repos", ..] | ["orgs", _, "repos"] | ["user", "repos"] => "administration",
        _ => return vec![("metadata", "read")],
    };
    vec![(one, level)]
}

/// The same in the words of the header.
fn needed(parts: &[&str], method: &str) -> String {
    needs(parts, method).iter().map(|(name, level)| format!("{name}={level}")).collect::<Vec<_>>().join("; ")
}

impl State {
    /// Whose token it is; none when it never was one or is one no longer.
    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        let caller = self.tokens.get(token)?;
        let alive = caller.expires.is_none_or(|expires| Timestamp::now().as_second() < expires);
        alive.then(|| caller.clone())
    }
}
