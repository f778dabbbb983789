//! The mutex implementation: `Mutex<Arc<ProcessState>>` behind `RwLock<HashMap>`. It is the baseline of every
//! benchmark, and the fallback of the host when the atomic implementation is in doubt.
//!
//! A commit takes the map's read lock and locks one state; a snapshot takes the map's write lock, so that no commit is
//! in progress while it reads. No lock is held across anything but memory accesses. While `atomic` is in force for all
//! processes, nothing is kept here.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::handle::Handle;
use super::names::Names;
use super::snapshot::{Snapshot, Truth};
use crate::process::{Generation, Moment, ProcessId, ProcessState};
use crate::sync::{Mutex, MutexGuard, RwLock};

type Cell = Arc<Mutex<Arc<ProcessState>>>;

/// The process is kept by another backend, because the backend was changed during the read. The read has to be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved;

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
    by_slot: Vec<Cell>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Map {
    fn push(&mut self, state: Arc<ProcessState>) {
        let name = state.name().clone();
        let cell: Cell = Arc::new(Mutex::new(state));
        self.by_name.insert(name, cell.clone());
        self.by_slot.push(cell);
    }
}

impl Locked {
    /// Creates the implementation without any states.
    pub(crate) fn new(names: Arc<Names>) -> Self {
        let last = Last { generation: Generation::default(), at: Moment::default(), truth: Truth::Elsewhere };
        Self { map: RwLock::new(Map::default()), names, last: Mutex::new(last) }
    }

    /// Adds a process in the next slot; `truth` says how much of the truth is kept here.
    pub(crate) fn add(&self, state: Arc<ProcessState>, truth: Truth) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, truth };
        map.push(state);
    }

    /// Replaces a state; `truth` says how much of the truth is kept here.
    pub(crate) fn put(&self, state: Arc<ProcessState>, truth: Truth) {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = map.by_slot.get(state.id.index()) {
            *lock(&self.last) = Last { generation: state.generation, at: state.changed_at, truth };
            *lock(cell) = state;
        }
    }

    /// Takes over all states at once: from now on, and until the next `put`, this is the whole truth.
    pub(crate) fn put_all(&self, world: &Snapshot) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *map = Map::default();
        world.iter().for_each(|state| map.push(state.clone()));
        *lock(&self.last) = Last { generation: world.generation, at: world.taken_at, truth: Truth::Whole };
    }

    /// Drops all states, which are kept elsewhere now.
    pub(crate) fn clear(&self) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        *map = Map::default();
        lock(&self.last).truth = Truth::Elsewhere;
    }

    pub(crate) fn get(&self, id: ProcessId) -> Result<Option<Arc<ProcessState>>, Moved> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        self.found(map.by_slot.get(id.index()).map(|cell| lock(cell).clone()))
    }

    pub(crate) fn handle(&self, name: &str) -> Result<Option<Handle>, Moved> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        self.found(map.by_name.get(name).map(|cell| Handle::of(&lock(cell))))
    }

    /// Returns the result of a lookup, or [`Moved`] if nothing was found and the states are kept elsewhere. The caller
    /// holds the lock of the map.
    fn found<T>(&self, found: Option<T>) -> Result<Option<T>, Moved> {
        match found {
            None if lock(&self.last).truth == Truth::Elsewhere => Err(Moved),
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
        Snapshot {
            truth: Truth::Whole,
            generation: last.generation,
            taken_at: last.at,
            table: map.by_slot.iter().map(|cell| lock(cell).clone()).collect(),
            names: self.names.clone(),
        }
    }

    /// Returns all states that are kept here, for a writer that knows that no others exist.
    pub(crate) fn all(&self) -> Snapshot {
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        self.gather(&map, *lock(&self.last))
    }

    /// Holds all locks while `work` runs.
    #[cfg(test)]
    pub(crate) fn while_locked(&self, work: impl FnOnce()) {
        let map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let _last = lock(&self.last);
        let _cells: Vec<_> = map.by_slot.iter().map(|cell| lock(cell)).collect();
        work();
    }
}
