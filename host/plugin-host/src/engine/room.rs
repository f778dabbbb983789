//! Bounds what views and consumers take of an engine's pool, in memories and tables, and so leaves the rest to
//! policies. A policy never waits for a view or a consumer, and never finds its place taken by one.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

/// The memories that views and consumers may have together. Four views run at the same time, with up to 64 each; the
/// rest is for consumers, which keep theirs.
const MEMORIES: u32 = 512;
/// The tables that they may have together.
const TABLES: u32 = 2048;
/// The instances that they may have together: each needs a stack.
const INSTANCES: u32 = 192;

/// The memories and tables that an instance needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) memories: u32,
    pub(crate) tables: u32,
}

/// The memories, tables and instances that are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    need: Need,
    instances: u32,
}

impl Taken {
    fn and(self, need: Need) -> Self {
        Self {
            need: Need {
                memories: self.need.memories.saturating_add(need.memories),
                tables: self.need.tables.saturating_add(need.tables),
            },
            instances: self.instances.saturating_add(1),
        }
    }

    fn without(self, need: Need) -> Self {
        Self {
            need: Need {
                memories: self.need.memories.saturating_sub(need.memories),
                tables: self.need.tables.saturating_sub(need.tables),
            },
            instances: self.instances.saturating_sub(1),
        }
    }

    fn fits(self) -> bool {
        self.need.memories <= MEMORIES && self.need.tables <= TABLES && self.instances <= INSTANCES
    }
}

/// The part of a pool that is for views and consumers.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<Taken>);

impl Room {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock()
    }

    /// Takes a place for an instance until the result is dropped. Returns `None` if too little is left.
    pub(crate) fn take(self: &Arc<Self>, need: Need) -> Option<Place> {
        let mut taken = self.taken();
        let then = taken.and(need);
        if !then.fits() {
            return None;
        }
        *taken = then;
        Some(Place { room: self.clone(), need })
    }
}

/// The place of one instance; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    need: Need,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        *taken = taken.without(self.need);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_and_consumers_get_no_more_than_their_part_and_returned_places_are_free_again() {
        let room = Arc::new(Room::default());
        let hungry = Need { memories: 64, tables: 256 };
        let mut places: Vec<Place> = std::iter::from_fn(|| room.take(hungry)).collect();
        assert_eq!(places.len(), 8);
        assert!(room.take(Need { memories: 1, tables: 0 }).is_none());
        places.pop();
        let small = Need { memories: 1, tables: 1 };
        let more: Vec<Place> = std::iter::from_fn(|| room.take(small)).collect();
        assert_eq!(more.len(), 64);
        drop((places, more));
        assert_eq!(*room.taken(), Taken::default());
        let many: Vec<Place> = std::iter::from_fn(|| room.take(Need::default())).collect();
        assert_eq!(many.len(), INSTANCES as usize);
    }
}
