//! The mutex implementation: `Mutex<Arc<ProcessState>>` behind `RwLock<HashMap>`. The honest baseline of every
//! benchmark, and what the host falls back to when the atomic one is in doubt.
//!
//! A commit shares the map and locks one state; a snapshot takes the map to itself, so that no commit is half
//! done while it looks. No lock is held across anything but memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::process::{Generation, Moment, ProcessId, ProcessState};
use crate::snapshot::Snapshot;
use crate::table::Table;

type Cell = Arc<Mutex<Arc<ProcessState>>>;

#[derive(Debug, Default)]
pub(crate) struct Locked {
    map: RwLock<Map>,
    /// The last commit; its own lock is inside that of the map.
    last: Mutex<Last>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    generation: Generation,
    at: Moment,
    /// Some processes are kept elsewhere: the states here are not the whole truth.
    partial: bool,
}

#[derive(Debug, Default)]
struct Map {
    by_name: HashMap<Arc<str>, Cell>,
    by_slot: Vec<Cell>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locked {
    /// Adds a process in the next slot; `partial` if some processes are kept elsewhere.
    pub(crate) fn add(&self, state: Arc<ProcessState>, partial: bool) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, partial };
        let cell: Cell = Arc::new(Mutex::new(state.clone()));
        map.by_name.insert(state.name().clone(), cell.clone());
        map.by_slot.push(cell);
    }

    /// Replaces a state; `partial` if some processes are kept elsewhere.
    pub(crate) fn put(&self, state: Arc<ProcessState>, partial: bool) {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = map.by_slot.get(state.id.index()) {
            *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, partial };
            *lock(cell) = state;
        }
    }

    /// Brings everything up to date at once: from now on, and until the next `put`, this is the whole truth.
    pub(crate) fn put_all(&self, world: &Snapshot) {
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for (cell, state) in map.by_slot.iter().zip(world.table.iter()) {
            *lock(cell) = state.clone();
        }
        *lock(&self.last) = Last { generation: world.generation, at: world.taken_at, partial: false };
    }

    pub(crate) fn get(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        map.by_slot.get(id.index()).map(|cell| lock(cell).clone())
    }

    /// All states at one instant, unless some are kept elsewhere; `of` has the index, which is the same in both
    /// backends.
    pub(crate) fn snapshot(&self, of: &Snapshot) -> Option<Snapshot> {
        // Exclusively: a commit that shares the map could be between two states that we read.
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let Last { generation, at, partial } = *lock(&self.last);
        if partial {
            return None;
        }
        let table: Table = map.by_slot.iter().map(|cell| lock(cell).clone()).collect();
        Some(Snapshot { whole: true, generation, taken_at: at, table, index: of.index.clone() })
    }

    /// Holds every lock there is while `work` goes on.
    #[cfg(test)]
    pub(crate) fn while_locked(&self, work: impl FnOnce()) {
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let _last = lock(&self.last);
        let _cells: Vec<_> = map.by_slot.iter().map(|cell| lock(cell)).collect();
        work();
    }
}
