//! What to do after one attempt of a call: take the answer, try again after a pause, or renew the token. Clock and dice
//! are handed in: nothing here waits or knows the time.

use std::time::Duration;

use super::call::{Answer, Method};
use crate::net::{self, Trouble};

pub use crate::net::PauseReason;
pub(super) use crate::net::backoff;

/// What one attempt gave.
#[derive(Clone, Copy, Debug)]
pub(super) enum Met<'a> {
    /// An answer.
    Answer(&'a Answer),
    /// None.
    Trouble(&'a Trouble),
}

/// Further details.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// Seconds since 1970.
    pub(super) now: u64,
    /// From 0 to 1, at random.
    pub(super) dice: f64,
    /// For how long yet 404 and 409 may only mean that not every part of GitHub knows the new repository.
    pub(super) settling: Duration,
    /// Whether there is a way to a fresh token.
    pub(super) renewable: bool,
    /// The longest pause that is waited for.
    pub(super) patience: Duration,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// Go on with what was met.
    Take,
    /// Send the call again.
    Again {
        /// After this pause.
        after: Duration,
        /// In words, for the terminal.
        why: PauseReason,
    },
    /// Send it again with a fresh token.
    Renew,
    /// GitHub wants a pause longer than the patience.
    GiveUp(Duration),
}

impl PauseReason {
    /// For the terminal.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fault => "GitHub has a fault or is not reached; trying again",
            Self::Limit => "GitHub asks for a pause",
            Self::Settling => "waiting until all of GitHub knows the new repository",
            Self::Pace => "keeping to the pace that GitHub takes",
        }
    }
}

/// The attempts of one call so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tries {
    met: net::Tries,
    renewed: bool,
}

impl Tries {
    /// What to do after this attempt.
    pub(super) fn next(&mut self, method: Method, met: Met<'_>, around: Around) -> Next {
        match met {
            Met::Trouble(trouble) => {
                let harmless = trouble.is_before_sending() || method != Method::Post;
                if harmless && trouble.may_pass() { self.fault(None, around) } else { Next::Take }
            }
            Met::Answer(answer) => self.after(method, answer, around),
        }
    }

    fn after(&mut self, method: Method, answer: &Answer, around: Around) -> Next {
        match answer.status {
            _ if is_limit(answer) => self.limit(answer, around),
            500 | 502 | 503 | 504 if method != Method::Post => self.fault(answer.head.retry_after, around),
            401 if around.renewable && !self.renewed => {
                self.renewed = true;
                Next::Renew
            }
            404 | 409 if !is_taken(answer) => {
                again(self.met.settling(around.settling, around.dice), PauseReason::Settling)
            }
            _ => Next::Take,
        }
    }

    fn fault(&mut self, asked: Option<u64>, around: Around) -> Next {
        again(self.met.fault(asked.map(Duration::from_secs), around.dice, around.patience), PauseReason::Fault)
    }

    fn limit(&mut self, answer: &Answer, around: Around) -> Next {
        let head = &answer.head;
        let asked = match (head.retry_after, head.remaining, head.reset) {
            (Some(seconds), ..) => Some(seconds),
            // The server's second may not have ended when ours has.
            (None, Some(0), Some(reset)) => Some(reset.saturating_sub(around.now) + 1),
            _ => None,
        };
        match self.met.limit(asked.map(Duration::from_secs), around.dice, around.patience) {
            Ok(after) => Next::Again { after, why: PauseReason::Limit },
            Err(pause) => Next::GiveUp(pause),
        }
    }
}

fn again(pause: Option<Duration>, why: PauseReason) -> Next {
    pause.map_or(Next::Take, |after| Next::Again { after, why })
}

/// Whether GitHub refuses because it was too much, not because of what was asked: then nothing took effect.
pub(super) fn is_limit(answer: &Answer) -> bool {
    let message = answer.message().to_ascii_lowercase();
    let head = &answer.head;
    answer.status == 429
        || answer.status == 403
            && (head.retry_after.is_some() || head.remaining == Some(0) || message.contains("rate limit"))
}

/// 409 that says so is about what is there, not about the repository being new.
fn is_taken(answer: &Answer) -> bool {
    answer.message().to_ascii_lowercase().contains("already exists")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::call::ResponseHead;
    use super::*;

    const AROUND: Around = Around {
        now: 1_000,
        dice: 0.0,
        settling: Duration::ZERO,
        renewable: false,
        patience: Duration::from_secs(900),
    };

    fn answer(status: u16, head: ResponseHead) -> Answer {
        Answer { status, head, body: json!({}), unread: None }
    }

    fn again(seconds: u64, why: PauseReason) -> Next {
        super::again(Some(Duration::from_secs(seconds)), why)
    }

    #[test]
    fn github_says_how_long_to_wait() {
        let mut tries = Tries::default();
        let with =
            |retry_after, remaining, reset| ResponseHead { retry_after, remaining, reset, ..ResponseHead::default() };
        let mut next = |status, head| tries.next(Method::Post, Met::Answer(&answer(status, head)), AROUND);
        assert_eq!(next(403, with(Some(7), None, None)), again(7, PauseReason::Limit));
        assert_eq!(next(429, with(None, Some(0), Some(1_030))), again(31, PauseReason::Limit));
        assert_eq!(next(429, ResponseHead::default()), again(240, PauseReason::Limit));
        assert_eq!(next(403, with(None, Some(0), Some(9_000))), Next::GiveUp(Duration::from_secs(8_001)));
        assert_eq!(next(403, ResponseHead::default()), Next::Take);
        let body = json!({"message": "You have exceeded a secondary rate limit"});
        let secondary = Answer { status: 403, body, ..Answer::default() };
        assert_eq!(Tries::default().next(Method::Put, Met::Answer(&secondary), AROUND), again(60, PauseReason::Limit));
    }

    #[test]
    fn a_post_is_never_sent_twice_blindly() {
        let mut tries = Tries::default();
        for status in [500, 502, 503, 504] {
            let met = answer(status, ResponseHead::default());
            assert_eq!(tries.next(Method::Post, Met::Answer(&met), AROUND), Next::Take, "{status}");
        }
        for trouble in [Trouble::Lost, Trouble::Slow { seconds: 3 }] {
            assert_eq!(tries.next(Method::Post, Met::Trouble(&trouble), AROUND), Next::Take);
            assert_eq!(
                Tries::default().next(Method::Put, Met::Trouble(&trouble), AROUND),
                again(1, PauseReason::Fault)
            );
        }
        let refused = Trouble::NotConnected { host: "h".to_owned(), reason: "refused".to_owned() };
        assert_eq!(tries.next(Method::Post, Met::Trouble(&refused), AROUND), again(1, PauseReason::Fault));
    }

    #[test]
    fn faults_are_tried_again_with_growing_pauses_and_then_taken() {
        let mut tries = Tries::default();
        let met = answer(502, ResponseHead::default());
        let pauses: Vec<Next> = (0..4).map(|_| tries.next(Method::Get, Met::Answer(&met), AROUND)).collect();
        assert_eq!(
            pauses,
            [again(1, PauseReason::Fault), again(2, PauseReason::Fault), again(4, PauseReason::Fault), Next::Take]
        );
    }

    #[test]
    fn a_new_repository_may_be_unknown_for_a_while_and_an_old_one_not() {
        let mut tries = Tries::default();
        let settling = Around { settling: Duration::from_secs(30), ..AROUND };
        let met = answer(404, ResponseHead::default());
        assert_eq!(tries.next(Method::Put, Met::Answer(&met), settling), again(1, PauseReason::Settling));
        assert_eq!(tries.next(Method::Put, Met::Answer(&met), settling), again(2, PauseReason::Settling));
        let nearly = Around { settling: Duration::from_millis(500), ..AROUND };
        let half = Next::Again { after: Duration::from_millis(500), why: PauseReason::Settling };
        assert_eq!(tries.next(Method::Put, Met::Answer(&met), nearly), half);
        assert_eq!(tries.next(Method::Put, Met::Answer(&met), AROUND), Next::Take);
        let body = json!({"message": "Already exists - Variable already exists"});
        let taken = Answer { status: 409, body, ..Answer::default() };
        assert_eq!(Tries::default().next(Method::Post, Met::Answer(&taken), settling), Next::Take);
    }

    #[test]
    fn a_token_is_renewed_once() {
        let mut tries = Tries::default();
        let renewable = Around { renewable: true, ..AROUND };
        let met = answer(401, ResponseHead::default());
        assert_eq!(tries.next(Method::Post, Met::Answer(&met), renewable), Next::Renew);
        assert_eq!(tries.next(Method::Post, Met::Answer(&met), renewable), Next::Take);
        assert_eq!(Tries::default().next(Method::Post, Met::Answer(&met), AROUND), Next::Take);
    }

    proptest! {
        #[test]
        fn every_call_ends_whatever_comes_and_no_pause_passes_the_patience(
            statuses in prop::collection::vec(prop::sample::select(vec![200_u16, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504, 0]), 100),
            retry_after in prop::option::of(0_u64..100_000), dice in 0.0_f64..1.0, post in any::<bool>(),
        ) {
            let method = if post { Method::Post } else { Method::Put };
            let mut tries = Tries::default();
            let mut settling = Duration::from_secs(30);
            let mut sent = 0;
            for status in statuses {
                sent += 1;
                let around = Around { dice, settling, renewable: true, ..AROUND };
                let met = answer(status, ResponseHead { retry_after, ..ResponseHead::default() });
                let next = match status {
                    0 => tries.next(method, Met::Trouble(&Trouble::Lost), around),
                    _ => tries.next(method, Met::Answer(&met), around),
                };
                match next {
                    Next::Again { after, why } => {
                        prop_assert!(after <= around.patience + Duration::from_secs(1));
                        prop_assert!(!(post && status == 0), "a POST without an answer was sent again");
                        prop_assert!(!(post && status >= 500), "a POST that met a fault was sent again");
                        if why == PauseReason::Settling {
                            settling = settling.saturating_sub(after);
                        }
                    }
                    Next::Renew => {}
                    Next::Take | Next::GiveUp(_) => break,
                }
            }
            prop_assert!(sent < 40, "{sent}");
        }
    }
}
