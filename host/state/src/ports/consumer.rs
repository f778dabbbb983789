//! The port of consumers, which are notified of changes.

use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use crate::process::Generation;
use crate::registry::{Change, Snapshot};

/// The changes since the last batch of a consumer.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The changes, oldest first.
    pub changes: Vec<Change>,
    /// The number of changes that are left out, because the consumer was too slow.
    pub missed: u64,
}

/// A consumer, which is notified of changes on its own thread.
pub trait Consumer: Send + fmt::Debug {
    /// Returns the name in the config.
    fn name(&self) -> &Arc<str>;

    /// Whether the consumer was unloaded. If so, it is no longer notified, and its thread ends.
    fn is_gone(&self) -> bool {
        false
    }

    /// Registers `wake` to be called once when the consumer is unloaded, immediately if it already is. Its thread, which
    /// waits for changes, then stops waiting.
    fn when_gone(&self, _wake: Box<dyn FnOnce() + Send>) {}

    /// Records for the figures that all changes up to this generation were delivered or counted as missed.
    fn told_until(&self, _generation: Generation) {}

    /// Delivers the changes since the last call; `world` contains all of them.
    ///
    /// # Errors
    /// [`Fault`] if the consumer failed on the batch, which is not repeated.
    fn on_change(&mut self, batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault>;
}
