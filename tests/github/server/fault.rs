//! What shall go wrong, and when.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::http::{Answer, Request};

/// Which requests a fault strikes.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// The one with this number, counted from 1 since the server was started or the log was taken.
    Nth(usize),
    /// Those with this method (`*`: every one) whose path contains this text.
    Call(&'static str, String),
    /// Those with this method and this path.
    Exact(&'static str, String),
    /// Those that are for a repository that was created a moment ago.
    AfterCreation,
}

/// On which side of the request's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// What happens instead of the answer.
#[derive(Clone, Debug)]
pub(crate) enum Harm {
    /// Another answer.
    Answer(Answer),
    /// The connection is reset.
    Reset,
    /// Nothing is said until the client goes away.
    Silence,
    /// Nobody listens for this long, from the end of this request on; it is answered.
    Closed(Duration),
    /// The token that the request carries is valid no longer, from before this request on.
    Expire,
    /// A hook refuses what is pushed, with these words.
    Hook(String),
    /// The test is told, and nothing is answered: what it does meanwhile is up to it.
    Tell(Teller),
}

/// The server's end of a talk with the test: the test does what it wants at a request, then lets the server go on.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    reached: Sender<Sender<()>>,
}

impl Teller {
    /// A teller, and the test's end: it receives a sender when the request is reached, and lets go by dropping it.
    pub(crate) fn new() -> (Self, Receiver<Sender<()>>) {
        let (reached, arrivals) = channel();
        (Self { reached }, arrivals)
    }

    /// Tells the test and waits until it lets go.
    pub(super) fn tell(&self) {
        let (go, wait) = channel::<()>();
        if self.reached.send(go).is_ok() {
            // An error says that the sender was dropped: the sign to go on.
            let _ = wait.recv();
        }
    }
}

/// One fault.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    when: When,
    side: Side,
    harm: Harm,
    /// How often it still strikes.
    left: usize,
    /// After which it strikes no longer.
    end: Option<Instant>,
}

impl Fault {
    /// Strikes once, before the effect.
    pub(crate) fn new(when: When, harm: Harm) -> Self {
        Self { when, side: Side::Before, harm, left: 1, end: None }
    }

    pub(crate) fn side(self, side: Side) -> Self {
        Self { side, ..self }
    }

    pub(crate) fn times(self, left: usize) -> Self {
        Self { left, ..self }
    }

    /// Strikes as often as it can for this long from now.
    pub(crate) fn lasting(self, span: Duration) -> Self {
        Self { left: usize::MAX, end: Some(Instant::now() + span), ..self }
    }
}

/// What is known of a request when its faults are looked for.
pub(super) struct Struck<'r> {
    pub(super) request: &'r Request,
    pub(super) number: usize,
    /// Whether it is for a repository that was created on this server.
    pub(super) on_created: bool,
}

/// The faults still to come.
#[derive(Debug, Default)]
pub(super) struct Plan(Vec<Fault>);

impl Plan {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first fault that strikes this request; it is used up.
    pub(super) fn strike(&mut self, struck: &Struck<'_>) -> Option<(Side, Harm)> {
        let now = Instant::now();
        self.0.retain(|fault| fault.left > 0 && fault.end.is_none_or(|end| now < end));
        let fault = self.0.iter_mut().find(|fault| fault.when.fits(struck))?;
        fault.left -= 1;
        Some((fault.side, fault.harm.clone()))
    }
}

impl When {
    fn fits(&self, struck: &Struck<'_>) -> bool {
        match self {
            Self::Nth(number) => *number == struck.number,
            Self::Call(method, path) => {
                (*method == "*" || struck.request.method == *method) && struck.request.path.contains(path)
            }
            Self::Exact(method, path) => struck.request.method == *method && struck.request.path == *path,
            Self::AfterCreation => struck.on_created,
        }
    }
}

/// Answers that a plan may want, as GitHub words them.
pub(crate) mod answers {
    use super::Answer;

    /// 5xx: a page, not JSON, as its load balancers send it.
    pub(crate) fn broken(status: u16) -> Answer {
        let mut answer = Answer::empty(status).with("Content-Type", "text/html");
        answer.body = b"<html><body>Unicorn</body></html>".to_vec();
        answer
    }

    /// Answers with 200 that no GitHub gives to a call that has a body: a sign-in page, nothing, a part, other JSON.
    pub(crate) fn nonsense() -> Vec<Answer> {
        let with = |kind: &str, body: &str| {
            let mut answer = Answer::empty(200).with("Content-Type", kind);
            answer.body = body.as_bytes().to_vec();
            answer
        };
        vec![
            with("text/html", "<!DOCTYPE html><html><body>Please sign in</body></html>"),
            with("application/json", ""),
            with("application/json", "{\"id\": 1, \"login\": \"nhs\", \"ty"),
            with("application/json", "\"fine\""),
            with("application/json", "{}"),
        ]
    }

    /// The secondary limit, with or without the time to wait.
    pub(crate) fn secondary_limit(status: u16, retry_after: Option<u64>) -> Answer {
        let words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let answer = Answer::error(status, words);
        match retry_after {
            Some(seconds) => answer.with("Retry-After", seconds),
            None => answer,
        }
    }

    /// The primary limit: nothing left until then (seconds since 1970).
    pub(crate) fn primary_limit(reset: i64) -> Answer {
        Answer::error(403, "API rate limit exceeded for user ID 1.")
            .with("X-RateLimit-Limit", 5000)
            .with("X-RateLimit-Remaining", 0)
            .with("X-RateLimit-Reset", reset)
            .with("X-RateLimit-Resource", "core")
    }

    /// A token that is not, or no longer, one.
    pub(crate) fn bad_credentials() -> Answer {
        Answer::error(401, "Bad credentials")
    }
}
