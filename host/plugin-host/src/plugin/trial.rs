//! The trial of a version before it is put in force: one made-up question for each of its roles. Nothing of it is
//! counted, and nothing that it writes into its memory is kept.

use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use provost_state::{
    At, Cause, Demand, Ended, Event, Exit, Fault, FaultKind, Health, Identity, Incarnation, Moment,
    Observation, Plan, Sample, Snapshot, Usage, ViewRequest, registry,
};

use crate::clock;
use crate::role::Role;

use super::input::Input;
use super::question::Telling;
use super::version::Version;

/// The largest number of processes in the world of a trial.
const PROCESSES_MAX: usize = 1_000;

/// Makes a world in which processes of these names and groups run, for trials before there is a real one: the first
/// process has just exited with code 1. Without processes, it has one called `trial`.
#[must_use]
pub fn trial_world(processes: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Arc<Snapshot> {
    let mut processes = processes.into_iter().take(PROCESSES_MAX).peekable();
    let nobody = processes.peek().is_none().then(|| ("trial".into(), "".into()));
    let (registry, reader) = registry(|| 0);
    let wall = clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = |ms: u64| Moment {
        wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX).saturating_add(ms),
        mono_ns: (1_000 + ms) * 1_000_000,
    };
    let events = [
        Event::Start { cause: Cause::Boot, reason: "a trial".into() },
        Event::Spawned { pid: 1_000_000, reason: "a trial".into() },
        Event::Ready { reason: "a trial".into() },
        Event::Exited { exit: Exit::Code(1), out_of_memory: false },
    ];
    for (place, (name, group)) in nobody.into_iter().chain(processes).enumerate() {
        let Ok(mut state) = registry.add(Identity::new(name, group), at(0)) else { continue };
        let happened = if place == 0 { &events[..] } else { &events[..3] };
        for (event, ms) in happened.iter().zip([0, 10, 20, 1_010]) {
            let expected = At { incarnation: state.incarnation, version: state.version };
            match registry.commit(state.id, expected, event, at(ms)) {
                Ok(next) => state = next,
                Err(_) => break,
            }
        }
    }
    reader.snapshot()
}

/// How often a version that does not answer in time is asked.
const TRIES: usize = 3;

/// A version whose limit for a call is longer than this, in milliseconds, is asked only once.
const PATIENCE_MS: u64 = 1_000;

/// The role in which a version failed its trial, with the question and the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    role: Role,
    input: String,
    fault: Fault,
}

impl Failed {
    /// Returns true if it had too little time, or there was no place for its instance.
    pub(crate) fn is_for_want_of_time(&self) -> bool {
        is_for_want_of_time(&self.fault)
    }
}

fn is_for_want_of_time(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Deadline | FaultKind::Busy)
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its trial as {} failed ({}): it {}", self.role, self.input, self.fault)
    }
}

/// Asks `version` in each of its roles about the first process of `world`. Returns one line for each answer.
pub(super) fn run(version: &Arc<Version>, world: &Arc<Snapshot>) -> Result<Vec<String>, Failed> {
    // A policy may expect that the process that it is asked about exists.
    let made_up = world.is_empty().then(|| trial_world([]));
    let world = made_up.as_ref().unwrap_or(world);
    let try_role = |role: Role| {
        let input = question(role, world);
        match answer(&input, role, version, world) {
            Ok(answer) => Ok(format!("trial of {role}: {input} -> {answer}")),
            Err(fault) => Err(Failed { role, input: input.to_string(), fault }),
        }
    };
    version.surface.roles().into_iter().map(try_role).collect()
}

/// Asks a version, and retries if it had no time to answer: a machine that is busy, as at boot, says nothing about the
/// version.
fn answer(input: &Input, role: Role, version: &Arc<Version>, world: &Arc<Snapshot>) -> Result<String, Fault> {
    let tries = if version.context.limits.call_ms(role) <= PATIENCE_MS { TRIES } else { 1 };
    let mut answered = input.try_on(version, world);
    for _ in 1..tries {
        match &answered {
            Err(fault) if is_for_want_of_time(fault) => {
                answered = input.try_on(version, world);
            }
            _ => break,
        }
    }
    answered
}

/// Makes a question about the first process, or about one called `trial` if there is none.
fn question(role: Role, world: &Snapshot) -> Input {
    let first = world.iter().next();
    let name: Arc<str> = first.map_or_else(|| "trial".into(), |state| state.name().clone());
    let group: Arc<str> = first.map_or_else(|| "".into(), |state| state.group().clone());
    let incarnation = first.map_or(Incarnation(1), |state| state.incarnation);
    let now = world.taken_at();
    let seed = 1;
    match role {
        Role::RestartPolicy => Input::Ended(Ended {
            name,
            group,
            incarnation,
            exit: Exit::Code(1),
            uptime_ms: 1_000,
            was_ready: true,
            failures: 1,
            restarts: 0,
            now,
            seed,
        }),
        Role::StartPolicy => Input::Plan(Plan {
            name,
            group,
            incarnation,
            cause: Cause::User,
            waited_ms: 0,
            failures: 0,
            now,
            seed,
        }),
        Role::HealthPolicy => Input::Probe(Observation {
            name,
            group,
            incarnation,
            passed: true,
            detail: "a trial".into(),
            took_ms: 1,
            in_a_row: 1,
            before: Health::Unknown,
            uptime_ms: 1_000,
            now,
            seed,
        }),
        Role::ScalePolicy => {
            Input::Demand(Demand { name, group, wanted: 1, running: 1, least: 1, most: 2, now, seed })
        }
        Role::UsagePolicy => Input::Sample(Sample {
            name,
            group,
            incarnation,
            usage: Usage { at: now, rss_bytes: 1 << 20, threads: 1, members: 1, ..Usage::default() },
            former: Arc::default(),
            uptime_ms: 1_000,
            now,
            seed,
        }),
        Role::StatusView => Input::Render(ViewRequest::default()),
        Role::StatusConsumer => Input::Tell(Telling::default()),
    }
}
