//! An attempt to start a process, and a spawn in progress.

use std::sync::Arc;

use provost_state::{Cause, Incarnation, Moment};

use crate::children::{LifeEnv, PendingSpawn, Spawned};
use crate::spec::ProcessSpec;

/// An attempt to start the process, from the request to the spawn.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) cause: Cause,
    /// When the start policies were first asked.
    pub(super) asked_first: Option<Moment>,
    /// Whether they made the process wait.
    pub(super) waited: bool,
}

impl Attempt {
    pub(super) fn new(cause: Cause) -> Self {
        Self { cause, asked_first: None, waited: false }
    }
}

/// A spawn in progress, and what is needed when it has ended.
pub(super) struct Launching {
    /// The life before the spawn.
    pub(super) before: Incarnation,
    pub(super) spec: Arc<ProcessSpec>,
    pub(super) pending: PendingSpawn,
    pub(super) env: LifeEnv,
    /// Why the process is spawned now.
    pub(super) reason: Arc<str>,
    /// The result of the spawn, until it is acted on.
    pub(super) outcome: Option<Spawned>,
}

impl Launching {
    /// Resolves when the spawn has ended. The result stays in `outcome`.
    pub(super) async fn ended(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some((&mut self.pending).await);
        }
    }
}
