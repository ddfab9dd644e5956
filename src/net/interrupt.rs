//! Ctrl-C: honoured by whoever waits for another machine, else the end of the process, with nothing half-made left.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Blame, Fault};

/// How often a wait looks up. Short against what a person notices.
const TICK: Duration = Duration::from_millis(40);

/// How often a folder is removed into which something may still be written.
const TRIES: usize = 50;

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    pressed: Arc<AtomicBool>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many wait here, who notice a press by themselves.
    waits: AtomicUsize,
    state: Mutex<Press>,
    /// Files to delete when the process ends.
    leftovers: Mutex<Vec<PathBuf>>,
}

/// What a press has led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Press {
    #[default]
    Nothing,
    /// Somebody noticed it, and ends what is going on.
    Honoured,
    /// The process is being ended.
    Ending,
}

/// Ctrl-C was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by Ctrl-C")]
pub struct Interrupted;

impl Blame for Interrupted {
    fn fault(&self) -> Fault {
        Fault::Interrupted
    }

    fn hint(&self) -> Option<String> {
        Some("run the same command again: it finishes what was begun".to_owned())
    }
}

impl Interrupt {
    /// Listens to Ctrl-C from now on. Pressed while something waits here, that ends. At another time the leftovers are
    /// removed, `say` is called, and the process ends with exit code 130, as it does at once when it is pressed again.
    /// Where the system does not let us listen, Ctrl-C does what it always does.
    pub fn listen(&self, say: impl FnOnce(Interrupted) + Send + 'static) {
        let signal = signal_hook::consts::SIGINT;
        // In this order: the first press is none that ends the process.
        let registered = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&self.pressed))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&self.pressed)));
        if registered.is_ok() {
            let this = self.clone();
            thread::spawn(move || this.end_when_pressed(say));
        }
    }

    fn end_when_pressed(&self, say: impl FnOnce(Interrupted)) {
        loop {
            thread::sleep(TICK);
            if self.is_pressed() && self.shared.waits.load(Ordering::SeqCst) == 0 {
                match self.shared.settle(Press::Ending) {
                    Press::Honoured => return,
                    Press::Nothing | Press::Ending => break,
                }
            }
        }
        self.shared.remove_leftovers();
        say(Interrupted);
        #[expect(clippy::disallowed_methods, reason = "main may be busy for long, in code that cannot be stopped")]
        process::exit(i32::from(Fault::Interrupted.exit_code()));
    }

    /// A folder to be removed when Ctrl-C ends the process; nothing happens when it is not there by then.
    pub fn leftover(&self, folder: &Path) {
        self.shared.leftovers.lock().unwrap_or_else(PoisonError::into_inner).push(folder.to_owned());
    }

    /// Fails once Ctrl-C was pressed. Does not return when the process is being ended.
    pub fn check(&self) -> Result<(), Interrupted> {
        if !self.is_pressed() {
            return Ok(());
        }
        if self.shared.settle(Press::Honoured) == Press::Ending {
            never();
        }
        Err(Interrupted)
    }

    /// Does not return when the process is being ended: a failure may then be that of having lost its leftovers.
    pub fn give_way(&self) {
        if *self.shared.state() == Press::Ending {
            never();
        }
    }

    fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::SeqCst)
    }

    /// Waits so long; `tick` is called about once a second with the remaining time.
    pub fn sleep(&self, time: Duration, tick: &dyn Fn(Duration)) -> Result<(), Interrupted> {
        let _waiting = self.waiting();
        let end = Instant::now() + time;
        let mut reported = None;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if reported != Some(left.as_secs()) {
                reported = Some(left.as_secs());
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
        self.shared.waits.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    #[cfg(test)]
    pub(crate) fn press(&self) {
        self.pressed.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    /// What became of the press: `state`, unless that was settled before.
    fn settle(&self, state: Press) -> Press {
        let mut settled = self.state();
        if *settled == Press::Nothing {
            *settled = state;
        }
        *settled
    }

    fn state(&self) -> MutexGuard<'_, Press> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove_leftovers(&self) {
        for folder in self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // Other threads may be writing into it.
            for _ in 0..TRIES {
                match fs::remove_dir_all(folder) {
                    Err(error) if error.kind() != ErrorKind::NotFound => thread::sleep(TICK / 20),
                    _ => break,
                }
            }
        }
    }
}

/// Stands still until another thread has ended the process.
fn never() -> ! {
    loop {
        thread::park();
    }
}

/// Somebody waits, and looks up now and then.
struct Waiting<'i>(&'i Interrupt);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.shared.waits.fetch_sub(1, Ordering::SeqCst);
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
        // Pressed once the wait has begun.
        assert_eq!(interrupt.sleep(Duration::from_secs(3600), &|_| interrupt.press()), Err(Interrupted));
    }

    #[test]
    fn work_that_hangs_is_left_alone_at_ctrl_c() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.race(|| 7), Ok(7));
        let (other, (never_sent, never)) = (interrupt.clone(), channel::<()>());
        let hanging = move || {
            other.press();
            never.recv()
        };
        assert_eq!(interrupt.race(hanging), Err(Interrupted));
        drop(never_sent);
    }
}
