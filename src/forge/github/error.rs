//! What GitHub refuses, and why it could not be asked.

use serde_json::Value;

use super::call::{Answer, Call};
use crate::error::{Blame, Fault};
use crate::net::{Interrupted, Trouble, printable};

/// GitHub could not be asked, or said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// There is no token.
    #[error("GitHub wants to know who asks, and there is no token")]
    NoToken,
    /// The token of the workflow itself can do nothing outside its own repository.
    #[error(
        "the `GITHUB_TOKEN` of a workflow reaches its own repository only: it can neither make a repository nor set one up"
    )]
    OwnToken,
    /// The key of the GitHub App cannot be used.
    #[error("the key of the GitHub App in `APISCAFFOLD_APP_KEY` cannot be used: {reason}")]
    AppKey {
        /// Why not; never the key.
        reason: String,
    },
    /// The app may not act for this owner.
    #[error("the GitHub App `{app}` is not installed for `{owner}`")]
    NotInstalled {
        /// The app's id.
        app: String,
        /// Organisation or user.
        owner: String,
    },
    /// An address of the environment cannot be used.
    #[error("`{variable}` is `{}`: {reason}", value.escape_debug())]
    Address {
        /// The variable.
        variable: &'static str,
        /// Its value, without what may be a secret.
        value: String,
        /// Why not.
        reason: &'static str,
    },
    /// Nothing came back.
    #[error("GitHub cannot be reached for `{call}`")]
    Unreached {
        /// Method and path.
        call: String,
        /// Why not.
        #[source]
        trouble: Trouble,
    },
    /// GitHub said no.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// GitHub wants a longer pause than a person waits for.
    #[error("GitHub takes no more requests for {} minutes (`{call}`)", seconds.div_ceil(60))]
    Limited {
        /// Method and path.
        call: String,
        /// Until when, from now.
        seconds: u64,
    },
    /// Whether the call took effect is not known, and looking did not tell.
    #[error("GitHub did not say whether `{call}` took effect: {why}")]
    Unclear {
        /// Method and path.
        call: String,
        /// What was seen instead of an answer.
        why: String,
    },
    /// An answer that does not fit GitHub's own description.
    #[error("GitHub's answer to `{call}` cannot be understood: {why}")]
    Strange {
        /// Method and path.
        call: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is a repository of this name, and it is not ours.
    #[error("`{page}` exists already and is left as it is: {why}")]
    Foreign {
        /// Its page.
        page: String,
        /// Why it is not ours.
        why: String,
    },
    /// There is nobody of this name.
    #[error("GitHub knows nobody called `{}`", name.escape_debug())]
    NoOwner {
        /// The name.
        name: String,
    },
    /// Repositories of a user are made by that user alone.
    #[error("`{owner}` is a user, and only with a token of `{owner}` can repositories be made there")]
    NotYours {
        /// The user.
        owner: String,
    },
    /// Only an enterprise has internal repositories.
    #[error("`{owner}` is a user, and only organisations have internal repositories")]
    NotInternal {
        /// The user.
        owner: String,
    },
    /// The network is not to be used.
    #[error("GitHub cannot be asked with `--offline`")]
    Offline,
    /// The repository that a record speaks of is gone.
    #[error(
        "the registry has an active record of `{page}`, and there is no such repository, or the token may not see it"
    )]
    Gone {
        /// Its page.
        page: String,
    },
    /// A team is not there.
    #[error("`{organisation}` has no team `{slug}`, or the token may not see it")]
    NoTeam {
        /// The organisation.
        organisation: String,
        /// The team's slug.
        slug: String,
    },
    /// What it belongs to could not be made.
    #[error("environment `{name}` is not there")]
    NoEnvironment {
        /// The environment.
        name: String,
    },
    /// A secret has no value.
    #[error("it has no value")]
    NoValue {
        /// The variable that would hold it.
        variable: String,
    },
    /// After writing, the setting is not what was written.
    #[error("it was written, but GitHub shows something else: {0}")]
    Differs(String),
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// GitHub said no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Method and path.
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// GitHub's words, and the details it gives.
    pub message: String,
    /// What the token would need.
    pub needed: Option<String>,
    /// The page on which the token can be let in.
    pub sso: Option<String>,
    /// The number to give to GitHub's support.
    pub request: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitHub answered {} to `{}`", self.status, self.call)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request {
            Some(request) => write!(f, " (request {request})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// What an answer says.
    pub(super) fn of(call: &Call, answer: &Answer) -> Self {
        let head = &answer.head;
        let scopes = head.accepted_scopes.as_ref().filter(|scopes| !scopes.trim().is_empty());
        let needed = head.permissions.clone().or_else(|| scopes.map(|scopes| format!("one of the scopes {scopes}")));
        let sso = head.sso.as_deref().and_then(|sso| sso.split_once("url=")).map(|(_, url)| printable(url));
        Self {
            call: call.words(),
            status: answer.status,
            message: words(&answer.body),
            needed: needed.map(|needed| printable(&needed)),
            sso,
            request: head.request.as_deref().map(printable),
        }
    }

    /// Whether something of this name is there already.
    pub(super) fn is_taken(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.status, 409 | 422) && (message.contains("already exists") || message.contains("already_exists"))
    }
}

/// `message` and `errors` of a body: `errors` holds objects or plain texts.
fn words(body: &Value) -> String {
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let mut words = vec![message.trim_end_matches('.').to_owned()];
    let errors = body.get("errors");
    let listed = errors.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for error in listed.iter().chain(errors.filter(|errors| errors.is_string())) {
        words.push(detail(error));
    }
    words.retain(|word| !word.is_empty());
    printable(&words.join(": "))
}

fn detail(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let place = [text("resource"), text("field")].into_iter().flatten().collect::<Vec<_>>().join(".");
    match (error.as_str(), text("message"), text("code")) {
        (Some(plain), ..) => plain.to_owned(),
        (_, Some(message), _) if place.is_empty() => message.to_owned(),
        (_, Some(message), _) => format!("{place}: {message}"),
        (.., Some(code)) => format!("{place}: {code}"),
        _ => error.to_string(),
    }
}

impl ForgeError {
    /// Whether the call may have taken effect without an answer.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Unclear { .. })
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// Whether something of this name is there already.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_taken())
    }

    /// Whether no other call can do better: nobody is let in, nothing is reached, or the user has had enough.
    pub fn ends_all(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status == 401,
            Self::Unreached { .. } | Self::Limited { .. } | Self::Interrupted(_) => true,
            _ => false,
        }
    }
}

impl Blame for ForgeError {
    fn fault(&self) -> Fault {
        match self {
            Self::NoToken | Self::OwnToken | Self::AppKey { .. } | Self::NotInstalled { .. } => Fault::Permission,
            Self::NotYours { .. } => Fault::Permission,
            Self::Foreign { .. } | Self::Gone { .. } => Fault::Conflict,
            Self::NotInternal { .. }
            | Self::Offline
            | Self::NoOwner { .. }
            | Self::Address { .. }
            | Self::NoTeam { .. }
            | Self::NoValue { .. } => Fault::Input,
            Self::Refused(refusal) => match refusal.status {
                401 | 403 | 404 => Fault::Permission,
                409 => Fault::Conflict,
                400 | 422 => Fault::Template,
                _ => Fault::Environment,
            },
            Self::Interrupted(_) => Fault::Interrupted,
            Self::Unreached { .. }
            | Self::Limited { .. }
            | Self::Unclear { .. }
            | Self::Strange { .. }
            | Self::NoEnvironment { .. }
            | Self::Differs(_) => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoToken => "set `GH_TOKEN`, run `gh auth login`, or set `APISCAFFOLD_APP_ID` and `APISCAFFOLD_APP_KEY`".to_owned(),
            Self::OwnToken => "make a token of a GitHub App in the workflow and pass it as `GH_TOKEN`, or pass the App as `APISCAFFOLD_APP_ID` and `APISCAFFOLD_APP_KEY`".to_owned(),
            Self::AppKey { .. } => "give the PEM text of the App's private key, or the path of the file that holds it".to_owned(),
            Self::NotInstalled { owner, .. } => format!("an owner of `{owner}` can install it, on the App's page on GitHub"),
            Self::Address { .. } => "leave it out for github.com; `https://HOST/api/v3` is the API of a GitHub Enterprise Server".to_owned(),
            Self::Unreached { trouble, .. } => return trouble.hint(),
            Self::Refused(refusal) => return refusal.hint(),
            Self::Limited { .. } => "run the same command again then".to_owned(),
            Self::Unclear { .. } | Self::Differs(_) => "run the same command again: it looks first".to_owned(),
            Self::Foreign { .. } => "choose another name; or rename or remove that repository if nobody needs it, and run the same command again".to_owned(),
            Self::NotYours { .. } => "name an organisation with `--owner`, or use a token of that user".to_owned(),
            Self::NotInternal { .. } => "choose `--visibility private` or `public`".to_owned(),
            Self::Offline => "leave out `--offline` and `APISCAFFOLD_OFFLINE`; or leave out `--owner` for a repository on this machine".to_owned(),
            Self::Gone { .. } => "see what became of it, or choose another name".to_owned(),
            Self::NoOwner { .. } => "check the spelling of `--owner`, the name of an organisation or a user".to_owned(),
            Self::Strange { .. } => "see whether `GITHUB_API_URL` names the API of a GitHub".to_owned(),
            Self::NoTeam { .. } => "make the team, name another one in the answers, or let it be made with `--create-teams`".to_owned(),
            Self::NoValue { variable } => format!("set the variable `{variable}`"),
            Self::NoEnvironment { .. } | Self::Interrupted(_) => return None,
        })
    }
}

impl Refusal {
    fn hint(&self) -> Option<String> {
        if let Some(page) = &self.sso {
            return Some(format!("let the token into the organisation on {page}"));
        }
        let needed = self.needed.as_ref().map(|needed| format!(" (needed: {needed})")).unwrap_or_default();
        match self.status {
            401 => Some(
                "the token is wrong or has expired: give another one in `GH_TOKEN`, or run `gh auth login`".to_owned(),
            ),
            403 if self.message.contains("not accessible by integration") => Some(format!(
                "this token may not do that{needed}; the `GITHUB_TOKEN` of a workflow never may: use a GitHub App's"
            )),
            403 => Some(format!("use a token that may do that{needed}; `apiscaffold doctor` says what yours may")),
            404 => Some(format!("it is not there, or the token may not see it{needed}")),
            400 | 422 => {
                Some("what the template asks for does not fit this repository: its maintainers mend it".to_owned())
            }
            409 => Some("see what is there, then run the same command again".to_owned()),
            _ => Some("run the same command again later; https://www.githubstatus.com says how GitHub is".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(status: u16, body: Value) -> Refusal {
        Refusal::of(&Call::get("/x"), &Answer { status, body, ..Answer::default() })
    }

    #[test]
    fn every_shape_of_error_body_is_told_in_words() {
        let taken = json!({"message": "Repository creation failed.", "errors": [{"resource": "Repository",
            "code": "custom", "field": "name", "message": "name already exists on this account"}]});
        let said = refusal(422, taken);
        assert_eq!(said.message, "Repository creation failed: Repository.name: name already exists on this account");
        assert!(said.is_taken());
        let plain = json!({"message": "Validation Failed", "errors": ["Invalid rule 'x'", {"code": "missing_field", "field": "f"}]});
        assert_eq!(refusal(422, plain).message, "Validation Failed: Invalid rule 'x': f: missing_field");
        assert_eq!(refusal(422, json!({"message": "No", "errors": "all wrong"})).message, "No: all wrong");
        for odd in
            [json!(null), json!("text"), json!([1]), json!({"errors": {"a": 1}}), json!({"errors": [null, 7, []]})]
        {
            let _ = refusal(500, odd).to_string();
        }
        assert!(!refusal(404, json!({"message": "already exists"})).is_taken());
    }

    #[test]
    fn what_was_needed_and_the_request_are_told() {
        let mut answer = Answer {
            status: 403,
            body: json!({"message": "Resource not accessible by integration"}),
            ..Answer::default()
        };
        answer.head.permissions = Some("administration=write".to_owned());
        answer.head.request = Some("ABC:1".to_owned());
        let error = ForgeError::from(Box::new(Refusal::of(&Call::get("/orgs/o/repos"), &answer)));
        assert_eq!(
            error.to_string(),
            "GitHub answered 403 to `GET /orgs/o/repos`: Resource not accessible by integration (request ABC:1)"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("administration=write")));
        assert_eq!(error.fault(), Fault::Permission);
        answer.head.sso = Some("required; url=https://github.com/orgs/o/sso?x=1".to_owned());
        let error = ForgeError::from(Box::new(Refusal::of(&Call::get("/orgs/o/repos"), &answer)));
        assert!(error.hint().is_some_and(|hint| hint.ends_with("https://github.com/orgs/o/sso?x=1")));
    }
}
