//! What an owner has: repositories by number and place, and which of them we made. Reads only.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{below, path};
use super::error::ForgeError;
use super::fields::{self, FieldType, Fields};
use super::permissions::FETCH;
use super::{Github, at_once};
use crate::model::receipt;
use crate::model::repository::{OwnerKind, RepositorySlug};

/// What must be known of a repository in a list.
const HOLDING: Fields = &[
    ("id", FieldType::Number),
    ("full_name", FieldType::Text),
    ("archived", FieldType::Flag),
    ("fork", FieldType::Flag),
];

/// A repository as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRepository {
    /// GitHub's number for it; it stays when name or owner changes.
    pub id: u64,
    /// Where it is now.
    pub target: RepositorySlug,
    /// Whether nothing can be changed in it any more.
    pub archived: bool,
    /// Whether it began as a copy of another one.
    pub fork: bool,
}

impl ListedRepository {
    fn of(call: &str, body: &Value) -> Result<Self, ForgeError> {
        let call = format!("GET {call}");
        fields::must_hold(&call, body, HOLDING)?;
        let unknown = |key| ForgeError::Strange { call: call.clone(), why: format!("its `{key}` is unknown") };
        let full_name = body["full_name"].as_str().and_then(|name| name.split_once('/'));
        let (owner, name) = full_name.ok_or_else(|| unknown("full_name"))?;
        Ok(Self {
            id: body["id"].as_u64().ok_or_else(|| unknown("id"))?,
            target: RepositorySlug { owner: owner.to_owned(), name: name.to_owned() },
            archived: body["archived"] == true,
            fork: body["fork"] == true,
        })
    }
}

impl Github {
    /// The repositories of an owner that the token may see, the newest first; none when there is nobody of that name.
    /// One call, and one more for each hundred of them.
    pub fn holdings(&self, owner: &str) -> Result<Option<Vec<ListedRepository>>, ForgeError> {
        let Some(owner) = self.owner(owner)? else { return Ok(None) };
        let path = match owner.kind {
            OwnerKind::Organisation => path(&["orgs", &owner.login, "repos"]) + "?",
            // Only the list of one's own holds what is private.
            OwnerKind::User if self.asker()?.login.as_ref() == Some(&owner.login) => {
                "/user/repos?affiliation=owner&".to_owned()
            }
            OwnerKind::User => path(&["users", &owner.login, "repos"]) + "?",
        };
        // In this order nothing is missed when one is made, or pushed to, between two pages.
        let path = path + "sort=created&direction=desc&per_page=100";
        let listed = self.list(&path, None)?;
        listed.map(|listed| listed.iter().map(|one| ListedRepository::of(&path, one)).collect()).transpose()
    }

    /// These repositories, wherever they are now; none for one that is gone, or that the token may not see.
    pub fn whereabouts(&self, targets: &[RepositorySlug]) -> Vec<Result<Option<ListedRepository>, ForgeError>> {
        of_each(targets, |target| {
            let path = below(target, &[]);
            let found = self.find(path.clone())?;
            found.map(|answer| ListedRepository::of(&path, &answer.body)).transpose()
        })
    }

    /// Whether each of these repositories was made by us: it holds a receipt, or its first commit is kept.
    pub fn are_made(&self, targets: &[RepositorySlug]) -> Vec<Result<bool, ForgeError>> {
        let github = self.narrowed(FETCH, None);
        of_each(targets, |target| {
            let has = |path: String, field: Fields| match github.find(path.clone())? {
                Some(answer) => fields::must_hold(&format!("GET {path}"), &answer.body, field).map(|()| true),
                None => Ok(false),
            };
            if has(below(target, &["contents", receipt::FILE_NAME]), &[("sha", FieldType::Text)])? {
                return Ok(true);
            }
            match github.base(target) {
                Ok(base) => Ok(base.is_some()),
                // "Git Repository is empty."
                Err(error) if error.status() == Some(409) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }
}

/// Asks about each of them, in the same order. After an answer that ends all, nothing more is asked.
fn of_each<T: Send>(
    targets: &[RepositorySlug],
    ask: impl Fn(&RepositorySlug) -> Result<T, ForgeError> + Sync,
) -> Vec<Result<T, ForgeError>> {
    let ended = std::sync::OnceLock::new();
    let asked: BTreeMap<usize, _> = at_once((0..targets.len()).collect(), |at| {
        if let Some(error) = ended.get() {
            return Err(ForgeError::clone(error));
        }
        let answer = ask(&targets[*at]);
        if let Err(error) = &answer
            && error.ends_all()
        {
            let _ = ended.set(error.clone());
        }
        answer
    });
    asked.into_values().collect()
}
