//! A live handle to one process.

use std::sync::Arc;

use crate::process::{Identity, ProcessId, ProcessState, Status};

/// A live handle to one process: it is found once by name, and then read without a lookup.
#[derive(Clone, Debug)]
pub struct Handle {
    /// The slot of the process.
    pub id: ProcessId,
    identity: Arc<Identity>,
}

impl Handle {
    pub(crate) fn new(id: ProcessId, identity: Arc<Identity>) -> Self {
        Self { id, identity }
    }

    /// Returns the handle of the process that `state` belongs to.
    #[must_use]
    pub fn of(state: &ProcessState) -> Self {
        Self::new(state.id, state.identity.clone())
    }

    pub(crate) fn is_published(&self) -> bool {
        self.identity.word.is_published()
    }

    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.identity.name
    }

    /// Returns phase, incarnation and generation with one load. It may lag behind a snapshot by the commit in
    /// progress; it never goes backwards.
    #[must_use]
    pub fn status(&self) -> Status {
        self.identity.word.load()
    }
}
