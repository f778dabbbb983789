//! Converts the words of a process, its last exit and the last decision about it.

use provost_api as api;
use provost_state::{
    Cause, Desired, Escalation, Exit, Health, PhaseKind, ProcessType, Ruling, RulingAction, Scope,
    process::signal_name,
};
use provost_supervisor::{Condition, Dependency};

/// Converts a phase to its word.
pub(crate) fn phase(kind: PhaseKind) -> api::Phase {
    match kind {
        PhaseKind::Stopped => api::Phase::Stopped,
        PhaseKind::Waiting => api::Phase::Waiting,
        PhaseKind::Starting => api::Phase::Starting,
        PhaseKind::Running => api::Phase::Running,
        PhaseKind::Stopping => api::Phase::Stopping,
        PhaseKind::Backoff => api::Phase::Backoff,
        PhaseKind::Exited => api::Phase::Exited,
        PhaseKind::Fatal => api::Phase::Fatal,
    }
}

/// Converts a cause to its word.
pub(crate) fn cause(cause: Cause) -> api::Cause {
    match cause {
        Cause::Boot => api::Cause::Boot,
        Cause::User => api::Cause::User,
        Cause::Api => api::Cause::Api,
        Cause::Policy => api::Cause::Policy,
        Cause::Crash => api::Cause::Crash,
        Cause::Dependency => api::Cause::Dependency,
        Cause::Health => api::Cause::Health,
        Cause::Schedule => api::Cause::Schedule,
        Cause::Watch => api::Cause::Watch,
        Cause::Reload => api::Cause::Reload,
        Cause::Oom => api::Cause::Oom,
        Cause::Shutdown => api::Cause::Shutdown,
    }
}

/// Converts the requested state to its word.
pub(crate) fn desired(desired: Desired) -> api::Desired {
    match desired {
        Desired::Up => api::Desired::Up,
        Desired::Down => api::Desired::Down,
    }
}

/// Converts the result of the health checks to its word.
pub(crate) fn health(health: Health) -> api::Health {
    match health {
        Health::Unknown => api::Health::Unknown,
        Health::Healthy => api::Health::Healthy,
        Health::Degraded => api::Health::Degraded,
        Health::Unhealthy => api::Health::Unhealthy,
    }
}

/// Converts the type of a process to its word.
pub(crate) fn process_type(process_type: &ProcessType) -> api::ProcessType {
    match process_type {
        ProcessType::Service => api::ProcessType::Service,
        ProcessType::Job { .. } => api::ProcessType::Job,
    }
}

/// Converts a dependency of a process.
#[must_use]
pub fn dependency(from: &Dependency) -> api::Dependency {
    api::Dependency { process: from.name.to_string(), condition: condition(from.condition) }
}

fn condition(condition: Condition) -> api::Condition {
    match condition {
        Condition::Started => api::Condition::Started,
        Condition::Ready => api::Condition::Ready,
        Condition::Completed => api::Condition::Completed,
    }
}

/// Converts the end of an incarnation.
pub(crate) fn exit(exit: &Exit) -> api::Exit {
    match exit {
        Exit::Code(code) => api::Exit::Code { code: *code },
        Exit::Signal(signal) => api::Exit::Signal { signal: *signal, name: signal_name(*signal) },
        Exit::NotSpawned(error) => api::Exit::Error { error: error.to_string() },
        Exit::NotReady(_) | Exit::Unobserved => api::Exit::Error { error: exit.to_string() },
    }
}

/// Converts a decision.
#[must_use]
pub fn decision(ruling: &Ruling) -> api::Decision {
    let (action, delay_ms, scope, escalation) = match ruling.action {
        RulingAction::Restart { delay_ms, scope } => {
            (api::Action::Restart, Some(delay_ms), Some(self::scope(scope)), None)
        }
        RulingAction::StayDown => (api::Action::StayDown, None, None, None),
        RulingAction::GiveUp(escalation) => {
            (api::Action::GiveUp, None, None, Some(self::escalation(escalation)))
        }
    };
    api::Decision {
        action,
        delay_ms,
        scope,
        escalation,
        by: ruling.by.to_string(),
        reason: ruling.reason.to_string(),
        overruled: ruling.overruled.as_deref().map(str::to_owned),
    }
}

fn scope(scope: Scope) -> api::Scope {
    match scope {
        Scope::Itself => api::Scope::Itself,
        Scope::Group => api::Scope::Group,
        Scope::Rest => api::Scope::Rest,
    }
}

fn escalation(escalation: Escalation) -> api::Escalation {
    match escalation {
        Escalation::Nothing => api::Escalation::Nothing,
        Escalation::StopDependents => api::Escalation::StopDependents,
        Escalation::GiveUpGroup => api::Escalation::GiveUpGroup,
        Escalation::ShutDown { .. } => api::Escalation::ShutDown,
    }
}
