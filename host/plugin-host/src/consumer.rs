//! A plugin as a consumer: one instance that lives until it fails or is swapped.
//!
//! After a fault the instance is thrown away with all that it kept in itself, and the next batch begins a new
//! one. The batch that failed is not repeated.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use provost_state::{Batch, Consumer, Fault, Generation, Snapshot};
use wasmtime::Store;

use crate::bindings::listener::StatusListener;
use crate::call::{Guest, Purpose};
use crate::convert;
use crate::plugin::Plugin;
use crate::question::{Telling, tellings};
use crate::role::Role;
use crate::snapshot::Lent;
use crate::version::Version;

const CALL: (Role, Purpose) = (Role::StatusConsumer, Purpose::Answer { within_ms: None });

/// Is told of changes through a component.
pub(crate) struct PluginConsumer {
    plugin: Arc<Plugin>,
    living: Option<Living>,
}

struct Living {
    version: Arc<Version>,
    store: Store<Guest>,
    listener: StatusListener,
}

impl Living {
    fn begin(version: &Arc<Version>, world: &Arc<Snapshot>) -> Result<Self, Fault> {
        let pre = version.admitted()?.consumer.as_ref().ok_or_else(|| Version::lacks(CALL.0))?;
        let mut store = version.store(CALL.0)?;
        let begin = |store: &mut Store<Guest>| {
            store.data().patience(CALL.0).until(async { pre.instantiate_async(store).await })
        };
        let listener = version.run(&mut store, CALL, world, begin, Ok)?;
        Ok(Self { version: version.clone(), store, listener })
    }

    fn tell(&mut self, telling: &Telling, world: &Arc<Snapshot>) -> Result<(), Fault> {
        let consumer = self.listener.provost_plugin_status_consumer();
        let batch = convert::batch(&telling.changes, telling.missed);
        self.version.run(
            &mut self.store,
            CALL,
            world,
            |store| {
                let patience = store.data().patience(CALL.0);
                patience.until(async { consumer.call_on_change(store, &batch, Lent::handle()).await })
            },
            Ok,
        )
    }
}

impl PluginConsumer {
    pub(crate) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin, living: None }
    }

    fn tell(&mut self, telling: &Telling, world: &Arc<Snapshot>) -> Result<(), Fault> {
        let version = self.plugin.on_duty()?;
        version.figures.missed.fetch_add(telling.missed, Ordering::Relaxed);
        // Taken out, so that an instance that fails, or that a swap has left behind, is gone without further ado.
        let living = self.living.take().filter(|living| Arc::ptr_eq(&living.version, &version));
        let told = living.map_or_else(|| Living::begin(&version, world), Ok).and_then(|mut living| {
            living.tell(telling, world)?;
            Ok(living)
        });
        self.plugin.answered(&version, told.as_ref().err(), || telling.clone().into(), world);
        self.living = Some(told?);
        Ok(())
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

    fn is_gone(&self) -> bool {
        self.plugin.versions().gone
    }

    fn when_gone(&self, wake: Box<dyn FnOnce() + Send>) {
        self.plugin.when_gone(wake);
    }

    fn told_until(&self, generation: Generation) {
        self.plugin.told_until(generation);
    }

    fn on_change(&mut self, batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault> {
        tellings(batch).try_for_each(|telling| self.tell(&telling, world))
    }
}
