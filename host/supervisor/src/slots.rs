//! A semaphore that knows whether a task waits for it: a holder that could keep its slot for a while then gives it
//! back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A fixed number of slots, granted in the order of the requests.
#[derive(Debug)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Slots {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(at_once)), waiting: AtomicUsize::new(0) }
    }

    /// Waits for a slot, which is given back when it is dropped. Never returns `None`, as the semaphore is never
    /// closed.
    pub(crate) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.free.clone().try_acquire_owned() {
            return Some(slot);
        }
        let _waiting = Waiting::new(&self.waiting);
        self.free.clone().acquire_owned().await.ok()
    }

    /// Returns true if a task waits for a slot at this moment.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Counts one waiter until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_is_wanted_as_long_as_somebody_waits_for_it() {
        let slots = Slots::new(1);
        let slot = slots.take().await;
        assert!(!slots.is_wanted());
        {
            let mut waiting = std::pin::pin!(slots.take());
            tokio::select! {
                biased;
                _ = &mut waiting => unreachable!("the slot is taken"),
                () = std::future::ready(()) => {}
            }
            assert!(slots.is_wanted());
        }
        assert!(!slots.is_wanted(), "the waiting task is gone");
        drop(slot);
        assert!(slots.take().await.is_some() && !slots.is_wanted());
    }
}
