//! Instances of a policy that are made in advance, so that a process that waits for a decision does not wait for them
//! to be made. Each is used for one call, like any other instance, and was never called before.
//!
//! Making one runs no code of the component: a component whose instance runs code when it is made is instantiated by
//! each call, as is one that needs much of the pool. What a call has used is freed after its answer as well.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use wasmtime::Store;

use crate::engine::spares::Spare;
use crate::guest::Guest;
use crate::guest::bindings::{checker, judge, scaler, starter};

/// The most used instances that are kept until they are freed: the calls of a policy at the same time.
const USED_MAX: usize = 4;

/// An instance that was never called.
pub(crate) struct Made<I> {
    pub(crate) store: Store<Guest>,
    pub(crate) instance: I,
    /// Given back when the instance is called.
    #[expect(dead_code, reason = "it is only held, never read")]
    pub(crate) spare: Spare,
}

/// The instance for the next call in one role.
pub(crate) struct Slot<I> {
    made: Mutex<Option<Made<I>>>,
    /// Whether the role was asked since the last instance was made for it.
    wanted: AtomicBool,
    /// Whether making an instance runs code of the component, or fails: it is left to the calls then.
    unsuitable: AtomicBool,
}

impl<I> Default for Slot<I> {
    fn default() -> Self {
        Self { made: Mutex::default(), wanted: AtomicBool::new(false), unsuitable: AtomicBool::new(false) }
    }
}

impl<I> Slot<I> {
    /// Takes the instance for a call, and asks for another one.
    pub(crate) fn take(&self) -> Option<Made<I>> {
        self.wanted.store(true, Ordering::Relaxed);
        self.made.lock().take()
    }

    /// Whether an instance is to be made: returns true once for each call.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.unsuitable.load(Ordering::Relaxed)
            && self.wanted.swap(false, Ordering::Relaxed)
            && self.made.lock().is_none()
    }

    /// Whether an instance is ready.
    #[cfg(test)]
    pub(crate) fn is_made(&self) -> bool {
        self.made.lock().is_some()
    }

    /// Keeps an instance for the next call.
    pub(crate) fn put(&self, made: Made<I>) {
        let former = self.made.lock().replace(made);
        drop(former);
    }

    /// Records that no instance can be made in advance.
    pub(crate) fn give_up(&self) {
        self.unsuitable.store(true, Ordering::Relaxed);
    }
}

/// The instances of one version that are ready, and those that were used.
#[derive(Default)]
pub(crate) struct Ready {
    pub(crate) restart: Slot<judge::RestartJudge>,
    pub(crate) start: Slot<starter::StartJudge>,
    pub(crate) health: Slot<checker::HealthJudge>,
    pub(crate) scale: Slot<scaler::ScaleJudge>,
    used: Mutex<Vec<Store<Guest>>>,
}

impl Ready {
    /// Keeps a used instance until [`Ready::free_used`], or frees it if there are too many.
    pub(crate) fn leave(&self, store: Store<Guest>) {
        let mut used = self.used.lock();
        if used.len() < USED_MAX {
            used.push(store);
        }
    }

    /// Frees the instances that were used.
    pub(crate) fn free_used(&self) {
        let used = std::mem::take(&mut *self.used.lock());
        drop(used);
    }

    /// Frees everything, if the version is not called any more.
    pub(crate) fn free(&self) {
        self.free_used();
        let made = self.restart.made.lock().take();
        drop(made);
        let made = self.start.made.lock().take();
        drop(made);
        let made = self.health.made.lock().take();
        drop(made);
        let made = self.scale.made.lock().take();
        drop(made);
    }
}
