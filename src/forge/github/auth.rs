//! Who asks: a token that was given, or a GitHub App that makes itself tokens, each for one kind of work and at most an hour.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::call::{Answer, Call, Method, below, path};
use super::error::ForgeError;
use super::fields::{self, FieldType};
use super::permissions::{LOOK, Permissions};
use super::retry::{PauseReason, backoff};
use super::send::{Bearer, Sender};
use crate::model::repository::RepositorySlug;
use crate::model::token::Token;

/// A fresh token is made when the old one has no longer to live than this.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// GitHub takes an app's signature that was made up to ten minutes before; clocks differ.
const SIGNED_FOR: i64 = 9 * 60;
const CLOCKS_DIFFER: i64 = 60;

/// The user's credentials.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A token.
    Token(Token),
    /// A GitHub App, which acts for whoever has it installed.
    App {
        /// `APISCAFFOLD_APP_ID`
        id: String,
        /// The PEM text of its private key.
        key: Token,
    },
}

/// The token that `gh auth login` left for a host; none without `gh`, or when nobody is logged in.
pub fn from_gh(host: &str) -> Option<Token> {
    let mut command = Command::new("gh");
    command.args(["auth", "token", "--hostname", host]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let token = text.trim();
    (!token.is_empty()).then(|| Token::new(token))
}

/// What a token is for: an owner, what may be done, and in which repository (none: in all of them). A token that was
/// given is for everything that it may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) owner: String,
    pub(super) permissions: Permissions,
    pub(super) repository: Option<RepositorySlug>,
}

/// Who asks, with what is needed to go on asking.
pub(super) struct Auth {
    identity: Identity,
    installations: Mutex<BTreeMap<String, Installation>>,
    /// The app's tokens: each is made when it is first needed.
    current: Mutex<BTreeMap<Scope, Lease>>,
    /// Tokens that were made and may be good still. Nobody waits for GitHub while holding it.
    made: Mutex<Vec<Token>>,
}

/// An app's installation for an owner.
#[derive(Clone, Debug)]
struct Installation {
    id: u64,
    granted: Permissions,
}

/// A token to send now.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) token: Token,
    /// None for a token that was given.
    until: Option<Timestamp>,
    /// What the scope asks for and the app's installation does not have.
    pub(super) lacking: Permissions,
}

impl Lease {
    /// Whether it can be used for some minutes yet.
    fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until.duration_since(now).as_secs() > EARLY.as_secs() as i64)
    }
}

impl Auth {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, installations: Mutex::default(), current: Mutex::default(), made: Mutex::default() }
    }

    /// Whether a token that GitHub does not take can be replaced.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.identity, Identity::App { .. })
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the app may do for an owner. None for other tokens.
    pub(super) fn granted(&self, owner: &str, sender: &Sender) -> Result<Option<Permissions>, ForgeError> {
        match &self.identity {
            Identity::Token(_) => Ok(None),
            Identity::App { id, key } => Ok(Some(self.installation(&App::new(id, key)?, owner, sender)?.granted)),
        }
    }

    /// The token to send now.
    pub(super) fn lease(&self, scope: &Scope, sender: &Sender) -> Result<Lease, ForgeError> {
        let (id, key) = match &self.identity {
            Identity::Token(token) => {
                return Ok(Lease { token: token.clone(), until: None, lacking: Permissions::default() });
            }
            Identity::App { id, key } => (id, key),
        };
        // One thread makes the token that others wait for.
        let mut current = lock(&self.current);
        if let Some(lease) = current.get(scope).filter(|lease| lease.is_good(Timestamp::now())) {
            return Ok(lease.clone());
        }
        let app = App::new(id, key)?;
        let installation = self.installation(&app, &scope.owner, sender)?;
        let lease = app.lease(scope, &installation, sender)?;
        lock(&self.made).push(lease.token.clone());
        current.insert(scope.clone(), lease.clone());
        Ok(lease)
    }

    /// Forgets `refused`, which GitHub does not take any more; another thread may have done so already.
    pub(super) fn renew(&self, refused: &Token) {
        let is_other = |token: &Token| token.expose() != refused.expose();
        lock(&self.current).retain(|_, lease| is_other(&lease.token));
        lock(&self.made).retain(is_other);
    }

    /// The tokens that were made and may be good still; from now on it is the caller who has them.
    pub(super) fn give_back(&self) -> Vec<Token> {
        std::mem::take(&mut *lock(&self.made))
    }

    fn installation(&self, app: &App<'_>, owner: &str, sender: &Sender) -> Result<Installation, ForgeError> {
        let mut installations = lock(&self.installations);
        if let Some(known) = installations.get(owner) {
            return Ok(known.clone());
        }
        let installation = app.installation(owner, sender)?;
        installations.insert(owner.to_owned(), installation.clone());
        Ok(installation)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an app asks in its own name.
struct App<'a> {
    id: &'a str,
    bearer: Bearer,
}

impl<'a> App<'a> {
    fn new(id: &'a str, key: &Token) -> Result<Self, ForgeError> {
        Ok(Self { id, bearer: Bearer::App(signed(id, key, Timestamp::now().as_second())?) })
    }

    fn installation(&self, owner: &str, sender: &Sender) -> Result<Installation, ForgeError> {
        for kind in ["orgs", "users"] {
            let call = Call::get(path(&[kind, owner, "installation"]));
            match sender.persist_again(&call, &self.bearer) {
                Ok(answer) => {
                    fields::must_hold(
                        &call.words(),
                        &answer.body,
                        &[("id", FieldType::Number), ("permissions", FieldType::Map)],
                    )?;
                    let id = answer.body["id"].as_u64().unwrap_or_default();
                    return Ok(Installation { id, granted: Permissions::granted(&answer.body["permissions"]) });
                }
                Err(error) if error.status() == Some(404) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ForgeError::NotInstalled { app: self.id.to_owned(), owner: owner.to_owned() })
    }

    /// A token for as much of the scope as the installation may do. A repository that GitHub does not know by this name,
    /// since it was made or renamed a moment ago, is waited for as long as it may settle; then the token is for all
    /// repositories, and only its permissions are narrow. GitHub's description does not name all permissions that
    /// installations have (`actions_variables`): where one is refused for that, the token has all of them.
    fn lease(&self, scope: &Scope, installation: &Installation, sender: &Sender) -> Result<Lease, ForgeError> {
        let mut permissions = scope.permissions.within(&installation.granted);
        if permissions.is_empty() {
            // Who asks for nothing may get everything.
            permissions = LOOK.into();
        }
        let mut named = scope.repository.as_ref();
        let mut attempt = 0;
        let mut is_narrow = true;
        loop {
            let mut body = if is_narrow { json!({"permissions": permissions.body()}) } else { json!({}) };
            if let Some(target) = named {
                body["repositories"] = json!([target.name]);
            }
            let path = format!("/app/installations/{}/access_tokens", installation.id);
            let call = Call::with(Method::Post, path, body);
            let error = match sender.persist_again(&call, &self.bearer) {
                Ok(answer) => {
                    let (token, until) = token_of(&answer).ok_or_else(|| strange(&call, "it holds no token"))?;
                    let lacking = scope.permissions.lacking(&installation.granted);
                    return Ok(Lease { token, until: Some(until), lacking });
                }
                Err(error) => error,
            };
            let ForgeError::Refused(refusal) = &error else { return Err(error) };
            match named {
                _ if refusal.status != 422 => return Err(error),
                // The repository is not there, or not known everywhere yet; a gateway may say so in other words.
                Some(target) => {
                    let is_unknown = refusal.message.contains("repository");
                    let left = if is_unknown { sender.settling(&below(target, &[])) } else { Duration::ZERO };
                    if left.is_zero() {
                        named = None;
                        continue;
                    }
                    sender.pause(backoff(attempt, fastrand::f64()).min(left), PauseReason::Settling)?;
                    attempt = (attempt + 1).min(3);
                }
                // This GitHub does not know the name of a permission, though the installation lists it.
                None if is_narrow && !refusal.message.contains("not granted") => {
                    is_narrow = false;
                    named = scope.repository.as_ref();
                }
                // What the installation may do was changed a moment ago.
                None => return Err(ForgeError::not_granted(self.id, &scope.owner, &permissions)),
            }
        }
    }
}

fn strange(call: &Call, why: &str) -> ForgeError {
    ForgeError::Strange { call: call.words(), why: why.to_owned() }
}

fn token_of(answer: &Answer) -> Option<(Token, Timestamp)> {
    let text = |key: &str| answer.body.get(key).and_then(Value::as_str);
    Some((Token::new(text("token")?), text("expires_at")?.parse().ok()?))
}

/// The signature by which GitHub knows an app
/// (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>).
fn signed(id: &str, key: &Token, now: i64) -> Result<Token, ForgeError> {
    // The reader's own words may name characters of the key.
    let bad = |_: jsonwebtoken::errors::Error| ForgeError::AppKey {
        reason: "it is not an RSA private key in PEM".to_owned(),
    };
    // Line ends are often lost on the way through a variable.
    let pem = key.expose().replace("\\n", "\n");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(bad)?;
    let claims = json!({"iat": now - CLOCKS_DIFFER, "exp": now + SIGNED_FOR, "iss": id});
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map(Token::new).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_none_is_told_without_showing_it() {
        let error = signed("1", &Token::new("-----BEGIN s3cret"), 0).expect_err("no key");
        assert!(matches!(error, ForgeError::AppKey { .. }));
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn an_answer_without_a_token_is_no_token() {
        let answer = |body| Answer { status: 201, body, ..Answer::default() };
        assert!(token_of(&answer(json!({"token": "t"}))).is_none());
        assert!(token_of(&answer(json!({"token": "t", "expires_at": "soon"}))).is_none());
        let token = token_of(&answer(json!({"token": "t", "expires_at": "2026-01-01T00:00:00Z"})));
        assert!(!format!("{:?}", token.expect("a token")).contains("\"t\""));
    }
}
