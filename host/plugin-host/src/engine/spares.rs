//! Bounds the instances of policies that are kept ready for the next call, so that they leave room in the pool for those
//! that are called.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::room::Need;

/// The most instances that an engine keeps ready: with [`NEED_MAX`], a quarter of what is reserved for policies.
const SPARES_MAX: usize = 64;
/// The most that an instance which is kept ready may need of the pool.
const NEED_MAX: Need = Need { memories: 2, tables: 4 };
/// The instances that an engine keeps ready.
#[derive(Debug, Default)]
pub(crate) struct Spares(Arc<AtomicUsize>);

/// The right to keep one instance ready.
#[derive(Debug)]
pub(crate) struct Spare(Arc<AtomicUsize>);

impl Spares {
    /// Returns the right to keep one more instance ready, unless there are too many or it needs too much.
    pub(crate) fn take(&self, need: Need) -> Option<Spare> {
        if need.memories > NEED_MAX.memories || need.tables > NEED_MAX.tables {
            return None;
        }
        let one_more = |count: usize| (count < SPARES_MAX).then_some(count + 1);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| Spare(self.0.clone()))
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_instances_that_need_little_are_kept_ready() {
        let spares = Spares::default();
        assert!(spares.take(Need { memories: 3, tables: 1 }).is_none());
        assert!(spares.take(Need { memories: 1, tables: 5 }).is_none());
        let taken: Vec<Spare> = (0..SPARES_MAX).filter_map(|_| spares.take(NEED_MAX)).collect();
        assert_eq!(taken.len(), SPARES_MAX);
        assert!(spares.take(NEED_MAX).is_none());
        drop(taken);
        assert!(spares.take(NEED_MAX).is_some());
    }
}
