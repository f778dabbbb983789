//! Lets a test end a host at any one of its steps, as SIGKILL does: from then on, nothing that the host does has an effect.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the steps of a host that have an effect beyond it, and ends it after one of them. Clones share the count.
#[derive(Clone, Default)]
pub struct Gate(Arc<Steps>);

#[derive(Default)]
struct Steps {
    taken: AtomicU64,
    /// The number of steps that are allowed, plus one; 0 for any number.
    most: AtomicU64,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.taken()).finish()
    }
}

impl Gate {
    /// Returns a gate that lets this number of steps pass.
    #[must_use]
    pub fn after(steps: u64) -> Self {
        let gate = Self::default();
        gate.0.most.store(steps + 1, Ordering::Relaxed);
        gate
    }

    /// Returns the number of steps that were taken, or would have been.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Whether the host was ended.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        let most = self.0.most.load(Ordering::Relaxed);
        most > 0 && self.taken() >= most
    }

    /// Ends the host now.
    pub fn shut(&self) {
        self.0.most.store(1, Ordering::Relaxed);
        self.0.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a step. Returns false if it has no effect any more.
    pub(crate) fn pass(&self) -> bool {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
        !self.is_shut()
    }
}
