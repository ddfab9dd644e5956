//! The threads that share parallel work.

use std::num::NonZero;
use std::thread::available_parallelism;

use rayon::ThreadPoolBuilder;

/// The most threads. To start one takes 35 µs, as long as to write two files: on a machine of 64 processors, a thread for
/// each would take longer than all the work for a small template.
const MOST: usize = 8;

/// Makes this thread one of those that share parallel work, and starts the others. Else it would sleep while they work,
/// and waking up costs more than what a small template has to be done.
pub(super) fn share_work() {
    let apart = stay_apart();
    let threads = processors().unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get)).min(MOST);
    // Not the global pool: that would have this thread wait until the others have started.
    let pool =
        ThreadPoolBuilder::new().num_threads(threads).use_current_thread().start_handler(move |_| apart()).build();
    if let Ok(pool) = pool {
        // The threads end with the process.
        std::mem::forget(pool);
    }
}

/// How many processors there are for us. The standard library also looks at the quota of a control group, which takes
/// longer than all that is saved where there is one.
#[cfg(target_os = "linux")]
fn processors() -> Option<usize> {
    rustix::thread::sched_getaffinity(None).ok().map(|processors| processors.count() as usize)
}

#[cfg(not(target_os = "linux"))]
fn processors() -> Option<usize> {
    None
}

/// For another thread to call: from then on it keeps off the processor that this one is on now.
///
/// Linux wakes a thread on the processor of who wakes it when the others look busy, and in a virtual machine idle ones do.
/// There it would wait until this thread has done all the work.
#[cfg(target_os = "linux")]
fn stay_apart() -> impl Fn() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
    let here = sched_getcpu();
    move || {
        if let Ok(mut processors) = sched_getaffinity(None)
            && here < CpuSet::MAX_CPU
        {
            processors.unset(here);
            // Where it may not choose, it runs where it is put.
            let _ = sched_setaffinity(None, &processors);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_apart() -> impl Fn() {
    || {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::sched_getaffinity;

    use super::*;

    #[test]
    fn a_worker_keeps_off_the_processor_of_the_thread_that_started_it() {
        let before = sched_getaffinity(None).expect("known").count();
        let apart = stay_apart();
        let after = std::thread::spawn(move || {
            apart();
            sched_getaffinity(None).expect("known").count()
        });
        // Where there is but one, it stays on that.
        assert_eq!(after.join().expect("joined"), (before - 1).max(1));
        assert_eq!(sched_getaffinity(None).expect("known").count(), before);
    }
}
