//! Converts between the types of the state core and those of the contract. No other module knows both.

use provost_state as state;

use crate::text::sanitize;

use super::bindings::{
    health_policy, restart_policy, scale_policy, snapshots, start_policy, status_consumer, status_view,
    types, usage_policy,
};

/// The longest reason of a decision, in bytes; the rest is cut.
const REASON_BYTES_MAX: usize = 512;

/// Converts a count into the type of the contract.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(crate) fn process_state(from: &state::ProcessState) -> types::ProcessState {
    types::ProcessState {
        name: from.name().as_ref().to_owned(),
        group: from.group().as_ref().to_owned(),
        incarnation: from.incarnation.0,
        version: from.version.0,
        generation: from.generation.0,
        desired: match from.desired {
            state::Desired::Up => types::Desired::Up,
            state::Desired::Down => types::Desired::Down,
        },
        phase: phase(from.phase.kind()),
        cause: cause(from.cause),
        reason: from.reason.as_ref().to_owned(),
        pid: from.pid(),
        ready: from.ready(),
        health: health(from.health),
        exit: from.exit.as_ref().map(exit),
        restarts: from.restarts,
        failures: from.failures,
        started_at: from.started_at.map(|at| at.wall_ms),
        ended_at: from.ended_at.map(|at| at.wall_ms),
        next_action_at: from.next_action_at().map(|at| at.wall_ms),
        decision: from.decision.as_deref().map(|ruling| types::Ruling {
            action: ruling.action.to_string(),
            by: ruling.by.as_ref().to_owned(),
            reason: ruling.reason.as_ref().to_owned(),
        }),
    }
}

fn phase(from: state::PhaseKind) -> types::Phase {
    match from {
        state::PhaseKind::Stopped => types::Phase::Stopped,
        state::PhaseKind::Waiting => types::Phase::Waiting,
        state::PhaseKind::Starting => types::Phase::Starting,
        state::PhaseKind::Running => types::Phase::Running,
        state::PhaseKind::Stopping => types::Phase::Stopping,
        state::PhaseKind::Backoff => types::Phase::Backoff,
        state::PhaseKind::Exited => types::Phase::Exited,
        state::PhaseKind::Fatal => types::Phase::Fatal,
    }
}

fn cause(from: state::Cause) -> types::Cause {
    match from {
        state::Cause::Boot => types::Cause::Boot,
        state::Cause::User => types::Cause::User,
        state::Cause::Api => types::Cause::Api,
        state::Cause::Policy => types::Cause::Policy,
        state::Cause::Crash => types::Cause::Crash,
        state::Cause::Dependency => types::Cause::Dependency,
        state::Cause::Health => types::Cause::Health,
        state::Cause::Schedule => types::Cause::Schedule,
        state::Cause::Watch => types::Cause::Watch,
        state::Cause::Reload => types::Cause::Reload,
        state::Cause::Oom => types::Cause::Oom,
        state::Cause::Shutdown => types::Cause::Shutdown,
    }
}

fn health(from: state::Health) -> types::Health {
    match from {
        state::Health::Unknown => types::Health::Unknown,
        state::Health::Healthy => types::Health::Healthy,
        state::Health::Degraded => types::Health::Degraded,
        state::Health::Unhealthy => types::Health::Unhealthy,
    }
}

pub(crate) fn exit(from: &state::Exit) -> types::Exit {
    match from {
        state::Exit::Code(code) => types::Exit::Code(*code),
        state::Exit::Signal(number) => types::Exit::Signal(*number),
        state::Exit::NotSpawned(why) => types::Exit::NotSpawned(why.as_ref().to_owned()),
        state::Exit::NotReady(why) => types::Exit::NotReady(why.as_ref().to_owned()),
        state::Exit::Unobserved => types::Exit::Unobserved,
    }
}

/// Returns the exit code for a column: for a signal 128 plus its number, as shells do; -1 where there is none.
pub(crate) fn exit_code(from: Option<&state::Exit>) -> i32 {
    match from {
        Some(state::Exit::Code(code)) => *code,
        Some(state::Exit::Signal(number)) => number.saturating_add(128),
        Some(state::Exit::NotSpawned(_) | state::Exit::NotReady(_) | state::Exit::Unobserved) | None => -1,
    }
}

pub(crate) fn death(from: &state::Death) -> types::Death {
    types::Death {
        incarnation: from.incarnation.0,
        exit: exit(&from.exit),
        at: from.at.wall_ms,
        uptime: from.uptime_ms,
    }
}

pub(crate) fn removal(from: &state::Removed) -> snapshots::Removal {
    snapshots::Removal { name: from.name.as_ref().to_owned(), generation: from.generation.0 }
}

pub(crate) fn ended(from: &state::Ended) -> restart_policy::Ended {
    restart_policy::Ended {
        name: from.name.as_ref().to_owned(),
        group: from.group.as_ref().to_owned(),
        incarnation: from.incarnation.0,
        exit: exit(&from.exit),
        uptime: from.uptime_ms,
        was_ready: from.was_ready,
        failures: from.failures,
        restarts: from.restarts,
        now: from.now.wall_ms,
        seed: from.seed,
    }
}

/// Makes a decision, with its reason sanitized and cut.
fn answer<A>(action: Option<A>, reason: &str) -> state::Decision<A> {
    state::Decision::new(action, sanitize(reason, REASON_BYTES_MAX))
}

pub(crate) fn decision(from: &restart_policy::Decision) -> state::Decision {
    let action = match from.action {
        restart_policy::Action::Restart(restarting) => {
            let scope = match restarting.scope {
                restart_policy::Scope::Itself => state::Scope::Itself,
                restart_policy::Scope::Group => state::Scope::Group,
                restart_policy::Scope::Rest => state::Scope::Rest,
            };
            Some(state::RulingAction::Restart { delay_ms: restarting.delay, scope })
        }
        restart_policy::Action::StayDown => Some(state::RulingAction::StayDown),
        restart_policy::Action::GiveUp(escalation) => Some(state::RulingAction::GiveUp(match escalation {
            restart_policy::Escalation::Nothing => state::Escalation::Nothing,
            restart_policy::Escalation::StopDependents => state::Escalation::StopDependents,
            restart_policy::Escalation::GiveUpGroup => state::Escalation::GiveUpGroup,
            restart_policy::Escalation::ShutDown(code) => state::Escalation::ShutDown { code },
        })),
        restart_policy::Action::Pass => None,
    };
    answer(action, &from.reason)
}

pub(crate) fn plan(from: &state::Plan) -> start_policy::Plan {
    start_policy::Plan {
        name: from.name.as_ref().to_owned(),
        group: from.group.as_ref().to_owned(),
        incarnation: from.incarnation.0,
        cause: cause(from.cause),
        waited: from.waited_ms,
        failures: from.failures,
        now: from.now.wall_ms,
        seed: from.seed,
    }
}

pub(crate) fn start_decision(from: start_policy::Decision) -> state::Decision<state::StartAction> {
    let action = match from.action {
        start_policy::Action::Allow(variables) => {
            let env = variables.into_iter().map(|variable| (variable.name, variable.value)).collect();
            Some(state::StartAction::Allow { env })
        }
        start_policy::Action::Wait(delay_ms) => Some(state::StartAction::Wait { delay_ms }),
        start_policy::Action::Refuse => Some(state::StartAction::Refuse),
        start_policy::Action::Pass => None,
    };
    answer(action, &from.reason)
}

pub(crate) fn observation(from: &state::Observation) -> health_policy::Observation {
    health_policy::Observation {
        name: from.name.as_ref().to_owned(),
        group: from.group.as_ref().to_owned(),
        incarnation: from.incarnation.0,
        passed: from.passed,
        detail: from.detail.as_ref().to_owned(),
        took: from.took_ms,
        in_a_row: from.in_a_row,
        before: health(from.before),
        uptime: from.uptime_ms,
        now: from.now.wall_ms,
        seed: from.seed,
    }
}

pub(crate) fn health_decision(from: &health_policy::Decision) -> state::Decision<state::HealthAction> {
    let action = match from.action {
        health_policy::Action::Healthy => Some(state::HealthAction::Hold(state::Health::Healthy)),
        health_policy::Action::Degraded => Some(state::HealthAction::Hold(state::Health::Degraded)),
        health_policy::Action::Unhealthy => Some(state::HealthAction::Hold(state::Health::Unhealthy)),
        health_policy::Action::Restart => Some(state::HealthAction::Restart),
        health_policy::Action::Pass => None,
    };
    answer(action, &from.reason)
}

pub(crate) fn demand(from: &state::Demand) -> scale_policy::Demand {
    scale_policy::Demand {
        name: from.name.as_ref().to_owned(),
        group: from.group.as_ref().to_owned(),
        wanted: from.wanted,
        running: from.running,
        least: from.least,
        most: from.most,
        now: from.now.wall_ms,
        seed: from.seed,
    }
}

pub(crate) fn scale_decision(from: &scale_policy::Decision) -> state::Decision<u32> {
    let action = match from.action {
        scale_policy::Action::Replicas(count) => Some(count),
        scale_policy::Action::Pass => None,
    };
    answer(action, &from.reason)
}

pub(crate) fn sample(from: &state::Sample) -> usage_policy::Sample {
    usage_policy::Sample {
        name: from.name.as_ref().to_owned(),
        group: from.group.as_ref().to_owned(),
        incarnation: from.incarnation.0,
        usage: usage(&from.usage),
        former: from.former.iter().map(usage).collect(),
        uptime: from.uptime_ms,
        now: from.now.wall_ms,
        seed: from.seed,
    }
}

pub(super) fn usage(from: &state::Usage) -> types::Usage {
    types::Usage {
        at: from.at.wall_ms,
        cpu: from.cpu_ms,
        cpu_millis: from.cpu_millis,
        rss_bytes: from.rss_bytes,
        pss_bytes: from.pss_bytes,
        fds: from.fds,
        threads: from.threads,
        members: from.members,
    }
}

pub(crate) fn usage_decision(from: &usage_policy::Decision) -> state::Decision<state::UsageAction> {
    let action = match from.action {
        usage_policy::Action::Keep => Some(state::UsageAction::Keep),
        usage_policy::Action::Restart(drain_ms) => Some(state::UsageAction::Restart { drain_ms }),
        usage_policy::Action::Pass => None,
    };
    answer(action, &from.reason)
}

pub(crate) fn request(from: &state::ViewRequest) -> status_view::Request {
    status_view::Request { path: from.path.clone(), query: from.query.clone() }
}

pub(crate) fn batch(changes: &[state::Change], missed: u64) -> status_consumer::Batch {
    status_consumer::Batch { events: changes.iter().map(event).collect(), missed }
}

fn event(from: &state::Change) -> types::Event {
    types::Event {
        generation: from.generation.0,
        at: from.state.changed_at.wall_ms,
        kind: event_kind(from.kind),
        before: phase(from.from),
        process: process_state(&from.state),
    }
}

fn event_kind(from: state::ChangeKind) -> types::EventKind {
    match from {
        state::ChangeKind::Added => types::EventKind::Added,
        state::ChangeKind::Removed => types::EventKind::Removed,
        state::ChangeKind::Event(state::EventKind::Start) => types::EventKind::Start,
        state::ChangeKind::Event(state::EventKind::Stop) => types::EventKind::Stop,
        state::ChangeKind::Event(state::EventKind::Wait) => types::EventKind::Waiting,
        state::ChangeKind::Event(state::EventKind::Spawned) => types::EventKind::Spawned,
        state::ChangeKind::Event(state::EventKind::SpawnFailed) => types::EventKind::SpawnFailed,
        state::ChangeKind::Event(state::EventKind::NotReady) => types::EventKind::NotReady,
        state::ChangeKind::Event(state::EventKind::Overdue) => types::EventKind::Overdue,
        state::ChangeKind::Event(state::EventKind::Ready) => types::EventKind::Ready,
        state::ChangeKind::Event(state::EventKind::Exited) => types::EventKind::Exited,
        state::ChangeKind::Event(state::EventKind::Decided) => types::EventKind::Decided,
        state::ChangeKind::Event(state::EventKind::Refused) => types::EventKind::Refused,
        state::ChangeKind::Event(state::EventKind::Health) => types::EventKind::Health,
        state::ChangeKind::Event(state::EventKind::TakenOver) => types::EventKind::TakenOver,
    }
}
