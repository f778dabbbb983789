//! What has happened in a scenario: the lives of each process, the decisions about their ends, and what was given up. Times are
//! milliseconds of the monotonic clock since the start of the scenario.

use std::sync::Arc;

use provost_state::{Cause, Exit, PhaseKind, RulingAction};

/// The course of a scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// How long it lasted, in milliseconds; less than the scenario if the host shut itself down.
    pub lasted_ms: u64,
    /// The exit code with which a policy had the host shut down; `None` if none did.
    pub shut_down: Option<u8>,
    /// The processes, in the order of the scenario.
    pub tracks: Vec<Track>,
    /// The number of decisions of all kinds.
    pub decisions: u64,
    /// The number of answers that the host had to bound.
    pub bounded: u64,
    /// The failed calls of policies, at most [`Course::FAULTS_KEPT`].
    pub faults: Vec<PolicyFault>,
    /// The number of failed calls.
    pub faults_count: u64,
}

impl Course {
    /// The number of failed calls that are kept.
    pub const FAULTS_KEPT: usize = 100;

    /// Returns the number of lives of all processes.
    #[must_use]
    pub fn lives(&self) -> usize {
        self.tracks.iter().map(|track| track.lives.len()).sum()
    }

    /// Returns the number of restarts of all processes that nobody ordered.
    #[must_use]
    pub fn restarts(&self) -> usize {
        self.tracks.iter().flat_map(|track| &track.lives).filter(|life| life.is_restart()).count()
    }

    /// Returns the course of one process.
    #[must_use]
    pub fn track(&self, name: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| &*track.name == name)
    }
}

/// A call of a policy that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    /// When it was.
    pub at_ms: u64,
    /// The process that it was about.
    pub process: Arc<str>,
    /// The policy.
    pub policy: Arc<str>,
    /// What happened, in words for people.
    pub why: Arc<str>,
}

/// What has happened to one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is a job, which is to end.
    pub is_job: bool,
    /// Its lives, oldest first.
    pub lives: Vec<Life>,
    /// What was decided about its ends, oldest first.
    pub decisions: Vec<Made>,
    /// When it was given up, oldest first.
    pub given_up: Vec<GivenUp>,
    /// When it began to be requested down, oldest first, and when it was requested up again.
    pub unwanted: Vec<(u64, Option<u64>)>,
    /// Its phase at the end.
    pub phase: PhaseKind,
    /// Why it is in its phase at the end.
    pub reason: Arc<str>,
}

impl Track {
    /// Returns what was decided about the end of a life.
    #[must_use]
    pub fn decision_on(&self, incarnation: u64) -> Option<&Made> {
        let first = self.decisions.partition_point(|made| made.incarnation < incarnation);
        self.decisions.get(first).filter(|made| made.incarnation == incarnation)
    }
}

/// One life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its number.
    pub incarnation: u64,
    /// Why it was started.
    pub cause: Cause,
    /// When it was started.
    pub started_ms: u64,
    /// When it became ready, if it did.
    pub ready_ms: Option<u64>,
    /// How it ended, if it has.
    pub end: Option<LifeEnd>,
}

impl Life {
    /// Whether it follows another life, and nobody has ordered it.
    #[must_use]
    pub fn is_restart(&self) -> bool {
        self.incarnation > 1 && !matches!(self.cause, Cause::Boot | Cause::User | Cause::Api)
    }
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeEnd {
    /// When.
    pub at_ms: u64,
    /// How.
    pub exit: Exit,
    /// Whether it had been told to end.
    pub is_asked: bool,
}

/// What was decided about an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// When.
    pub at_ms: u64,
    /// The life that ended.
    pub incarnation: u64,
    /// How it ended.
    pub exit: Exit,
    /// How long it had lived, in milliseconds.
    pub uptime_ms: u64,
    /// The number of failures in a row, including this one, as the host counts them.
    pub failures: u32,
    /// What was done.
    pub action: RulingAction,
    /// The policy that decided, or `failsafe`.
    pub by: Arc<str>,
    /// Why, in words for people.
    pub reason: Arc<str>,
    /// What went wrong before it, in words for people.
    pub overruled: Option<Arc<str>>,
}

impl Made {
    /// Returns the delay of the restart, in milliseconds; `None` if there is none.
    #[must_use]
    pub fn delay_ms(&self) -> Option<u64> {
        match self.action {
            RulingAction::Restart { delay_ms, .. } => Some(delay_ms),
            _ => None,
        }
    }
}

/// A process that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// When.
    pub at_ms: u64,
    /// Why, in words for people.
    pub reason: Arc<str>,
}
