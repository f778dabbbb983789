//! What the host keeps with one instance of a plugin: the world that it is being asked about, its meter, what it has written into its
//! memory, and what it was granted of the outside.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use provost_state::Snapshot;
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

/// What the host keeps with one instance of a plugin.
pub(crate) struct Guest {
    context: Arc<Context>,
    world: Arc<Snapshot>,
    meter: Meter,
    written: Transaction,
    /// The last line that it logged as an error in this call: if it traps, why.
    last_words: Option<String>,
    /// What it was granted, if anything.
    outside: Option<Box<Outside>>,
    /// What it has of the pool, if it is no policy.
    _place: Option<Place>,
}

impl Guest {
    /// A store for one instance in this role, with nothing in it yet.
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

    /// Begins a call that looks at `world`.
    pub(crate) fn begin(&mut self, world: &Arc<Snapshot>) {
        self.world = world.clone();
        self.meter.forget_refusal();
        self.last_words = None;
    }

    /// Ends a call; what it has written into its memory. The store of a consumer lives on: it must not keep an old world alive.
    pub(crate) fn end(&mut self) -> Transaction {
        self.world = Arc::default();
        mem::take(&mut self.written)
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn world(&self) -> &Snapshot {
        &self.world
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The last line that it logged as an error in this call.
    pub(crate) fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
    }

    /// What it remembers, and what this call has written over that.
    pub(crate) fn memory(&mut self) -> (&Published, &mut Transaction, &Limits) {
        (self.context.common.memory.published(), &mut self.written, &self.context.limits)
    }

    pub(crate) fn write_line(&mut self, level: Level, message: &str) {
        if level == Level::Error {
            self.last_words = Some(sanitize(message, MESSAGE_BYTES_MAX));
        }
        self.context.write_line(level, message);
    }

    /// What it was granted of the outside. Only what is linked for a grant asks for this.
    pub(crate) fn outside(&mut self) -> &mut Outside {
        self.outside.get_or_insert_with(|| Box::new(Outside::nothing(self.context.clone())))
    }

    /// How long it may wait for the outside in this role, and who waits.
    pub(crate) fn patience(&self, role: Role) -> Patience {
        let most = Duration::from_millis(self.context.limits.call_ms(role));
        Patience::new(self.context.reach.as_ref().map(|reach| reach.waiters.clone()), most)
    }
}
