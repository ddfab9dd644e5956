//! Taking turns at writing, and locks of git that a killed process left behind.

use std::fs;
use std::io;
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{MAIN, SEEN, StoreError};

/// How long a writer waits while nothing changes before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a writer waits in all, while others do make progress.
pub(super) const QUEUE: Duration = Duration::from_secs(300);

/// How long git's lock on a branch may stay unchanged before it counts as left behind: a `git push` holds it for
/// milliseconds.
const STALE: Duration = Duration::from_secs(1);

/// Takes turns with other writers of this tool. The kernel ends the turn when the process dies, however it dies.
pub(super) struct Turn {
    /// None where the file system has no locks; git's own lock then keeps every change whole.
    file: Option<fs::File>,
}

impl Turn {
    /// Waits for the turn at the store in `folder`, as long as `patience` allows without anybody changing it, and for
    /// [`QUEUE`] in all.
    pub(super) fn wait(folder: &Path, patience: Duration) -> Result<Self, StoreError> {
        let path = folder.join("apiscaffold.lock");
        let options = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = options.map_err(|source| StoreError::Disk { path: path.clone(), source })?;
        let progress = || [MAIN, SEEN].map(|name| sight(&folder.join(name)));
        let started = Instant::now();
        let (mut seen, mut since) = (progress(), started);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file: Some(file) }),
                Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(fs::TryLockError::Error(_)) => return Ok(Self { file: None }),
                Err(fs::TryLockError::WouldBlock) => thread::sleep(jitter(Duration::from_millis(4))),
            }
            if since.elapsed() >= patience.min(PATIENCE) {
                let now = progress();
                if now != seen {
                    (seen, since) = (now, Instant::now());
                } else if since.elapsed() >= patience {
                    return Err(StoreError::Busy { path, patience });
                }
            }
            if started.elapsed() >= QUEUE {
                return Err(StoreError::Busy { path, patience: QUEUE });
            }
        }
    }

    /// Waits until `lock`, a lock file of git, is gone; removes it when it does not change for a second while no other
    /// writer of this tool can hold it.
    pub(super) fn outlast(&self, lock: &Path) -> Result<(), StoreError> {
        let started = Instant::now();
        let Some(mut seen) = sight(lock) else { return Ok(()) };
        let mut since = Instant::now();
        while started.elapsed() < PATIENCE {
            thread::sleep(jitter(Duration::from_millis(20)));
            let Some(now) = sight(lock) else { return Ok(()) };
            if now != seen {
                (seen, since) = (now, Instant::now());
            } else if self.file.is_some() && since.elapsed() >= STALE {
                return match fs::remove_file(lock) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(StoreError::Disk { path: lock.to_owned(), source: error })
                    }
                    _ => Ok(()),
                };
            }
        }
        Err(StoreError::Busy { path: lock.to_owned(), patience: PATIENCE })
    }
}

/// What distinguishes a lock file from the next one in its place.
fn sight(lock: &Path) -> Option<(u64, Option<SystemTime>)> {
    let metadata = fs::symlink_metadata(lock).ok()?;
    Some((metadata.len(), metadata.modified().ok()))
}

/// Whether `file` could be locked within [`PATIENCE`]; it stays locked until it is closed.
pub(super) fn taken(file: &fs::File) -> bool {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(fs::TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                thread::sleep(jitter(Duration::from_millis(4)));
            }
            Err(_) => return false,
        }
    }
}

/// Between a quarter of `about` and five quarters, different for each process and moment.
pub(super) fn jitter(about: Duration) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = u64::from(now.subsec_nanos()) ^ u64::from(process::id()).rotate_left(16);
    // Multiplicative hashing (Knuth): neighbouring seeds give far-apart fractions.
    let share = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
    about / 4 + about * u32::try_from(share).unwrap_or(0) / 1024
}
