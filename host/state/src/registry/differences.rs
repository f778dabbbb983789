//! Where the two sides of `dual` did not agree: counted by the meter, and kept here in words until they are told.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many differences are remembered in words.
const KEPT: usize = 16;

/// Two sides that did not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub of: String,
    /// What the atomic side said.
    pub atomic: String,
    /// What the locked side said, which was served.
    pub locked: String,
}

#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// Spares those who ask after each commit the lock. It orders nothing: who misses a difference is told of it
    /// after the next commit.
    untold: AtomicBool,
    kept: Mutex<VecDeque<Difference>>,
}

impl Differences {
    pub(crate) fn keep(&self, of: &str, atomic: &impl Debug, locked: &impl Debug) {
        let difference =
            Difference { of: of.to_owned(), atomic: format!("{atomic:?}"), locked: format!("{locked:?}") };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT - 1);
        kept.push_front(difference);
        self.untold.store(true, Ordering::Relaxed);
    }

    /// Those that nobody has taken yet, newest first.
    pub(crate) fn take(&self) -> Vec<Difference> {
        if !self.untold.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.untold.store(false, Ordering::Relaxed);
        kept.drain(..).collect()
    }

    /// Holds the lock while `work` goes on.
    #[cfg(test)]
    pub(crate) fn while_locked(&self, work: impl FnOnce()) {
        let _kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        work();
    }
}
