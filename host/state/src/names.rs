//! Names to slots: a hash table that is only ever added to, shared by all snapshots.
//!
//! A name is looked up in far more often than it is added, and a slot once given is never given to another name. So
//! the table need not be persistent: the writer fills an empty bucket in place, and a snapshot ignores the
//! slots that lie beyond its own end. Only when the table is three quarters full is it copied, to one twice as
//! large; then older snapshots keep the old one. A lookup is one hash, one bucket (they are filled
//! without a lock, so reading one takes none) and one comparison of the name.
//!
//! Measured against the persistent map that was here before, and against a `DashMap` beside the root: see
//! `docs/benchmarks.md`.

use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, OnceLock};

use crate::process::ProcessId;

/// Buckets of the smallest table. A power of two, as all sizes are.
const FEWEST: usize = 16;

#[derive(Clone, Debug)]
struct Entry {
    /// The upper half of the hash: names are compared only if it is the same.
    tag: u32,
    id: ProcessId,
    name: Arc<str>,
}

#[derive(Debug)]
pub(crate) struct Names {
    /// Keyed at random: whoever chooses names cannot choose collisions.
    hasher: ahash::RandomState,
    buckets: Box<[OnceLock<Entry>]>,
}

impl Default for Names {
    fn default() -> Self {
        Self::with_buckets(ahash::RandomState::new(), FEWEST)
    }
}

impl Names {
    fn with_buckets(hasher: ahash::RandomState, count: usize) -> Self {
        Self { hasher, buckets: std::iter::repeat_with(OnceLock::new).take(count).collect() }
    }

    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    /// The buckets in which a name of this hash may be, nearest first.
    fn probe(&self, hash: u64) -> impl Iterator<Item = &OnceLock<Entry>> {
        // The lower half says where, the upper half is the tag.
        let first = hash as usize & (self.buckets.len() - 1);
        let (before, from) = self.buckets.split_at(first);
        from.iter().chain(before)
    }

    /// The slot of the process called `name`, if one was ever added.
    pub(crate) fn find(&self, name: &str) -> Option<ProcessId> {
        let hash = self.hash(name);
        let tag = tag_of(hash);
        // The first empty bucket ends the search; there always is one.
        self.probe(hash)
            .map_while(OnceLock::get)
            .find(|entry| entry.tag == tag && *entry.name == *name)
            .map(|entry| entry.id)
    }

    /// For the writer alone: these names and one more. `id` is the next slot, and so the number of names that
    /// are there already.
    pub(crate) fn with(self: &Arc<Self>, name: Arc<str>, id: ProcessId) -> Arc<Self> {
        if (id.index() + 1) * 4 <= self.buckets.len() * 3 {
            self.fill(name, id);
            return self.clone();
        }
        let grown = Self::with_buckets(self.hasher.clone(), self.buckets.len() * 2);
        for entry in self.buckets.iter().filter_map(OnceLock::get) {
            grown.fill(entry.name.clone(), entry.id);
        }
        grown.fill(name, id);
        Arc::new(grown)
    }

    fn fill(&self, name: Arc<str>, id: ProcessId) {
        let hash = self.hash(&name);
        let mut entry = Entry { tag: tag_of(hash), id, name };
        for bucket in self.probe(hash) {
            match bucket.set(entry) {
                Ok(()) => return,
                Err(taken) => entry = taken,
            }
        }
    }
}

fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Arc<str> {
        format!("web.{number}").into()
    }

    #[test]
    fn every_name_is_found_whatever_the_size_and_no_other() {
        let mut names = Arc::new(Names::default());
        for number in 0..5_000 {
            assert_eq!(names.find(&name(number)), None);
            names = names.with(name(number), ProcessId(number as u32));
            assert_eq!(names.find(&name(number)), Some(ProcessId(number as u32)));
        }
        assert!((0..5_000).all(|number| names.find(&name(number)) == Some(ProcessId(number as u32))));
        assert_eq!(names.find(""), None);
        assert_eq!(names.buckets.len(), 8_192);
    }

    #[test]
    fn a_table_that_was_grown_leaves_the_old_one_as_it_was() {
        let mut names = Arc::new(Names::default());
        for number in 0..12 {
            names = names.with(name(number), ProcessId(number as u32));
        }
        let old = names.clone();
        names = names.with(name(12), ProcessId(12));
        assert!(!Arc::ptr_eq(&old, &names), "three quarters were full");
        assert_eq!((old.find(&name(12)), names.find(&name(12))), (None, Some(ProcessId(12))));
        assert_eq!(old.find(&name(3)), Some(ProcessId(3)));
    }
}
