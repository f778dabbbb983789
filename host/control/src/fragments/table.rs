//! A table by slot that grows without a lock: segments of 64, 128, 256 slots and so on are added and never moved.

use std::sync::OnceLock;

/// The number of slots of the first segment.
const FIRST: usize = 64;

/// The number of segments, which have room for four billion slots.
const SEGMENTS: usize = 26;

/// A table by slot.
#[derive(Debug)]
pub(super) struct Table<T>([OnceLock<Box<[T]>>; SEGMENTS]);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self([const { OnceLock::new() }; SEGMENTS])
    }
}

/// Returns the segment of a slot, and the position in it.
fn place(slot: usize) -> (usize, usize) {
    let segment = (slot / FIRST + 1).ilog2() as usize;
    (segment, slot - FIRST * ((1 << segment) - 1))
}

impl<T: Default> Table<T> {
    /// Returns an entry if its segment exists.
    pub(super) fn get(&self, slot: usize) -> Option<&T> {
        let (segment, at) = place(slot);
        self.0.get(segment)?.get()?.get(at)
    }

    /// Returns all entries of the segments that exist.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().filter_map(OnceLock::get).flatten()
    }

    /// Returns an entry, and adds its segment if it does not exist. `None` beyond the last segment.
    pub(super) fn entry(&self, slot: usize) -> Option<&T> {
        let (segment, at) = place(slot);
        let cell = self.0.get(segment)?;
        if cell.get().is_none() {
            // If another thread has just added the segment, this one is dropped.
            let _ = cell.set((0..FIRST << segment).map(|_| T::default()).collect());
        }
        cell.get()?.get(at)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_slot_has_an_entry_and_no_two_have_the_same() {
        let table = Table::<AtomicUsize>::default();
        assert!(table.get(0).is_none() && table.get(5_000).is_none());
        for slot in 0..5_000 {
            table.entry(slot).unwrap().store(slot, Ordering::Relaxed);
        }
        assert!((0..5_000).all(|slot| table.get(slot).unwrap().load(Ordering::Relaxed) == slot));
        assert_eq!(place(63), (0, 63));
        assert_eq!(place(64), (1, 0));
        assert_eq!(place(191), (1, 127));
        assert!(table.entry(usize::MAX / 2).is_none());
    }
}
