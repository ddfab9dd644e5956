//! The repository: whether it is there, whose it is, and making it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Github;
use super::call::{Call, Method, below, path};
use super::ensure::SETTLES_IN;
use super::error::ForgeError;
use super::fields::{self, FieldType, Fields};
use super::permissions::{ADMINISTER, FETCH};
use super::retry::{PauseReason, backoff};
use crate::model::refs;
use crate::model::repository::{NewRepository, OwnerKind, RepositorySlug, Visibility};
use crate::net::printable;

/// Clocks differ: a repository this much older than our reservation may still be ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);
/// How often making it is tried when it is unclear whether it took effect.
const TRIES: u32 = 4;

/// Who owns repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub login: String,
    pub kind: OwnerKind,
}

/// The call that makes a repository.
pub fn create_call(new: &NewRepository) -> Call {
    let private = new.visibility != Visibility::Public;
    let mut body = json!({"name": new.target.name, "private": private});
    if let Some(description) = &new.description {
        body["description"] = description.as_str().into();
    }
    if let Some(homepage) = &new.homepage {
        body["homepage"] = homepage.as_str().into();
    }
    match new.kind {
        OwnerKind::Organisation => {
            body["visibility"] = new.visibility.word().into();
            Call::with(Method::Post, path(&["orgs", &new.target.owner, "repos"]), body)
        }
        OwnerKind::User => Call::with(Method::Post, "/user/repos", body),
    }
}

/// What must be known of a repository.
const REPOSITORY: Fields = &[
    ("id", FieldType::Number),
    ("full_name", FieldType::Text),
    ("clone_url", FieldType::Text),
    ("ssh_url", FieldType::Text),
    ("default_branch", FieldType::Text),
    ("private", FieldType::Flag),
    ("created_at", FieldType::Text),
    ("description", FieldType::TextOrNull),
    ("homepage", FieldType::TextOrNull),
];

/// A repository that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct HostedRepository {
    /// GitHub's number for it; it stays when the name changes.
    pub id: u64,
    /// `owner/name`, as it is now.
    pub full_name: String,
    /// The URL that git clones and pushes.
    pub clone_url: String,
    /// The same over ssh.
    pub ssh_url: String,
    /// The branch that it shows first.
    pub default_branch: String,
    pub visibility: Visibility,
    pub created: Timestamp,
    /// GitHub's whole answer.
    pub body: Value,
}

impl HostedRepository {
    fn of(call: &Call, body: Value) -> Result<Self, ForgeError> {
        fields::must_hold(&call.words(), &body, REPOSITORY)?;
        let text = |key| fields::text(&call.words(), &body, key);
        let unknown = |key: &str| ForgeError::Strange { call: call.words(), why: format!("its `{key}` is unknown") };
        let visibility = match (body["visibility"].as_str(), body["private"] == true) {
            (Some("internal"), _) => Visibility::Internal,
            (Some("public"), false) | (None, false) => Visibility::Public,
            (Some("private"), true) | (None, true) => Visibility::Private,
            _ => return Err(unknown("visibility")),
        };
        let full_name = text("full_name")?;
        if !full_name.contains('/') {
            return Err(unknown("full_name"));
        }
        Ok(Self {
            id: body["id"].as_u64().ok_or_else(|| unknown("id"))?,
            full_name,
            clone_url: text("clone_url")?,
            ssh_url: text("ssh_url")?,
            default_branch: text("default_branch")?,
            visibility,
            created: text("created_at")?.parse().map_err(|_| unknown("created_at"))?,
            body,
        })
    }

    /// Owner and name as they are now, which may be others than it was asked by.
    pub fn slug(&self) -> RepositorySlug {
        let (owner, name) = self.full_name.split_once('/').unwrap_or_default();
        RepositorySlug { owner: owner.to_owned(), name: name.to_owned() }
    }

    /// Whether its texts are those that its creation gives it.
    fn is_as_made(&self, new: &NewRepository) -> bool {
        let same = |key: &str, wanted: &Option<String>| {
            let found = self.body.get(key).and_then(Value::as_str).unwrap_or_default();
            found.trim() == wanted.as_deref().unwrap_or_default().trim()
        };
        same("description", &new.description) && same("homepage", &new.homepage)
    }
}

/// What is in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// No commit.
    Empty,
    /// Its newest base is this commit.
    Base(CommitSeen),
    /// There is no such reference; the default branch is at this commit.
    Other(CommitSeen),
}

impl Content {
    /// The commit; none in an empty repository.
    pub fn commit(self) -> Option<CommitSeen> {
        match self {
            Self::Empty => None,
            Self::Base(commit) | Self::Other(commit) => Some(commit),
        }
    }
}

/// A commit, as far as GitHub shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSeen {
    /// The id of its tree (hex).
    pub tree: String,
    /// Its signature; none when it has none.
    pub signature: Option<String>,
    /// Whether GitHub accepts the signature; else why not, in GitHub's word for it.
    pub verified: Result<(), String>,
}

impl CommitSeen {
    /// From an object of `git/commits`, or the same within another.
    pub(super) fn of(call: &str, commit: &Value) -> Result<Self, ForgeError> {
        let verification = &commit["verification"];
        let reason = verification["reason"].as_str().unwrap_or("unsigned");
        Ok(Self {
            tree: fields::text(call, commit, "tree.sha")?,
            signature: verification["signature"].as_str().map(str::to_owned),
            verified: if verification["verified"] == true { Ok(()) } else { Err(printable(reason)) },
        })
    }
}

/// What a record of ours knows about its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// GitHub's number for it, when it was noted.
    pub id: Option<u64>,
    /// When the name was reserved.
    pub reserved: Option<Timestamp>,
}

/// Whose a repository is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Ours; the first commit is there or not.
    Ours {
        /// Whether it is there.
        pushed: bool,
    },
    /// Ours, with a first commit that was made of something else.
    Differs,
    /// Somebody else's; why, in half a sentence.
    Foreign(&'static str),
}

/// Judges by our record, the repository's number, its age, what `new` would have written on it, and its first commit.
pub fn ownership(
    claim: Option<Reservation>,
    new: &NewRepository,
    found: &HostedRepository,
    content: &Content,
    tree: &str,
) -> Ownership {
    let name = format!("{}/{}", new.target.owner, new.target.name);
    let Some(claim) = claim else { return Ownership::Foreign("the registry has no record of it") };
    if !found.full_name.eq_ignore_ascii_case(&name) {
        return Ownership::Foreign("the name leads to a repository that was renamed or moved");
    }
    match claim.id {
        Some(id) if id != found.id => return Ownership::Foreign("the registry's record is of another repository"),
        Some(_) => {}
        None => {
            let earliest = claim.reserved.and_then(|reserved| reserved.checked_sub(CLOCKS_DIFFER).ok());
            if earliest.is_none_or(|earliest| found.created < earliest) {
                return Ownership::Foreign("it is older than the registry's record");
            }
            // Young and empty is a stranger's, too, who came between two runs of ours.
            if *content == Content::Empty && !found.is_as_made(new) {
                return Ownership::Foreign("somebody else made it");
            }
        }
    }
    match content {
        Content::Empty => Ownership::Ours { pushed: false },
        Content::Base(base) if base.tree == tree => Ownership::Ours { pushed: true },
        Content::Other(main) if main.tree == tree => Ownership::Ours { pushed: false },
        Content::Base(_) => Ownership::Differs,
        Content::Other(_) => Ownership::Foreign("its first commit is not ours"),
    }
}

/// Whether an earlier call of this run may have made the repository without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear(pub bool);

impl Github {
    /// Who `name` is; none when there is nobody of that name.
    pub fn owner(&self, name: &str) -> Result<Option<Owner>, ForgeError> {
        let Some(answer) = self.find(path(&["users", name]))? else { return Ok(None) };
        let call = format!("GET {}", path(&["users", name]));
        let login = fields::text(&call, &answer.body, "login")?;
        let kind = match fields::text(&call, &answer.body, "type")?.as_str() {
            "Organization" => OwnerKind::Organisation,
            "User" => OwnerKind::User,
            _ => {
                let why = "its `type` is neither an organisation's nor a user's".to_owned();
                return Err(ForgeError::Strange { call, why });
            }
        };
        Ok(Some(Owner { login, kind }))
    }

    /// The repository; none when there is none, or the token may not see it.
    pub fn repository(&self, target: &RepositorySlug) -> Result<Option<HostedRepository>, ForgeError> {
        let call = Call::get(below(target, &[]));
        let answer = self.find(call.path.clone())?;
        answer.map(|answer| HostedRepository::of(&call, answer.body)).transpose()
    }

    /// What is in a repository.
    pub fn content(&self, target: &RepositorySlug) -> Result<Content, ForgeError> {
        let github = self.narrowed(FETCH, Some(target));
        let base = match github.base(target) {
            Ok(base) => base,
            // "Git Repository is empty."
            Err(error) if error.status() == Some(409) => return Ok(Content::Empty),
            Err(error) => return Err(error),
        };
        if let Some(base) = base {
            return Ok(Content::Base(github.commit_of(target, &bases(target), &base)?.1));
        }
        let head = below(target, &["commits", "HEAD"]);
        match github.find(head.clone()) {
            Ok(Some(answer)) => Ok(Content::Other(CommitSeen::of(&format!("GET {head}"), &answer.body["commit"])?)),
            // Not every part of GitHub may know yet that it is empty; the push will see what is there.
            Ok(None) => Ok(Content::Empty),
            Err(error) if error.status() == Some(409) => Ok(Content::Empty),
            Err(error) => Err(error),
        }
    }

    /// The reference to the newest base of a repository; none when it has none.
    pub(super) fn base(&self, target: &RepositorySlug) -> Result<Option<Value>, ForgeError> {
        let listed = self.list(&bases(target), None)?.unwrap_or_default();
        for reference in &listed {
            let fields: Fields = &[("ref", FieldType::Text), ("object.sha", FieldType::Text)];
            fields::must_hold(&format!("GET {}", bases(target)), reference, fields)?;
        }
        let newest = refs::newest_base(listed.iter().filter_map(|reference| reference["ref"].as_str()));
        let is_newest = |reference: &&Value| newest.is_some() && reference["ref"].as_str() == newest;
        Ok(listed.iter().find(is_newest).cloned())
    }

    /// The commit to which the reference at `path` leads, and its id (hex).
    pub(super) fn commit_of(
        &self,
        target: &RepositorySlug,
        path: &str,
        reference: &Value,
    ) -> Result<(String, CommitSeen), ForgeError> {
        let sha = fields::text(&format!("GET {path}"), reference, "object.sha")?;
        let seen = self.commit_at(target, &sha)?;
        Ok((sha, seen))
    }

    /// The commit with this id (hex).
    pub(super) fn commit_at(&self, target: &RepositorySlug, id: &str) -> Result<CommitSeen, ForgeError> {
        let call = Call::get(below(target, &["git", "commits", id]));
        CommitSeen::of(&call.words(), &self.call(&call)?.body)
    }

    /// Makes the repository; the flag says whether this call did. One that is there by now is judged by `is_ours`.
    ///
    /// # Errors
    /// `Foreign` when the name is taken by a repository that is not ours.
    pub fn create(
        &self,
        new: &NewRepository,
        is_ours: &dyn Fn(&HostedRepository, Unclear) -> Result<bool, ForgeError>,
    ) -> Result<(HostedRepository, bool), ForgeError> {
        let call = create_call(new);
        // Before it is made there is nothing to be found, so 404 is about the owner and not waited out.
        let mut unclear = false;
        let mut attempt = 0;
        loop {
            // It is not there yet, so that no token can be for it alone.
            let error = match self.narrowed(ADMINISTER, None).call(&call) {
                Ok(answer) => {
                    self.settle(&new.target);
                    return Ok((HostedRepository::of(&call, answer.body)?, true));
                }
                Err(error) => error,
            };
            if new.visibility == Visibility::Internal && is_about_visibility(&error) {
                return Err(ForgeError::NotInternal { owner: new.target.owner.clone() });
            }
            attempt += 1;
            unclear |= error.is_unclear();
            if attempt > TRIES || !(error.is_unclear() || error.is_taken()) {
                return Err(error);
            }
            if unclear {
                self.pause(backoff(attempt - 1, fastrand::f64()), PauseReason::Fault)?;
            }
            match self.repository(&new.target)? {
                Some(found) if is_ours(&found, Unclear(unclear))? => {
                    self.settle(&new.target);
                    return Ok((found, false));
                }
                Some(_) => return Err(self.foreign(&new.target, "somebody made it a moment ago")),
                // Taken, and not to be seen: private and somebody else's, or not everywhere known yet.
                None if error.is_taken() && attempt >= TRIES => {
                    return Err(self.foreign(&new.target, "the token may not see it"));
                }
                None if error.is_taken() => self.pause(backoff(attempt - 1, fastrand::f64()), PauseReason::Settling)?,
                None => {}
            }
        }
    }

    /// The error for a repository that is not ours.
    pub fn foreign(&self, target: &RepositorySlug, why: &str) -> ForgeError {
        ForgeError::Foreign { page: self.server().page(target), why: why.to_owned() }
    }

    /// Says that the repository was made a moment ago.
    fn settle(&self, target: &RepositorySlug) {
        self.session.sender.settle(&below(target, &[]), SETTLES_IN);
    }
}

/// The references whose names begin as those of bases do.
fn bases(target: &RepositorySlug) -> String {
    below(target, &["git", "matching-refs", refs::short(refs::OLD_BASE)])
}

/// Whether GitHub refuses who may see a repository.
fn is_about_visibility(error: &ForgeError) -> bool {
    let ForgeError::Refused(refusal) = error else { return false };
    refusal.status == 422 && refusal.message.to_ascii_lowercase().contains("visibility")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: u64, created: &str) -> HostedRepository {
        let body = json!({
            "id": id, "full_name": "Org/my-api", "clone_url": "https://h/org/my-api.git", "created_at": created,
            "ssh_url": "git@h:org/my-api.git", "default_branch": "main", "private": true, "description": null,
            "homepage": null,
        });
        HostedRepository::of(&Call::get("/x"), body).expect("a repository")
    }

    #[test]
    fn whose_a_repository_is_follows_from_record_number_age_and_commit() {
        let target = RepositorySlug { owner: "org".to_owned(), name: "my-api".to_owned() };
        let reserved = "2026-01-01T12:00:00Z".parse().ok();
        let noted = Reservation { id: Some(7), reserved };
        let unnoted = Reservation { id: None, reserved };
        let new = |name: &str, description: Option<&str>| NewRepository {
            target: RepositorySlug { name: name.to_owned(), ..target.clone() },
            kind: OwnerKind::Organisation,
            visibility: Visibility::Private,
            description: description.map(str::to_owned),
            homepage: None,
        };
        let mine = new("my-api", None);
        let judge =
            |claim, found: &HostedRepository, content: &Content| ownership(claim, &mine, found, content, "ours");
        let young = found(7, "2026-01-01T12:00:03Z");
        let seen =
            |tree: &str| CommitSeen { tree: tree.to_owned(), signature: None, verified: Err("unsigned".to_owned()) };
        let (empty, ours, theirs) = (Content::Empty, Content::Base(seen("ours")), Content::Base(seen("x")));
        assert_eq!(judge(Some(unnoted), &young, &empty), Ownership::Ours { pushed: false });
        assert_eq!(judge(Some(noted), &young, &ours), Ownership::Ours { pushed: true });
        assert_eq!(judge(Some(noted), &young, &theirs), Ownership::Differs);
        assert_eq!(judge(Some(noted), &young, &Content::Other(seen("ours"))), Ownership::Ours { pushed: false });
        let foreign = |standing| matches!(standing, Ownership::Foreign(_));
        assert!(foreign(judge(None, &young, &ours)));
        assert!(foreign(judge(Some(noted), &found(8, "2026-01-01T12:00:03Z"), &ours)));
        assert!(foreign(judge(Some(unnoted), &found(7, "2026-01-01T11:00:00Z"), &empty)));
        assert!(foreign(judge(Some(noted), &young, &Content::Other(seen("x")))));
        assert!(foreign(ownership(Some(noted), &new("other", None), &young, &ours, "ours")));
        let described = new("my-api", Some("What it is for"));
        assert!(
            foreign(ownership(Some(unnoted), &described, &young, &empty, "ours")),
            "young and empty, but not as made"
        );
        assert_eq!(ownership(Some(noted), &described, &young, &empty, "ours"), Ownership::Ours { pushed: false });
    }

    #[test]
    fn a_repository_is_made_where_its_owner_keeps_them() {
        let target = RepositorySlug { owner: "org".to_owned(), name: "my-api".to_owned() };
        let new = |kind| NewRepository {
            target: target.clone(),
            kind,
            visibility: Visibility::Internal,
            description: Some("D".to_owned()),
            homepage: None,
        };
        let call = create_call(&new(OwnerKind::Organisation));
        assert_eq!(call.words(), "POST /orgs/org/repos");
        assert_eq!(
            call.body,
            Some(json!({"name": "my-api", "private": true, "description": "D", "visibility": "internal"}))
        );
        let call = create_call(&new(OwnerKind::User));
        assert_eq!(
            (call.words().as_str(), call.body.expect("a body")["visibility"].is_null()),
            ("POST /user/repos", true)
        );
    }
}
