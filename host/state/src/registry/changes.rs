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
    /// The slot of the process: a change that was superseded is passed over without a look at its state, which is not in
    /// the caches any more.
    slot: u32,
    /// The state that it published.
    pub state: Arc<ProcessState>,
}

impl Change {
    /// Creates the change that led from the phase `from` to `state`.
    #[must_use]
    pub fn new(kind: ChangeKind, from: PhaseKind, state: Arc<ProcessState>) -> Self {
        Self { generation: state.generation, kind, from, slot: state.id.slot(), state }
    }

    pub(crate) fn slot(&self) -> usize {
        self.slot as usize
    }

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

    /// Calls `visit` with the changes from `first` to `last`, which are in one block. There are none if the block is not in
    /// the ring any more, and a place is empty if it is not filled yet.
    fn visit<T>(&self, first: Generation, last: Generation, visit: impl FnOnce(&[Once<Change>]) -> T) -> T {
        let number = block_of(first);
        let block = self.at(number).and_then(ArcSwapOption::load_full).filter(|it| it.number == number);
        let run = block.as_ref().and_then(|block| block.places.get(place_of(first)..=place_of(last)));
        visit(run.unwrap_or_default())
    }

    /// Calls `visit` with each change after `after` and up to `until`, newest first. Returns `None`, and stops, if one is
    /// not in the ring any more.
    pub(crate) fn newest_first(
        &self,
        after: Generation,
        until: Generation,
        mut visit: impl FnMut(&Change),
    ) -> Option<()> {
        let mut last = until;
        while last > after {
            let first = Generation(block_of(last) * BLOCK as u64).max(after.next());
            self.visit(first, last, |run| {
                run.iter().rev().try_for_each(|place| place.get().map(&mut visit))?;
                (!run.is_empty()).then_some(())
            })?;
            last = Generation(first.0 - 1);
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
        let mut after = start;
        while after < last {
            let first = Generation(after).next();
            let end = last.min((block_of(first) + 1) * BLOCK as u64 - 1);
            let before = page.changes.len();
            let keep = |run: &[Once<Change>]| page.changes.extend(run.iter().filter_map(Once::get).cloned());
            self.visit(first, Generation(end), keep);
            // A writer has replaced the block of the others, in the meantime or while we read.
            page.missed += end - after - (page.changes.len() - before) as u64;
            after = end;
        }
        page.cursor = Generation(last.max(cursor.0));
        page
    }
}
