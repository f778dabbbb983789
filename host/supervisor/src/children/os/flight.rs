//! A spawn in progress, and how it is reached from outside while it hangs.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use provost_posix as posix;
use provost_state::Signal;

use crate::children::family::{Family, children_of_thread};

/// A spawn in progress.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) name: Arc<str>,
    pub(super) in_flight: Arc<InFlight>,
}

/// The thread of a spawn, by which the spawn is reached from outside while it hangs.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<Option<u32>>);

impl InFlight {
    /// Runs `act` with this thread entered.
    pub(super) fn enter<T>(&self, act: impl FnOnce() -> T) -> T {
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        *self.thread() = Some(thread);
        let done = act();
        *self.thread() = None;
        done
    }

    fn thread(&self) -> MutexGuard<'_, Option<u32>> {
        self.0.lock()
    }

    /// Returns the child that hangs in its exec, if there is one: the child of that thread that no task owns yet.
    pub(super) fn children(&self, family: &Family) -> Vec<u32> {
        let thread = self.thread();
        Self::of_thread(*thread, family)
    }

    fn of_thread(thread: Option<u32>, family: &Family) -> Vec<u32> {
        let children = thread.map(|thread| children_of_thread(std::process::id(), thread));
        // A child that cannot be listed now is looked for again.
        children
            .and_then(Result::ok)
            .unwrap_or_default()
            .into_iter()
            .filter(|pid| !family.is_own(*pid))
            .collect()
    }

    /// Kills the child that hangs. The thread cannot go on to anything else meanwhile, because it would have to take
    /// the lock.
    pub(super) fn kill(&self, family: &Family) {
        let thread = self.thread();
        for pid in Self::of_thread(*thread, family) {
            let _ = posix::signal_process(pid, Signal::KILL.number());
        }
    }
}
