//! The last commits, by generation, for followers.
//!
//! They are kept in a ring of blocks, one place in a block for each generation. A commit fills its place before
//! it publishes the state, so a reader that has seen generation g finds every change up to g, or finds that a
//! later block has replaced the one that it wants: then it is too far behind and must read the snapshot instead.
//! Snapshots are made from the ring, too. Reading takes no lock. A block is replaced as a whole, so that an atomic
//! pointer is stored once in 64 commits.

use std::sync::Arc;

use crate::process::{EventKind, Generation, PhaseKind, ProcessState};
use crate::sync::{ArcSwapOption, Once};

/// The number of commits that are kept.
pub const CHANGES_KEPT: usize = if cfg!(loom) { 4 } else { 8_192 };

/// The number of commits in a block.
const BLOCK: usize = if cfg!(loom) { 2 } else { 64 };

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
    pub changes: Vec<Change>,
    /// The number of changes that were overwritten before they were read, because the reader was too far behind.
    pub missed: u64,
    /// The cursor from which to continue reading.
    pub cursor: Generation,
}

/// The changes of consecutive generations.
#[derive(Debug)]
pub(crate) struct Block {
    /// The number of the block: the generation of its first place, divided by [`BLOCK`].
    number: u64,
    places: [Once<Change>; BLOCK],
}

impl Block {
    fn new(number: u64) -> Arc<Self> {
        Arc::new(Self { number, places: std::array::from_fn(|_| Once::new()) })
    }

    fn place(&self, generation: Generation) -> Option<&Once<Change>> {
        self.places.get(place_of(generation))
    }
}

/// What the writer knows of the ring.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// The block that was filled last.
    newest: Option<Arc<Block>>,
    /// The changes that the newest block replaced. They are dropped one by one, each by the commit that adds one: then a
    /// commit gets the memory that the one before it has freed, and none drops 64 states at once.
    replaced: Option<std::array::IntoIter<Once<Change>, BLOCK>>,
}

fn block_of(generation: Generation) -> u64 {
    generation.0 / BLOCK as u64
}

fn place_of(generation: Generation) -> usize {
    (generation.0 % BLOCK as u64) as usize
}

/// The ring of the last commits.
#[derive(Debug)]
pub struct Changes {
    /// One block more than are kept, because the newest one is being filled.
    ring: Box<[ArcSwapOption<Block>]>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { ring: (0..=CHANGES_KEPT / BLOCK).map(|_| ArcSwapOption::empty()).collect() }
    }
}

impl Changes {
    fn at(&self, number: u64) -> Option<&ArcSwapOption<Block>> {
        let at = number % (self.ring.len() as u64);
        self.ring.get(usize::try_from(at).unwrap_or(0))
    }

    /// Records a change. Only the writer calls this, before it publishes the state of the same generation.
    pub(crate) fn record(&self, recorder: &mut Recorder, change: Change) {
        drop(recorder.replaced.as_mut().and_then(Iterator::next));
        let number = block_of(change.generation);
        let block = match &recorder.newest {
            Some(block) if block.number == number => block,
            _ => self.begin(recorder, number),
        };
        if let Some(place) = block.place(change.generation) {
            place.set(change);
        }
    }

    /// Begins a block in the place of the oldest one.
    #[cold]
    fn begin<'a>(&self, recorder: &'a mut Recorder, number: u64) -> &'a Arc<Block> {
        let block = recorder.newest.insert(Block::new(number));
        if let Some(place) = self.at(number) {
            let oldest = place.swap(Some(block.clone()));
            // If somebody is reading it, the last of its readers drops it as a whole.
            recorder.replaced = oldest.and_then(Arc::into_inner).map(|block| block.places.into_iter());
        }
        block
    }

    /// Calls `visit` with the changes after `after` and up to `until`, oldest first, in runs of consecutive places; and with
    /// the number of changes in the run. The run is empty if it is not in the ring any more, and a place is if it is not
    /// filled yet. Stops when `visit` returns `None`, and returns that.
    pub(crate) fn visit(
        &self,
        after: Generation,
        until: Generation,
        mut visit: impl FnMut(&[Once<Change>], u64) -> Option<()>,
    ) -> Option<()> {
        let mut at = after.next();
        while at <= until {
            let number = block_of(at);
            let end = Generation((number + 1) * BLOCK as u64).min(until.next());
            let block = self.at(number).and_then(ArcSwapOption::load_full).filter(|it| it.number == number);
            let run = block.as_ref().and_then(|block| block.places.get(place_of(at)..));
            let count = end.0 - at.0;
            visit(run.and_then(|run| run.get(..count as usize)).unwrap_or_default(), count)?;
            at = end;
        }
        Some(())
    }

    /// Returns at most `limit` changes after `cursor` and up to generation `until` (that of a snapshot which the
    /// caller holds). Takes no lock. Changes that were overwritten in the meantime are counted as missed.
    #[must_use]
    pub fn since(&self, cursor: Generation, until: Generation, limit: usize) -> Page {
        let kept_from = until.0.saturating_sub(CHANGES_KEPT as u64);
        let start = cursor.0.max(kept_from);
        let mut page = Page { changes: Vec::new(), missed: start.saturating_sub(cursor.0), cursor };
        // A client may send any number as its cursor.
        let last = until.0.min(start.saturating_add(limit as u64));
        if last > start {
            // It never stops early.
            let _ = self.visit(Generation(start), Generation(last), |run, count| {
                let before = page.changes.len();
                page.changes.extend(run.iter().filter_map(Once::get).cloned());
                // A writer has replaced this block, in the meantime or while we read.
                page.missed += count - (page.changes.len() - before) as u64;
                Some(())
            });
        }
        page.cursor = Generation(last.max(cursor.0));
        page
    }
}
