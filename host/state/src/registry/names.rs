//! The index from names to slots. It only grows, and all backends and snapshots share it.
//!
//! A name is looked up far more often than it is added, and a slot is never reused for another name. So the
//! index need not be persistent: the only writer adds names in place, readers find them without a lock,
//! and a snapshot ignores the slots beyond its own end.
//!
//! A lookup reads one hash, one word and one entry. The word holds the slot and half of the hash, so that a wrong
//! entry is rarely read; eight words share a cache line. The entry holds the name itself, if it is short,
//! beside the pointer to the identity: nothing else has to be fetched to compare it.
//!
//! When a table of words is three quarters full, a table of twice the size is filled and put in force. The older tables
//! are kept for readers that still use them; together they are smaller than the newest, at eight bytes a word.
//!
//! `docs/benchmarks.md` compares it with the maps that it replaces (`RwLock<HashMap>`, `DashMap`).

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::process::{Identity, ProcessId};

/// The number of words in the first table. A power of two, as all sizes are.
const FEWEST: usize = 16;

/// The maximum number of tables: the last one has more words than there can be slots.
const TABLES: usize = 30;

/// Marks an empty slot.
const EMPTY: u64 = 0;

/// The longest name, in bytes, that is stored in the entry itself.
const SHORT: usize = 22;

#[derive(Debug)]
struct Entry {
    identity: Arc<Identity>,
    /// The length of the short name; [`u8::MAX`] if the name is not short.
    len: u8,
    short: [u8; SHORT],
}

impl Entry {
    fn new(identity: Arc<Identity>) -> Self {
        let name = identity.name.as_bytes();
        let mut short = [0; SHORT];
        let len = match short.get_mut(..name.len()) {
            Some(place) => {
                place.copy_from_slice(name);
                name.len() as u8
            }
            None => u8::MAX,
        };
        Self { identity, len, short }
    }

    fn is(&self, name: &str) -> bool {
        match self.short.get(..usize::from(self.len)) {
            Some(short) => short == name.as_bytes(),
            None => *self.identity.name == *name,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Names {
    /// The hasher, with random keys: a user who chooses names cannot choose collisions.
    hasher: ahash::RandomState,
    /// The tables of words, each twice as large as the one before.
    tables: [OnceLock<Box<[AtomicU64]>>; TABLES],
    /// The index of the table in force.
    newest: AtomicUsize,
    /// The entries, by slot.
    entries: boxcar::Vec<Entry>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            tables: [const { OnceLock::new() }; TABLES],
            newest: AtomicUsize::new(0),
            entries: boxcar::Vec::new(),
        }
    }
}

impl Names {
    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// Returns the table in force; empty if there are no names.
    fn words(&self) -> &[AtomicU64] {
        // Acquire: a reader that sees the index also sees the table that was filled before it was stored.
        let newest = self.newest.load(Ordering::Acquire);
        self.tables.get(newest).and_then(OnceLock::get).map_or(&[], |words| words)
    }

    /// Returns the slot and the identity of the process called `name`, if one was ever added.
    pub(crate) fn find(&self, name: &str) -> Option<(ProcessId, &Arc<Identity>)> {
        let hash = self.hash(name);
        let words = self.words();
        let mask = words.len().wrapping_sub(1);
        let mut at = hash as usize;
        loop {
            // Acquire: a reader that sees a word also sees the entry that was pushed before it.
            let word = words.get(at & mask)?.load(Ordering::Acquire);
            if word == EMPTY {
                return None;
            }
            if tag_of(word) == tag_of(hash)
                && let Some(entry) = self.entries.get(slot_of(word).index())
                && entry.is(name)
            {
                return Some((slot_of(word), &entry.identity));
            }
            // The first empty word ends the search; there always is one, because at least a quarter are empty.
            at = at.wrapping_add(1);
        }
    }

    /// Adds a name and returns its slot. Slots are given in order. Only the writer calls this.
    pub(crate) fn add(&self, identity: Arc<Identity>) -> ProcessId {
        let hash = self.hash(&identity.name);
        let at = self.entries.push(Entry::new(identity));
        let id = ProcessId(u32::try_from(at).unwrap_or(u32::MAX));
        if (at + 1) * 4 > self.words().len() * 3 {
            self.grow();
        }
        fill(self.words(), hash, id);
        id
    }

    /// Puts a table of twice the size in force, with all names of the one before.
    fn grow(&self) {
        let before = self.words();
        let next = if before.is_empty() { 0 } else { self.newest.load(Ordering::Relaxed) + 1 };
        let words: Box<[AtomicU64]> =
            std::iter::repeat_with(|| AtomicU64::new(EMPTY)).take(FEWEST << next).collect();
        let known = before.iter().map(|word| word.load(Ordering::Relaxed)).filter(|word| *word != EMPTY);
        for id in known.map(slot_of) {
            if let Some(entry) = self.entries.get(id.index()) {
                fill(&words, self.hash(&entry.identity.name), id);
            }
        }
        if self.tables.get(next).is_some_and(|table| table.set(words).is_ok()) {
            self.newest.store(next, Ordering::Release);
        }
    }
}

/// Returns the words in which a name with this hash may be, nearest first. The lower half of the hash is the
/// position, the upper half is the tag.
fn probe(words: &[AtomicU64], hash: u64) -> impl Iterator<Item = &AtomicU64> {
    let first = hash as usize & words.len().saturating_sub(1);
    let (before, from) = words.split_at(first);
    from.iter().chain(before)
}

fn fill(words: &[AtomicU64], hash: u64, id: ProcessId) {
    if let Some(word) = probe(words, hash).find(|word| word.load(Ordering::Relaxed) == EMPTY) {
        // The slot is stored plus one, so that the word is never `EMPTY`. Release: see `find`.
        word.store((tag_of(hash) << 32) | (u64::from(id.0) + 1), Ordering::Release);
    }
}

fn tag_of(word: u64) -> u64 {
    word >> 32
}

fn slot_of(word: u64) -> ProcessId {
    ProcessId((word as u32).wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> String {
        // Short and long names.
        format!("web.{number}{}", "-".repeat(number % 40))
    }

    fn identity(number: usize) -> Arc<Identity> {
        Arc::new(Identity::new(name(number), ""))
    }

    fn found(names: &Names, number: usize) -> Option<ProcessId> {
        let (id, identity) = names.find(&name(number))?;
        assert_eq!(*identity.name, *name(number));
        Some(id)
    }

    #[test]
    fn every_added_name_is_found_at_any_size_and_no_other() {
        let names = Names::default();
        assert!(names.find("").is_none());
        for number in 0..5_000 {
            assert_eq!(found(&names, number), None);
            assert_eq!(names.add(identity(number)), ProcessId(number as u32));
            assert_eq!(found(&names, number), Some(ProcessId(number as u32)));
        }
        assert!((0..5_000).all(|number| found(&names, number) == Some(ProcessId(number as u32))));
        assert!(names.find("").is_none());
        assert_eq!(names.words().len(), 8_192);
        let kept: usize = names.tables.iter().filter_map(OnceLock::get).map(|words| words.len()).sum();
        assert!(kept < 2 * 8_192, "the older tables together are smaller than the newest");
    }

    #[test]
    fn a_lookup_while_names_are_added_finds_every_name_added_before_it() {
        let names = Names::default();
        let added = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let look = || {
                while added.load(Ordering::Acquire) < 20_000 {
                    let there = added.load(Ordering::Acquire);
                    let some = (0..there).step_by(1 + there / 16);
                    for number in some.chain(there.checked_sub(1)) {
                        assert_eq!(found(&names, number), Some(ProcessId(number as u32)));
                    }
                }
            };
            scope.spawn(look);
            scope.spawn(look);
            for number in 0..20_000 {
                names.add(identity(number));
                added.store(number + 1, Ordering::Release);
            }
        });
    }
}
