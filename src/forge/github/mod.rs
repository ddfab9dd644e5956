//! GitHub: a client of its REST API that keeps to its pace, looks before it acts, and says what it needs.
//!
//! `call` is a call as a value, `send` and `retry` carry it, `fields` says what an answer must hold, `pace` slows it, `auth`
//! signs it with a token for what `permissions` says that it needs; `repository` makes and judges the repository, `signed`
//! has GitHub make and sign a commit, `setting` knows each setting, `ensure` makes settings so, `rehearsal` says how. Facts
//! about the API are from
//! <https://docs.github.com/en/rest>.

pub mod auth;
pub mod call;
mod ensure;
mod error;
mod fields;
mod holdings;
pub(super) mod observed;
mod pace;
pub mod permissions;
mod pull;
mod refusal;
mod rehearsal;
mod repository;
mod retry;
mod seal;
mod send;
mod server;
mod setting;
mod signed;
pub mod survey;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::model::repository::RepositorySlug;
use crate::model::token::Token;
use crate::net::{Interrupt, Interrupted};
use auth::{Auth, Identity, Lease, Scope};
use call::{Answer, Call, below};
use permissions::{FETCH, LOOK, Needs, PUSH, Permissions};
use retry::Tries;
use send::{Bearer, Persist, Sender};

pub use ensure::{Secrets, SettingOutcome, SettingsRequest};
pub use error::ForgeError;
pub use holdings::ListedRepository;
pub use pull::{NewPull, Pull, PullState, archive_call, pull_call};
pub use refusal::Refusal;
pub use rehearsal::{SettingPreview, as_made, rehearse};
pub use repository::{
    CommitSeen, Content, HostedRepository, Owner, Ownership, Reservation, Unclear, create_call, ownership,
};
pub use retry::PauseReason;
pub use send::{Listener, SessionOptions};
pub use server::Server;
pub use setting::Lower;
pub use signed::HostedCommit;

/// How many reads go at once: far below the 100 that GitHub takes from everybody together.
const READERS: usize = 12;
/// How long the end of a run waits for its tokens to be revoked: they expire by themselves within the hour.
const REVOKED_WITHIN: Duration = Duration::from_secs(3);
/// A listing that is longer is an error: what is on its last page would be believed missing.
const MOST_PAGES: usize = 100;

/// One GitHub for a whole run: one pace, one identity with its tokens, and one list of what was made a moment ago, for all
/// owners.
pub struct Session {
    server: Server,
    sender: Sender,
    auth: Auth,
}

/// A session, as one owner's repositories are worked on with it. Of a GitHub App it sends tokens that may do what its
/// calls need and nothing else, in the one repository that they are about once that is known to be there.
#[derive(Clone)]
pub struct Github {
    session: Arc<Session>,
    scope: Scope,
}

/// Whether a call may be sent again when it is unclear whether it took effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Unless its method makes something.
    ByMethod,
    /// Even then.
    Harmless,
}

impl Session {
    /// A session; nothing is sent yet.
    pub fn new(server: Server, identity: Identity, manner: SessionOptions) -> Result<Self, ForgeError> {
        let sender = Sender::new(server.api.clone(), manner)?;
        Ok(Self { server, sender, auth: Auth::new(identity) })
    }

    /// Revokes the tokens that were made for the run; those that the user gave stay. Says how many were, and how many
    /// were not: these expire by themselves.
    pub fn revoke(&self) -> (usize, usize) {
        let (tokens, end) = (self.auth.give_back(), Instant::now() + REVOKED_WITHIN);
        let done = at_once((0..tokens.len()).collect(), |at: &usize| self.sender.revoke(&tokens[*at], end));
        let revoked = done.values().filter(|done| **done).count();
        (revoked, done.len() - revoked)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Github {
    /// For repositories of `owner`.
    pub fn new(session: Arc<Session>, owner: &str) -> Self {
        let scope = Scope { owner: owner.to_lowercase(), permissions: LOOK.into(), repository: None };
        Self { session, scope }
    }

    /// For calls that need these permissions, in this repository if one is named.
    fn narrowed(&self, permissions: impl Into<Permissions>, repository: Option<&RepositorySlug>) -> Self {
        let scope =
            Scope { owner: self.scope.owner.clone(), permissions: permissions.into(), repository: repository.cloned() };
        Self { session: Arc::clone(&self.session), scope }
    }

    /// Where it is.
    pub fn server(&self) -> &Server {
        &self.session.server
    }

    /// A token for git to fetch from a repository that is there, good for some minutes at least.
    pub fn token_to_fetch(&self, target: &RepositorySlug) -> Result<Token, ForgeError> {
        self.token_for_git(FETCH, target)
    }

    /// The same to push to it.
    pub fn token_to_push(&self, target: &RepositorySlug) -> Result<Token, ForgeError> {
        self.token_for_git(PUSH, target)
    }

    /// Without `contents` git would be told no, and not why. Workflows are not in every push.
    fn token_for_git(&self, needs: Needs, target: &RepositorySlug) -> Result<Token, ForgeError> {
        let lease = self.narrowed(needs, Some(target)).lease()?;
        let lacking = lease.lacking.named_in("contents");
        match self.session.auth.identity() {
            Identity::App { id, .. } if !lacking.is_empty() => {
                Err(ForgeError::not_granted(id, &self.scope.owner, &lacking))
            }
            _ => Ok(lease.token),
        }
    }

    fn lease(&self) -> Result<Lease, ForgeError> {
        self.session.auth.lease(&self.scope, &self.session.sender)
    }

    /// Gives up a token that GitHub refused; says whether the next one will be another.
    pub fn renew(&self, refused: &Token) -> bool {
        self.session.auth.renew(refused);
        self.session.auth.is_renewable()
    }

    /// Ctrl-C, for this client.
    pub fn interrupt(&self) -> &Interrupt {
        self.session.sender.interrupt()
    }

    /// Waits, telling the listener why.
    pub fn pause(&self, time: Duration, why: PauseReason) -> Result<(), ForgeError> {
        self.session.sender.pause(time, why)
    }

    /// For how long yet a new repository may be unknown to parts of GitHub.
    pub fn settling(&self, target: &RepositorySlug) -> Duration {
        self.session.sender.settling(&below(target, &[]))
    }

    /// Makes a call, as often as is right; an answer that is no success is an error.
    pub(crate) fn call(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.carry(call, call.method.writes(), Repeat::ByMethod)
    }

    /// Makes a call that does no harm when it is sent twice.
    fn call_again(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.carry(call, true, Repeat::Harmless)
    }

    /// Reads something that is there, even if a part of GitHub does not know it yet.
    fn there(&self, path: impl Into<String>) -> Result<Answer, ForgeError> {
        self.carry(&Call::get(path), true, Repeat::ByMethod)
    }

    /// Reads something that may be missing.
    fn find(&self, path: impl Into<String>) -> Result<Option<Answer>, ForgeError> {
        match self.carry(&Call::get(path), false, Repeat::ByMethod) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list to its end. `key` names the list in answers that are objects.
    fn list(&self, path: &str, key: Option<&str>) -> Result<Option<Vec<Value>>, ForgeError> {
        let mut items = Vec::new();
        let mut path = path.to_owned();
        for _ in 0..MOST_PAGES {
            let Some(answer) = self.find(path.clone())? else { return Ok(None) };
            let page = key.map_or(Some(&answer.body), |key| answer.body.get(key)).and_then(Value::as_array);
            let why = || ForgeError::Strange { call: format!("GET {path}"), why: "it holds no list".to_owned() };
            items.extend(page.ok_or_else(why)?.iter().cloned());
            match answer.head.next {
                Some(next) => path = next,
                None => return Ok(Some(items)),
            }
        }
        let why = format!("it has more than {MOST_PAGES} pages");
        Err(ForgeError::Strange { call: format!("GET {path}"), why })
    }

    fn carry(&self, call: &Call, is_there: bool, repeat: Repeat) -> Result<Answer, ForgeError> {
        let Session { sender, auth, .. } = &*self.session;
        let mut tries = Tries::default();
        loop {
            let lease = self.lease()?;
            let harmless = repeat == Repeat::Harmless;
            let manner = Persist { tries: &mut tries, is_there, renewable: auth.is_renewable(), harmless };
            match sender.persist(call, &Bearer::Token(lease.token.clone()), manner) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => auth.renew(&lease.token),
                Err(error) => return Err(error.lacking(&lease.lacking)),
            }
        }
    }
}

/// Does `work` for each item at the same time, a dozen at once. Reads only: writes are serial.
fn at_once<K: Ord + Send, V: Send>(items: Vec<K>, work: impl Fn(&K) -> V + Sync) -> BTreeMap<K, V> {
    let queue = Mutex::new(items.into_iter());
    let done = Mutex::new(BTreeMap::new());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        while let Some(item) = next() {
            let value = work(&item);
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(item, value);
        }
    };
    let workers = queue.lock().unwrap_or_else(PoisonError::into_inner).len().min(READERS);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(worker);
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl From<Interrupted> for Box<ForgeError> {
    fn from(interrupted: Interrupted) -> Self {
        Self::new(interrupted.into())
    }
}

#[cfg(test)]
mod tests {
    use call::Method;

    use super::*;
    use crate::net::Limits;

    fn session() -> Arc<Session> {
        let second = Duration::from_secs(1);
        let manner = SessionOptions {
            limits: Limits { connect: second, answer: second },
            patience: second,
            interrupt: Interrupt::default(),
            listener: Arc::new(|_, _| {}),
        };
        let server = Server::new(Some("http://127.0.0.1:9"), None).expect("an address");
        Arc::new(Session::new(server, Identity::Token(Token::new("t")), manner).expect("a session"))
    }

    #[test]
    fn owners_of_one_run_share_its_pace_and_its_pauses() {
        let run = session();
        let (ada, bob) = (Github::new(Arc::clone(&run), "ada"), Github::new(run, "bob"));
        let turn = |github: &Github, method, now| github.session.sender.turn(method, now);
        for write in 0..60 {
            let github = if write % 2 == 0 { &ada } else { &bob };
            assert_eq!(turn(github, Method::Post, Duration::ZERO), None, "{write}");
        }
        let minute = Duration::from_secs(60);
        assert_eq!(turn(&ada, Method::Post, Duration::ZERO), Some((minute, PauseReason::Pace)));
        assert_eq!(turn(&bob, Method::Put, minute / 2), Some((minute / 2, PauseReason::Pace)));
        assert_eq!(turn(&Github::new(session(), "ada"), Method::Post, Duration::ZERO), None, "another run");
        ada.pause(Duration::ZERO, PauseReason::Limit).expect("no Ctrl-C");
        assert_eq!(turn(&bob, Method::Put, 2 * minute), None);
        assert_eq!(
            turn(&bob, Method::Put, 2 * minute),
            Some((Duration::from_secs(1), PauseReason::Pace)),
            "careful now"
        );
    }

    #[test]
    fn a_repository_settles_whoever_asks_and_its_namesakes_do_not() {
        let run = session();
        let target = |name: &str| RepositorySlug { owner: "Org".to_owned(), name: name.to_owned() };
        run.sender.settle(&below(&target("api"), &[]), Duration::from_secs(30));
        run.sender.settle(&below(&target("other"), &[]), Duration::from_secs(30));
        let github = Github::new(run, "org");
        assert!(!github.settling(&target("api")).is_zero() && !github.settling(&target("OTHER")).is_zero());
        assert!(github.settling(&target("api-2")).is_zero());
        assert!(!github.session.sender.settling("/repos/org/api/topics").is_zero());
    }
}
