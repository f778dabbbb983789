//! The last commits, by generation: what those who follow along read.
//!
//! A ring of atomic pointers, one generation a place. A commit fills its place before it publishes the
//! root, so whoever has seen generation g finds every change up to g, or finds that the place was taken
//! by a later one: then it is too far behind and must look at the snapshot instead. Reading takes no lock.

use std::sync::Arc;

use crate::process::{EventKind, Generation, PhaseKind, ProcessState};
use crate::sync::ArcSwapOption;

/// How many commits are remembered.
pub const CHANGES_KEPT: usize = if cfg!(loom) { 4 } else { 8_192 };

/// What a commit was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A process was added to the registry.
    Added,
    /// An event was applied to it.
    Event(EventKind),
}

/// One commit.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its number.
    pub generation: Generation,
    /// What it was about.
    pub kind: ChangeKind,
    /// The phase before it.
    pub from: PhaseKind,
    /// The state that it published.
    pub state: Arc<ProcessState>,
}

impl Change {
    /// Did the phase change?
    #[must_use]
    pub fn moved(&self) -> bool {
        self.from != self.state.phase.kind()
    }
}

/// What [`Changes::since`] found.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The changes after the cursor, oldest first.
    pub changes: Vec<Arc<Change>>,
    /// How many were lost before the first of them, because the reader was too far behind.
    pub missed: u64,
    /// Where to go on reading.
    pub cursor: Generation,
}

/// The ring.
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

    /// For the writer alone: before it publishes the root of the same generation.
    pub(crate) fn record(&self, change: Change) {
        self.place(change.generation).store(Some(Arc::new(change)));
    }

    /// At most `limit` changes after `cursor` and up to generation `until` (that of a snapshot which the
    /// caller holds). Takes no lock. Changes that were overwritten meanwhile are counted as missed.
    #[must_use]
    pub fn since(&self, cursor: Generation, until: Generation, limit: usize) -> Page {
        let kept_from = until.0.saturating_sub(CHANGES_KEPT as u64);
        let start = cursor.0.max(kept_from);
        let mut page = Page { changes: Vec::new(), missed: start.saturating_sub(cursor.0), cursor };
        let last = until.0.min(start.saturating_add(limit as u64));
        // A client may name any number.
        for number in start.saturating_add(1)..=last {
            match self.place(Generation(number)).load_full().filter(|change| change.generation.0 == number) {
                Some(change) => page.changes.push(change),
                // A writer lapped us while we read: what came before this place is lost, too.
                None => page.missed += 1,
            }
        }
        page.cursor = Generation(last.max(cursor.0));
        page
    }
}
