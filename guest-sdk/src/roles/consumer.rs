//! The trait of a consumer, and its only instance.

use serde::de::DeserializeOwned;

use crate::{Batch, World};

/// Receives every change, in order. A consumer is long-lived: the type is read from the operator's
/// settings once, and what it keeps beside them (in fields with `#[serde(skip)]`) stays until it fails.
///
/// ```
/// use provost_guest::{Batch, EventKind, Phase, StatusConsumer, World, log, testing};
///
/// /// Logs every hundredth start.
/// #[derive(serde::Deserialize)]
/// struct Milestones {
///     #[serde(skip)]
///     starts: u64,
/// }
///
/// impl StatusConsumer for Milestones {
///     fn on_change(&mut self, batch: &Batch, _world: &dyn World) {
///         for event in batch.events.iter().filter(|event| event.kind == EventKind::Spawned) {
///             self.starts += 1;
///             if self.starts.is_multiple_of(100) {
///                 log::info(format!("{} is start number {}", event.process.name, self.starts));
///             }
///         }
///     }
/// }
/// provost_guest::export!(Milestones: StatusConsumer);
///
/// let spawned = testing::event(EventKind::Spawned, Phase::Waiting, testing::process("web", Phase::Starting));
/// let mut consumer = Milestones { starts: 99 };
/// consumer.on_change(&Batch { events: vec![spawned], missed: 0 }, &testing::MadeUpWorld::default());
/// assert_eq!(testing::logged()[0].1, "web is start number 100");
/// ```
pub trait StatusConsumer: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Processes a batch. `world` contains all of it; `batch.missed` is the number of changes since the last
    /// call that are not in the batch.
    fn on_change(&mut self, batch: &Batch, world: &dyn World);
}

/// Calls the consumer of this component, which is created from the settings at the first call.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub fn with<C: StatusConsumer>(consumer: &mut Option<C>, batch: &Batch, world: &crate::Snapshot) {
    crate::log::panics();
    consumer.get_or_insert_with(|| crate::settings::of_this_plugin::<C>(C::check)).on_change(batch, world);
}
