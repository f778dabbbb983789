//! The disagreements between the two sides of `dual`. The meter counts them; here they are kept as text until they are
//! taken.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The maximum number of differences kept as text.
const KEPT: usize = 16;

/// One disagreement between the two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operation or value that differed, such as `a snapshot`.
    pub of: String,
    /// The value of the atomic side.
    pub atomic: String,
    /// The value of the locked side, which was served.
    pub locked: String,
}

#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// Whether differences are waiting to be taken. It saves callers that ask after each commit the lock. It orders
    /// nothing: a caller that misses a difference gets it after the next commit.
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

    /// Takes the differences that were not taken before, newest first.
    pub(crate) fn take(&self) -> Vec<Difference> {
        if !self.untold.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.untold.store(false, Ordering::Relaxed);
        kept.drain(..).collect()
    }

    /// Holds the lock while `work` runs.
    #[cfg(test)]
    pub(crate) fn while_locked(&self, work: impl FnOnce()) {
        let _kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        work();
    }
}
