//! The last commits, by generation, for followers.
//!
//! They are kept in a ring of atomic pointers, one place for each generation. A commit fills its place before
//! it publishes the state, so a reader that has seen generation g finds every change up to g, or finds that a
//! later one has overwritten the place: then it is too far behind and must read the snapshot instead. Snapshots are made
//! from the ring, too. Reading takes no lock.

use std::sync::Arc;

use crate::process::{EventKind, Generation, PhaseKind, ProcessState};
use crate::sync::ArcSwapOption;

/// The number of commits that are kept.
pub const CHANGES_KEPT: usize = if cfg!(loom) { 4 } else { 8_192 };

/// The kind of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A process was added to the registry.
    Added,
    /// A process was removed from the registry. The state is its last one, with the generation of the removal.
    Removed,
    /// An event was applied to a process.
    Event(EventKind),
}

/// One commit.
#[derive(Clone, Debug)]
pub struct Change {
    /// The generation of the commit.
    pub generation: Generation,
    /// The kind of the commit.
    pub kind: ChangeKind,
    /// The phase before it.
    pub from: PhaseKind,
    /// The state that it published.
    pub state: Arc<ProcessState>,
}

impl Change {
    /// Whether the phase changed.
    #[must_use]
    pub fn moved(&self) -> bool {
        self.from != self.state.phase.kind()
    }
}

/// The result of [`Changes::since`].
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The changes after the cursor, oldest first.
    pub changes: Vec<Arc<Change>>,
    /// The number of changes that were overwritten before they were read, because the reader was too far behind.
    pub missed: u64,
    /// The cursor from which to continue reading.
    pub cursor: Generation,
}

/// The ring of the last commits.
#[derive(Debug)]
pub struct Changes {
    ring: Box<[ArcSwapOption<Change>]>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { ring: (0..CHANGES_KEPT).map(|_| ArcSwapOption::empty()).collect() }
    }
}

impl Changes {
    fn place(&self, generation: Generation) -> &ArcSwapOption<Change> {
        let at = generation.0 % (CHANGES_KEPT as u64);
        &self.ring[usize::try_from(at).unwrap_or(0)]
    }

    /// Calls `read` with the change of this generation; `None` if it is not in the ring (any more).
    pub(crate) fn with<T>(&self, generation: Generation, read: impl FnOnce(&Change) -> T) -> Option<T> {
        let place = self.place(generation).load();
        place.as_deref().filter(|change| change.generation == generation).map(read)
    }

    /// Records a change. Only the writer calls this, before it publishes the state of the same generation.
    pub(crate) fn record(&self, change: Change) {
        self.place(change.generation).store(Some(Arc::new(change)));
    }

    /// Returns at most `limit` changes after `cursor` and up to generation `until` (that of a snapshot which the
    /// caller holds). Takes no lock. Changes that were overwritten in the meantime are counted as missed.
    #[must_use]
    pub fn since(&self, cursor: Generation, until: Generation, limit: usize) -> Page {
        let kept_from = until.0.saturating_sub(CHANGES_KEPT as u64);
        let start = cursor.0.max(kept_from);
        let mut page = Page { changes: Vec::new(), missed: start.saturating_sub(cursor.0), cursor };
        let last = until.0.min(start.saturating_add(limit as u64));
        // A client may send any number as its cursor.
        for number in start.saturating_add(1)..=last {
            match self.place(Generation(number)).load_full().filter(|change| change.generation.0 == number) {
                Some(change) => page.changes.push(change),
                // A writer has overwritten this place, in the meantime or while we read.
                None => page.missed += 1,
            }
        }
        page.cursor = Generation(last.max(cursor.0));
        page
    }
}
