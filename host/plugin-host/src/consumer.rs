//! A plugin as a consumer: one instance that lives until it fails.
//!
//! After a fault the instance is thrown away with all that it remembered, and the next batch begins a new
//! one. The batch that failed is not repeated.

use std::fmt;
use std::sync::Arc;

use provost_state::{Batch, Change, Consumer, Fault, Snapshot};
use wasmtime::Store;

use crate::admission::Role;
use crate::bindings::listener::StatusListener;
use crate::convert;
use crate::plugin::{Guest, Plugin};
use crate::snapshot::Lent;

/// The contract's promise: a batch has no more events than this.
const EVENTS_MAX: usize = 1024;

/// Is told of changes through a component.
pub(crate) struct PluginConsumer {
    plugin: Arc<Plugin>,
    living: Option<Living>,
}

struct Living {
    store: Store<Guest>,
    listener: StatusListener,
}

impl PluginConsumer {
    pub(crate) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin, living: None }
    }

    fn tell(&mut self, changes: &[Arc<Change>], missed: u64, world: &Arc<Snapshot>) -> Result<(), Fault> {
        let role = Role::StatusConsumer;
        // Taken out, so that an instance that fails is gone without further ado.
        let mut living = match self.living.take() {
            Some(living) => living,
            None => self.begin(world)?,
        };
        self.plugin.call(&mut living.store, role, world, |store| {
            living.listener.provost_plugin_status_consumer().call_on_change(
                store,
                &convert::batch(changes, missed),
                Lent::handle(),
            )
        })?;
        self.living = Some(living);
        Ok(())
    }

    fn begin(&self, world: &Arc<Snapshot>) -> Result<Living, Fault> {
        let role = Role::StatusConsumer;
        let pre = self.plugin.admitted()?.consumer.as_ref().ok_or_else(|| self.plugin.lacks(role))?;
        let mut store = self.plugin.store(role);
        let listener = self.plugin.call(&mut store, role, world, |store| pre.instantiate(store))?;
        Ok(Living { store, listener })
    }
}

impl fmt::Debug for PluginConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginConsumer")
            .field("plugin", &self.plugin)
            .field("living", &self.living.is_some())
            .finish()
    }
}

impl Consumer for PluginConsumer {
    fn name(&self) -> &Arc<str> {
        &self.plugin.name
    }

    fn on_change(&mut self, batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault> {
        let mut parts = batch.changes.chunks(EVENTS_MAX);
        // A batch without events still says what was missed.
        let first = parts.next().unwrap_or(&[]);
        let mut result = self.tell(first, batch.missed, world);
        for part in parts {
            if result.is_ok() {
                result = self.tell(part, 0, world);
            }
        }
        self.plugin.counted(result)
    }
}
