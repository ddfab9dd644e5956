//! Pull requests.

use serde_json::{Map, Value, json};

use super::http::Answer;
use super::signatures::asked_for;
use super::state::{Call, State, now};

/// Answers what is about pull requests. What is asked for by a branch of the repository itself is enough here.
pub(super) fn answer(state: &mut State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    match rest {
        ("GET", ["pulls"]) => Some(list(state, call, at)),
        ("POST", ["pulls"]) => Some(open(state, call, at)),
        _ => None,
    }
}

fn list(state: &State, call: &Call<'_>, at: usize) -> Answer {
    let head = call.request.parameter("head");
    let wanted = call.request.parameter("state").unwrap_or_else(|| "open".to_owned());
    let fits = |pull: &&Map<String, Value>| {
        head.as_deref().is_none_or(|head| pull["head"]["label"] == head) && (wanted == "all" || pull["state"] == wanted)
    };
    let pulls: Vec<Value> = state.repositories[at].pulls.iter().rev().filter(fits).cloned().map(Value::from).collect();
    super::route::paged(state, call, pulls, None)
}

fn open(state: &mut State, call: &Call<'_>, at: usize) -> Answer {
    let folder = state.folder(&state.repositories[at]);
    let text = |key: &str| call.body[key].as_str().unwrap_or_default().to_owned();
    let (head, base) = (text("head"), text("base"));
    for (field, branch) in [("head", &head), ("base", &base)] {
        if super::git::resolve(&folder, &format!("refs/heads/{branch}")).is_none() {
            return Answer::invalid("PullRequest", field, "invalid", "Validation Failed");
        }
    }
    let owner = state.repositories[at].owner.clone();
    let label = format!("{owner}:{head}");
    let waits = |pull: &Map<String, Value>| pull["head"]["label"] == label.as_str() && pull["state"] == "open";
    if state.repositories[at].pulls.iter().any(waits) {
        let message = format!("A pull request already exists for {label}.");
        return Answer::invalid("PullRequest", "head", "custom", &message);
    }
    let number = state.repositories[at].pulls.len() + state.repositories[at].issues.len() + 1;
    let (page, id) = (format!("{}/{}", state.base, state.repositories[at].full_name()), state.new_id());
    let pull = json!({
        "id": id, "number": number, "html_url": format!("{page}/pull/{number}"), "state": "open", "merged_at": null,
        "title": text("title"), "body": text("body"), "created_at": now(), "user": {"login": call.caller.login},
        "head": {"ref": head, "label": label}, "base": {"ref": base},
    });
    state.repositories[at].pulls.push(pull.as_object().cloned().unwrap_or_default());
    Answer::json(201, &pull)
}

impl State {
    /// Why nobody can merge the newest pull request of a repository, in GitHub's words.
    pub(crate) fn is_blocked(&self, at: usize) -> Option<&'static str> {
        let folder = self.folder(&self.repositories[at]);
        let pull = self.repositories[at].pulls.last().expect("a pull request");
        let name = |side: &str| format!("refs/heads/{}", pull[side]["ref"].as_str().unwrap_or_default());
        let new = super::git::git(&folder, &["rev-list", &format!("{}..{}", name("base"), name("head"))]);
        let unsigned = |id: &str| self.keys.reason(&folder, id).is_some();
        let is_blocked = asked_for(self, at, &name("base")) && new.unwrap_or_default().lines().any(unsigned);
        is_blocked.then_some("Commits must have verified signatures.")
    }

    /// Somebody merges the newest pull request of a repository, or refuses it. The branch stays.
    pub(crate) fn end_pull(&mut self, at: usize, is_merged: bool) {
        assert_eq!(self.is_blocked(at).filter(|_| is_merged), None, "merging is blocked");
        let folder = self.folder(&self.repositories[at]);
        let pull = self.repositories[at].pulls.last_mut().expect("a pull request");
        pull.insert("state".to_owned(), json!("closed"));
        if is_merged {
            pull.insert("merged_at".to_owned(), json!(now()));
            let name = |side: &str| format!("refs/heads/{}", pull[side]["ref"].as_str().unwrap_or_default());
            super::git::merge(&folder, &name("base"), &name("head"));
        }
    }
}
