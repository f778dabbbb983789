//! The immutable record of one process at one instant.

use std::sync::Arc;

use super::cause::{Cause, Desired};
use super::exit::{Death, Exit};
use super::health::{Failing, Health};
use super::identity::{Identity, ProcessType};
use super::ids::{Generation, Incarnation, ProcessId, Version};
use super::moment::Moment;
use super::phase::Phase;
use super::ruling::Ruling;

/// How many deaths of a process are remembered, newest first (s6 keeps 100 by default, too).
pub const DEATHS_KEPT: usize = 100;

/// The immutable record of a process at one instant. A new version replaces it; nothing changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessState {
    /// Its slot in the registry.
    pub id: ProcessId,
    /// Name and group, shared between all versions.
    pub identity: Arc<Identity>,
    /// Which life this is; 0 before the first.
    pub incarnation: Incarnation,
    /// How many commits this state has seen.
    pub version: Version,
    /// The registry's generation at its last commit.
    pub generation: Generation,
    /// What was asked for.
    pub desired: Desired,
    /// The observed phase.
    pub phase: Phase,
    /// Why, as a word for programs.
    pub cause: Cause,
    /// Why, in words for people.
    pub reason: Arc<str>,
    /// What its health checks say of this life.
    pub health: Health,
    /// The check that fails now: that of its readiness while it starts, that of its health while it runs. What it
    /// finds is published when it has changed, and not more often than the supervisor bounds it.
    pub failing: Option<Arc<Failing>>,
    /// When this version was committed.
    pub changed_at: Moment,
    /// When the current or last life began.
    pub started_at: Option<Moment>,
    /// When the last life ended.
    pub ended_at: Option<Moment>,
    /// How the last life ended.
    pub exit: Option<Exit>,
    /// How often a policy had it restarted since the host started.
    pub restarts: u64,
    /// Consecutive failures: unasked ends other than exit 0 since the last exit 0, the last `start` and the
    /// last life that [ended the streak](Death::ends_streak).
    pub failures: u32,
    /// The last decision about it.
    pub decision: Option<Arc<Ruling>>,
    /// Its unasked ends since somebody last started it, newest first, at most [`DEATHS_KEPT`].
    pub deaths: Arc<[Death]>,
}

impl ProcessState {
    /// The state of a process that was just added: stopped and not yet wanted.
    #[must_use]
    pub fn new(id: ProcessId, identity: Arc<Identity>, now: Moment) -> Self {
        Self {
            id,
            identity,
            incarnation: Incarnation(0),
            version: Version(0),
            generation: Generation(0),
            desired: Desired::Down,
            phase: Phase::Stopped,
            cause: Cause::Boot,
            reason: Arc::from("not started yet"),
            health: Health::Unknown,
            failing: None,
            changed_at: now,
            started_at: None,
            ended_at: None,
            exit: None,
            restarts: 0,
            failures: 0,
            decision: None,
            deaths: Arc::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.identity.name
    }

    /// Its group; empty if it is in none.
    #[must_use]
    pub fn group(&self) -> &Arc<str> {
        &self.identity.group
    }

    /// The process id of its child, while there is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self.phase {
            Phase::Starting { pid } | Phase::Running { pid } | Phase::Stopping { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// Whether it is ready: a service when its readiness check has passed in this life (or it has none), a job when
    /// it is done.
    #[must_use]
    pub fn ready(&self) -> bool {
        match self.identity.process_type {
            ProcessType::Service => matches!(self.phase, Phase::Running { .. }),
            ProcessType::Job { .. } => self.has_completed(),
        }
    }

    /// Whether it has ended by itself and with a success, and has not been started since.
    #[must_use]
    pub fn has_completed(&self) -> bool {
        let success = |exit| self.identity.process_type.is_success(exit);
        matches!(self.phase, Phase::Exited { .. }) && self.exit.as_ref().is_some_and(success)
    }

    /// Whether it is a job that has ended with a success code.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.identity.process_type.is_job() && self.has_completed()
    }

    /// Whether nothing of it runs, and nothing will unless somebody starts it.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(self.phase, Phase::Stopped | Phase::Exited { settled: true } | Phase::Fatal)
    }

    /// When the host will act on it next: start it again, or kill it.
    #[must_use]
    pub fn next_action_at(&self) -> Option<Moment> {
        match self.phase {
            Phase::Backoff { until } => Some(until),
            Phase::Stopping { kill_at, .. } => Some(kill_at),
            _ => None,
        }
    }
}
