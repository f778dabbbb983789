//! What every call of a plugin has in common: a bounded store, a running clock, figures, and what it remembers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use provost_state::{Fault, FaultKind, Snapshot};
use wasmtime::Store;

use crate::clock;
use crate::engine::TimedEngine;
use crate::engine::room::Need;
use crate::guest::{Context, Guest, Used};
use crate::role::Role;

use super::fault::{self, HostPanicked};
use super::purpose::Purpose;

/// A trial takes no longer than this, in milliseconds, whatever the limit of a call is: somebody waits for it.
const TRIAL_MS_MAX: u64 = 10_000;

/// What calls of one version run on.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) engine: &'a TimedEngine,
    pub(crate) context: &'a Arc<Context>,
}

impl Caller<'_> {
    /// A store for one instance that takes `need` of the pool, with nothing in it yet.
    ///
    /// # Errors
    /// A fault if it is for a view or a consumer, and these have all of the pool that is not for policies.
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

    /// Runs `call` in `store`, with `world` to look at and until the deadline of the role; `check` says whether its
    /// answer is of use. A store whose call failed must not be used again.
    pub(crate) fn run<T>(
        self,
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
        let limits = &self.context.limits;
        let own_ms = limits.call_ms(role);
        let deadline_ms = own_ms.min(within_ms.unwrap_or(own_ms));
        // Whoever waits has a deadline as well: the call ends before that, so that it is a fault of the plugin.
        let waited_for = within_ms.map_or(u64::MAX, TimedEngine::ticks_within);
        store.set_epoch_deadline(TimedEngine::ticks(own_ms).min(waited_for));
        store.data_mut().begin(world);
        let begun = clock::monotonic();
        let result = store.set_fuel(limits.fuel_max).and_then(|()| guarded(|| call(store)));
        let took = clock::monotonic().saturating_sub(begun);
        let left = store.get_fuel().unwrap_or(0);
        let guest = store.data_mut();
        let written = guest.end();
        if counts {
            self.context.figures.used(Used {
                ns: u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
                fuel: limits.fuel_max.saturating_sub(left),
                memory_bytes: guest.meter().high_water(),
            });
        }
        let answer = result.map_err(|error| {
            tracing::debug!(target: "provost::plugin", plugin = &**self.context.name(), role = %role, "call failed: {error:?}");
            let had = fault::Had { deadline_ms, own_ms, trial: purpose == Purpose::Trial };
            fault::classify(&error, guest.meter(), guest.last_words(), limits, (role, had))
        })?;
        let answer = check(answer)?;
        if counts {
            let committed = self.context.common.memory.commit(written, limits);
            committed.map_err(|reason| fault::fault(FaultKind::Memory, &reason))?;
        }
        Ok(answer)
    }
}

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
