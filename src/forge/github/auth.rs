//! Who asks: a token that was given, or a GitHub App that makes itself one an hour at a time.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::call::{Answer, Call, Method, path};
use super::error::ForgeError;
use super::send::{Bearer, Sender};
use crate::model::token::Token;

/// A fresh token is made when the old one has no longer to live than this.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// GitHub takes an app's signature that was made up to ten minutes before; clocks differ.
const SIGNED_FOR: i64 = 9 * 60;
const CLOCKS_DIFFER: i64 = 60;

/// How the user says who asks.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A token, and where it comes from, in words.
    Token(Token, &'static str),
    /// A GitHub App.
    App {
        /// `APISCAFFOLD_APP_ID`
        id: String,
        /// The PEM text of its private key.
        key: Token,
        /// Organisation or user that it is installed for.
        owner: String,
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

/// Who asks, with what is needed to go on asking.
pub(super) struct Auth {
    identity: Identity,
    /// The app's token: made when it is first needed.
    current: Mutex<Option<Lease>>,
}

/// A token of an app's installation.
#[derive(Clone, Debug)]
struct Lease {
    token: Token,
    until: Timestamp,
    permissions: Value,
}

impl Auth {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, current: Mutex::new(None) }
    }

    /// Whether a token that GitHub does not take can be replaced.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.identity, Identity::App { .. })
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The token to send now.
    pub(super) fn token(&self, sender: &Sender) -> Result<Token, ForgeError> {
        match &self.identity {
            Identity::Token(token, _) => Ok(token.clone()),
            Identity::App { .. } => Ok(self.lease(sender)?.token),
        }
    }

    /// What the app may do here, as GitHub lists it: permission → `read`, `write`. None for other tokens.
    pub(super) fn permissions(&self, sender: &Sender) -> Result<Option<Value>, ForgeError> {
        match &self.identity {
            Identity::Token(..) => Ok(None),
            Identity::App { .. } => Ok(Some(self.lease(sender)?.permissions)),
        }
    }

    /// Forgets `refused`, which GitHub does not take any more; another thread may have done so already.
    pub(super) fn renew(&self, refused: &Token) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|lease| lease.token.expose() == refused.expose()) {
            *current = None;
        }
    }

    fn lease(&self, sender: &Sender) -> Result<Lease, ForgeError> {
        let Identity::App { id, key, owner } = &self.identity else { return Err(ForgeError::NoToken) };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        if let Some(lease) =
            current.as_ref().filter(|lease| lease.until.duration_since(now).as_secs() > EARLY.as_secs() as i64)
        {
            return Ok(lease.clone());
        }
        let app = Bearer::App(signed(id, key, now.as_second())?);
        let installation = installation(sender, &app, id, owner)?;
        let call = Call::bare(Method::Post, format!("/app/installations/{installation}/access_tokens"));
        let answer = sender.persist_again(&call, &app)?;
        let lease = lease_of(&answer).ok_or_else(|| strange(&call, "it holds no token"))?;
        Ok(current.insert(lease).clone())
    }
}

fn installation(sender: &Sender, app: &Bearer, id: &str, owner: &str) -> Result<u64, ForgeError> {
    for kind in ["orgs", "users"] {
        let call = Call::get(path(&[kind, owner, "installation"]));
        match sender.persist_again(&call, app) {
            Ok(answer) => return answer.body["id"].as_u64().ok_or_else(|| strange(&call, "it holds no usable `id`")),
            Err(error) if error.status() == Some(404) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ForgeError::NotInstalled { app: id.to_owned(), owner: owner.to_owned() })
}

fn strange(call: &Call, why: &str) -> ForgeError {
    ForgeError::Strange { call: call.words(), why: why.to_owned() }
}

fn lease_of(answer: &Answer) -> Option<Lease> {
    let text = |key: &str| answer.body.get(key).and_then(Value::as_str);
    Some(Lease {
        token: Token::new(text("token")?),
        until: text("expires_at")?.parse().ok()?,
        permissions: answer.body.get("permissions").cloned().unwrap_or_default(),
    })
}

/// The signature by which GitHub knows an app
/// (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>).
fn signed(id: &str, key: &Token, now: i64) -> Result<Token, ForgeError> {
    // The reader's own words may name characters of the key.
    let bad =
        |_: jsonwebtoken::errors::Error| ForgeError::AppKey { reason: "it is no RSA private key in PEM".to_owned() };
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
    fn an_answer_without_a_token_is_no_lease() {
        let answer = |body| Answer { status: 201, body, ..Answer::default() };
        assert!(lease_of(&answer(json!({"token": "t"}))).is_none());
        assert!(lease_of(&answer(json!({"token": "t", "expires_at": "soon"}))).is_none());
        let lease = lease_of(&answer(json!({"token": "t", "expires_at": "2026-01-01T00:00:00Z"}))).expect("a lease");
        assert!(!format!("{lease:?}").contains("\"t\""));
    }
}
