//! How fast GitHub may be written to: at most 80 requests that make something in a minute and 500 in an hour, above
//! which it refuses for a while (its "secondary limits"). A clock is handed in: nothing here waits.

use std::collections::VecDeque;
use std::time::Duration;

/// The span and the most writes in it: three quarters and nine tenths of what GitHub takes, since others may share the
/// token. The first 60 go at once.
const WINDOWS: [(Duration, usize); 2] = [(Duration::from_secs(60), 60), (Duration::from_secs(3600), 450)];
/// The pause between writes that GitHub recommends, kept once it has complained.
const CAREFUL: Duration = Duration::from_secs(1);

/// The writes of the last hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// When each was sent, oldest first.
    sent: VecDeque<Duration>,
    careful: bool,
}

impl Pace {
    /// How long to wait at `now` before the next write.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        let window = |(span, most): (Duration, usize)| {
            let oldest = self.sent.len().checked_sub(most).and_then(|at| self.sent.get(at))?;
            Some((*oldest + span).saturating_sub(now))
        };
        let last = self.sent.back().filter(|_| self.careful).map(|last| (*last + CAREFUL).saturating_sub(now));
        WINDOWS.into_iter().filter_map(window).chain(last).max().unwrap_or_default()
    }

    /// A write is sent at `now`, which is never before an earlier `now`.
    pub(super) fn send(&mut self, now: Duration) {
        let span = WINDOWS[WINDOWS.len() - 1].0;
        while self.sent.front().is_some_and(|first| *first + span <= now) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// GitHub complained: from now on a second between writes.
    pub(super) fn slow_down(&mut self) {
        self.careful = true;
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
                pace.slow_down();
            }
            now += Duration::from_millis(*pause);
            now += pace.wait(now);
            pace.send(now);
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
