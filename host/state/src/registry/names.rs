//! The slots and the index from names to them, which all backends and snapshots share.
//!
//! A name is looked up far more often than it is added or removed. So the index is not persistent: the only writer changes
//! it in place, and readers search it without a lock. A snapshot compares what it finds with its own states, and has
//! names of its own only if a process was removed since.
//!
//! A lookup reads one hash, one word and one place. The word holds the slot and half of the hash, so that a wrong
//! place is rarely read; eight words share a cache line. The place holds the name itself, if it is short.
//!
//! A removed name leaves a mark that keeps later words reachable, unless no word follows. When three quarters of a table
//! are words or marks, its names are put into another table: one of twice the size if they need it, else the second one
//! of the same size, so that the two alternate however often names come and go. A reader may search a table that is not
//! in force any more and is filled again meanwhile. What it finds is right even then, because the place confirms the
//! name; that it finds nothing counts only if no table was put in force during the search.
//!
//! `docs/benchmarks.md` compares it with the maps that it replaces (`RwLock<HashMap>`, `DashMap`).

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::cell::{Cell, Packed, vacant};
use crate::process::{Epoch, Generation, Identity, Moment, ProcessId, ProcessState};

/// The number of words in the first table. A power of two, as all sizes are.
const FEWEST: usize = 16;

/// The maximum number of sizes: the last table has more words than there can be slots.
const SIZES: usize = 30;

/// Marks a word that was never used, or that no name beyond it needs any more.
const EMPTY: u64 = 0;

/// Marks the word of a removed name. It leads to a slot that does not exist.
const REMOVED: u64 = u32::MAX as u64;

type Words = OnceLock<Box<[AtomicU64]>>;

#[derive(Debug)]
pub(crate) struct Names {
    /// The hasher, with random keys: a user who chooses names cannot choose collisions.
    hasher: ahash::RandomState,
    /// The tables of words: two of each size, each size twice the one before.
    tables: [[Words; 2]; SIZES],
    /// The table in force: the index of its size times two, and which of the two.
    newest: AtomicUsize,
    /// The number of times that a table was put in force.
    rebuilt: AtomicUsize,
    /// The number of words in force that are not [`EMPTY`]. Only the writer uses it.
    used: AtomicUsize,
    /// The number of names. Only the writer uses it.
    count: AtomicUsize,
    /// The generation of the last removal; stored before its name is removed.
    last_removal: AtomicU64,
    slots: boxcar::Vec<Arc<Cell>>,
    /// The state that stands for none, in slots without a tenant.
    nobody: Arc<ProcessState>,
    /// The state that stands for one that is kept behind locks.
    pub(crate) elsewhere: Arc<ProcessState>,
}

impl Default for Names {
    fn default() -> Self {
        let nobody = ProcessState::new(
            ProcessId::new(0, Epoch::NOBODY),
            Arc::new(Identity::new("", "")),
            Moment::default(),
        );
        Self {
            hasher: ahash::RandomState::new(),
            tables: [const { [const { OnceLock::new() }; 2] }; SIZES],
            newest: AtomicUsize::new(0),
            rebuilt: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            last_removal: AtomicU64::new(0),
            slots: boxcar::Vec::new(),
            elsewhere: vacant(&nobody, Epoch::ELSEWHERE, Generation::default()),
            nobody: Arc::new(nobody),
        }
    }
}

impl Names {
    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// Returns the table in force; empty if there never was a name.
    fn words(&self) -> &[AtomicU64] {
        // Acquire: a reader that sees the index also sees the table that was filled before it was stored.
        let newest = self.newest.load(Ordering::Acquire);
        self.tables.as_flattened().get(newest).and_then(OnceLock::get).map_or(&[], |words| words)
    }

    /// Returns the place of a slot.
    pub(crate) fn place(&self, id: ProcessId) -> Option<&Arc<Cell>> {
        self.slots.get(id.index())
    }

    /// Returns the id and the place of the process called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<(ProcessId, &Arc<Cell>)> {
        let (hash, name) = (self.hash(name), Packed::new(name));
        let mut rebuilt = self.rebuilt.load(Ordering::Acquire);
        loop {
            let found = self.search(hash, &name);
            // Every word that was changed for a later table is visible only with the number of that table.
            let now = self.rebuilt.load(Ordering::Acquire);
            if found.is_some() || now == rebuilt {
                return found;
            }
            rebuilt = now;
        }
    }

    fn search(&self, hash: u64, name: &Packed<'_>) -> Option<(ProcessId, &Arc<Cell>)> {
        let words = self.words();
        let mask = words.len().wrapping_sub(1);
        let mut at = hash as usize;
        loop {
            // Acquire: a reader that sees a word also sees the place that was furnished before it.
            let word = words.get(at & mask)?.load(Ordering::Acquire);
            if word == EMPTY {
                return None;
            }
            if tag_of(word) == tag_of(hash)
                && let Some(place) = self.slots.get(slot_of(word))
                && let Some(id) = place.tenant_called(name)
            {
                return Some((id, place));
            }
            // The first empty word ends the search; there always is one, because at least a quarter are empty.
            at = at.wrapping_add(1);
        }
    }

    /// Returns a vacant place: that of `slot`, or a new one. Only the writer calls this.
    pub(crate) fn vacancy(&self, slot: Option<u32>) -> (u32, &Arc<Cell>) {
        let at = match slot {
            Some(slot) => slot as usize,
            None => self.slots.push_with(|at| Arc::new(Cell::new(number(at), self.nobody.clone()))),
        };
        (number(at), &self.slots[at])
    }

    /// Adds a name, which leads to `slot` from now on. Only the writer calls this.
    pub(crate) fn add(&self, name: &str, slot: u32) {
        let count = self.count.load(Ordering::Relaxed) + 1;
        if (self.used.load(Ordering::Relaxed) + 1) * 4 > self.words().len() * 3 {
            self.rebuild(count);
        }
        let newly_used = fill(self.words(), self.hash(name), slot);
        self.used.fetch_add(usize::from(newly_used), Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
    }

    /// Announces a removal, before any part of it can be seen. Only the writer calls this.
    pub(crate) fn announce_removal(&self, generation: Generation) -> Arc<ProcessState> {
        self.last_removal.store(generation.0, Ordering::Release);
        vacant(&self.nobody, Epoch::NOBODY, generation)
    }

    /// Whether a process was removed after `generation`, or is being removed.
    pub(crate) fn has_removed_since(&self, generation: Generation) -> bool {
        self.last_removal.load(Ordering::Acquire) > generation.0
    }

    /// Removes a name that leads to `slot`. Only the writer calls this.
    pub(crate) fn remove(&self, name: &str, slot: u32) {
        let words = self.words();
        let mask = words.len().wrapping_sub(1);
        let hash = self.hash(name);
        let wanted = word_of(hash, slot);
        let mut at = hash as usize;
        while let Some(word) = words.get(at & mask).map(|word| word.load(Ordering::Relaxed)) {
            if word == wanted {
                self.unmark(words, at);
                self.count.fetch_sub(1, Ordering::Relaxed);
                return;
            }
            if word == EMPTY {
                return;
            }
            at = at.wrapping_add(1);
        }
    }

    /// Marks the word at `at` as removed, or empties it and the marks before it, if no word follows that a search could
    /// reach only through them.
    fn unmark(&self, words: &[AtomicU64], at: usize) {
        let word = |at: usize| words.get(at & words.len().wrapping_sub(1));
        let is = |at: usize, what| word(at).is_some_and(|word| word.load(Ordering::Relaxed) == what);
        let set = |at: usize, what| word(at).into_iter().for_each(|word| word.store(what, Ordering::Release));
        set(at, REMOVED);
        if !is(at.wrapping_add(1), EMPTY) {
            return;
        }
        let mut last = at;
        while is(last, REMOVED) {
            set(last, EMPTY);
            self.used.fetch_sub(1, Ordering::Relaxed);
            last = last.wrapping_sub(1);
        }
    }

    /// Puts a table with room for `count` names in force, with all names of the one before.
    fn rebuild(&self, count: usize) {
        let newest = self.newest.load(Ordering::Relaxed);
        let before = self.words();
        let mut size = newest / 2;
        // Half of the words may be names; the rest is room for those that come and for marks.
        while FEWEST << size < count * 2 {
            size += 1;
        }
        let which = if size == newest / 2 && !before.is_empty() { 1 - newest % 2 } else { 0 };
        let next = size * 2 + which;
        let Some(table) = self.tables.as_flattened().get(next) else { return };
        let empty = || std::iter::repeat_with(|| AtomicU64::new(EMPTY)).take(FEWEST << size).collect();
        table.get().into_iter().flatten().for_each(|word| word.store(EMPTY, Ordering::Release));
        let words = table.get_or_init(empty);
        let known = before.iter().map(|word| word.load(Ordering::Relaxed));
        for slot in known.filter(|word| !matches!(*word, EMPTY | REMOVED)).map(slot_of) {
            if let Some(name) = self.slots.get(slot).and_then(|place| place.last_name()) {
                fill(words, self.hash(&name), number(slot));
            }
        }
        self.used.store(self.count.load(Ordering::Relaxed), Ordering::Relaxed);
        self.newest.store(next, Ordering::Release);
        self.rebuilt.fetch_add(1, Ordering::Release);
    }
}

fn number(slot: usize) -> u32 {
    u32::try_from(slot).unwrap_or(u32::MAX)
}

/// Stores the word of a name in the first word that is free; returns whether that word was never used.
fn fill(words: &[AtomicU64], hash: u64, slot: u32) -> bool {
    let (before, from) = words.split_at(hash as usize & words.len().saturating_sub(1));
    for word in from.iter().chain(before) {
        let found = word.load(Ordering::Relaxed);
        if matches!(found, EMPTY | REMOVED) {
            // Release: see `search`.
            word.store(word_of(hash, slot), Ordering::Release);
            return found == EMPTY;
        }
    }
    false
}

/// Returns the word for a slot: half of the hash, and the slot plus one, so that it is never [`EMPTY`].
fn word_of(hash: u64, slot: u32) -> u64 {
    (tag_of(hash) << 32) | (u64::from(slot) + 1)
}

fn tag_of(word: u64) -> u64 {
    word >> 32
}

fn slot_of(word: u64) -> usize {
    (word as u32).wrapping_sub(1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> String {
        // Short and long names.
        format!("web.{number}{}", "-".repeat(number % 40))
    }

    /// Adds a process as the registry does.
    fn add(names: &Names, number: usize, slot: Option<u32>, generation: u64) -> ProcessId {
        let (slot, cell) = names.vacancy(slot);
        let id = ProcessId::new(slot, Epoch::of(Generation(generation)));
        cell.furnish(&ProcessState::new(id, Arc::new(Identity::new(name(number), "")), Moment::default()));
        names.add(&name(number), slot);
        cell.let_to(id);
        id
    }

    fn remove(names: &Names, number: usize, id: ProcessId, generation: u64) {
        names.place(id).unwrap().vacate(Generation(generation));
        names.remove(&name(number), id.slot());
    }

    fn found(names: &Names, number: usize) -> Option<ProcessId> {
        names.find(&name(number)).map(|(id, _)| id)
    }

    #[test]
    fn every_added_name_is_found_at_any_size_and_no_other() {
        let names = Names::default();
        assert!(names.find("").is_none());
        for number in 0..5_000 {
            assert_eq!(found(&names, number), None);
            let id = add(&names, number, None, number as u64 + 1);
            assert_eq!(id.index(), number);
            assert_eq!(found(&names, number), Some(id));
        }
        for number in 0..5_000 {
            assert_eq!(found(&names, number).map(ProcessId::index), Some(number));
        }
        assert!(names.find("").is_none());
        assert_eq!(names.words().len(), 8_192);
        let tables = names.tables.as_flattened().iter().filter_map(OnceLock::get);
        let kept: usize = tables.map(|words| words.len()).sum();
        assert!(kept < 2 * 8_192, "the older tables together are smaller than the newest");
    }

    #[test]
    fn names_come_and_go_without_end_in_the_same_two_tables() {
        let names = Names::default();
        let mut live = std::collections::VecDeque::new();
        let mut free = Vec::new();
        for turn in 0..40_000 {
            if live.len() == 120 {
                let (number, id) = live.pop_front().unwrap();
                remove(&names, number, id, turn as u64 + 1);
                assert_eq!(found(&names, number), None);
                free.push(id.slot());
            }
            let id = add(&names, turn, free.pop(), turn as u64 + 1);
            live.push_back((turn, id));
            if turn % 97 == 0 {
                assert!(live.iter().all(|(number, id)| found(&names, *number) == Some(*id)), "{turn}");
            }
        }
        assert_eq!((names.slots.count(), names.words().len()), (120, 256));
        let rebuilt = names.rebuilt.load(Ordering::Relaxed);
        assert!(rebuilt > 7, "the tables were used in turn: {rebuilt}");
        let used = names.words().iter().filter(|word| word.load(Ordering::Relaxed) != EMPTY).count();
        assert_eq!(used, names.used.load(Ordering::Relaxed));
        for (number, id) in live.drain(..) {
            remove(&names, number, id, 99_999);
        }
        assert_eq!(names.count.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_lookup_while_names_come_and_go_finds_every_name_that_stays() {
        let names = Names::default();
        const STAY: usize = 50;
        let staying: Vec<ProcessId> = (0..STAY).map(|number| add(&names, number, None, 1)).collect();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Acquire) {
                        for (number, id) in staying.iter().enumerate() {
                            assert_eq!(found(&names, number), Some(*id));
                        }
                        for number in [STAY, STAY + 7, STAY + 21] {
                            let id = names.find(&name(number)).map(|(id, _)| id.index());
                            assert!(id.is_none_or(|slot| slot >= STAY), "{number} leads to another process");
                        }
                    }
                });
            }
            let mut here: Vec<Option<ProcessId>> = vec![None; 60];
            let mut free = Vec::new();
            let mut random = 7_u64;
            for generation in 2..60_000 {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let which = (random >> 33) as usize % here.len();
                here[which] = match here[which].take() {
                    Some(id) => {
                        remove(&names, STAY + which, id, generation);
                        free.push(id.slot());
                        None
                    }
                    None => Some(add(&names, STAY + which, free.pop(), generation)),
                };
            }
            done.store(true, Ordering::Release);
        });
    }
}
