//! Converts changes of processes.

use provost_api as api;
use provost_state::{Change, ChangeKind, EventKind, PhaseKind, ProcessState};

use super::process::{cause, decision, exit, health, phase};
use super::time::{Wall, time_at};

/// Converts the kind of a change.
#[must_use]
pub fn event_kind(kind: ChangeKind) -> api::EventKind {
    match kind {
        ChangeKind::Added => api::EventKind::Added,
        ChangeKind::Removed => api::EventKind::Removed,
        ChangeKind::Event(EventKind::Start) => api::EventKind::Start,
        ChangeKind::Event(EventKind::Stop) => api::EventKind::Stop,
        ChangeKind::Event(EventKind::Wait) => api::EventKind::Waiting,
        ChangeKind::Event(EventKind::Spawned) => api::EventKind::Spawned,
        ChangeKind::Event(EventKind::SpawnFailed) => api::EventKind::SpawnFailed,
        ChangeKind::Event(EventKind::NotReady) => api::EventKind::NotReady,
        ChangeKind::Event(EventKind::Overdue) => api::EventKind::Overdue,
        ChangeKind::Event(EventKind::Ready) => api::EventKind::Ready,
        ChangeKind::Event(EventKind::Exited) => api::EventKind::Exited,
        ChangeKind::Event(EventKind::Decided) => api::EventKind::Decided,
        ChangeKind::Event(EventKind::Refused) => api::EventKind::Refused,
        ChangeKind::Event(EventKind::Health) => api::EventKind::Health,
        ChangeKind::Event(EventKind::TakenOver) => api::EventKind::TakenOver,
    }
}

/// Converts a change; `wall` corrects its time if the clock has been set since.
pub(crate) fn event(change: &Change, wall: Wall) -> api::Event {
    event_of(change.kind, change.from, &change.state, wall)
}

/// Converts a change that published `state`.
pub(crate) fn event_of(kind: ChangeKind, from: PhaseKind, state: &ProcessState, wall: Wall) -> api::Event {
    let is = |wanted| kind == ChangeKind::Event(wanted);
    api::Event {
        generation: state.generation.0,
        at: time_at(state.changed_at, wall).to_string(),
        process: state.name().to_string(),
        incarnation: state.incarnation.0,
        kind: event_kind(kind),
        phase: phase(state.phase.kind()),
        before: phase(from),
        cause: cause(state.cause),
        reason: state.reason.to_string(),
        pid: state.pid().filter(|_| is(EventKind::Spawned)),
        exit: state.exit.as_ref().filter(|_| is(EventKind::Exited) || is(EventKind::SpawnFailed)).map(exit),
        decision: state.decision.as_deref().filter(|_| is(EventKind::Decided)).map(decision),
        health: is(EventKind::Health).then(|| health(state.health)),
        count: None,
    }
}

/// Returns the event that stands for `count` changes that are no longer remembered; `None` if their number is not known.
pub(crate) fn missed(count: Option<u64>) -> api::Event {
    api::Event { kind: api::EventKind::Missed, count, ..api::Event::default() }
}
