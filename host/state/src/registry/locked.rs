//! The mutex implementation: `Mutex<Arc<ProcessState>>` behind `RwLock<HashMap>`. It is the baseline of every
//! benchmark, and the fallback of the host when the atomic implementation is in doubt.
//!
//! A commit takes the map's read lock and locks one state; a snapshot takes the map's write lock, so that no commit is
//! in progress while it reads. No lock is held across anything but memory accesses. While `atomic` is in force for all
//! processes, nothing is kept here.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::names::Names;
use super::removals::{Removals, Removed};
use super::root::Moved;
use super::snapshot::{Snapshot, Truth};
use crate::process::{Generation, Moment, ProcessId, ProcessState};
use crate::sync::{Mutex, MutexGuard, RwLock};

type Cell = Arc<Mutex<Arc<ProcessState>>>;

#[derive(Debug)]
pub(crate) struct Locked {
    map: RwLock<Map>,
    /// The names that snapshots share, on every backend.
    names: Arc<Names>,
    /// The last commit. Its lock is only taken while that of the map is held.
    last: Mutex<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    generation: Generation,
    at: Moment,
    truth: Truth,
}

#[derive(Debug, Default)]
struct Map {
    by_name: HashMap<Arc<str>, Cell>,
    by_slot: Vec<Option<Cell>>,
    removals: Removals,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Map {
    fn put(&mut self, state: Arc<ProcessState>) {
        let (name, slot) = (state.name().clone(), state.id.index());
        let cell: Cell = Arc::new(Mutex::new(state));
        self.by_name.insert(name, cell.clone());
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, None);
        }
        if let Some(place) = self.by_slot.get_mut(slot) {
            *place = Some(cell);
        }
    }

    fn cell(&self, id: ProcessId) -> Option<&Cell> {
        self.by_slot.get(id.index())?.as_ref()
    }
}

impl Locked {
    /// Creates the implementation without any states.
    pub(crate) fn new(names: Arc<Names>) -> Self {
        let last = Last { generation: Generation::default(), at: Moment::default(), truth: Truth::Elsewhere };
        Self { map: RwLock::new(Map::default()), names, last: Mutex::new(last) }
    }

    /// Adds a process; `truth` says how much of the truth is kept here.
    pub(crate) fn add(&self, state: Arc<ProcessState>, truth: Truth) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, truth };
        map.put(state);
    }

    /// Replaces a state; `truth` says how much of the truth is kept here.
    pub(crate) fn put(&self, state: Arc<ProcessState>, truth: Truth) {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = map.cell(state.id) {
            *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, truth };
            *lock(cell) = state;
        }
    }

    /// Removes a process, whose last state is `state`; `truth` says how much of the truth is kept here.
    pub(crate) fn remove(&self, state: &ProcessState, truth: Truth) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, truth };
        map.by_name.remove(state.name());
        if let Some(place) = map.by_slot.get_mut(state.id.index()) {
            *place = None;
        }
        let removed = Removed { id: state.id, name: state.name().clone(), generation: state.generation };
        map.removals = map.removals.with([removed].into_iter());
    }

    /// Takes over all states at once, and keeps them until the next `put` of each. `truth` says how much of the truth
    /// they are.
    pub(crate) fn put_all(&self, world: &Snapshot, truth: Truth) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *map = Map { removals: world.removals.clone(), ..Map::default() };
        world.iter().for_each(|state| map.put(state.clone()));
        *lock(&self.last) = Last { generation: world.generation, at: world.taken_at, truth };
    }

    /// Drops all states, which are kept elsewhere now.
    pub(crate) fn clear(&self) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *map = Map::default();
        lock(&self.last).truth = Truth::Elsewhere;
    }

    /// Returns the state of a process, if it is kept here.
    pub(crate) fn get(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        map.cell(id).map(|cell| lock(cell).clone()).filter(|state| state.id == id)
    }

    /// Returns the id of the process called `name`, or [`Moved`] if it is not here and not all are.
    pub(crate) fn id(&self, name: &str) -> Result<Option<ProcessId>, Moved> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        match map.by_name.get(name).map(|cell| lock(cell).id) {
            None if lock(&self.last).truth != Truth::Whole => Err(Moved),
            found => Ok(found),
        }
    }

    /// Returns all states at one instant, unless some are kept elsewhere.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, Moved> {
        // The write lock: with the read lock, a commit could happen between two states that we read.
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let last = *lock(&self.last);
        if last.truth == Truth::Whole { Ok(self.gather(&map, last)) } else { Err(Moved) }
    }

    fn gather(&self, map: &Map, last: Last) -> Snapshot {
        let table = map.by_slot.iter().flatten().map(|cell| lock(cell).clone()).collect();
        Snapshot::new(last.generation, last.at, table, map.removals.clone(), self.names.clone())
    }

    /// Holds all locks while `work` runs.
    #[cfg(test)]
    pub(crate) fn while_locked(&self, work: impl FnOnce()) {
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let _last = lock(&self.last);
        let _cells: Vec<_> = map.by_slot.iter().flatten().map(|cell| lock(cell)).collect();
        work();
    }
}
