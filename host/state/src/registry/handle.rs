//! Live handles to one process, and the cached reader of one.

use std::sync::Arc;

use super::backends::Core;
use super::cell::Cell;
use crate::process::{ProcessId, ProcessState, Status};

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
    handle: Handle,
    /// What was last read from the cell.
    last: Arc<ProcessState>,
    /// Whether that is a state of this process.
    is_its: bool,
    /// The last state that was read in another way.
    other: Option<Arc<ProcessState>>,
}

impl Watch {
    pub(super) fn new(core: Arc<Core>, handle: &Handle) -> Self {
        let last = handle.cell.state.load();
        let mut watch = Self { core, handle: handle.clone(), last, is_its: false, other: None };
        watch.look();
        watch
    }

    /// Returns the latest state; `None` if the process was removed. Reads by one reader never go backwards, across
    /// states and snapshots.
    #[inline]
    pub fn state(&mut self) -> Option<&Arc<ProcessState>> {
        // A state that is in the cell and was looked at there before is the latest, and `latest` is not behind it.
        if self.is_its && self.handle.cell.state.is(&self.last) && self.core.is_atomic() {
            return Some(&self.last);
        }
        self.latest()
    }

    #[cold]
    fn latest(&mut self) -> Option<&Arc<ProcessState>> {
        if !self.handle.cell.state.is(&self.last) {
            self.look();
        }
        if self.is_its && self.core.is_atomic() {
            return Some(&self.last);
        }
        self.other = self.core.state(self.handle.id);
        self.other.as_ref()
    }

    /// Looks into the cell.
    fn look(&mut self) {
        self.last = self.handle.cell.state.load();
        self.is_its = self.last.id == self.handle.id;
        if self.is_its {
            self.core.seen(self.last.generation);
        }
    }
}
