//! A life that is over, until whoever holds it is told so.

use std::fmt;
use std::sync::Arc;

use provost_state::Incarnation;

use crate::shared::Shared;

/// A life whose end is written down. Whoever holds the child is told when this value is dropped: a restart is on its way before that,
/// because the message would be in its way.
pub(super) struct Past {
    shared: Arc<Shared>,
    process: Arc<str>,
    incarnation: Incarnation,
}

impl Past {
    pub(super) fn new(shared: Arc<Shared>, process: Arc<str>, incarnation: Incarnation) -> Self {
        Self { shared, process, incarnation }
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        self.shared.spawner.forget(&self.process, self.incarnation);
    }
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Past").field(&self.process).field(&self.incarnation).finish()
    }
}
