//! One call of GitHub's REST API, and its answer, as values.

use serde_json::Value;

use crate::model::repository::RepositorySlug;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something: twice is two things.
    Post,
    /// Sets something: twice is once.
    Put,
    /// Changes something: twice is once.
    Patch,
    /// Removes something: twice is once.
    Delete,
}

impl Method {
    /// The word that HTTP has for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes anything.
    pub fn writes(self) -> bool {
        self != Self::Get
    }
}

/// The path of GraphQL, which lies beside that of the REST API.
pub const GRAPHQL: &str = "/graphql";

/// A call: what `--dry-run` prints and what is sent are the same value.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What it does.
    pub method: Method,
    /// Below the API's base, beginning with `/`, with its query.
    pub path: String,
    /// The JSON body.
    pub body: Option<Value>,
}

impl Call {
    /// A call that reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), body: None }
    }

    /// A call with a body.
    pub fn with(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body: Some(body) }
    }

    /// A call that writes and says all by its path.
    pub fn bare(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None }
    }

    /// Method and path, for messages.
    pub fn words(&self) -> String {
        format!("{} {}", self.method.word(), self.path)
    }
}

/// A path below a repository.
pub fn below(target: &RepositorySlug, words: &[&str]) -> String {
    path(&[&["repos", target.owner.as_str(), target.name.as_str()], words].concat())
}

/// A path of these words, each encoded so that it stays one word.
pub fn path(words: &[&str]) -> String {
    let mut path = String::new();
    for word in words {
        path.push('/');
        for byte in word.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
                _ => path.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    path
}

/// The useful headers of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// `X-GitHub-Request-Id`
    pub request: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// `X-RateLimit-Remaining`
    pub remaining: Option<u64>,
    /// `X-RateLimit-Reset`, in seconds since 1970.
    pub reset: Option<u64>,
    /// The URL that `Link` calls `next`.
    pub next: Option<String>,
    /// `Location`
    pub location: Option<String>,
    /// `X-Accepted-GitHub-Permissions`
    pub permissions: Option<String>,
    /// `X-OAuth-Scopes`: what a classic token may do.
    pub scopes: Option<String>,
    /// `X-Accepted-OAuth-Scopes`
    pub accepted_scopes: Option<String>,
    /// `X-GitHub-SSO`
    pub sso: Option<String>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub head: ResponseHead,
    /// Its body; `null` when there is none, or when it cannot be read.
    pub body: Value,
    /// Why the body cannot be read: then the answer means nothing.
    pub unread: Option<&'static str>,
}

impl Answer {
    /// Whether it is a yes.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body's `message`, or nothing.
    pub fn message(&self) -> &str {
        self.body.get("message").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The URL that a `Link` header calls `next` (RFC 8288).
pub fn next(link: &str) -> Option<&str> {
    let mut rest = link;
    while let Some((_, after)) = rest.split_once('<') {
        let (url, parameters) = after.split_once('>')?;
        let end = parameters.find('<').unwrap_or(parameters.len());
        let is_next = parameters[..end].split([';', ',']).any(|parameter| {
            parameter.trim().split_once('=').is_some_and(|(key, value)| {
                key.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').split_whitespace().any(|relation| relation == "next")
            })
        });
        if is_next {
            return Some(url);
        }
        rest = &parameters[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word_in_a_path() {
        let target = RepositorySlug { owner: "o".to_owned(), name: "n".to_owned() };
        assert_eq!(below(&target, &["environments", "a/b c?ü%"]), "/repos/o/n/environments/a%2Fb%20c%3F%C3%BC%25");
    }

    #[test]
    fn the_next_page_is_where_the_link_says() {
        let link = r#"<https://h/x?page=1&a=b,c>; rel="prev", <https://h/x?page=3>; rel="next last""#;
        assert_eq!(next(link), Some("https://h/x?page=3"));
        assert_eq!(next(r#"<https://h/x?page=1>; rel="first""#), None);
        for odd in ["", "<", "<a", "next", "<a>;rel", "<a>; rel=next"] {
            let _ = next(odd);
        }
        assert_eq!(next("<a>; rel=next"), Some("a"));
    }
}
