//! Live handles to one process, and the cached reader of one.

use std::ops::Deref;
use std::sync::Arc;

use super::backends::Core;
use super::cell::Cell;
use super::routing::Backend;
use crate::process::{Generation, ProcessId, ProcessState, Status};
use crate::sync::{ArcSwap, Cache};

/// A live handle to one process: it is found once by name, and then [read](super::Reader::read) without a lookup. It
/// never leads to another process: after the removal, reading it finds nothing.
#[derive(Clone, Debug)]
pub struct Handle {
    /// The id of the process.
    pub id: ProcessId,
    pub(super) cell: Arc<Cell>,
}

impl Handle {
    /// Returns phase, incarnation and generation with two loads. It may lag behind a snapshot by the commit in
    /// progress; it never goes backwards. After the removal it is [`Status::is_removed`].
    #[must_use]
    pub fn status(&self) -> Status {
        self.cell.status(self.id)
    }
}

/// A reader that polls one process: it keeps the last state, and loads one pointer to learn whether that is still the
/// latest.
#[derive(Debug)]
pub struct Watch {
    core: Arc<Core>,
    id: ProcessId,
    cached: Cache<StateOf, Arc<ProcessState>>,
    /// The generation of the last state that was read from the cell.
    seen: Generation,
    /// The last state that was read in another way.
    other: Option<Arc<ProcessState>>,
}

#[derive(Clone, Debug)]
struct StateOf(Arc<Cell>);

impl Deref for StateOf {
    type Target = ArcSwap<ProcessState>;

    fn deref(&self) -> &Self::Target {
        &self.0.state
    }
}

impl Watch {
    pub(super) fn new(core: Arc<Core>, handle: &Handle) -> Self {
        let cached = Cache::new(StateOf(handle.cell.clone()));
        Self { core, id: handle.id, cached, seen: Generation::default(), other: None }
    }

    /// Returns the latest state; `None` if the process was removed. Reads by one reader never go backwards, across
    /// states and snapshots.
    pub fn state(&mut self) -> Option<&Arc<ProcessState>> {
        if self.core.routing().backend != Backend::Dual {
            let state = self.cached.load();
            if state.id == self.id {
                if state.generation != self.seen {
                    self.seen = state.generation;
                    self.core.seen(state.generation);
                }
                return Some(state);
            }
        }
        self.other = self.core.state(self.id);
        self.other.as_ref()
    }
}
