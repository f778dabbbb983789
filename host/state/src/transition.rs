//! The only list of edges. `ProcessState::apply` turns a state and an event into the next state or
//! refuses; it has no other way of changing, and no effect.

use std::sync::Arc;

use crate::process::{
    Cause, DEATHS_KEPT, Death, Desired, Exit, Failing, Health, Moment, Phase, PhaseKind, ProcessState,
    STREAK_FORGOTTEN_AFTER_MS,
};
use crate::ruling::{Ruling, RulingAction};

/// Something that happened to a process. Facts and opinions alike enter the registry as one of these.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It is wanted up. If somebody wants it (and not a policy or a health check), its deaths and failures are
    /// forgotten, as by systemd's `reset-failed`.
    Start {
        /// Who wants it.
        cause: Cause,
        /// In words for people.
        reason: Arc<str>,
    },
    /// It is wanted down; a child, if there is one, was told so.
    Stop {
        /// Who wants it.
        cause: Cause,
        /// In words for people.
        reason: Arc<str>,
        /// When SIGKILL follows if there is a child.
        kill_at: Moment,
    },
    /// It is held back; by what.
    Wait {
        /// Whether by what it depends on, by a policy or by something of the host's own.
        cause: Cause,
        /// In words for people.
        reason: Arc<str>,
    },
    /// A child was spawned: a new incarnation.
    Spawned {
        /// Process id of the group's leader.
        pid: u32,
        /// Why it was spawned now, in words for people.
        reason: Arc<str>,
    },
    /// No child could be spawned.
    SpawnFailed {
        /// In words for people.
        error: Arc<str>,
    },
    /// Its readiness check fails, and finds something else than before.
    NotReady {
        /// What it finds.
        failing: Arc<Failing>,
    },
    /// It has not become ready in time, and was told to end: its end is one that is judged.
    Overdue {
        /// In words for people.
        reason: Arc<str>,
        /// When SIGKILL follows.
        kill_at: Moment,
    },
    /// Its readiness check passed.
    Ready {
        /// In words for people.
        reason: Arc<str>,
    },
    /// Its child ended.
    Exited {
        /// How.
        exit: Exit,
    },
    /// It was decided what to do about its end.
    Decided {
        /// What, by whom and why.
        ruling: Arc<Ruling>,
    },
    /// It was given up, by what befell others or by a policy that refused it a start.
    Refused {
        /// In words for people.
        reason: Arc<str>,
    },
    /// Its health checks say something else than before.
    Health {
        /// What they say.
        health: Health,
        /// In words for people.
        reason: Arc<str>,
        /// What the last check found, if it failed.
        failing: Option<Arc<Failing>>,
    },
    /// The task that owned it ended unexpectedly, and another one has taken it over, with its child. Nothing else changes.
    TakenOver {
        /// In words for people.
        reason: Arc<str>,
    },
}

/// An event without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented at the variant of Event with the same name")]
pub enum EventKind {
    Start,
    Stop,
    Wait,
    Spawned,
    SpawnFailed,
    NotReady,
    Overdue,
    Ready,
    Exited,
    Decided,
    Refused,
    Health,
    TakenOver,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Start,
        Self::Stop,
        Self::Wait,
        Self::Spawned,
        Self::SpawnFailed,
        Self::NotReady,
        Self::Overdue,
        Self::Ready,
        Self::Exited,
        Self::Decided,
        Self::Refused,
        Self::Health,
        Self::TakenOver,
    ];
}

impl Event {
    /// The event without its data.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Start { .. } => EventKind::Start,
            Self::Stop { .. } => EventKind::Stop,
            Self::Wait { .. } => EventKind::Wait,
            Self::Spawned { .. } => EventKind::Spawned,
            Self::SpawnFailed { .. } => EventKind::SpawnFailed,
            Self::NotReady { .. } => EventKind::NotReady,
            Self::Overdue { .. } => EventKind::Overdue,
            Self::Ready { .. } => EventKind::Ready,
            Self::Exited { .. } => EventKind::Exited,
            Self::Decided { .. } => EventKind::Decided,
            Self::Refused { .. } => EventKind::Refused,
            Self::Health { .. } => EventKind::Health,
            Self::TakenOver { .. } => EventKind::TakenOver,
        }
    }
}

/// There is no such edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a process that is {phase} takes no {event:?} event")]
pub struct Illegal {
    /// Where it was.
    pub phase: PhaseKind,
    /// What was tried.
    pub event: EventKind,
}

impl ProcessState {
    /// The state after `event`, as far as the process itself is concerned: the registry adds version and
    /// generation when it publishes it.
    ///
    /// # Errors
    /// [`Illegal`] if the diagram has no such edge; nothing is changed then.
    pub fn apply(&self, event: &Event, now: Moment) -> Result<Self, Illegal> {
        let phase = self.edge(event)?;
        let mut next = Self { phase, changed_at: now, failing: None, ..self.clone() };
        match event {
            Event::Start { cause, reason } => next.wanted(Desired::Up, *cause, reason),
            Event::Stop { cause, reason, .. } => next.wanted(Desired::Down, *cause, reason),
            Event::Wait { cause, reason } => {
                next.cause = *cause;
                next.reason = reason.clone();
            }
            Event::TakenOver { reason } => {
                next.reason = reason.clone();
                next.failing = self.failing.clone();
            }
            Event::Spawned { reason, .. } => {
                next.reason = reason.clone();
                next.incarnation = self.incarnation.next();
                next.started_at = Some(now);
                next.ended_at = None;
                next.exit = None;
                next.health = Health::Unknown;
            }
            Event::SpawnFailed { error } => next.ended(self, &Exit::NotSpawned(error.clone()), now),
            Event::NotReady { failing } => {
                next.reason = Arc::from(format!("not ready: {}", failing.why));
                next.failing = Some(failing.clone());
            }
            Event::Overdue { reason, .. } => {
                next.cause = Cause::Health;
                next.reason = reason.clone();
            }
            Event::Ready { reason } => next.reason = reason.clone(),
            Event::Exited { exit } => next.ended(self, exit, now),
            Event::Decided { ruling } => next.decided(ruling),
            Event::Refused { reason } => {
                next.cause = Cause::Policy;
                next.reason = reason.clone();
            }
            Event::Health { health, reason, failing } => {
                next.health = *health;
                next.reason = reason.clone();
                next.failing = failing.clone();
            }
        }
        Ok(next)
    }

    /// The diagram of the crate's front page, box by box.
    fn edge(&self, event: &Event) -> Result<Phase, Illegal> {
        let here = &self.phase;
        let next = match (here, event) {
            (
                Phase::Stopped | Phase::Exited { .. } | Phase::Fatal | Phase::Backoff { .. },
                Event::Start { .. },
            ) => Phase::Waiting,
            (Phase::Stopping { .. }, Event::Start { .. }) => here.clone(),

            (
                Phase::Waiting | Phase::Backoff { .. } | Phase::Exited { .. } | Phase::Fatal,
                Event::Stop { .. },
            ) => Phase::Stopped,
            (Phase::Starting { pid } | Phase::Running { pid }, Event::Stop { kill_at, .. }) => {
                Phase::Stopping { pid: *pid, kill_at: *kill_at }
            }
            // Told twice: the first deadline stands, so that repeating a stop cannot delay the kill.
            (Phase::Stopping { .. }, Event::Stop { .. }) => here.clone(),

            (Phase::Waiting | Phase::Backoff { .. }, Event::Wait { .. }) => Phase::Waiting,

            // A job is not waited for to become ready while it runs.
            (Phase::Waiting | Phase::Backoff { .. }, Event::Spawned { pid, .. }) => {
                match self.identity.process_type.is_job() {
                    true => Phase::Running { pid: *pid },
                    false => Phase::Starting { pid: *pid },
                }
            }
            (Phase::Waiting | Phase::Backoff { .. }, Event::SpawnFailed { .. }) => {
                Phase::Exited { settled: false }
            }

            (Phase::Starting { .. }, Event::NotReady { .. }) => here.clone(),
            (Phase::Starting { pid }, Event::Overdue { kill_at, .. }) => {
                Phase::Stopping { pid: *pid, kill_at: *kill_at }
            }
            (Phase::Starting { pid }, Event::Ready { .. }) => Phase::Running { pid: *pid },

            // Nobody has to decide about a job that is done.
            (Phase::Starting { .. } | Phase::Running { .. }, Event::Exited { exit }) => {
                let process_type = &self.identity.process_type;
                Phase::Exited { settled: process_type.is_job() && process_type.is_success(exit) }
            }
            (Phase::Stopping { .. }, Event::Exited { exit }) => match (self.desired, exit) {
                (Desired::Down, _) => Phase::Stopped,
                (Desired::Up, Exit::NotReady(_)) => Phase::Exited { settled: false },
                (Desired::Up, _) => Phase::Waiting,
            },

            (Phase::Exited { .. }, Event::Decided { ruling }) => match ruling.action {
                RulingAction::Restart { delay_ms, .. } => {
                    Phase::Backoff { until: self.changed_at.plus_ms(delay_ms) }
                }
                RulingAction::StayDown => Phase::Exited { settled: true },
                RulingAction::GiveUp(_) => Phase::Fatal,
            },

            (
                Phase::Stopped | Phase::Waiting | Phase::Backoff { .. } | Phase::Exited { .. },
                Event::Refused { .. },
            ) => Phase::Fatal,

            (Phase::Running { .. }, Event::Health { .. }) => here.clone(),

            (_, Event::TakenOver { .. }) => here.clone(),

            _ => return Err(Illegal { phase: here.kind(), event: event.kind() }),
        };
        Ok(next)
    }

    fn wanted(&mut self, desired: Desired, cause: Cause, reason: &Arc<str>) {
        self.desired = desired;
        self.cause = cause;
        self.reason = reason.clone();
        let by_somebody = matches!(cause, Cause::Boot | Cause::User | Cause::Api);
        if desired == Desired::Up && cause == Cause::Health {
            self.restarts += 1;
        }
        if desired == Desired::Up && by_somebody {
            self.failures = 0;
            self.deaths = Arc::default();
        }
    }

    /// A life ended. Only an end that nobody asked for is a death: it enters the tally and the streak.
    fn ended(&mut self, before: &Self, exit: &Exit, now: Moment) {
        let spawned = !matches!(exit, Exit::NotSpawned(_));
        let uptime_ms = match before.started_at {
            Some(started) if spawned => now.ms_since(started),
            _ => 0,
        };
        self.exit = Some(exit.clone());
        self.ended_at = Some(now);
        if !matches!(self.phase, Phase::Exited { .. }) {
            return;
        }
        self.reason = match self.is_done() {
            true => Arc::from(format!("done: {exit}")),
            false => Arc::from(exit.to_string()),
        };
        if self.has_completed() {
            self.failures = 0;
        } else {
            self.cause = if matches!(exit, Exit::NotReady(_)) { Cause::Health } else { Cause::Crash };
            let streak = if uptime_ms >= STREAK_FORGOTTEN_AFTER_MS { 0 } else { before.failures };
            self.failures = streak.saturating_add(1);
        }
        let death = Death { incarnation: before.incarnation, exit: exit.clone(), at: now, uptime_ms };
        self.deaths =
            std::iter::once(death).chain(before.deaths.iter().take(DEATHS_KEPT - 1).cloned()).collect();
    }

    fn decided(&mut self, ruling: &Arc<Ruling>) {
        self.cause = Cause::Policy;
        self.reason = match &ruling.overruled {
            Some(overruled) => Arc::from(format!("{overruled}; {}: {}", ruling.by, ruling.reason)),
            None => ruling.reason.clone(),
        };
        if matches!(ruling.action, RulingAction::Restart { .. }) {
            self.restarts += 1;
        }
        self.decision = Some(ruling.clone());
    }
}
