//! How fast GitHub may be asked: at most 80 requests that make something in a minute and 500 in an hour, above which it
//! refuses for a while (its "secondary limits"); and not at all while it wants a pause. A clock is handed in: nothing here
//! waits.
//!
//! There is one pace for a whole run, whatever owners it works for. GitHub counts these limits for whoever asks: for the
//! user of a token, and for an App over all its installations, though each installation has its own token. Its first
//! limit, of all requests in an hour, is counted for each installation, but an answer does not always say which one was
//! met: a pause that is asked for is kept by all.

use std::collections::VecDeque;
use std::time::Duration;

use super::call::Method;
use super::retry::PauseReason;

/// The span and the most writes in it: three quarters and nine tenths of what GitHub takes, since others may share the
/// token. The first 60 go at once.
const WINDOWS: [(Duration, usize); 2] = [(Duration::from_secs(60), 60), (Duration::from_secs(3600), 450)];
/// The pause between writes that GitHub recommends, kept once it has complained.
const CAREFUL: Duration = Duration::from_secs(1);

/// The writes of the last hour, and the pause that GitHub wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// When each write was sent, oldest first.
    sent: VecDeque<Duration>,
    careful: bool,
    /// When the pause ends.
    paused_until: Duration,
}

impl Pace {
    /// What a call waits for at `now`, which is never before an earlier `now`. None: it is sent now.
    pub(super) fn turn(&mut self, method: Method, now: Duration) -> Option<(Duration, PauseReason)> {
        let pause = self.paused_until.saturating_sub(now);
        if !pause.is_zero() {
            return Some((pause, PauseReason::Limit));
        }
        if !method.writes() {
            return None;
        }
        let wait = self.wait(now);
        if !wait.is_zero() {
            return Some((wait, PauseReason::Pace));
        }
        let span = WINDOWS[WINDOWS.len() - 1].0;
        while self.sent.front().is_some_and(|first| *first + span <= now) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
        None
    }

    /// How long the writes before this one make it wait.
    fn wait(&self, now: Duration) -> Duration {
        let window = |(span, most): (Duration, usize)| {
            let oldest = self.sent.len().checked_sub(most).and_then(|at| self.sent.get(at))?;
            Some((*oldest + span).saturating_sub(now))
        };
        let last = self.sent.back().filter(|_| self.careful).map(|last| (*last + CAREFUL).saturating_sub(now));
        WINDOWS.into_iter().filter_map(window).chain(last).max().unwrap_or_default()
    }

    /// GitHub complained at `now` and wants this pause; after it there is a second between writes.
    pub(super) fn slow_down(&mut self, now: Duration, pause: Duration) {
        self.careful = true;
        self.paused_until = self.paused_until.max(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(pauses: &[u64], complaint: Option<usize>) -> Vec<Duration> {
        let mut pace = Pace::default();
        let mut now = Duration::ZERO;
        let mut times = Vec::new();
        for (i, pause) in pauses.iter().enumerate() {
            if complaint == Some(i) {
                pace.slow_down(now, Duration::ZERO);
            }
            now += Duration::from_millis(*pause);
            while let Some((wait, _)) = pace.turn(Method::Put, now) {
                now += wait;
            }
            times.push(now);
        }
        times
    }

    #[test]
    fn the_first_sixty_go_at_once_and_the_next_a_minute_later() {
        let times = times(&[0; 61], None);
        assert_eq!(times[59], Duration::ZERO);
        assert_eq!(times[60], Duration::from_secs(60));
    }

    #[test]
    fn a_pause_is_kept_by_reads_and_writes_and_a_shorter_one_does_not_end_it() {
        let [second, minute] = [1, 60].map(Duration::from_secs);
        let mut pace = Pace::default();
        pace.slow_down(second, minute);
        pace.slow_down(2 * second, second);
        for method in [Method::Get, Method::Post] {
            assert_eq!(pace.turn(method, 2 * second), Some((minute - second, PauseReason::Limit)));
        }
        assert_eq!(pace.turn(Method::Post, second + minute), None);
        assert_eq!(pace.turn(Method::Post, second + minute), Some((second, PauseReason::Pace)));
        assert_eq!(pace.turn(Method::Get, second + minute), None);
    }

    proptest! {
        #[test]
        fn no_minute_and_no_hour_holds_more_than_github_takes(
            pauses in prop::collection::vec(0_u64..20_000, 1..700), complaint in prop::option::of(0_usize..700),
        ) {
            let times = times(&pauses, complaint);
            for (span, most) in [(60, 80), (3600, 500)] {
                for (i, begin) in times.iter().enumerate() {
                    let end = *begin + Duration::from_secs(span);
                    let within = times[i..].iter().take_while(|time| **time < end).count();
                    prop_assert!(within <= most, "{within} in {span} s");
                }
            }
            let after = complaint.unwrap_or(times.len()).min(times.len());
            for pair in times[after.saturating_sub(1)..].windows(2) {
                prop_assert!(pair[1] - pair[0] >= Duration::from_secs(1));
            }
        }
    }
}
