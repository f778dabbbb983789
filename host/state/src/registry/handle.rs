//! A live handle to one process: what a poller keeps.

use std::sync::Arc;

use crate::process::{Identity, ProcessId, ProcessState, Status};

/// A live handle to one process: found once by name, read for ever after without a lookup.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Its slot.
    pub id: ProcessId,
    identity: Arc<Identity>,
}

impl Handle {
    pub(crate) fn new(id: ProcessId, identity: Arc<Identity>) -> Self {
        Self { id, identity }
    }

    /// The handle of the process that `state` is a state of.
    #[must_use]
    pub fn of(state: &ProcessState) -> Self {
        Self::new(state.id, state.identity.clone())
    }

    pub(crate) fn is_published(&self) -> bool {
        self.identity.word.is_published()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.identity.name
    }

    /// Phase, incarnation and generation in one load. It may lag behind a snapshot by the commit that is
    /// under way; by itself it never goes backwards.
    #[must_use]
    pub fn status(&self) -> Status {
        self.identity.word.load()
    }
}
