//! What all calls of a plugin have in common: a bounded store, a running clock, figures, and the plugin's memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use provost_state::{Fault, FaultKind, MemoryChange, Snapshot};
use wasmtime::Store;

use crate::clock;
use crate::engine::TimedEngine;
use crate::engine::room::Need;
use crate::guest::{Context, Guest, Used};
use crate::memory::Transaction;
use crate::role::Role;

use super::fault::{self, HostPanicked};
use super::purpose::Purpose;

/// The bound on a trial, in milliseconds, whatever the limit of a call is: somebody waits for it.
const TRIAL_MS_MAX: u64 = 10_000;

/// A call that has ended, well or not.
pub(crate) struct Ran<T> {
    /// The validated answer.
    pub(crate) answer: Result<T, Fault>,
    /// What it has written into the memory of the plugin, which is not published.
    pub(crate) written: Transaction,
    pub(crate) used: Used,
}

/// What the calls of one version need.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) engine: &'a TimedEngine,
    pub(crate) context: &'a Arc<Context>,
}

impl Caller<'_> {
    /// Creates an empty store for one instance that takes `need` of the pool.
    ///
    /// # Errors
    /// A fault if it is for a view or a consumer, and their part of the pool is exhausted.
    pub(crate) fn store(self, role: Role, need: Need) -> Result<Store<Guest>, Fault> {
        let place = match role.judgement() {
            Some(_) => None,
            None => Some(self.engine.room().take(need).ok_or_else(|| {
                fault::fault(
                    FaultKind::Busy,
                    "there are too many views and consumers at once for another instance",
                )
            })?),
        };
        Ok(Guest::store(self.context, self.engine.engine(), role, place))
    }

    /// Does what [`answer`](Self::answer) does, for a caller that does not need to know what was written.
    pub(crate) fn run<T>(
        self,
        store: &mut Store<Guest>,
        role: (Role, Purpose),
        world: &Arc<Snapshot>,
        call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
        check: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.answer(store, role, world, call, check).map(|(answer, _)| answer)
    }

    /// Does what [`measured`](Self::measured) does, counts it, and publishes what the call has written into the memory of the
    /// plugin, unless it is a trial. Returns that with the answer.
    pub(crate) fn answer<T>(
        self,
        store: &mut Store<Guest>,
        (role, purpose): (Role, Purpose),
        world: &Arc<Snapshot>,
        call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
        check: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<(T, Option<Arc<MemoryChange>>), Fault> {
        let Ran { answer, written, used } = self.measured(store, (role, purpose), world, call, check);
        if purpose == Purpose::Trial {
            return Ok((answer?, None));
        }
        self.context.figures.used(used);
        let answer = answer?;
        let committed = self.context.common.memory.commit(written, &self.context.limits);
        let written = committed.map_err(|reason| fault::fault(FaultKind::Memory, &reason))?;
        Ok((answer, written))
    }

    /// Runs `call` in `store`, with `world` as its snapshot, until the deadline of the role; `check` then validates the
    /// answer. Neither counts it nor publishes what it has written. A store whose call failed must not be used again.
    pub(crate) fn measured<T>(
        self,
        store: &mut Store<Guest>,
        (role, purpose): (Role, Purpose),
        world: &Arc<Snapshot>,
        call: impl FnOnce(&mut Store<Guest>) -> wasmtime::Result<T>,
        check: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Ran<T> {
        let _clock = self.engine.enter();
        let within_ms = match purpose {
            Purpose::Answer { within_ms } => within_ms,
            Purpose::Trial => Some(TRIAL_MS_MAX),
        };
        let limits = &self.context.limits;
        let own_ms = limits.call_ms(role);
        let deadline_ms = own_ms.min(within_ms.unwrap_or(own_ms));
        // The caller has a deadline as well: the call ends before that, so that the fault is attributed to the plugin.
        let waited_for = within_ms.map_or(u64::MAX, TimedEngine::ticks_within);
        store.set_epoch_deadline(TimedEngine::ticks(own_ms).min(waited_for));
        store.data_mut().begin(world);
        let begun = clock::monotonic();
        let result = store.set_fuel(limits.fuel_max).and_then(|()| guarded(|| call(store)));
        let took = clock::monotonic().saturating_sub(begun);
        let left = store.get_fuel().unwrap_or(0);
        let guest = store.data_mut();
        let written = guest.end();
        let used = Used {
            ns: u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
            fuel: limits.fuel_max.saturating_sub(left),
            memory_bytes: guest.meter().high_water(),
        };
        let answer = result.map_err(|error| {
            tracing::debug!(target: "provost::plugin", plugin = &**self.context.name(), role = %role, "call failed: {error:?}");
            let had = fault::Had { deadline_ms, own_ms, trial: purpose == Purpose::Trial };
            fault::classify(&error, guest.meter(), guest.last_words(), limits, (role, had))
        });
        Ran { answer: answer.and_then(check), written, used }
    }
}

/// Runs a call. If the host's own code panics in it, for example because a runtime cannot start a thread, only this
/// call ends, and its store is thrown away.
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
