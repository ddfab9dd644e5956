//! Sending: one call to one answer, again and again where that is right.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::blocking::{Client as Http, RequestBuilder};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method as HttpMethod, Url};
use serde_json::Value;

use super::call::{Answer, Call, GRAPHQL, Method, ResponseHead, next};
use super::error::ForgeError;
use super::pace::Pace;
use super::refusal::Refusal;
use super::retry::{Around, Met, Next, PauseReason, Tries};
use crate::model::token::Token;
use crate::net::{self, Interrupt, Limits, Trouble};

/// GitHub keeps this version until March 2028 and its Enterprise Servers know no other.
const API_VERSION: &str = "2022-11-28";
const USER_AGENT: &str = concat!("apiscaffold/", env!("CARGO_PKG_VERSION"));
const MOST_REDIRECTS: usize = 5;
/// The longest answer that is read. GitHub's largest pages are far below.
const MOST_BYTES: usize = 32 << 20;

/// Hears of pauses: why, and how much is left.
pub type Listener = Arc<dyn Fn(PauseReason, Duration) + Send + Sync>;

/// What a request is signed with.
pub(super) enum Bearer {
    Token(Token),
    App(Token),
}

/// How requests are sent.
pub(super) struct Sender {
    http: Http,
    base: Url,
    limits: Limits,
    patience: Duration,
    interrupt: Interrupt,
    listener: Listener,
    pace: Mutex<Pace>,
    begun: Instant,
    /// The paths of repositories made by this run, and until when each may be unknown here and there.
    settling: Mutex<BTreeMap<String, Instant>>,
}

/// What a sender is made from.
#[derive(Clone)]
pub struct SessionOptions {
    /// Time-outs of one request.
    pub limits: Limits,
    /// The longest pause that is waited for when GitHub asks for one.
    pub patience: Duration,
    pub interrupt: Interrupt,
    /// Hears of pauses.
    pub listener: Listener,
}

impl fmt::Debug for SessionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOptions")
            .field("limits", &self.limits)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender to the API at `base`.
    pub(super) fn new(base: Url, manner: SessionOptions) -> Result<Self, ForgeError> {
        // Redirects are followed here: only within this server, and never as another method.
        let built = net::http(manner.limits).user_agent(USER_AGENT).redirect(Policy::none()).build();
        let host = base.host_str().unwrap_or_default();
        let unreached = |error| ForgeError::Unreached { call: base.to_string(), trouble: Trouble::of(error, host, 0) };
        let http = built.map_err(unreached)?;
        let SessionOptions { limits, patience, interrupt, listener } = manner;
        let (pace, settling, begun) = (Mutex::default(), Mutex::default(), Instant::now());
        Ok(Self { http, base, limits, patience, interrupt, listener, pace, begun, settling })
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Until `time` from now, 404 and 409 below `path` may only mean that not all of GitHub knows the repository yet.
    pub(super) fn settle(&self, path: &str, time: Duration) {
        lock(&self.settling).insert(path.to_lowercase(), Instant::now() + time);
    }

    /// For how long yet that is so.
    pub(super) fn settling(&self, path: &str) -> Duration {
        let path = path.to_lowercase();
        let is_below =
            |above: &str| path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        let settling = lock(&self.settling);
        let until = settling.iter().find(|(above, _)| is_below(above)).map(|(_, until)| *until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits, telling why. A pause that GitHub wants is kept by every request of the run.
    pub(super) fn pause(&self, time: Duration, why: PauseReason) -> Result<(), ForgeError> {
        if why == PauseReason::Limit {
            lock(&self.pace).slow_down(self.begun.elapsed(), time);
        }
        self.sleep(time, why)
    }

    fn sleep(&self, time: Duration, why: PauseReason) -> Result<(), ForgeError> {
        Ok(self.interrupt.sleep(time, &|left| (self.listener)(why, left))?)
    }

    /// What a call waits for at `now`, counted from the begin of the run.
    pub(super) fn turn(&self, method: Method, now: Duration) -> Option<(Duration, PauseReason)> {
        lock(&self.pace).turn(method, now)
    }

    /// Waits until this call may be sent. A token is no content: what an app asks for itself keeps GitHub's pauses alone.
    fn wait_for_turn(&self, call: &Call, bearer: &Bearer) -> Result<(), ForgeError> {
        let method = if matches!(bearer, Bearer::App(_)) { Method::Get } else { call.method };
        loop {
            let turn = self.turn(method, self.begun.elapsed());
            let Some((wait, why)) = turn else { return Ok(()) };
            self.sleep(wait, why)?;
        }
    }

    /// Sends a call until there is an answer to go on with. Says so when the token should be renewed.
    pub(super) fn persist(
        &self,
        call: &Call,
        bearer: &Bearer,
        manner: Persist<'_>,
    ) -> Result<Option<Answer>, ForgeError> {
        let method = if manner.harmless { Method::Put } else { call.method };
        loop {
            self.wait_for_turn(call, bearer)?;
            self.interrupt.check()?;
            let met = self.send(call, bearer)?;
            let next = manner.tries.next(
                method,
                match &met {
                    Ok(answer) => Met::Answer(answer),
                    Err(trouble) => Met::Trouble(trouble),
                },
                Around {
                    now: u64::try_from(Timestamp::now().as_second()).unwrap_or_default(),
                    dice: fastrand::f64(),
                    settling: if manner.is_there { self.settling(&call.path) } else { Duration::ZERO },
                    renewable: manner.renewable,
                    patience: self.patience,
                },
            );
            match next {
                Next::Take => return judge(call, method, met).map(Some),
                Next::Renew => return Ok(None),
                Next::GiveUp(pause) => {
                    return Err(ForgeError::Limited { call: call.words(), seconds: pause.as_secs() });
                }
                Next::Again { after, why } => self.pause(after, why)?,
            }
        }
    }

    /// Sends a call that does no harm when it is sent twice, as an app.
    pub(super) fn persist_again(&self, call: &Call, bearer: &Bearer) -> Result<Answer, ForgeError> {
        let mut tries = Tries::default();
        let manner = Persist { tries: &mut tries, is_there: false, renewable: false, harmless: true };
        // Without a way to renew it there is an answer.
        let answer = self.persist(call, bearer, manner)?;
        answer.ok_or_else(|| ForgeError::Strange { call: call.words(), why: "it asks for another token".to_owned() })
    }

    /// One attempt; the inner result is what was met.
    fn send(&self, call: &Call, bearer: &Bearer) -> Result<Result<Answer, Trouble>, ForgeError> {
        let mut url = self.url(&call.path)?;
        for _ in 0..=MOST_REDIRECTS {
            let answer = match self.send_to(url.clone(), call, bearer)? {
                Ok(answer) => answer,
                Err(trouble) => return Ok(Err(trouble)),
            };
            let keeps_method = matches!(answer.status, 307 | 308) || call.method == Method::Get;
            if !matches!(answer.status, 301 | 302 | 307 | 308) || !keeps_method {
                return Ok(Ok(answer));
            }
            let target = answer.head.location.as_deref().and_then(|location| url.join(location).ok());
            match target.filter(|target| target.origin() == self.base.origin()) {
                Some(target) => url = target,
                None => return Ok(Err(Trouble::Redirect)),
            }
        }
        Ok(Err(Trouble::Redirect))
    }

    fn send_to(&self, url: Url, call: &Call, bearer: &Bearer) -> Result<Result<Answer, Trouble>, ForgeError> {
        let request = self.request(url, call, bearer)?;
        let received = self.interrupt.race(move || {
            let answer = request.send()?;
            let (status, head) = (answer.status().as_u16(), head(answer.headers()));
            let bytes = answer.bytes()?;
            Ok((status, head, bytes))
        })?;
        Ok(match received {
            Ok((status, head, bytes)) => Ok(read(status, head, &bytes)),
            Err(error) => Err(self.trouble(error)),
        })
    }

    fn request(&self, url: Url, call: &Call, bearer: &Bearer) -> Result<RequestBuilder, ForgeError> {
        let method = HttpMethod::from_bytes(call.method.word().as_bytes()).unwrap_or(HttpMethod::GET);
        let mut request = self.http.request(method, url).header(ACCEPT, "application/vnd.github+json");
        request = request.header("X-GitHub-Api-Version", API_VERSION);
        let (Bearer::Token(token) | Bearer::App(token)) = bearer;
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| ForgeError::NoToken)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
        // An empty body needs a length too: GitHub requires it for PUT.
        Ok(match &call.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            None if call.method.writes() => request.body(Vec::new()).header(CONTENT_LENGTH, "0"),
            None => request,
        })
    }

    /// Gives up a token, by one try until `end` that neither Ctrl-C nor the pace holds up. Says whether GitHub took it.
    pub(super) fn revoke(&self, token: &Token, end: Instant) -> bool {
        let call = Call::bare(Method::Delete, "/installation/token");
        let request = self.url(&call.path).and_then(|url| self.request(url, &call, &Bearer::Token(token.clone())));
        let left = end.saturating_duration_since(Instant::now());
        let sent = request.ok().filter(|_| !left.is_zero()).map(|request| request.timeout(left).send());
        sent.is_some_and(|sent| sent.is_ok_and(|answer| answer.status().is_success()))
    }

    fn trouble(&self, error: reqwest::Error) -> Trouble {
        let limit = if error.is_connect() { self.limits.connect } else { self.limits.answer };
        Trouble::of(error, self.base.host_str().unwrap_or_default(), limit.as_secs())
    }

    /// A path below the base, or a whole URL that GitHub gave for this server.
    fn url(&self, path: &str) -> Result<Url, ForgeError> {
        let strange = || ForgeError::Strange { call: format!("GET {path}"), why: "it leads elsewhere".to_owned() };
        if path.starts_with('/') {
            let base = self.base.as_str().trim_end_matches('/');
            let base = if path == GRAPHQL { base.strip_suffix("/v3").unwrap_or(base) } else { base };
            return Url::parse(&format!("{base}{path}")).map_err(|_| strange());
        }
        let url = Url::parse(path).map_err(|_| strange())?;
        if url.origin() == self.base.origin() { Ok(url) } else { Err(strange()) }
    }
}

/// How one call is persisted with.
pub(super) struct Persist<'p> {
    pub(super) tries: &'p mut Tries,
    /// Whether 404 can only mean that the repository is new.
    pub(super) is_there: bool,
    pub(super) renewable: bool,
    /// Whether a POST does no harm when it is sent twice.
    pub(super) harmless: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 204 alone has no body; every other answer of GitHub is JSON.
fn read(status: u16, head: ResponseHead, bytes: &[u8]) -> Answer {
    let body: Result<Value, &'static str> = match bytes {
        [] if status == 204 => Ok(Value::Null),
        [] => Err("it is empty"),
        _ if bytes.len() > MOST_BYTES => Err("it is longer than 32 MiB"),
        _ if bytes.trim_ascii_start().starts_with(b"<") => Err("it is a web page, not JSON"),
        _ => serde_json::from_slice(bytes).map_err(|_| "it is not JSON, or a part of it is missing"),
    };
    let unread = body.as_ref().err().copied();
    Answer { status, head, body: body.unwrap_or_default(), unread }
}

fn head(headers: &HeaderMap) -> ResponseHead {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let number = |name: &str| text(name).and_then(|text| text.trim().parse().ok());
    ResponseHead {
        request: text("x-github-request-id"),
        retry_after: number("retry-after"),
        remaining: number("x-ratelimit-remaining"),
        reset: number("x-ratelimit-reset"),
        next: text("link").as_deref().and_then(next).map(str::to_owned),
        location: text("location"),
        permissions: text("x-accepted-github-permissions"),
        scopes: text("x-oauth-scopes"),
        accepted_scopes: text("x-accepted-oauth-scopes"),
        sso: text("x-github-sso"),
    }
}

/// The last word on a call. What cannot be read is neither a yes nor, where "not there" would be believed, a no.
fn judge(call: &Call, method: Method, met: Result<Answer, Trouble>) -> Result<Answer, ForgeError> {
    let post = method == Method::Post;
    let strange = |why: &str| ForgeError::Strange { call: call.words(), why: why.to_owned() };
    match met {
        Ok(Answer { unread: Some(why), status: 200..=299 | 404 | 409, .. }) => Err(strange(why)),
        Ok(answer) if matches!(answer.status, 404 | 409) && answer.message().is_empty() => {
            Err(strange("it says no without a message"))
        }
        Ok(answer) if answer.is_success() => Ok(answer),
        Ok(answer) if post && (answer.status >= 500 || answer.status == 408) => {
            let why = Refusal::of(call, &answer).to_string();
            Err(ForgeError::Unclear { call: call.words(), why })
        }
        Ok(answer) => Err(Box::new(Refusal::of(call, &answer)).into()),
        Err(trouble) if post && !trouble.is_before_sending() => {
            Err(ForgeError::Unclear { call: call.words(), why: trouble.to_string() })
        }
        Err(trouble) => Err(ForgeError::Unreached { call: call.words(), trouble }),
    }
}
