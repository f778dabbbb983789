//! The immutable record of one process at one instant, and the words it is made of.
//!
//! Three questions are kept apart (as dinit does): what was asked for ([`Desired`]), what is so
//! ([`Phase`]) and why it came to be so ([`Cause`], and `reason` in words for people).

mod exit;
mod identity;
mod phase;
mod signal;

use std::fmt;
use std::sync::Arc;

pub use exit::{Death, Exit};
pub use identity::{Identity, ProcessType};
pub use phase::{Phase, PhaseKind};
pub use signal::{NoSuchSignal, Signal, signal_name};

use crate::ruling::Ruling;

/// How many deaths of a process are remembered, newest first (s6 keeps 100 by default, too).
pub const DEATHS_KEPT: usize = 100;

/// A life that lasted this long ends a streak of failures: the next failure counts as the first again.
pub const STREAK_FORGOTTEN_AFTER_MS: u64 = 60_000;

/// The slot of a process in the registry. Cheap to copy, valid for the life of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(pub(crate) u32);

impl ProcessId {
    /// The position in the order in which processes were added.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// The successor.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter! {
    /// One life of a process: counts up at every spawn; 0 before the first.
    Incarnation
}
counter! {
    /// Counts the commits of one process's state.
    Version
}
counter! {
    /// Counts the commits of the whole registry; every commit has exactly one.
    Generation
}

/// One instant, read once from both clocks. Durations come from `mono_ns`; `wall_ms` is for people only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub wall_ms: u64,
    /// Nanoseconds of the monotonic clock, from an origin that is fixed for the life of the host.
    pub mono_ns: u64,
}

impl Moment {
    /// The instant `delay_ms` milliseconds later on both clocks, or the end of time.
    #[must_use]
    pub fn plus_ms(self, delay_ms: u64) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add(delay_ms),
            mono_ns: self.mono_ns.saturating_add(delay_ms.saturating_mul(1_000_000)),
        }
    }

    /// Milliseconds from `earlier` to this instant on the monotonic clock; 0 if it lies in the future.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.mono_ns.saturating_sub(earlier.mono_ns) / 1_000_000
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Desired {
    /// It should run (or should have run to its end).
    Up,
    /// It should not run.
    Down,
}

/// Why a process came to be in its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The host started.
    Boot,
    /// A person asked, by the command line.
    User,
    /// A program asked, by the API.
    Api,
    /// A policy decided.
    Policy,
    /// It ended without being asked to.
    Crash,
    /// Something that it depends on.
    Dependency,
    /// A health check.
    Health,
    /// A schedule.
    Schedule,
    /// A watched file.
    Watch,
    /// The kernel ran out of memory.
    Oom,
    /// The host is stopping.
    Shutdown,
}

/// What the health checks of a process say of its current life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// Nothing yet, or there are none.
    #[default]
    Unknown,
    /// It is well.
    Healthy,
    /// It works, but not as it should.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl Health {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Desired {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl Cause {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::User => "user",
            Self::Api => "api",
            Self::Policy => "policy",
            Self::Crash => "crash",
            Self::Dependency => "dependency",
            Self::Health => "health",
            Self::Schedule => "schedule",
            Self::Watch => "watch",
            Self::Oom => "oom",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A check that fails at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// What it found, in words for people.
    pub why: Arc<str>,
    /// Since when it has failed without a success.
    pub since: Moment,
}

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
    /// What is so.
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
    /// last life of [`STREAK_FORGOTTEN_AFTER_MS`].
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
