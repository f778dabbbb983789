//! The host's data for one instance of a plugin: the snapshot of the call, the meter, the writes to the plugin's
//! memory, and the access to the outside that was granted.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Snapshot, Usage, ViewUsage};
use wasmtime::{Engine, Store};

use crate::engine::room::Place;
use crate::limits::Limits;
use crate::memory::{Published, Transaction};
use crate::role::Role;
use crate::text::{MESSAGE_BYTES_MAX, sanitize};

use super::bindings::log::Level;
use super::context::Context;
use super::meter::Meter;
use super::wasi::{Outside, Patience};

/// The host's data for one instance of a plugin.
pub(crate) struct Guest {
    context: Arc<Context>,
    world: Arc<Snapshot>,
    /// What the processes and the host use, if it renders a view.
    usages: (Arc<[ViewUsage]>, Option<Usage>),
    meter: Meter,
    written: Transaction,
    /// The last line that it logged as an error in this call: the reason, if it traps.
    last_words: Option<String>,
    /// The access to the outside that it was granted, if any.
    outside: Option<Box<Outside>>,
    /// Its place in the pool, unless it is a policy.
    _place: Option<Place>,
}

impl Guest {
    /// Creates an empty store for one instance in this role.
    pub(crate) fn store(
        context: &Arc<Context>,
        engine: &Engine,
        role: Role,
        place: Option<Place>,
    ) -> Store<Self> {
        let limits = &context.limits;
        let outside = context.reach.as_ref().map(|reach| {
            let longest = Duration::from_millis(limits.call_ms(role));
            Box::new(Outside::new(reach, &context.common.grants, limits, longest, context.clone()))
        });
        let guest = Self {
            context: context.clone(),
            world: Arc::default(),
            usages: Default::default(),
            meter: Meter::new(limits),
            written: Transaction::default(),
            last_words: None,
            outside,
            _place: place,
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.meter);
        store.set_hostcall_fuel(limits.handed_bytes(role));
        store.set_max_component_handles(limits.handles_max);
        store
    }

    /// Begins a call with `world` as its snapshot.
    pub(crate) fn begin(&mut self, world: &Arc<Snapshot>) {
        self.world = world.clone();
        self.meter.forget_refusal();
        self.last_words = None;
    }

    /// Ends a call and returns its writes to the plugin's memory. The store of a consumer lives on and must not keep an
    /// old snapshot alive.
    pub(crate) fn end(&mut self) -> Transaction {
        self.world = Arc::default();
        mem::take(&mut self.written)
    }

    /// Sets what a view can read about the resources that processes use.
    pub(crate) fn use_usages(&mut self, usages: Arc<[ViewUsage]>, host: Option<Usage>) {
        self.usages = (usages, host);
    }

    pub(super) fn usages(&self) -> &(Arc<[ViewUsage]>, Option<Usage>) {
        &self.usages
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn world(&self) -> &Arc<Snapshot> {
        &self.world
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Returns the last line that it logged as an error in this call.
    pub(crate) fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
    }

    /// Returns the published memory, the writes of this call over it, and the limits.
    pub(crate) fn memory(&mut self) -> (&Published, &mut Transaction, &Limits) {
        (self.context.common.memory.published(), &mut self.written, &self.context.limits)
    }

    pub(crate) fn write_line(&mut self, level: Level, message: &str) {
        if level == Level::Error {
            self.last_words = Some(sanitize(message, MESSAGE_BYTES_MAX));
        }
        self.context.write_line(level, message);
    }

    /// Returns its access to the outside. Only interfaces that were linked for a grant call this.
    pub(crate) fn outside(&mut self) -> &mut Outside {
        self.outside.get_or_insert_with(|| Box::new(Outside::nothing(self.context.clone())))
    }

    /// Returns how long it may wait for the outside in this role, and the threads that wait.
    pub(crate) fn patience(&self, role: Role) -> Patience {
        let most = Duration::from_millis(self.context.limits.call_ms(role));
        Patience::new(self.context.reach.as_ref().map(|reach| reach.waiters.clone()), most)
    }
}
