//! What an account has: its repositories, page by page, and the files in them.

use serde_json::{Value, json};

use super::git;
use super::http::Answer;
use super::route::paged;
use super::state::{Call, Repository, State, TokenKind};

/// Answers with lists of repositories, the newest first.
pub(super) fn answer(state: &State, call: &Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    let answer = match (method, parts) {
        ("GET", ["orgs", login, "repos"]) => listed(state, call, |one, sees| one.owner == *login && sees),
        // Whoever asks, it shows what everybody may see.
        ("GET", ["users", login, "repos"]) => {
            listed(state, call, |one, _| one.owner == *login && one.visibility == "public")
        }
        ("GET", ["user", "repos"]) => match call.caller.kind {
            TokenKind::Installation | TokenKind::Actions => super::accounts::not_for_integrations(),
            _ => listed(state, call, |one, _| one.owner == call.caller.login),
        },
        _ => return None,
    };
    Some(answer)
}

/// The repositories that `is_in` takes, which is told whether the caller may see one.
fn listed(state: &State, call: &Call<'_>, is_in: impl Fn(&Repository, bool) -> bool) -> Answer {
    let sees = |one: &Repository| one.visibility == "public" || state.may_write(call.caller, &one.owner);
    let shown = state.repositories.iter().rev().filter(|one| is_in(one, sees(one)));
    paged(state, call, shown.map(|one| state.repository(one, call.caller)).collect(), None)
}

/// Answers with a file of the default branch.
pub(super) fn answer_file(state: &State, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    let ("GET", ["contents", path @ ..]) = rest else { return None };
    let repository = &state.repositories[at];
    let path = path.join("/");
    let id = git::resolve(&state.folder(repository), &format!("HEAD:{path}"));
    Some(id.map_or_else(Answer::not_found, |id| Answer::json(200, &file(state, repository, &path, &id))))
}

fn file(state: &State, repository: &Repository, path: &str, id: &str) -> Value {
    let url = format!("{}/repos/{}", state.base, repository.full_name());
    let (here, blob) = (format!("{url}/contents/{path}"), format!("{url}/git/blobs/{id}"));
    let page = format!("{}/{}/blob/HEAD/{path}", state.base, repository.full_name());
    json!({
        "type": "file", "encoding": "base64", "size": 0, "name": path.rsplit('/').next(), "path": path, "content": "",
        "sha": id, "url": here, "git_url": blob, "html_url": page, "download_url": page,
        "_links": {"git": blob, "self": here, "html": page},
    })
}
