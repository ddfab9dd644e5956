//! GitHub: a client of its REST API that keeps to its pace, looks before it acts, and says what it needs.
//!
//! `call` is a call as a value, `send` and `retry` carry it, `fields` says what an answer must hold, `pace` slows it, `auth` signs it; `repository` makes and
//! judges the repository, `setting` knows each setting, `ensure` makes settings so, `rehearsal` says how. Facts about the API are from
//! <https://docs.github.com/en/rest>.

pub mod auth;
pub mod call;
mod ensure;
mod error;
mod fields;
mod holdings;
pub(super) mod observed;
mod pace;
mod place;
mod pull;
mod refusal;
mod rehearsal;
mod repository;
mod retry;
mod seal;
mod send;
mod setting;
pub mod survey;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::model::repository::Target;
use crate::model::token::Token;
use crate::net::{Interrupt, Interrupted};
use auth::{Auth, Identity};
use call::{Answer, Call, below};
use pace::Pace;
use retry::{Tries, Why};
use send::{Bearer, Persist, Sender};

pub use ensure::{Made, Secrets, Wish};
pub use error::ForgeError;
pub use holdings::Holding;
pub use place::Place;
pub use pull::{NewPull, Pull, PullState, archive_call, pull_call};
pub use refusal::Refusal;
pub use rehearsal::{Rehearsed, as_made, rehearse};
pub use repository::{Claim, Content, Found, Owner, Standing, Unclear, create_call, standing};
pub use retry::Why as PauseReason;
pub use send::{Listener, Manner};
pub use setting::Lower;

/// How many reads go at once: far below the 100 that GitHub takes from everybody together.
const READERS: usize = 12;
/// A listing that is longer is an error: what is on its last page would be believed missing.
const MOST_PAGES: usize = 100;

/// A client of one GitHub for one identity.
pub struct Github {
    place: Place,
    sender: Sender,
    auth: Auth,
    pace: Mutex<Pace>,
    begun: Instant,
}

impl Github {
    /// A client; nothing is sent yet.
    pub fn new(place: Place, identity: Identity, manner: Manner) -> Result<Self, ForgeError> {
        let sender = Sender::new(place.api.clone(), manner)?;
        Ok(Self { place, sender, auth: Auth::new(identity), pace: Mutex::default(), begun: Instant::now() })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The token for a push, good for some minutes at least.
    pub fn token(&self) -> Result<Token, ForgeError> {
        self.auth.token(&self.sender)
    }

    /// Gives up a token that GitHub refused; says whether the next one will be another.
    pub fn renew(&self, refused: &Token) -> bool {
        self.auth.renew(refused);
        self.auth.is_renewable()
    }

    /// Ctrl-C, as this client hears it.
    pub fn interrupt(&self) -> &Interrupt {
        self.sender.interrupt()
    }

    /// Waits, telling the listener why.
    pub fn pause(&self, time: Duration, why: PauseReason) -> Result<(), ForgeError> {
        self.sender.pause(time, why)
    }

    /// For how long yet a new repository may be unknown to parts of GitHub.
    pub fn settling(&self, target: &Target) -> Duration {
        self.sender.settling(&below(target, &[]))
    }

    /// Makes a call, as often as is right; an answer that is no success is an error.
    pub(crate) fn call(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.carry(call, call.method.writes())
    }

    /// Reads something that is there, even if a part of GitHub does not know it yet.
    fn there(&self, path: impl Into<String>) -> Result<Answer, ForgeError> {
        self.carry(&Call::get(path), true)
    }

    /// Reads something that may be missing.
    fn find(&self, path: impl Into<String>) -> Result<Option<Answer>, ForgeError> {
        match self.carry(&Call::get(path), false) {
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
        let why = format!("it goes on after {MOST_PAGES} pages");
        Err(ForgeError::Strange { call: format!("GET {path}"), why })
    }

    fn carry(&self, call: &Call, is_there: bool) -> Result<Answer, ForgeError> {
        let mut tries = Tries::default();
        loop {
            let token = self.auth.token(&self.sender)?;
            if call.method.writes() {
                self.wait_for_turn()?;
            }
            let slow_down = || self.pace().slow_down();
            let manner = Persist {
                tries: &mut tries,
                is_there,
                renewable: self.auth.is_renewable(),
                harmless: false,
                slow_down: &slow_down,
            };
            match self.sender.persist(call, &Bearer::Token(token.clone()), manner)? {
                Some(answer) => return Ok(answer),
                None => self.auth.renew(&token),
            }
        }
    }

    fn wait_for_turn(&self) -> Result<(), ForgeError> {
        let wait = self.pace().wait(self.begun.elapsed());
        if !wait.is_zero() {
            self.sender.pause(wait, Why::Pace)?;
        }
        self.pace().send(self.begun.elapsed());
        Ok(())
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` for each item at the same time, a dozen at once. Reads only: writes are serial.
    fn at_once<K: Ord + Clone + Send, V: Send>(&self, items: Vec<K>, work: impl Fn(&K) -> V + Sync) -> BTreeMap<K, V> {
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
}

impl From<Interrupted> for Box<ForgeError> {
    fn from(interrupted: Interrupted) -> Self {
        Self::new(interrupted.into())
    }
}
