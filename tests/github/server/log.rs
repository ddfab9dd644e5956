//! What was asked and answered.

use std::time::Instant;

use serde_json::Value;

use super::http::{Answer, Request};

/// One request and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Who says to be asking, and which version of the API is meant.
    pub(crate) agent: String,
    pub(crate) version: String,
    /// The body when it is JSON.
    pub(crate) body: Option<Value>,
    /// Of what was answered; none when the connection was broken off.
    pub(crate) status: Option<u16>,
    pub(crate) began: Instant,
    pub(crate) ended: Option<Instant>,
}

impl Entry {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            agent: request.header("user-agent").to_owned(),
            version: request.header("x-github-api-version").to_owned(),
            body: request.json(),
            status: None,
            began: Instant::now(),
            ended: None,
        }
    }

    pub(super) fn answered(&mut self, answer: &Answer) {
        self.status = Some(answer.status);
    }

    /// Whether it is part of a fetch or a push.
    pub(crate) fn is_git(&self) -> bool {
        self.path.ends_with("/info/refs") || self.path.ends_with("-pack")
    }

    /// Whether it can change something: a push does when it sends its pack.
    pub(crate) fn is_write(&self) -> bool {
        if self.is_git() {
            return self.path.ends_with("git-receive-pack");
        }
        self.method != "GET" && !self.path.ends_with("/access_tokens") && self.path != "/installation/token"
    }

    /// `PUT /repos/…`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// How many requests followed one another: of those that were under way at the same time, one counts.
pub(crate) fn round_trips(entries: &[Entry]) -> usize {
    let mut spans: Vec<(Instant, Instant)> =
        entries.iter().filter_map(|entry| Some((entry.ended?, entry.began))).collect();
    spans.sort();
    let mut free: Option<Instant> = None;
    let mut count = 0;
    for (ended, began) in spans {
        if free.is_none_or(|free| began >= free) {
            count += 1;
            free = Some(ended);
        }
    }
    count
}
