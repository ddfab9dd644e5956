//! Looking before anything is done: who asks, what they may do, what is there. Reads only.

use std::panic::resume_unwind;
use std::thread;

use serde_json::Value;

use super::auth::Identity;
use super::call::{Call, path};
use super::error::ForgeError;
use super::fields::{self, FieldType};
use super::permissions::{Permissions, SEE_PROPERTIES, SEE_RULESETS};
use super::repository::{HostedRepository, Owner};
use super::{Github, Session, at_once};
use crate::model::repository::RepositorySlug;

/// Who asks, as GitHub knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    pub login: Option<String>,
    /// What kind of token, in words.
    pub kind: &'static str,
    /// Scopes of a classic token.
    pub scopes: Option<Vec<String>>,
    /// Permissions of an app's installation.
    pub permissions: Option<Permissions>,
}

/// What there is before a repository is made.
#[derive(Clone, Debug)]
pub struct Survey {
    pub owner: Result<Option<Owner>, ForgeError>,
    pub repository: Result<Option<HostedRepository>, ForgeError>,
    /// Who asks.
    pub asker: Result<Asker, ForgeError>,
}

impl Github {
    /// Looks at everything at the same time: one wait for all.
    pub fn survey(&self, target: &RepositorySlug) -> Survey {
        thread::scope(|scope| {
            let owner = scope.spawn(|| self.owner(&target.owner));
            let repository = scope.spawn(|| self.repository(target));
            let asker = self.asker();
            Survey { owner: ended(owner.join()), repository: ended(repository.join()), asker }
        })
    }

    /// The active rulesets of an organisation, whole. None when the token may not see them.
    pub fn organisation_rulesets(&self, organisation: &str) -> Result<Option<Vec<Value>>, ForgeError> {
        let all = path(&["orgs", organisation, "rulesets"]);
        let github = self.narrowed(SEE_RULESETS, None);
        let Some(list) = github.list(&format!("{all}?per_page=100"), None)? else { return Ok(None) };
        let call = format!("GET {all}");
        fields::each_must_hold(&call, &list, &[("id", FieldType::Number), ("enforcement", FieldType::Text)])?;
        let active = list
            .iter()
            .filter(|item| item["enforcement"] == "active" && matches!(item["target"].as_str(), None | Some("branch")));
        let ids: Vec<u64> = active.filter_map(|item| item["id"].as_u64()).collect();
        let read = at_once(ids, |id| github.find(format!("{all}/{id}")));
        let found: Result<Vec<Value>, ForgeError> =
            read.into_values().filter_map(|one| one.map(|one| one.map(|answer| answer.body)).transpose()).collect();
        let found = found?;
        fields::each_must_hold(&call, &found, &[("enforcement", FieldType::Text), ("rules", FieldType::List)])?;
        Ok(Some(found))
    }

    /// The names of the organisation's custom properties. None when the token may not see them.
    pub fn organisation_properties(&self, organisation: &str) -> Result<Option<Vec<String>>, ForgeError> {
        let path = path(&["orgs", organisation, "properties", "schema"]);
        let list = self.narrowed(SEE_PROPERTIES, None).list(&path, None)?;
        let name = |item: &Value| fields::text(&format!("GET {path}"), item, "property_name");
        list.map(|list| list.iter().map(name).collect()).transpose()
    }

    /// Who asks.
    pub fn asker(&self) -> Result<Asker, ForgeError> {
        let Session { sender, auth, .. } = &*self.session;
        if let Some(granted) = auth.granted(&self.scope.owner, sender)? {
            return Ok(Asker { login: None, kind: "GitHub App", scopes: None, permissions: Some(granted) });
        }
        let kind = match auth.identity() {
            Identity::Token(token) => kind(token.expose()),
            Identity::App { .. } => "GitHub App",
        };
        let call = Call::get("/user");
        match self.call(&call) {
            Ok(answer) => {
                let login = Some(fields::text(&call.words(), &answer.body, "login")?);
                let words = |text: &str| {
                    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
                };
                Ok(Asker { login, kind, scopes: answer.head.scopes.as_deref().map(words), permissions: None })
            }
            // An installation's token is nobody's.
            Err(error) if error.status() == Some(403) => {
                Ok(Asker { login: None, kind, scopes: None, permissions: None })
            }
            Err(error) => Err(error),
        }
    }
}

/// The value of a thread, which passes on its panic.
fn ended<T>(joined: thread::Result<T>) -> T {
    joined.unwrap_or_else(|panic| resume_unwind(panic))
}

/// The prefix of a token shows its kind
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>).
fn kind(token: &str) -> &'static str {
    match token.get(..4).unwrap_or_default() {
        "ghp_" => "classic token",
        "gho_" => "token of `gh` or another OAuth app",
        "ghs_" => "token of a GitHub App's installation",
        "ghu_" => "token of a GitHub App for a user",
        _ if token.starts_with("github_pat_") => "fine-grained token",
        _ => "token",
    }
}
