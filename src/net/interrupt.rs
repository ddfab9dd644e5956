//! Ctrl-C, heard while waiting for another machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often a wait looks up. Short against what a person notices.
const TICK: Duration = Duration::from_millis(40);

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    pressed: Arc<AtomicBool>,
    /// Whether a press ends the process: whenever nobody waits here who would hear it.
    ends: Arc<AtomicBool>,
    waits: Arc<AtomicUsize>,
}

/// Ctrl-C was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by Ctrl-C")]
pub struct Interrupted;

impl Interrupt {
    /// Listens to Ctrl-C from now on: pressed while something waits here, that ends; at another time, or again, it ends
    /// the process with exit code 130. Where the system does not let us listen, Ctrl-C does what it always does.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        interrupt.ends.store(true, Ordering::SeqCst);
        let signal = signal_hook::consts::SIGINT;
        // In this order: a press that ends the process need not be told to anybody.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupt.ends))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupt.pressed)));
        interrupt
    }

    /// Fails once Ctrl-C was pressed.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.pressed.load(Ordering::SeqCst) { Err(Interrupted) } else { Ok(()) }
    }

    /// Waits so long; `tick` hears about once a second how much is left.
    pub fn sleep(&self, time: Duration, tick: &dyn Fn(Duration)) -> Result<(), Interrupted> {
        let _waiting = self.waiting();
        let end = Instant::now() + time;
        let mut told = None;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if told != Some(left.as_secs()) {
                told = Some(left.as_secs());
                tick(left);
            }
            thread::sleep(left.min(TICK));
        }
    }

    /// Does `work` on another thread and gives its result, unless Ctrl-C comes first: then the work is left alone.
    pub fn race<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interrupted> {
        let _waiting = self.waiting();
        self.check()?;
        let (sender, receiver) = channel();
        let worker = thread::spawn(move || {
            // Nobody waits for the result any more after Ctrl-C.
            let _ = sender.send(work());
        });
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Timeout) => self.check()?,
                Err(RecvTimeoutError::Disconnected) => match worker.join() {
                    Ok(()) => unreachable!("a worker that ends well has sent its result"),
                    Err(panic) => std::panic::resume_unwind(panic),
                },
            }
        }
    }

    fn waiting(&self) -> Waiting<'_> {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.ends.store(false, Ordering::SeqCst);
        Waiting(self)
    }

    #[cfg(test)]
    pub(crate) fn press(&self) {
        self.pressed.store(true, Ordering::SeqCst);
    }
}

/// Somebody waits, and looks up now and then.
struct Waiting<'i>(&'i Interrupt);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.0.waits.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.ends.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_ctrl_c_and_not_before_its_time_without() {
        let interrupt = Interrupt::default();
        let begun = Instant::now();
        assert_eq!(interrupt.sleep(Duration::from_millis(60), &|_| {}), Ok(()));
        assert!(begun.elapsed() >= Duration::from_millis(60));
        let other = interrupt.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            other.press();
        });
        let begun = Instant::now();
        assert_eq!(interrupt.sleep(Duration::from_secs(30), &|_| {}), Err(Interrupted));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn work_that_hangs_is_left_alone_at_ctrl_c() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.race(|| 7), Ok(7));
        let other = interrupt.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            other.press();
        });
        let begun = Instant::now();
        assert_eq!(interrupt.race(|| thread::sleep(Duration::from_secs(30))), Err(Interrupted));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
