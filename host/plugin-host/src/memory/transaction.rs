//! What one call sees of a memory, and what it has written.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_state::MemoryWrite;

use crate::limits::Limits;

use super::values::{Published, Values, bytes, is_too_much};

/// Why a value was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The key is empty or too long.
    KeyLength {
        /// The longest key, in bytes.
        bytes_max: usize,
    },
    /// All keys and values together would be too large.
    Full {
        /// The largest total, in bytes.
        bytes_max: usize,
    },
}

/// What one call sees of a memory, and what it has written.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// The published values at the first access of the call, and their size in bytes.
    seen: Option<(Arc<Values>, usize)>,
    writes: BTreeMap<String, Option<Vec<u8>>>,
    /// The change in size by the writes, in bytes.
    grown: isize,
}

impl Transaction {
    /// Returns the writes: `None` for a key that was deleted.
    pub(super) fn into_writes(self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.writes
    }

    /// Returns the keys that were written, in alphabetical order, each with its value.
    pub(crate) fn writes(&self) -> Vec<MemoryWrite> {
        let write = |(key, value): (&String, &Option<Vec<u8>>)| {
            (key.as_str().into(), value.as_deref().map(Arc::from))
        };
        self.writes.iter().map(write).collect()
    }

    fn seen(&mut self, memory: &Published) -> (&Values, usize) {
        let (values, bytes) = self.seen.get_or_insert_with(|| {
            let values = memory.load_full();
            let bytes = bytes(&values);
            (values, bytes)
        });
        (values, *bytes)
    }

    pub(crate) fn get(&mut self, memory: &Published, key: &str) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(written) => written.clone(),
            None => self.seen(memory).0.get(key).map(|value| value.to_vec()),
        }
    }

    /// Returns the current size of a key with its value, in bytes.
    fn taken(&mut self, memory: &Published, key: &str) -> usize {
        let value = match self.writes.get(key) {
            Some(written) => written.as_ref().map(Vec::len),
            None => self.seen(memory).0.get(key).map(|value| value.len()),
        };
        value.map_or(0, |value| value + key.len())
    }

    pub(crate) fn set(
        &mut self,
        memory: &Published,
        limits: &Limits,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Refused> {
        if key.is_empty() || key.len() > limits.key_bytes_max {
            return Err(Refused::KeyLength { bytes_max: limits.key_bytes_max });
        }
        let grown = self.grown + difference(self.taken(memory, &key), key.len() + value.len());
        let (seen, written) = (self.seen(memory).1, self.grown);
        let (before, after) = (seen.saturating_add_signed(written), seen.saturating_add_signed(grown));
        if is_too_much(before, after, limits) {
            return Err(Refused::Full { bytes_max: limits.stored_bytes_max });
        }
        self.grown = grown;
        self.writes.insert(key, Some(value));
        Ok(())
    }

    pub(crate) fn delete(&mut self, memory: &Published, key: String) {
        let taken = self.taken(memory, &key);
        if taken > 0 {
            self.grown += difference(taken, 0);
            self.writes.insert(key, None);
        }
    }

    pub(crate) fn keys(&mut self, memory: &Published) -> Vec<String> {
        let mut keys: BTreeMap<String, bool> =
            self.seen(memory).0.keys().map(|key| (key.to_string(), true)).collect();
        keys.extend(self.writes.iter().map(|(key, value)| (key.clone(), value.is_some())));
        keys.into_iter().filter_map(|(key, is_there)| is_there.then_some(key)).collect()
    }
}

/// The signed size change; both operands fit in `isize`.
fn difference(from: usize, to: usize) -> isize {
    to.cast_signed() - from.cast_signed()
}
