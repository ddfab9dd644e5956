//! A bound on what is written.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scan::ScanError;

/// Most bytes that one render may give: 512 MiB.
pub(super) const OUTPUT_MAX: usize = 512 << 20;
/// How much of the budget a file takes at a time, in bytes. Each thread may hold so much that it does not use.
const SHARE: usize = 16 << 10;

/// Bytes that may still be written, shared by all files of one render.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    pub(super) fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Memory that refuses to grow beyond a budget.
#[derive(Debug)]
pub(super) struct Bounded<'b> {
    bytes: Vec<u8>,
    budget: &'b Budget,
    /// Bytes that were taken from the budget and are not written yet.
    reserved: usize,
}

impl<'b> Bounded<'b> {
    /// With room for `expected` bytes.
    pub(super) fn new(budget: &'b Budget, expected: usize) -> Self {
        Self { bytes: Vec::with_capacity(expected), budget, reserved: 0 }
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Takes so many bytes; `false` when the budget does not have them.
    fn afford(&mut self, bytes: usize) -> bool {
        if bytes > self.reserved {
            let missing = bytes - self.reserved;
            // A share at a time: threads that count each few bytes together wait for each other.
            let Some(more) = [missing.max(SHARE), missing].into_iter().find(|more| self.budget.take(*more)) else {
                return false;
            };
            self.reserved += more;
        }
        self.reserved -= bytes;
        true
    }
}

impl Drop for Bounded<'_> {
    fn drop(&mut self) {
        self.budget.give_back(self.reserved);
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.afford(data.len()) {
            return Err(io::Error::other("too much output"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The error at byte `at` of a file whose output does not fit.
pub(super) fn full(_: &std::io::Error, at: usize) -> ScanError {
    ScanError { at, message: format!("more than {} MiB of output", OUTPUT_MAX >> 20), hint: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_and_not_written_can_be_written_by_others() {
        let budget = Budget::new(20_000);
        let write = |bytes: usize| Bounded::new(&budget, 0).write_all(&vec![b'x'; bytes]).is_ok();
        assert!((0..100).all(|_| write(100)));
        assert!(!write(10_001));
        assert!(write(9_999) && write(1) && !write(1));
    }
}
