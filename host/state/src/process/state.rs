//! The immutable record of one process at one instant.

use std::sync::Arc;

use super::cause::{Cause, Desired};
use super::deaths::Deaths;
use super::exit::Exit;
use super::health::{Failing, Health};
use super::identity::{Identity, ProcessType};
use super::ids::{Generation, Incarnation, ProcessId, Version};
use super::moment::Moment;
use super::phase::Phase;
use super::ruling::Ruling;

/// The immutable record of a process at one instant. A new version replaces it; it never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessState {
    /// The slot of the process in the registry.
    pub id: ProcessId,
    /// The name, group and type, shared by all versions.
    pub identity: Arc<Identity>,
    /// The number of the current or last life; 0 before the first.
    pub incarnation: Incarnation,
    /// The number of commits to this process.
    pub version: Version,
    /// The registry's generation at the last commit to this process.
    pub generation: Generation,
    /// The requested state.
    pub desired: Desired,
    /// The observed phase.
    pub phase: Phase,
    /// Why the process entered its phase, as a word for programs.
    pub cause: Cause,
    /// The reason for the current state, in words for people.
    pub reason: Arc<str>,
    /// The health of the current life, according to its health checks.
    pub health: Health,
    /// The failing check: the readiness check while the process starts, the health check while it runs. A new result
    /// is published only if it differs, at a rate that the supervisor limits.
    pub failing: Option<Arc<Failing>>,
    /// When this version was committed.
    pub changed_at: Moment,
    /// When the current or last life began.
    pub started_at: Option<Moment>,
    /// When the last life ended.
    pub ended_at: Option<Moment>,
    /// How the last life ended.
    pub exit: Option<Exit>,
    /// The number of restarts decided after a death or by health checks since the host started.
    pub restarts: u64,
    /// The number of consecutive failures: unasked ends without a success since the last success, the last start by
    /// the boot, a user or the API, and the last life that [ended the streak](super::exit::Death::ends_streak).
    pub failures: u32,
    /// The last decision about a death of the process.
    pub decision: Option<Arc<Ruling>>,
    /// The unasked ends since the last start by the boot, a user, the API or a reload, newest first.
    pub deaths: Deaths,
}

impl ProcessState {
    /// Creates the state of a process that was just added: stopped and not requested.
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
            deaths: Deaths::default(),
        }
    }

    /// Returns the name of the process.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.identity.name
    }

    /// Returns the group of the process; empty if it is in none.
    #[must_use]
    pub fn group(&self) -> &Arc<str> {
        &self.identity.group
    }

    /// Returns the process id of the child, while there is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self.phase {
            Phase::Starting { pid } | Phase::Running { pid } | Phase::Stopping { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// Whether the process is ready: a service if its readiness check has passed in this life (or it has none), a job
    /// if it is done.
    #[must_use]
    pub fn ready(&self) -> bool {
        match self.identity.process_type {
            ProcessType::Service => matches!(self.phase, Phase::Running { .. }),
            ProcessType::Job { .. } => self.has_completed(),
        }
    }

    /// Whether the process has ended unasked and with a success, and has not been started since.
    #[must_use]
    pub fn has_completed(&self) -> bool {
        let success = |exit| self.identity.process_type.is_success(exit);
        matches!(self.phase, Phase::Exited { .. }) && self.exit.as_ref().is_some_and(success)
    }

    /// Whether the process is a job that has ended with a success code.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.identity.process_type.is_job() && self.has_completed()
    }

    /// Whether the process has no child and will not be spawned until it is started.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        matches!(self.phase, Phase::Stopped | Phase::Exited { settled: true } | Phase::Fatal)
    }

    /// Returns when the host will start the process again or kill it; `None` if neither is scheduled.
    #[must_use]
    pub fn next_action_at(&self) -> Option<Moment> {
        match self.phase {
            Phase::Backoff { until } => Some(until),
            Phase::Stopping { kill_at, .. } => Some(kill_at),
            _ => None,
        }
    }
}
