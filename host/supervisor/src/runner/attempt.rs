//! An attempt to start a process, and a spawn in progress.

use std::sync::Arc;

use provost_state::{Cause, Incarnation, Moment};

use crate::children::{LifeEnv, PendingSpawn, Spawned};

/// An attempt to start it, from the wish to the spawn.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) cause: Cause,
    /// When its start policies were asked first.
    pub(super) asked_first: Option<Moment>,
    /// Whether they have had it wait.
    pub(super) waited: bool,
}

impl Attempt {
    pub(super) fn new(cause: Cause) -> Self {
        Self { cause, asked_first: None, waited: false }
    }
}

/// A spawn in progress, and what is needed when it has come to its end.
pub(super) struct Launching {
    /// The life before it.
    pub(super) before: Incarnation,
    pub(super) pending: PendingSpawn,
    pub(super) env: LifeEnv,
    /// Why it is spawned now.
    pub(super) reason: Arc<str>,
    /// What the spawn came to, until that is acted on.
    pub(super) outcome: Option<Spawned>,
}

impl Launching {
    /// Resolves when the spawn has come to its end. What it came to stays here.
    pub(super) async fn ended(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some((&mut self.pending).await);
        }
    }
}
