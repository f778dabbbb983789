//! The immutable record of one process at one instant, and the words it is made of.
//!
//! Three questions are kept apart (as dinit does): what was asked for ([`Desired`]), what is so
//! ([`Phase`]) and why it came to be so ([`Cause`], and `reason` in words for people).

mod signal;

use std::fmt;
use std::sync::Arc;

pub use signal::{NoSuchSignal, Signal, signal_name};

use crate::handle::StatusWord;
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

/// What never changes about a process: shared between all versions of its state. The status word lies here,
/// because what all versions share is where a handle can find it.
pub struct Identity {
    /// The name in the config: `web`, or `web.1` for a replica.
    pub name: Arc<str>,
    /// The group that shares its fate; empty if it is in none.
    pub group: Arc<str>,
    pub(crate) word: StatusWord,
}

impl Identity {
    /// The identity of the process called `name`, in `group` unless that is empty.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, group: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), group: group.into(), word: StatusWord::default() }
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.group) == (&other.name, &other.group)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).field("group", &self.group).finish()
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

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
    /// It could not be started at all; why.
    NotSpawned(Arc<str>),
    /// It ended while nobody could see how.
    Unobserved,
}

impl Exit {
    /// Exit code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(number) => write!(f, "killed by {}", signal_name(*number)),
            Self::NotSpawned(why) => write!(f, "could not be started: {why}"),
            Self::Unobserved => write!(f, "ended unobserved"),
        }
    }
}

/// One unasked end, as it is remembered in the tally (s6's death tally).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Which life ended.
    pub incarnation: Incarnation,
    /// How it ended.
    pub exit: Exit,
    /// When.
    pub at: Moment,
    /// How long it had lived, in milliseconds; 0 if it was never started.
    pub uptime_ms: u64,
}

/// What is so. Each phase carries only its own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not running, and not wanted.
    Stopped,
    /// Wanted, and held back (by a dependency, for example).
    Waiting,
    /// Spawned, not ready yet.
    Starting {
        /// Process id of the group's leader.
        pid: u32,
    },
    /// Spawned and ready.
    Running {
        /// Process id of the group's leader.
        pid: u32,
    },
    /// Told to end.
    Stopping {
        /// Process id of the group's leader.
        pid: u32,
        /// When SIGKILL follows.
        kill_at: Moment,
    },
    /// Ended, to be started again.
    Backoff {
        /// When.
        until: Moment,
    },
    /// Ended by itself; a decision is pending, or was that it stays down.
    Exited,
    /// Given up on; only `start` revives it.
    Fatal,
}

/// A phase without its data: the name of a box in the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented at the variant of Phase with the same name")]
#[repr(u8)]
pub enum PhaseKind {
    Stopped = 0,
    Waiting = 1,
    Starting = 2,
    Running = 3,
    Stopping = 4,
    Backoff = 5,
    Exited = 6,
    Fatal = 7,
}

impl PhaseKind {
    /// All of them, in the order of the diagram.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Waiting,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Backoff,
        Self::Exited,
        Self::Fatal,
    ];

    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Exited => "exited",
            Self::Fatal => "fatal",
        }
    }

    /// Is there a child?
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

impl fmt::Display for PhaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Phase {
    /// The phase without its data.
    #[must_use]
    pub fn kind(&self) -> PhaseKind {
        match self {
            Self::Stopped => PhaseKind::Stopped,
            Self::Waiting => PhaseKind::Waiting,
            Self::Starting { .. } => PhaseKind::Starting,
            Self::Running { .. } => PhaseKind::Running,
            Self::Stopping { .. } => PhaseKind::Stopping,
            Self::Backoff { .. } => PhaseKind::Backoff,
            Self::Exited => PhaseKind::Exited,
            Self::Fatal => PhaseKind::Fatal,
        }
    }
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

    /// Has its readiness check passed (or has it none), in this life?
    #[must_use]
    pub fn ready(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
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
