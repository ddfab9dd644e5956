//! How often another machine is asked again, and after which pause. Clock and dice are handed in: nothing here waits.

use std::time::Duration;

/// The longest pause that is waited for when a server asks for one.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// How often one request is sent because of faults on the way or at the server.
const FAULTS: u32 = 4;
/// How often one request is sent because the server asked for a pause.
const LIMITS: u32 = 6;
/// The longest pause after a fault.
const CEILING: Duration = Duration::from_secs(16);
/// The pause when a server says that it is too much but not for how long (GitHub's documentation: at least a minute).
const MINUTE: Duration = Duration::from_secs(60);

/// Why there is a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// A fault on the way, or at the server.
    Fault,
    /// Too many requests.
    Limit,
    /// A repository that was made a moment ago.
    Settling,
    /// Writes in a row.
    Pace,
}

/// The attempts of one request so far.
#[derive(Clone, Debug, Default)]
pub struct Tries {
    faults: u32,
    limits: u32,
    settling: u32,
}

impl Tries {
    /// The pause after a fault: what the server asked for, else a growing one; none when the fault is to be reported.
    pub fn fault(&mut self, asked: Option<Duration>, dice: f64, longest: Duration) -> Option<Duration> {
        self.faults += 1;
        let pause = asked.unwrap_or_else(|| backoff(self.faults - 1, dice));
        (self.faults < FAULTS && pause <= longest).then_some(pause)
    }

    /// The pause after an answer that it was too much: what the server asked for, else minutes.
    ///
    /// # Errors
    /// The pause, when it is too long or one too many.
    pub fn limit(&mut self, asked: Option<Duration>, dice: f64, longest: Duration) -> Result<Duration, Duration> {
        self.limits += 1;
        let pause = asked.unwrap_or(MINUTE * 2_u32.saturating_pow(self.limits - 1));
        let pause = pause + Duration::from_secs(1).mul_f64(dice.clamp(0.0, 1.0));
        if pause > longest || self.limits >= LIMITS { Err(pause) } else { Ok(pause) }
    }

    /// The pause until a new repository may be known everywhere, which takes `left` at most; none when that time is over.
    pub fn settling(&mut self, left: Duration, dice: f64) -> Option<Duration> {
        self.settling += 1;
        (!left.is_zero()).then(|| backoff((self.settling - 1).min(3), dice).min(left))
    }
}

/// 1, 2, 4, 8, 16 s and up to a quarter more.
pub fn backoff(attempt: u32, dice: f64) -> Duration {
    let pause = Duration::from_secs(1 << attempt.min(10)).min(CEILING);
    pause + pause.mul_f64(dice.clamp(0.0, 1.0) / 4.0)
}
