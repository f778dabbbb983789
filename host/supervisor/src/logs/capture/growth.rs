//! How many pipes are enlarged, and how far. The kernel gives each user a number of pages for all pipes; beyond that, new pipes
//! are tiny. So enlarged pipes take at most half of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::peek::LOOK_BYTES_MAX;

/// The most pipes that are enlarged at the same time, if the kernel sets no limit.
const PIPES_MAX: u64 = 64;

/// The size of a page, in bytes, in which the kernel counts pipes.
const PAGE_BYTES: u64 = 4096;

/// The budget of enlarged pipes. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Growth {
    grown: Arc<AtomicUsize>,
    pipes_max: usize,
    bytes: usize,
}

/// The share of one enlarged pipe in the budget.
#[derive(Debug)]
pub(crate) struct Grown(Arc<AtomicUsize>);

impl Drop for Grown {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Growth {
    /// Returns the budget that the kernel's limits leave.
    pub(crate) fn of_kernel() -> Self {
        Self::of(limit("pipe-user-pages-soft"), limit("pipe-max-size"))
    }

    /// Returns the budget with these limits on the pages of a user, where 0 stands for none, and on the bytes of a pipe.
    fn of(pages: Option<u64>, bytes_max: Option<u64>) -> Self {
        let bytes_max = bytes_max.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(LOOK_BYTES_MAX);
        let bytes = LOOK_BYTES_MAX.min(bytes_max);
        let of_user = pages.filter(|pages| *pages > 0).map_or(u64::MAX, |pages| pages * PAGE_BYTES / 2);
        let pipes_max = (of_user / bytes.max(1) as u64).min(PIPES_MAX);
        Self { grown: Arc::default(), pipes_max: usize::try_from(pipes_max).unwrap_or(0), bytes }
    }

    /// Returns the capacity of an enlarged pipe, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the share of one pipe, if there is one left.
    pub(crate) fn take(&self) -> Option<Grown> {
        // All pipes are enlarged by one thread.
        (self.grown.load(Ordering::Relaxed) < self.pipes_max).then(|| self.count())
    }

    /// Counts a pipe that is large already: a former host has enlarged it.
    pub(crate) fn count(&self) -> Grown {
        self.grown.fetch_add(1, Ordering::Relaxed);
        Grown(self.grown.clone())
    }
}

/// Reads a limit of the kernel on pipes; `None` if it does not tell.
fn limit(name: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/sys/fs/{name}")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarged_pipes_take_at_most_half_of_what_a_user_has() {
        let usual = Growth::of(Some(16_384), Some(1 << 20));
        assert_eq!((usual.bytes(), usual.pipes_max), (1 << 20, 32));
        assert_eq!(Growth::of(Some(0), Some(1 << 22)).pipes_max, 64);
        assert_eq!(Growth::of(None, Some(1 << 16)).bytes(), 1 << 16);
        let small = Growth::of(Some(1_024), None);
        // Each pipe has the budget at hand, whether it is enlarged or not.
        let _others: Vec<_> = (0..100).map(|_| small.clone()).collect();
        let shares: Vec<_> = std::iter::from_fn(|| small.take()).collect();
        assert_eq!(shares.len(), 2);
        drop(shares);
        // Those of a former host count as well.
        let former = [small.count(), small.count()];
        assert!(small.take().is_none());
        drop(former);
        assert!(small.take().is_some());
    }
}
