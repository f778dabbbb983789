//! Turns that are taken and given back, and whether somebody waits for one: who may keep a turn for a while gives it back
//! then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many turns at once, given in the order in which they were asked for.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(at_once)), waiting: AtomicUsize::new(0) }
    }

    /// Waits for a turn. It is given back when it is dropped; `None` does not happen, as they are never closed.
    pub(crate) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = self.free.clone().try_acquire_owned() {
            return Some(turn);
        }
        let _waiting = Waiting::new(&self.waiting);
        self.free.clone().acquire_owned().await.ok()
    }

    /// Does somebody wait for a turn at this moment?
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// One who waits, until it is dropped.
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
    async fn a_turn_is_wanted_as_long_as_somebody_waits_for_it() {
        let turns = Turns::new(1);
        let turn = turns.take().await;
        assert!(!turns.is_wanted());
        {
            let mut waiting = std::pin::pin!(turns.take());
            tokio::select! {
                biased;
                _ = &mut waiting => unreachable!("somebody else has it"),
                () = std::future::ready(()) => {}
            }
            assert!(turns.is_wanted());
        }
        assert!(!turns.is_wanted(), "who waited has gone");
        drop(turn);
        assert!(turns.take().await.is_some() && !turns.is_wanted());
    }
}
