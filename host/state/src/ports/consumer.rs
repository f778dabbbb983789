//! What a consumer is to the rest of the host.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::process::Generation;
use crate::registry::{Change, Snapshot};

/// The changes since a consumer was last told.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Oldest first.
    pub changes: Vec<Arc<Change>>,
    /// How many are not among them, because the consumer was too slow.
    pub missed: u64,
}

/// Is told of changes, on a thread of its own.
pub trait Consumer: Send + fmt::Debug {
    /// The name in the config.
    fn name(&self) -> &Arc<str>;

    /// Was it unloaded? Then it is told nothing any more, and its thread ends.
    fn is_gone(&self) -> bool {
        false
    }

    /// Has `wake` called once when it is unloaded, at once if it is already: whoever waits for something to tell it then
    /// stops waiting.
    fn when_gone(&self, _wake: Box<dyn FnOnce() + Send>) {}

    /// All that happened until this generation has been told, or is counted as missed: for its figures.
    fn told_until(&self, _generation: Generation) {}

    /// This happened since the last call; `world` contains all of it.
    ///
    /// # Errors
    /// [`Fault`] if it could not take the batch; the batch is not repeated.
    fn on_change(&mut self, batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault>;
}
