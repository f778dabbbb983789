//! One loaded plugin, and what every call of it has in common: a bounded store, a running clock, counters.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use provost_state::{Fault, FaultKind, PluginReport, PluginStatus, Snapshot};
use wasmtime::Store;

use crate::admission::{Admitted, Role};
use crate::bindings::log::Level;
use crate::engine::TimedEngine;
use crate::fault;
use crate::limits::{Limits, Meter};
use crate::log::Lines;

/// How many handles a plugin may hold. It is never lent more than one at a time.
const HANDLES_MAX: usize = 64;

/// One loaded plugin: let in or refused.
pub(crate) struct Plugin {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) digest: Arc<str>,
    pub(crate) roles: Vec<Role>,
    pub(crate) limits: Limits,
    pub(crate) settings: Arc<str>,
    pub(crate) engine: Arc<TimedEngine>,
    /// Ready to be called, or why not.
    pub(crate) admitted: Result<Admitted, Arc<str>>,
    pub(crate) lines: Lines,
    pub(crate) tally: Tally,
}

/// Calls and faults so far. Status reads them while calls go on: nothing here is a lock.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: AtomicU64,
    faults: AtomicU64,
    last_fault: ArcSwapOption<Fault>,
}

impl Tally {
    fn count<T>(&self, result: &Result<T, Fault>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Err(fault) = result {
            self.faults.fetch_add(1, Ordering::Relaxed);
            self.last_fault.store(Some(Arc::new(fault.clone())));
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("roles", &self.roles)
            .field("refused", &self.admitted.as_ref().err())
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// What was let in.
    ///
    /// # Errors
    /// The fault that a refused plugin answers every call with.
    pub(crate) fn admitted(&self) -> Result<&Admitted, Fault> {
        self.admitted.as_ref().map_err(|reason| fault::fault(FaultKind::Refused, reason))
    }

    /// The fault of a plugin that is asked for what it does not export; its lookup keeps this from happening.
    pub(crate) fn lacks(&self, role: Role) -> Fault {
        fault::fault(FaultKind::Refused, &format!("it does not export {role}"))
    }

    /// A store for one instance, with nothing in it yet.
    pub(crate) fn store(self: &Arc<Self>, role: Role) -> Store<Guest> {
        let guest = Guest {
            plugin: self.clone(),
            world: Arc::default(),
            meter: Meter::new(&self.limits),
            last_words: None,
        };
        let mut store = Store::new(self.engine.engine(), guest);
        store.limiter(|guest| &mut guest.meter);
        store.set_hostcall_fuel(self.limits.handed_bytes(role));
        store.set_max_component_handles(HANDLES_MAX);
        store
    }

    /// Runs `call` in `store`, with `world` to look at and until the deadline of the role. A store whose call
    /// failed must not be used again.
    pub(crate) fn call<T>(
        &self,
        store: &mut Store<Guest>,
        role: Role,
        world: &Arc<Snapshot>,
        call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let _clock = self.engine.enter();
        store.set_epoch_deadline(TimedEngine::ticks(self.limits.call_ms(role)));
        let guest = store.data_mut();
        guest.world = world.clone();
        guest.meter.forget_refusal();
        guest.last_words = None;
        let result = call(store);
        // A consumer's store lives on: it must not keep an old world alive.
        store.data_mut().world = Arc::default();
        result.map_err(|error| {
            tracing::debug!(target: "provost::plugin", plugin = &*self.name, role = %role, "call failed: {error:?}");
            let guest = store.data();
            fault::classify(&error, &guest.meter, guest.last_words.as_deref(), &self.limits, role)
        })
    }

    /// Counts a finished call.
    pub(crate) fn counted<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        self.tally.count(&result);
        result
    }

    /// What is known of it.
    pub(crate) fn report(&self) -> PluginReport {
        PluginReport {
            name: self.name.clone(),
            source: self.source.clone(),
            digest: self.digest.clone(),
            roles: self.roles.iter().map(|role| Arc::from(role.as_str())).collect(),
            status: match &self.admitted {
                Ok(_) => PluginStatus::Active,
                Err(reason) => PluginStatus::Refused(reason.clone()),
            },
            calls: self.tally.calls.load(Ordering::Relaxed),
            faults: self.tally.faults.load(Ordering::Relaxed),
            last_fault: self.tally.last_fault.load().as_deref().cloned(),
        }
    }
}

/// What the host keeps with an instance of a plugin: the world that it is being asked about, and its meter.
pub(crate) struct Guest {
    plugin: Arc<Plugin>,
    world: Arc<Snapshot>,
    meter: Meter,
    /// The last line that it logged as an error in this call: if it traps, why.
    last_words: Option<String>,
}

impl Guest {
    pub(crate) fn world(&self) -> &Snapshot {
        &self.world
    }

    pub(crate) fn settings(&self) -> &str {
        &self.plugin.settings
    }

    pub(crate) fn write_line(&mut self, level: Level, message: &str) {
        if level == Level::Error {
            self.last_words = Some(crate::log::tame(message, fault::MESSAGE_BYTES_MAX));
        }
        self.plugin.lines.write(&self.plugin.name, level, message);
    }
}
