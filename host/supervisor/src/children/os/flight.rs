//! A spawn in progress, and how it is reached from outside while it hangs.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use provost_posix as posix;
use provost_state::Signal;

use crate::children::family::{Family, children_of_thread};
use crate::children::keeper::Starting;

/// A spawn in progress.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) name: Arc<str>,
    pub(super) in_flight: Arc<InFlight>,
}

/// Where a spawn in progress is, by which it is reached from outside while it hangs.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<Place>);

#[derive(Debug, Default)]
enum Place {
    /// Nothing hangs: it has not begun, or is over.
    #[default]
    Nowhere,
    /// On this thread.
    Thread(u32),
    /// The keeper does it.
    Keeper(Starting),
}

impl InFlight {
    /// Runs `act` with this thread entered.
    pub(super) fn enter<T>(&self, act: impl FnOnce() -> T) -> T {
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        *self.place() = Place::Thread(thread);
        let done = act();
        self.leave();
        done
    }

    /// Enters a start by the keeper.
    pub(super) fn enter_keeper(&self, starting: Starting) {
        *self.place() = Place::Keeper(starting);
    }

    /// Records that it is over.
    pub(super) fn leave(&self) {
        *self.place() = Place::Nowhere;
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock()
    }

    /// Returns the child that hangs in its exec, if there is one: the child of that thread that no task owns yet. That of
    /// the keeper is not known before it runs.
    pub(super) fn children(&self, family: &Family) -> Vec<u32> {
        Self::of_thread(&self.place(), family)
    }

    fn of_thread(place: &Place, family: &Family) -> Vec<u32> {
        let Place::Thread(thread) = place else { return Vec::new() };
        // A child that cannot be listed now is looked for again.
        let children = children_of_thread(std::process::id(), *thread).unwrap_or_default();
        children.into_iter().filter(|pid| !family.is_own(*pid)).collect()
    }

    /// Kills the child that hangs. The thread cannot go on to anything else meanwhile, because it would have to take
    /// the lock.
    pub(super) fn kill(&self, family: &Family) {
        let place = self.place();
        if let Place::Keeper(starting) = &*place {
            starting.kill();
        }
        for pid in Self::of_thread(&place, family) {
            let _ = posix::signal_process(pid, Signal::KILL.number());
        }
    }
}
