//! The trait of a consumer, and its only instance.

use serde::de::DeserializeOwned;

use crate::World;

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

/// The changes of one call. A consumer that keeps a state of its own starts it anew from the world if changes were missed.
///
/// ```
/// use std::collections::BTreeSet;
///
/// use provost_guest::testing::{self, MadeUpWorld, process};
/// use provost_guest::{Batch, EventKind, Fields, Phase, World};
///
/// /// Keeps the names of the processes that run.
/// fn follow(running: &mut BTreeSet<String>, batch: &Batch, world: &dyn World) {
///     if batch.missed > 0 {
///         let now = world.rows(Fields::NAMES).in_phase(Phase::Running);
///         *running = now.map(|row| row.name().to_owned()).collect();
///         return;
///     }
///     for event in &batch.events {
///         match event.process.phase {
///             Phase::Running => running.insert(event.process.name.clone()),
///             _ => running.remove(&event.process.name),
///         };
///     }
/// }
///
/// let mut running = BTreeSet::new();
/// let ready = testing::event(EventKind::Ready, Phase::Starting, process("web", Phase::Running));
/// let world = MadeUpWorld::of([process("web", Phase::Running), process("db", Phase::Running)]);
/// follow(&mut running, &Batch { events: vec![ready], missed: 0 }, &world);
/// assert!(running.iter().eq(["web"]));
/// follow(&mut running, &Batch { events: Vec::new(), missed: 7 }, &world);
/// assert_eq!(running.len(), 2);
/// ```
pub use crate::bindings::listener::exports::provost::plugin::status_consumer::Batch;

/// Calls the consumer of this component, which is created from the settings at the first call.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub fn with<C: StatusConsumer>(consumer: &mut Option<C>, batch: &Batch, world: &crate::Snapshot) {
    crate::log::panics();
    consumer.get_or_insert_with(|| crate::settings::of_this_plugin::<C>(C::check)).on_change(batch, world);
}
