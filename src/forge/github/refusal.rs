//! GitHub's no, in words: the shapes of its error bodies, and what the headers say would help.

use serde_json::Value;

use super::call::{Answer, Call};
use crate::net::printable;

/// The way out for an App that lacks a permission.
pub(super) const GRANT: &str = "add it on the App's page on GitHub, and let the owner accept it";

/// GitHub refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub call: String,
    pub status: u16,
    /// GitHub's words, and the details it gives.
    pub message: String,
    /// What the token would need.
    pub needed: Option<String>,
    /// Permissions that the App lacks and that it would need, in words.
    pub lacking: Option<String>,
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
    /// The content of an answer.
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
            lacking: None,
            sso,
            request: head.request.as_deref().map(printable),
        }
    }

    /// Whether something of this name is there already. Branch patterns of environments say so by 303.
    pub(super) fn is_taken(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        let says = |words: &str| message.contains(words);
        self.status == 303
            || matches!(self.status, 409 | 422)
                && (says("already exists") || says("already_exists") || says("must be unique"))
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

impl Refusal {
    pub(super) fn hint(&self) -> Option<String> {
        if let Some(page) = &self.sso {
            return Some(format!("let the token into the organisation on {page}"));
        }
        if let Some(lacking) = &self.lacking {
            return Some(format!("the GitHub App lacks {lacking}: {GRANT}"));
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
            400 | 422 => Some(
                "the template's settings do not fit this repository: the template's maintainers must fix them"
                    .to_owned(),
            ),
            409 => Some("see what is there, then run the same command again".to_owned()),
            _ => Some("run the same command again later; https://www.githubstatus.com says how GitHub is".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::{Blame as _, Fault};
    use crate::forge::github::error::ForgeError;

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
