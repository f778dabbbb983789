//! The fragments of all processes: one for each slot, and arrays of all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use provost_state::{Generation, ProcessId, ProcessState, Snapshot};

use super::array::Array;
use super::fields::Fields;
use super::fragment::{Fragment, Key};
use super::process::render;
use super::table::Table;
use crate::convert::Wall;

/// The number of arrays that are kept.
const ARRAYS: usize = 4;

/// The fragments of all processes. There is at most one for each slot of the registry, and [`ARRAYS`] copies of all of them.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    slots: Table<ArcSwapOption<Fragment>>,
    /// The array with all fields is at the first place. The choices of fields share the others.
    arrays: [ArcSwapOption<Array>; ARRAYS],
    /// The fragments of processes that were removed up to this generation are dropped.
    swept: AtomicU64,
    #[cfg(test)]
    pub(super) renderings: AtomicU64,
}

impl Fragments {
    /// Returns the JSON of one process of `world`.
    pub(crate) fn one(&self, world: &Snapshot, state: &ProcessState, wall: Wall) -> Bytes {
        self.with(world, state, wall, |fragment| fragment.bytes().clone())
    }

    /// Returns the array of all processes of `world`, each with all fields or with the chosen ones.
    pub(crate) fn all(&self, world: &Snapshot, fields: Option<&Fields>, wall: Wall) -> Bytes {
        self.sweep(world);
        let place = fields.map_or(0, |fields| 1 + fields.number() % (ARRAYS - 1));
        let place = self.arrays.get(place);
        let guard = place.map(|place| place.load());
        let kept = guard.as_deref().and_then(Option::as_deref);
        if let Some(kept) = kept
            && (kept.generation, kept.wall, kept.fields.as_ref()) == (world.generation(), wall, fields)
        {
            return kept.bytes.clone();
        }
        let object =
            |state: &Arc<ProcessState>, to: &mut Vec<u8>| self.object(world, state, fields, wall, to);
        let array = match kept {
            Some(kept) if (kept.wall, kept.fields.as_ref()) == (wall, fields) => kept.rolled(world, object),
            _ => None,
        };
        let array = array.unwrap_or_else(|| Array::of(world, fields.cloned(), wall, object));
        let bytes = array.bytes.clone();
        if let Some(place) = place.filter(|_| kept.is_none_or(|kept| kept.generation <= array.generation)) {
            place.store(Some(Arc::new(array)));
        }
        bytes
    }

    /// Appends an array of some processes of `world`, each with all fields or with the chosen ones.
    pub(crate) fn push<'a>(
        &self,
        world: &Snapshot,
        states: impl Iterator<Item = &'a Arc<ProcessState>>,
        fields: Option<&Fields>,
        wall: Wall,
        to: &mut Vec<u8>,
    ) {
        self.sweep(world);
        to.push(b'[');
        for (number, state) in states.enumerate() {
            if number > 0 {
                to.push(b',');
            }
            self.object(world, state, fields, wall, to);
        }
        to.push(b']');
    }

    /// Appends one process of `world`.
    fn object(
        &self,
        world: &Snapshot,
        state: &ProcessState,
        fields: Option<&Fields>,
        wall: Wall,
        to: &mut Vec<u8>,
    ) {
        self.with(world, state, wall, |fragment| match fields {
            None => to.extend_from_slice(fragment.bytes()),
            Some(fields) => fragment.push_fields(fields, to),
        });
    }

    /// Drops the fragments of the processes that were removed since the last call.
    pub(super) fn sweep(&self, world: &Snapshot) {
        let swept = Generation(self.swept.load(Ordering::SeqCst));
        if swept >= world.generation() {
            return;
        }
        let removed = world.removed_since(swept);
        if removed.is_some_and(<[_]>::is_empty) {
            return;
        }
        // Stored before anything is dropped: a reader of an older snapshot that fills a slot after that drops it itself.
        self.swept.fetch_max(world.generation().0, Ordering::SeqCst);
        match removed {
            Some(removed) => removed.iter().for_each(|one| self.forget(one.id)),
            None => self.slots.iter().for_each(|slot| {
                let kept = slot.load();
                let is_gone = |key: Key| key.generation <= world.generation() && world.get(key.id).is_none();
                if kept.as_ref().is_some_and(|kept| is_gone(kept.key)) {
                    slot.compare_and_swap(&kept, None);
                }
            }),
        }
        for place in &self.arrays {
            let array = place.load();
            if array.as_ref().is_some_and(|array| array.generation < world.generation()) {
                place.compare_and_swap(&array, None);
            }
        }
    }

    /// Drops the fragment of a process that was removed, unless another process has its slot.
    fn forget(&self, id: ProcessId) {
        let Some(slot) = self.slots.get(id.index()) else { return };
        let kept = slot.load();
        if kept.as_ref().is_some_and(|kept| kept.key.id == id) {
            // If another fragment has replaced it, there is nothing to drop.
            slot.compare_and_swap(&kept, None);
        }
    }

    /// Reads the fragment of a process of `world`, and renders it first if there is none of this version.
    fn with<T>(
        &self,
        world: &Snapshot,
        state: &ProcessState,
        wall: Wall,
        read: impl FnOnce(&Fragment) -> T,
    ) -> T {
        let ProcessState { id, version, generation, .. } = *state;
        let key = Key { id, version, generation, wall };
        let slot = self.slots.entry(id.index());
        let guard = slot.map(|slot| slot.load());
        let kept = guard.as_deref().and_then(Option::as_deref);
        if let Some(kept) = kept.filter(|kept| kept.key == key) {
            return read(kept);
        }
        #[cfg(test)]
        self.renderings.fetch_add(1, Ordering::Relaxed);
        let fragment = Arc::new(render(state, key));
        let result = read(&fragment);
        // A reader of an older snapshot does not replace what others need.
        let is_older = kept.is_some_and(|kept| kept.key.generation > generation);
        if let Some(slot) = slot.filter(|_| !is_older) {
            slot.store(Some(fragment));
            if self.swept.load(Ordering::SeqCst) > world.generation().0 {
                self.forget(id);
            }
        }
        result
    }

    /// Returns the number of fragments that are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.slots.iter().filter(|slot| slot.load().is_some()).count()
    }
}
