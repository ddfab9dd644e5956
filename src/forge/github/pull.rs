//! Pull requests, and the end of a repository.

use serde_json::{Value, json};

use super::Github;
use super::call::{Call, Method, below};
use super::error::ForgeError;
use crate::model::repository::Target;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Its number in the repository.
    pub number: u64,
    /// Its page.
    pub page: String,
    /// What has become of it.
    pub state: PullState,
}

/// What has become of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullState {
    /// It waits.
    Open,
    /// What it asks for is done.
    Merged,
    /// It was refused.
    Closed,
}

/// A pull request to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPull {
    /// The branch that is to be merged, without `refs/heads/`.
    pub branch: String,
    /// The branch that it is merged into.
    pub base: String,
    /// Its title.
    pub title: String,
    /// What it says, in Markdown.
    pub body: String,
}

impl Pull {
    fn of(call: &Call, body: &Value) -> Result<Self, ForgeError> {
        let missing = |key: &str| ForgeError::Strange { call: call.words(), why: format!("it holds no `{key}`") };
        let state = match (body["state"].as_str(), body["merged_at"].is_string()) {
            (Some("open"), _) => PullState::Open,
            (Some(_), true) => PullState::Merged,
            (Some(_), false) => PullState::Closed,
            (None, _) => return Err(missing("state")),
        };
        Ok(Self {
            number: body["number"].as_u64().ok_or_else(|| missing("number"))?,
            page: body["html_url"].as_str().ok_or_else(|| missing("html_url"))?.to_owned(),
            state,
        })
    }
}

/// The call that makes a pull request.
fn pull_call(target: &Target, new: &NewPull) -> Call {
    let NewPull { branch, base, title, body } = new;
    Call::with(
        Method::Post,
        below(target, &["pulls"]),
        json!({"title": title, "head": branch, "base": base, "body": body}),
    )
}

/// The call that archives a repository.
fn archive_call(target: &Target) -> Call {
    Call::with(Method::Patch, below(target, &[]), json!({"archived": true}))
}

impl Github {
    /// The newest pull request from `branch` of the repository itself; none when there never was one.
    pub fn pull(&self, target: &Target, branch: &str) -> Result<Option<Pull>, ForgeError> {
        let path = format!("{}?head={}:{branch}&state=all&per_page=10", below(target, &["pulls"]), target.owner);
        let call = Call::get(path);
        let answer = self.call(&call)?;
        let pulls = answer.body.as_array().into_iter().flatten().map(|body| Pull::of(&call, body));
        let pulls: Vec<Pull> = pulls.collect::<Result<_, _>>()?;
        Ok(pulls.into_iter().max_by_key(|pull| pull.number))
    }

    /// Makes a pull request. When it is not clear whether it was made, what is there tells: none is made twice.
    pub fn open_pull(&self, target: &Target, new: &NewPull) -> Result<Pull, ForgeError> {
        let call = pull_call(target, new);
        let error = match self.call(&call) {
            Ok(answer) => return Pull::of(&call, &answer.body),
            Err(error) => error,
        };
        if !(error.is_unclear() || error.status() == Some(422)) {
            return Err(error);
        }
        let found = self.pull(target, &new.branch)?.filter(|pull| pull.state == PullState::Open);
        found.ok_or(error)
    }

    /// The tree (hex) of the newest commit of a branch; none when there is no such branch.
    pub fn branch_tree(&self, target: &Target, branch: &str) -> Result<Option<String>, ForgeError> {
        let Some(answer) = self.find(below(target, &["git", "ref", &format!("heads/{branch}")]))? else {
            return Ok(None);
        };
        let sha = answer.body["object"]["sha"].as_str().unwrap_or_default();
        let commit = self.call(&Call::get(below(target, &["git", "commits", sha])))?;
        Ok(commit.body["tree"]["sha"].as_str().map(str::to_owned))
    }

    /// Archives the repository: it can be read, and not changed. Says whether this call did.
    pub fn archive(&self, target: &Target) -> Result<bool, ForgeError> {
        let answer = self.call(&Call::get(below(target, &[])))?;
        if answer.body["archived"] == true {
            return Ok(false);
        }
        self.call(&archive_call(target)).map(|_| true)
    }
}
