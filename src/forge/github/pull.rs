//! Pull requests, and the end of a repository.

use serde_json::{Value, json};

use super::Github;
use super::call::{Call, Method, below};
use super::error::ForgeError;
use super::fields::{self, FieldType, Fields};
use super::permissions::{ADMINISTER, FETCH, OPEN_PULLS, SEE_PULLS};
use super::repository::CommitSeen;
use super::retry::{PauseReason, backoff};
use crate::model::repository::RepositorySlug;

/// What must be known of a pull request.
const PULL: Fields = &[
    ("number", FieldType::Number),
    ("html_url", FieldType::Text),
    ("state", FieldType::Text),
    ("merged_at", FieldType::TextOrNull),
];
/// How often a pull request that may have been made is looked for.
const LOOKS: u32 = 3;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    pub number: u64,
    pub page: String,
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
    pub title: String,
    /// What it says, in Markdown.
    pub body: String,
}

impl Pull {
    fn of(call: &Call, body: &Value) -> Result<Self, ForgeError> {
        fields::must_hold(&call.words(), body, PULL)?;
        let unknown = |key: &str| ForgeError::Strange { call: call.words(), why: format!("its `{key}` is unknown") };
        let state = match (body["state"].as_str(), body["merged_at"].is_string()) {
            (Some("open"), _) => PullState::Open,
            (Some("closed"), true) => PullState::Merged,
            (Some("closed"), false) => PullState::Closed,
            _ => return Err(unknown("state")),
        };
        Ok(Self {
            number: body["number"].as_u64().ok_or_else(|| unknown("number"))?,
            page: fields::text(&call.words(), body, "html_url")?,
            state,
        })
    }
}

/// The call that makes a pull request.
pub fn pull_call(target: &RepositorySlug, new: &NewPull) -> Call {
    let NewPull { branch, base, title, body } = new;
    Call::with(
        Method::Post,
        below(target, &["pulls"]),
        json!({"title": title, "head": branch, "base": base, "body": body}),
    )
}

/// The call that archives a repository.
pub fn archive_call(target: &RepositorySlug) -> Call {
    Call::with(Method::Patch, below(target, &[]), json!({"archived": true}))
}

impl Github {
    /// The newest pull request from `branch` of the repository itself; none when there never was one.
    pub fn pull(&self, target: &RepositorySlug, branch: &str) -> Result<Option<Pull>, ForgeError> {
        let path = format!("{}?head={}:{branch}&state=all&per_page=10", below(target, &["pulls"]), target.owner);
        let call = Call::get(path);
        let answer = self.narrowed(SEE_PULLS, Some(target)).call(&call)?;
        let strange = || ForgeError::Strange { call: call.words(), why: "it holds no list".to_owned() };
        let listed = answer.body.as_array().ok_or_else(strange)?;
        let pulls: Vec<Pull> = listed.iter().map(|body| Pull::of(&call, body)).collect::<Result<_, _>>()?;
        Ok(pulls.into_iter().max_by_key(|pull| pull.number))
    }

    /// Makes a pull request, by one call that is never sent again: whether it took effect is looked for, and the list may
    /// be late. GitHub itself takes no second one from a branch while one waits.
    pub fn open_pull(&self, target: &RepositorySlug, new: &NewPull) -> Result<Pull, ForgeError> {
        let call = pull_call(target, new);
        let error = match self.narrowed(OPEN_PULLS, Some(target)).call(&call) {
            Ok(answer) => return Pull::of(&call, &answer.body),
            Err(error) => error,
        };
        if !(error.is_unclear() || error.is_taken()) {
            return Err(error);
        }
        for look in 0..LOOKS {
            if look > 0 || error.is_unclear() {
                self.pause(backoff(look, fastrand::f64()), PauseReason::Fault)?;
            }
            let found = self.pull(target, &new.branch)?;
            if let Some(found) = found.filter(|pull| pull.state == PullState::Open) {
                return Ok(found);
            }
        }
        let why = "GitHub does not show a pull request from this branch yet".to_owned();
        Err(ForgeError::Unclear { call: call.words(), why })
    }

    /// The newest commit of a branch, and its id (hex); none when there is no such branch.
    pub fn branch(&self, target: &RepositorySlug, branch: &str) -> Result<Option<(String, CommitSeen)>, ForgeError> {
        let path = below(target, &["git", "ref", &format!("heads/{branch}")]);
        let github = self.narrowed(FETCH, Some(target));
        let Some(answer) = github.find(path.clone())? else { return Ok(None) };
        github.commit_of(target, &path, &answer.body).map(Some)
    }

    /// Archives the repository: it can be read, and not changed. Says whether this call did.
    pub fn archive(&self, target: &RepositorySlug) -> Result<bool, ForgeError> {
        let archived = |github: &Self, call: &Call| {
            let body = github.call(call)?.body;
            fields::must_hold(&call.words(), &body, &[("archived", FieldType::Flag)])?;
            Ok::<_, ForgeError>(body["archived"] == true)
        };
        if archived(self, &Call::get(below(target, &[])))? {
            return Ok(false);
        }
        let call = archive_call(target);
        if !archived(&self.narrowed(ADMINISTER, Some(target)), &call)? {
            let why = "the repository is not archived after it".to_owned();
            return Err(ForgeError::Strange { call: call.words(), why });
        }
        Ok(true)
    }
}
