//! The only list of edges. `ProcessState::apply` turns a state and an event into the next state, or
//! refuses the event. It has no side effects, and states change in no other way.

use std::sync::Arc;

use super::cause::{Cause, Desired};
use super::deaths::Deaths;
use super::event::{Event, EventKind};
use super::exit::{Death, Exit};
use super::health::Health;
use super::moment::Moment;
use super::phase::{Phase, PhaseKind};
use super::ruling::{Ruling, RulingAction};
use super::state::ProcessState;

/// The error for an event that has no edge from the phase of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a process that is {phase} takes no {event:?} event")]
pub struct Illegal {
    /// The phase of the process.
    pub phase: PhaseKind,
    /// The event that was refused.
    pub event: EventKind,
}

impl ProcessState {
    /// Returns the state after `event`, without its new version and generation: the registry sets those when
    /// it publishes the state.
    ///
    /// # Errors
    /// [`Illegal`] if the diagram has no such edge; nothing is changed then.
    pub fn apply(&self, event: &Event, now: Moment) -> Result<Self, Illegal> {
        let phase = self.edge(event)?;
        let mut next = self.clone();
        next.advance(self, phase, event, now);
        Ok(next)
    }

    /// Makes this copy of `before` the state after `event`, whose edge leads to `phase`.
    pub(crate) fn advance(&mut self, before: &Self, phase: Phase, event: &Event, now: Moment) {
        let next = self;
        next.phase = phase;
        next.changed_at = now;
        next.failing = None;
        match event {
            Event::Start { cause, reason } => next.wanted(Desired::Up, *cause, reason),
            Event::Stop { cause, reason, .. } => next.wanted(Desired::Down, *cause, reason),
            Event::Wait { cause, reason } => {
                next.cause = *cause;
                next.reason = reason.clone();
            }
            Event::TakenOver { reason } => {
                next.reason = reason.clone();
                next.failing = before.failing.clone();
            }
            Event::Spawned { reason, .. } => {
                next.reason = reason.clone();
                next.incarnation = before.incarnation.next();
                next.started_at = Some(now);
                next.ended_at = None;
                next.exit = None;
                next.health = Health::Unknown;
            }
            Event::SpawnFailed { error } => {
                next.ended(before, &Exit::NotSpawned(error.clone()), false, now);
            }
            Event::NotReady { failing } => {
                next.reason = Arc::from(format!("not ready: {}", failing.why));
                next.failing = Some(failing.clone());
            }
            Event::Overdue { reason, .. } => {
                next.cause = Cause::Health;
                next.reason = reason.clone();
            }
            Event::Ready { reason } => next.reason = reason.clone(),
            Event::Exited { exit, out_of_memory } => next.ended(before, exit, *out_of_memory, now),
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
    }

    /// Returns the phase after `event`: the diagram in the documentation of the crate, box by box.
    pub(crate) fn edge(&self, event: &Event) -> Result<Phase, Illegal> {
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
            // The first deadline is kept, so that a repeated stop cannot delay the kill.
            (Phase::Stopping { .. }, Event::Stop { .. }) => here.clone(),

            (Phase::Waiting | Phase::Backoff { .. }, Event::Wait { .. }) => Phase::Waiting,

            // A running job has no readiness to wait for: it is ready when it is done.
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

            // A job that is done needs no decision.
            (Phase::Starting { .. } | Phase::Running { .. }, Event::Exited { exit, .. }) => {
                let process_type = &self.identity.process_type;
                Phase::Exited { settled: process_type.is_job() && process_type.is_success(exit) }
            }
            (Phase::Stopping { .. }, Event::Exited { exit, .. }) => match (self.desired, exit) {
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

    /// Records who requests the process up or down, and why.
    fn wanted(&mut self, desired: Desired, cause: Cause, reason: &Arc<str>) {
        self.desired = desired;
        self.cause = cause;
        self.reason = reason.clone();
        let is_explicit = matches!(cause, Cause::Boot | Cause::User | Cause::Api | Cause::Reload);
        if desired == Desired::Up && cause == Cause::Health {
            self.restarts += 1;
        }
        if desired == Desired::Up && is_explicit {
            self.failures = 0;
            self.deaths = Deaths::default();
        }
    }

    /// Records the end of a life. Only an unasked end is a death and enters the tally and the streak.
    fn ended(&mut self, before: &Self, exit: &Exit, out_of_memory: bool, now: Moment) {
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
        let death = Death { incarnation: before.incarnation, exit: exit.clone(), at: now, uptime_ms };
        self.reason = match self.is_done() {
            true => Arc::from(format!("done: {exit}")),
            false if out_of_memory => Arc::from(format!("{exit}: its memory ran out")),
            false => Arc::from(exit.to_string()),
        };
        if self.has_completed() {
            self.failures = 0;
        } else {
            self.cause = match exit {
                Exit::NotReady(_) => Cause::Health,
                _ if out_of_memory => Cause::Oom,
                _ => Cause::Crash,
            };
            let streak = if death.ends_streak() { 0 } else { before.failures };
            self.failures = streak.saturating_add(1);
        }
        self.deaths = before.deaths.with(death);
    }

    /// Records a decision about a death.
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
