//! What every call of a plugin has in common: a bounded store, a running clock, figures, and what it remembers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use provost_state::{Fault, FaultKind, Snapshot};
use wasmtime::Store;

use crate::bindings::log::Level;
use crate::clock;
use crate::engine::TimedEngine;
use crate::fault;
use crate::figures::Used;
use crate::limits::Limits;
use crate::memory::{Memory, Transaction};
use crate::meter::Meter;
use crate::outside::{Outside, Reach, Waiters, Watch};
use crate::question::Question;
use crate::role::Role;
use crate::roll::Roll;
use crate::room::Place;
use crate::variables;
use crate::version::Version;

/// A trial takes no longer than this, in milliseconds, whatever the limit of a call is: somebody waits for it.
const TRIAL_MS_MAX: u64 = 10_000;

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its answer counts, and what it writes into its memory stays.
    Answer {
        /// Who asks waits no longer than this, in milliseconds, whatever the plugin's own limit is.
        within_ms: Option<u64>,
    },
    /// To see what it would answer: nothing is counted, and nothing stays.
    Trial,
}

impl Version {
    /// The fault of a plugin that is asked for what it does not export.
    pub(crate) fn lacks(role: Role) -> Fault {
        fault::fault(FaultKind::Refused, &format!("it does not export {role}"))
    }

    /// A store for one instance, with nothing in it yet.
    ///
    /// # Errors
    /// A fault if it is for a view or a consumer, and these have all of the pool that is not for policies.
    pub(crate) fn store(self: &Arc<Self>, role: Role) -> Result<Store<Guest>, Fault> {
        let place = match role.judgement() {
            Some(_) => None,
            None => Some(self.engine.room().take(self.need).ok_or_else(|| {
                fault::fault(
                    FaultKind::Busy,
                    "there are too many views and consumers at once for another instance",
                )
            })?),
        };
        let outside = self.outside.as_ref().map(|reach| Box::new(self.new_outside(reach, role)));
        let guest = Guest {
            version: self.clone(),
            world: Arc::default(),
            meter: Meter::new(&self.limits),
            written: Transaction::default(),
            last_words: None,
            outside,
            _place: place,
        };
        let mut store = Store::new(self.engine.engine(), guest);
        store.limiter(|guest| &mut guest.meter);
        store.set_hostcall_fuel(self.limits.handed_bytes(role));
        store.set_max_component_handles(self.limits.handles_max);
        Ok(store)
    }

    fn new_outside(self: &Arc<Self>, reach: &Reach, role: Role) -> Outside {
        let longest = Duration::from_millis(self.limits.call_ms(role));
        Outside::new(reach, &self.common.grants, &self.limits, longest, self.clone())
    }

    fn write_line(&self, level: Level, line: &str) {
        let dropped = &self.figures.lines_dropped;
        self.lines.write(&self.name, level, line, self.limits.lines_per_second, dropped);
    }

    /// Asks in a fresh instance.
    pub(crate) fn ask<Q: Question>(
        self: &Arc<Self>,
        question: &Q,
        world: &Arc<Snapshot>,
        purpose: Purpose,
    ) -> Result<Q::Answer, Fault> {
        let pre = Q::pre(self.admitted()?).ok_or_else(|| Self::lacks(Q::ROLE))?;
        let mut store = self.store(Q::ROLE)?;
        let answer = self.run(
            &mut store,
            (Q::ROLE, purpose),
            world,
            |store| question.put(pre, store),
            |answer| Q::check(answer, &self.limits),
        )?;
        let (answer, dropped) = Q::granted(answer, &self.common.grants);
        if !dropped.is_empty() && purpose != Purpose::Trial {
            let names = variables::listed(&dropped);
            self.figures.denials.fetch_add(dropped.len() as u64, Ordering::Relaxed);
            self.write_line(Level::Warn, &format!("denied: setting {names}: set-env does not grant it"));
        }
        Ok(answer)
    }

    /// Runs `call` in `store`, with `world` to look at and until the deadline of the role; `check` says whether its
    /// answer is of use. A store whose call failed must not be used again.
    pub(crate) fn run<T>(
        &self,
        store: &mut Store<Guest>,
        (role, purpose): (Role, Purpose),
        world: &Arc<Snapshot>,
        call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
        check: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let _clock = self.engine.enter();
        let (counts, within_ms) = match purpose {
            Purpose::Answer { within_ms } => (true, within_ms),
            Purpose::Trial => (false, Some(TRIAL_MS_MAX)),
        };
        let own_ms = self.limits.call_ms(role);
        let deadline_ms = own_ms.min(within_ms.unwrap_or(own_ms));
        // Whoever waits has a deadline as well: the call ends before that, so that it is a fault of the plugin.
        let waited_for = within_ms.map_or(u64::MAX, TimedEngine::ticks_within);
        store.set_epoch_deadline(TimedEngine::ticks(own_ms).min(waited_for));
        let guest = store.data_mut();
        guest.world = world.clone();
        guest.meter.forget_refusal();
        guest.last_words = None;
        let begun = clock::monotonic();
        let result = store.set_fuel(self.limits.fuel_max).and_then(|()| guarded(|| call(store)));
        let took = clock::monotonic().saturating_sub(begun);
        let left = store.get_fuel().unwrap_or(0);
        let guest = store.data_mut();
        // A consumer's store lives on: it must not keep an old world alive.
        guest.world = Arc::default();
        let written = std::mem::take(&mut guest.written);
        if counts {
            self.figures.used(Used {
                ns: u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
                fuel: self.limits.fuel_max.saturating_sub(left),
                memory_bytes: guest.meter.high_water(),
            });
        }
        let answer = result.map_err(|error| {
            tracing::debug!(target: "provost::plugin", plugin = &*self.name, role = %role, "call failed: {error:?}");
            let had = fault::Had { deadline_ms, own_ms, trial: purpose == Purpose::Trial };
            fault::classify(&error, &guest.meter, guest.last_words.as_deref(), &self.limits, (role, had))
        })?;
        let answer = check(answer)?;
        if counts {
            self.memory
                .commit(written, &self.limits)
                .map_err(|reason| fault::fault(FaultKind::Memory, &reason))?;
        }
        Ok(answer)
    }
}

/// The host's own code panicked in a call; with what it said.
#[derive(Debug, thiserror::Error)]
#[error("the host could not carry out its call: {0}")]
pub(crate) struct HostPanicked(String);

/// Carries out a call. A panic of the host's own code in it, such as that of a runtime that cannot start a thread, ends the
/// call and nothing else: its store is thrown away.
fn guarded<T>(call: impl FnOnce() -> wasmtime::Result<T>) -> wasmtime::Result<T> {
    let call = || {
        fail::fail_point!("plugin.call", |_| Err(wasmtime::Error::msg("injected")));
        call()
    };
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(wasmtime::Error::new(HostPanicked(text)))
    })
}

impl Watch for Version {
    fn denied(&self, what: &str) {
        self.figures.denials.fetch_add(1, Ordering::Relaxed);
        self.write_line(Level::Warn, &format!("denied: {what}"));
    }

    fn line(&self, level: Level, line: &str) {
        self.write_line(level, line);
    }
}

/// For how long an instance may wait for what is outside, and who waits.
pub(crate) struct Patience {
    waiters: Option<Arc<Waiters>>,
    most: Duration,
}

impl Patience {
    /// Carries `call` to its end. One without grants never waits.
    pub(crate) fn until<T>(&self, call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
        match &self.waiters {
            Some(waiters) => waiters.wait(call, self.most),
            None => pollster::block_on(call),
        }
    }
}

/// What the host keeps with an instance of a plugin: the world that it is being asked about, its meter, and what it has
/// written into its memory.
pub(crate) struct Guest {
    version: Arc<Version>,
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
    pub(crate) fn world(&self) -> &Snapshot {
        &self.world
    }

    /// All plugins, while there is a host.
    pub(crate) fn roll(&self) -> Option<Arc<Roll>> {
        self.version.common.roll.upgrade()
    }

    pub(crate) fn settings(&self) -> &str {
        &self.version.settings
    }

    /// What it remembers, and what this call has written over that.
    pub(crate) fn memory(&mut self) -> (&Memory, &mut Transaction, &Limits) {
        (&self.version.memory, &mut self.written, &self.version.limits)
    }

    pub(crate) fn write_line(&mut self, level: Level, message: &str) {
        if level == Level::Error {
            self.last_words = Some(crate::log::tame(message, fault::MESSAGE_BYTES_MAX));
        }
        self.version.write_line(level, message);
    }

    /// What it was granted of the outside. Only what is linked for a grant asks for this.
    pub(crate) fn outside(&mut self) -> &mut Outside {
        self.outside.get_or_insert_with(|| Box::new(Outside::nothing(self.version.clone())))
    }

    pub(crate) fn patience(&self, role: Role) -> Patience {
        let most = Duration::from_millis(self.version.limits.call_ms(role));
        Patience { waiters: self.version.outside.as_ref().map(|reach| reach.waiters.clone()), most }
    }
}
