//! The published root, which is rolled forward from the ring of changes when somebody asks for a snapshot.
//!
//! A root is a cache: what is the latest generation, the word `latest` says, and every snapshot is checked against it. So
//! a reader that loses the race to publish a newer root may use its own, which is as good. Roots only ever go forward,
//! because each replaces the one that it was made from: an older one in its place would have to be at another address,
//! as long as the reader holds the one that it compares with.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::changes::{CHANGES_KEPT, ChangeKind, Changes};
use super::removals::Removed;
use super::snapshot::{Snapshot, Truth};
use crate::process::Generation;
use crate::sync::ArcSwap;

/// How many commits the root may be behind before the writer rolls it forward, while snapshots are taken: readers then
/// have no more to do than this, apart from the commits that are made meanwhile.
pub(crate) const BATCH: u64 = if cfg!(loom) { 2 } else { 64 };

/// The same if no snapshot was taken since the writer did so last. Most roots are never looked at, and making them is a
/// large part of the cost of a commit. Half of the ring is left for a reader that makes one.
pub(crate) const UNASKED_BATCH: u64 = if cfg!(loom) { 3 } else { CHANGES_KEPT as u64 / 2 };

/// The states are kept elsewhere, because the backend was changed during the read. The read has to be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved;

#[derive(Debug)]
pub(crate) struct Root {
    published: ArcSwap<Snapshot>,
    /// Whether a reader had to roll the root forward since the writer did. It orders nothing: a writer that misses it
    /// sees it after the next commit.
    asked: AtomicBool,
}

impl Root {
    pub(crate) fn new(root: Snapshot) -> Self {
        Self { published: ArcSwap::from_pointee(root), asked: AtomicBool::new(false) }
    }

    /// Returns the root for short use, if it contains all commits up to `until`.
    pub(crate) fn guarded(&self, until: Generation) -> Option<crate::sync::Guard<Arc<Snapshot>>> {
        let root = self.published.load();
        (root.truth == Truth::Whole && root.generation >= until).then_some(root)
    }

    /// Returns a snapshot that contains all commits up to `until`, which are in `changes`. Takes no lock.
    pub(crate) fn at_least(&self, until: Generation, changes: &Changes) -> Result<Arc<Snapshot>, Moved> {
        let root = self.published.load_full();
        if root.truth == Truth::Whole && root.generation >= until {
            return Ok(root);
        }
        self.asked.store(true, Ordering::Relaxed);
        self.rolled_to(until, changes)
    }

    /// Rolls the root forward to `until` if that is due, for the writer: the root was made sure to be at `last` before.
    /// Returns whether it was due.
    pub(crate) fn roll_if_due(&self, last: Generation, until: Generation, changes: &Changes) -> bool {
        let behind = until.0 - last.0;
        let is_due = behind >= UNASKED_BATCH || behind >= BATCH && self.asked.load(Ordering::Relaxed);
        if is_due {
            self.asked.store(false, Ordering::Relaxed);
            // It has not moved, because no other writer is active.
            let _ = self.rolled_to(until, changes);
        }
        is_due
    }

    fn rolled_to(&self, until: Generation, changes: &Changes) -> Result<Arc<Snapshot>, Moved> {
        loop {
            let root = self.published.load_full();
            if root.truth == Truth::Elsewhere {
                return Err(Moved);
            }
            if root.generation >= until {
                return Ok(root);
            }
            // If a change was overwritten, the root has moved on by as many commits as the ring has places.
            let Some(next) = rolled(&root, until, changes) else {
                crate::sync::spin();
                continue;
            };
            let next = Arc::new(next);
            let found = self.published.compare_and_swap(&root, next.clone());
            let newer = found.truth == Truth::Whole && found.generation >= until;
            return Ok(if newer { found.clone() } else { next });
        }
    }

    /// Replaces the root. Only the writer calls this, to change the backend.
    pub(crate) fn replace(&self, root: Snapshot) {
        self.published.store(Arc::new(root));
    }
}

/// Returns `root` with the changes after it up to `until`; `None` if one of them is not in the ring any more.
///
/// The newest change of a process comes first, and the others are passed over: a process commits several times before
/// somebody looks.
fn rolled(root: &Snapshot, until: Generation, changes: &Changes) -> Option<Snapshot> {
    let (mut table, mut removed) = (root.table.clone(), Vec::new());
    let mut vacated = HashSet::<usize, ahash::RandomState>::default();
    let mut taken_at = None;
    changes.newest_first(root.generation, until, |change| {
        taken_at.get_or_insert(change.state.changed_at);
        let slot = change.slot();
        let newer = table.get(slot).is_some_and(|state| state.generation > change.generation);
        let is_last = !newer && !vacated.contains(&slot);
        if change.kind == ChangeKind::Removed {
            let (id, name) = (change.state.id, change.state.name().clone());
            removed.push(Removed { id, name, generation: change.generation });
            if is_last {
                table.put(slot, None);
                vacated.insert(slot);
            }
        } else if is_last {
            table.put(slot, Some(change.state.clone()));
        }
    })?;
    let removals = root.removals.with(removed.into_iter().rev());
    let taken_at = taken_at.unwrap_or(root.taken_at);
    Some(Snapshot::new(until, taken_at, table, removals, root.names.clone()))
}
