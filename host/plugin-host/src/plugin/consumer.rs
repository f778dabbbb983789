//! A plugin as a consumer: one instance that is kept until it fails or is swapped.
//!
//! After a fault the instance is thrown away with all of its internal state, and the next batch starts a new one. The
//! batch that failed is not repeated.

use std::fmt;
use std::sync::Arc;

use provost_state::{Batch, Consumer, Fault, Generation, Snapshot};
use wasmtime::Store;

use crate::guest::Guest;
use crate::guest::bindings::listener::StatusListener;
use crate::role::Role;

use super::purpose::Purpose;
use super::question::{Question as _, Telling, tellings};
use super::slot::Plugin;
use super::version::Version;

const CALL: (Role, Purpose) = (Role::StatusConsumer, Purpose::Answer { within_ms: None });

/// Notifies a component of changes.
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
        let admitted = version.admitted()?;
        let pre = admitted.consumer.as_ref().ok_or_else(|| Version::lacks(CALL.0))?;
        let mut store = version.caller().store(CALL.0, admitted.need)?;
        let begin = |store: &mut Store<Guest>| Telling::instantiate(pre, store);
        let listener = version.caller().run(&mut store, CALL, world, begin, Ok)?;
        Ok(Self { version: version.clone(), store, listener })
    }

    fn tell(&mut self, telling: &Telling, world: &Arc<Snapshot>) -> Result<(), Fault> {
        let listener = &self.listener;
        let tell = |store: &mut Store<Guest>| telling.put_to(listener, store);
        self.version.caller().run(&mut self.store, CALL, world, tell, Ok)
    }
}

impl PluginConsumer {
    /// Returns a new consumer with its own instance, if the plugin is a consumer and was admitted.
    pub(crate) fn of(plugin: &Arc<Plugin>) -> Option<Box<dyn Consumer>> {
        let versions = plugin.versions();
        let consumes = versions.active.admitted.as_ref().is_ok_and(|admitted| admitted.consumer.is_some());
        (consumes && !versions.gone)
            .then(|| Box::new(Self { plugin: plugin.clone(), living: None }) as Box<dyn Consumer>)
    }

    fn tell(&mut self, telling: &Telling, world: &Arc<Snapshot>) -> Result<(), Fault> {
        let version = self.plugin.on_duty()?;
        version.context.figures.missed(telling.missed);
        // It is taken out, so that an instance that fails, or whose version was swapped, is dropped.
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
