//! The role of a consumer: the trait.

use serde::de::DeserializeOwned;

use crate::{Batch, World};

/// Is told of every change, in order. A consumer is long-lived: the type is read from the operator's
/// settings once, and what it keeps beside them (in fields with `#[serde(skip)]`) stays until it fails.
pub trait StatusConsumer: DeserializeOwned {
    /// Checks what serde cannot, such as settings that contradict each other.
    ///
    /// # Errors
    /// Names the field and says what is wrong with it, in words for the operator.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Takes note of a batch. `world` contains all of it; `batch.missed` says how many changes since the
    /// last call are not in it.
    fn on_change(&mut self, batch: &Batch, world: &dyn World);
}

/// Lends the one consumer of this component, which is made of the settings at the first call.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub fn with<C: StatusConsumer>(consumer: &mut Option<C>, batch: &Batch, world: &crate::Snapshot) {
    crate::log::panics();
    consumer.get_or_insert_with(|| crate::settings::of_this_plugin::<C>(C::check)).on_change(batch, world);
}
