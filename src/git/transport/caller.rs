//! Asking a server again: after a fault, after a pause that it asks for, with a new token.

use std::sync::Arc;
use std::time::Duration;

use super::{Network, NetworkError, Token};
use crate::error::Failure;
use crate::net::{Interrupt, LONGEST_PAUSE, PauseReason, Tries};

/// In whose name a server is asked, and how one waits for it.
pub trait Caller: Send + Sync {
    /// The token that the next request is signed with, if there is one.
    ///
    /// # Errors
    /// Why a token that is needed is missing.
    fn token(&self) -> Result<Option<Token>, Failure>;

    /// Gives up a token that the server refused; says whether the next one will be another.
    fn renew(&self, refused: &Token) -> bool;

    /// For how long yet the server may not know everywhere that the repository is there.
    fn settling(&self) -> Duration;

    /// Waits, and shows why.
    ///
    /// # Errors
    /// Ctrl-C was pressed meanwhile.
    fn pause(&self, time: Duration, why: PauseReason) -> Result<(), Failure>;

    /// Ctrl-C.
    fn interrupt(&self) -> &Interrupt;
}

impl std::fmt::Debug for dyn Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caller")
    }
}

/// The attempts of one exchange with a server so far.
pub(in crate::git) struct Attempts<'c> {
    caller: &'c dyn Caller,
    tries: Tries,
    renewed: bool,
}

impl<'c> Attempts<'c> {
    pub(in crate::git) fn of(caller: &'c dyn Caller) -> Self {
        Self { caller, tries: Tries::default(), renewed: false }
    }

    /// The network of the next attempt, with the caller's token.
    pub(in crate::git) fn signed(&self, network: &Network) -> Result<Network, NetworkError> {
        let token = self.caller.token().map_err(NetworkError::Caller)?;
        Ok(Network { token, ..network.clone() })
    }

    /// After an attempt over `network` that failed: waits, or renews the token, so that another attempt can be made.
    ///
    /// # Errors
    /// `error` itself when there is to be no other; `Caller` at Ctrl-C.
    pub(in crate::git) fn after(&mut self, error: NetworkError, network: &Network) -> Result<(), NetworkError> {
        let seconds = |pause: Option<u64>| pause.map(Duration::from_secs);
        let (tries, dice, longest) = (&mut self.tries, fastrand::f64(), LONGEST_PAUSE);
        let (pause, why) = match &error {
            NetworkError::Forbidden { .. } => {
                let renewed = !self.renewed && network.token.as_ref().is_some_and(|token| self.caller.renew(token));
                self.renewed = renewed;
                return if renewed { Ok(()) } else { Err(error) };
            }
            NetworkError::Limited { pause, .. } => {
                (tries.limit(seconds(*pause), dice, longest).ok(), PauseReason::Limit)
            }
            NetworkError::NotThere { .. } | NetworkError::Status { status: 409, .. } => {
                (tries.settling(self.caller.settling(), dice), PauseReason::Settling)
            }
            NetworkError::Status { pause, .. } if error.may_pass() => {
                (tries.fault(seconds(*pause), dice, longest), PauseReason::Fault)
            }
            _ if error.may_pass() => (tries.fault(None, dice, longest), PauseReason::Fault),
            _ => (None, PauseReason::Fault),
        };
        let Some(pause) = pause else { return Err(error) };
        self.caller.pause(pause, why).map_err(NetworkError::Caller)
    }
}

/// Does `work`, which must do no harm when it is done again, until it is done or there is no point in another attempt.
/// Ctrl-C ends it at any time.
pub(in crate::git) fn persist<T: Send + 'static>(
    caller: &dyn Caller,
    network: &Network,
    work: impl Fn(&Network) -> Result<T, NetworkError> + Send + Sync + 'static,
) -> Result<T, NetworkError> {
    let work = Arc::new(work);
    let mut attempts = Attempts::of(caller);
    loop {
        let network = attempts.signed(network)?;
        let (attempt, its_network) = (Arc::clone(&work), network.clone());
        let end = caller.interrupt().race(move || attempt(&its_network));
        match end.map_err(|interrupted| NetworkError::Caller(interrupted.into()))? {
            Err(error) => attempts.after(error, &network)?,
            Ok(done) => return Ok(done),
        }
    }
}

#[cfg(test)]
pub(in crate::git) mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::net::{Interrupted, Trouble};

    /// Notes pauses instead of waiting.
    #[derive(Default)]
    pub(in crate::git) struct Noting {
        pauses: Mutex<Vec<(u64, PauseReason)>>,
        /// Tokens to come, the next one last.
        tokens: Mutex<Vec<&'static str>>,
        settling: Duration,
        interrupt: Interrupt,
    }

    impl Caller for Noting {
        fn token(&self) -> Result<Option<Token>, Failure> {
            Ok(self.tokens.lock().expect("no panic").last().map(|token| Token::new(*token)))
        }

        fn renew(&self, _: &Token) -> bool {
            let mut tokens = self.tokens.lock().expect("no panic");
            tokens.pop();
            !tokens.is_empty()
        }

        fn settling(&self) -> Duration {
            self.settling
        }

        fn pause(&self, time: Duration, why: PauseReason) -> Result<(), Failure> {
            self.pauses.lock().expect("no panic").push((time.as_secs(), why));
            Ok(self.interrupt.check()?)
        }

        fn interrupt(&self) -> &Interrupt {
            &self.interrupt
        }
    }

    /// What `caller` pauses for while a server answers with these errors one after the other, then well; how often the
    /// server was asked, and the last token that it saw; and the end.
    fn asked(
        caller: &Noting,
        errors: impl IntoIterator<Item = NetworkError>,
    ) -> (Vec<(u64, PauseReason)>, usize, Result<String, String>) {
        let errors = Mutex::new(errors.into_iter().collect::<Vec<_>>().into_iter());
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let work = move |network: &Network| {
            counted.fetch_add(1, Ordering::SeqCst);
            let token = network.token.as_ref().map_or("", Token::expose).to_owned();
            errors.lock().expect("no panic").next().map_or(Ok(token), Err)
        };
        let end = persist(caller, &Network::default(), work).map_err(|error| error.to_string());
        (std::mem::take(&mut caller.pauses.lock().expect("no panic")), count.load(Ordering::SeqCst), end)
    }

    #[test]
    fn what_may_pass_is_waited_for_as_long_as_the_server_says() {
        let status = NetworkError::of_status;
        let caller = Noting::default();
        let (pauses, count, end) =
            asked(&caller, [status(503, Some(7)), status(403, Some(300)), status(429, None), Trouble::Lost.into()]);
        let reasons = [PauseReason::Fault, PauseReason::Limit, PauseReason::Limit, PauseReason::Fault];
        assert_eq!(pauses.iter().map(|(_, why)| *why).collect::<Vec<_>>(), reasons);
        let seconds: Vec<u64> = pauses.iter().map(|(seconds, _)| *seconds).collect();
        assert!(matches!(seconds[..], [7, 300 | 301, 120 | 121, 2]), "{seconds:?}");
        assert_eq!((count, end), (5, Ok(String::new())));
        for (errors, asked_for) in [(vec![status(503, Some(901))], 1), (vec![status(429, Some(901))], 1)] {
            let (pauses, count, end) = asked(&caller, errors);
            assert!(pauses.is_empty() && count == asked_for && end.is_err(), "more than a quarter of an hour: {end:?}");
        }
        let faults = std::iter::repeat_with(|| status(502, None)).take(9);
        assert_eq!(asked(&caller, faults).1, 4);
        let limits = std::iter::repeat_with(|| status(429, Some(1))).take(9);
        assert_eq!(asked(&caller, limits).1, 6);
        assert_eq!(asked(&caller, [status(413, None)]).1, 1, "what does not pass is not sent again");
    }

    #[test]
    fn a_token_that_is_refused_is_renewed_once() {
        let refused = || NetworkError::of_status(401, None);
        let caller = |tokens| Noting { tokens: Mutex::new(tokens), ..Noting::default() };
        assert_eq!(asked(&caller(vec!["new", "old"]), [refused()]), (Vec::new(), 2, Ok("new".to_owned())));
        assert_eq!(asked(&caller(vec!["newer", "new", "old"]), [refused(), refused()]).1, 2, "once");
        assert_eq!(asked(&caller(vec!["old"]), [refused()]).1, 1, "there is no other");
        assert_eq!(asked(&caller(vec![]), [refused()]).1, 1, "there is none");
    }

    #[test]
    fn a_repository_is_waited_for_only_while_it_is_new() {
        let missing = || NetworkError::of_status(404, None);
        let new = Noting { settling: Duration::from_secs(30), ..Noting::default() };
        assert_eq!(asked(&new, [missing()]), (vec![(1, PauseReason::Settling)], 2, Ok(String::new())));
        assert_eq!(asked(&Noting::default(), [missing()]).1, 1);
    }

    #[test]
    fn ctrl_c_ends_a_pause_and_nothing_is_asked_again() {
        let caller = Noting::default();
        let interrupt = caller.interrupt.clone();
        let end = persist(&caller, &Network::default(), move |_| {
            interrupt.press();
            Err::<(), _>(NetworkError::of_status(503, None))
        });
        assert_eq!(end.map_err(|error| error.to_string()), Err(Interrupted.to_string()));
    }
}
