//! A removal in progress: those who wait for it, and the wait for the last output.

use std::future::pending;

use tokio::sync::oneshot;

use super::kept::Kept;
use crate::mailbox::Refusal;

/// A removal in progress.
pub(super) struct Leaving {
    /// Those who wait for it.
    pub(super) replies: Vec<oneshot::Sender<Result<(), Refusal>>>,
    /// Resolves when the output has been written, once the process is at rest.
    pub(super) drained: Option<Kept<()>>,
}

impl Leaving {
    /// Returns what a runner that takes over goes on with. A wait that has panicked is begun anew.
    pub(super) fn resumed(self) -> Self {
        Self { drained: self.drained.filter(|drained| !drained.is_lost()), ..self }
    }
}

/// Waits for the output of a process that is leaving and at rest; for ever if it is not.
pub(super) async fn drained(leaving: &mut Option<Leaving>) {
    match leaving.as_mut().and_then(|leaving| leaving.drained.as_mut()) {
        Some(drained) => drained.settled().await,
        None => pending().await,
    }
}
