//! States whose times count from the oldest of them. The API tells times of day only, and the simulation begins its monotonic clock
//! before everything that the states remember.

use std::sync::Arc;

use provost_state::{Death, Failing, Moment, Phase, ProcessState};

/// The times of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// The time of day at which its monotonic clock is 0, in milliseconds since the Unix epoch.
    pub(super) origin_ms: u64,
}

impl Times {
    /// Returns the times by which nothing that these states remember is before the origin, nor is `at_ms`.
    pub(super) fn of<'s>(states: impl IntoIterator<Item = &'s ProcessState>, at_ms: u64) -> Self {
        let all = states.into_iter().flat_map(moments).map(|moment| moment.wall_ms);
        // A process that was never started has been changed at the epoch, as the API does not tell when it was added.
        let oldest_ms = all.filter(|ms| *ms > 0).fold(at_ms, u64::min);
        Self { origin_ms: oldest_ms.saturating_sub(1) }
    }

    /// Returns a time of day as milliseconds since the origin.
    pub(super) fn since_ms(self, wall_ms: u64) -> u64 {
        wall_ms.saturating_sub(self.origin_ms)
    }

    fn moment(self, at: Moment) -> Moment {
        Moment { mono_ns: self.since_ms(at.wall_ms).saturating_mul(1_000_000), ..at }
    }

    /// Returns a state with its times counted from the origin.
    pub(super) fn shifted(self, state: &ProcessState) -> ProcessState {
        let death = |death: &Death| Death { at: self.moment(death.at), ..death.clone() };
        let failing = state.failing.as_deref();
        ProcessState {
            phase: match state.phase.clone() {
                Phase::Backoff { until } => Phase::Backoff { until: self.moment(until) },
                Phase::Stopping { pid, kill_at } => Phase::Stopping { pid, kill_at: self.moment(kill_at) },
                other => other,
            },
            failing: failing
                .map(|it| Arc::new(Failing { why: it.why.clone(), since: self.moment(it.since) })),
            changed_at: self.moment(state.changed_at),
            started_at: state.started_at.map(|at| self.moment(at)),
            ended_at: state.ended_at.map(|at| self.moment(at)),
            deaths: state.deaths.iter().map(death).collect(),
            ..state.clone()
        }
    }
}

/// Returns the moments that a state remembers. What is to come is not among them.
fn moments(state: &ProcessState) -> Vec<Moment> {
    let begun =
        |death: &Death| Moment { wall_ms: death.at.wall_ms.saturating_sub(death.uptime_ms), ..death.at };
    let some = [Some(state.changed_at), state.started_at, state.ended_at];
    let failing = state.failing.as_deref().map(|failing| failing.since);
    some.into_iter().flatten().chain(failing).chain(state.deaths.iter().map(begun)).collect()
}
