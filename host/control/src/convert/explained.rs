//! Converts a whole process and its deaths, and describes it in one sentence.

use provost_api as api;
use provost_state::{Death, Phase, ProcessState};

use super::process::{cause, decision, desired, exit, health, phase, process_type};
use super::time::{Wall, time_at};

/// Converts a process, as [`crate::fragments`] renders it.
pub(crate) fn process(state: &ProcessState, wall: Wall) -> api::Process {
    let time = |moment| time_at(moment, wall).to_string();
    let failing = state.failing.as_deref();
    api::Process {
        name: state.name().to_string(),
        process_type: process_type(&state.identity.process_type),
        group: Some(state.group().to_string()).filter(|group| !group.is_empty()),
        phase: phase(state.phase.kind()),
        desired: desired(state.desired),
        pid: state.pid(),
        incarnation: state.incarnation.0,
        version: state.version.0,
        generation: state.generation.0,
        restarts: state.restarts,
        failures: state.failures,
        ready: state.ready(),
        health: health(state.health),
        failing: failing.map(|it| api::Failing { why: it.why.to_string(), since: time(it.since) }),
        exit: state.exit.as_ref().map(exit),
        cause: cause(state.cause),
        reason: state.reason.to_string(),
        started_at: state.started_at.map(time),
        ended_at: state.ended_at.map(time),
        next_action_at: state.next_action_at().map(time),
        decision: state.decision.as_deref().map(decision),
    }
}

/// Converts an unrequested end.
pub(crate) fn death(from: &Death, wall: Wall) -> api::Death {
    api::Death {
        incarnation: from.incarnation.0,
        exit: exit(&from.exit),
        at: time_at(from.at, wall).to_string(),
        uptime_ms: from.uptime_ms,
    }
}

/// Describes the phase and its reason in one sentence.
pub(crate) fn sentence(state: &ProcessState, wall: Wall) -> String {
    let name = state.name();
    let because = format!("{} (cause: {})", state.reason, state.cause.as_str());
    match state.phase {
        Phase::Running { pid } => format!("{name} is running with pid {pid}; {because}."),
        Phase::Starting { pid } if state.failing.is_some() => {
            format!("{name} is starting with pid {pid}, {because}.")
        }
        Phase::Starting { pid } => format!("{name} is starting with pid {pid} and not ready yet; {because}."),
        Phase::Backoff { until } => {
            format!("{name} is in backoff and will be started again at {}: {because}.", time_at(until, wall))
        }
        Phase::Stopping { kill_at, .. } => {
            format!("{name} is stopping and will be killed at {}: {because}.", time_at(kill_at, wall))
        }
        Phase::Fatal => format!("{name} was given up on: {because}. `provost start {name}` revives it."),
        Phase::Exited { .. } if state.is_done() => format!("{name} is {because}."),
        Phase::Stopped | Phase::Waiting | Phase::Exited { .. } => {
            format!("{name} is {}: {because}.", state.phase.kind())
        }
    }
}
