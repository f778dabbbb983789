//! What is to happen: the processes, the faults that hit them, the orders that somebody gives, and for how long. All times are
//! milliseconds of the monotonic clock since the start of the scenario, unless they are said to be something else.

use std::sync::Arc;

use provost_state::{Exit, Generation, ProcessState};
use provost_supervisor::{ProcessSpec, ReplicaSet, RestartBudget};

use crate::expectation::Expectation;
use crate::targets::Targets;

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The processes, with their policies. Replicas are listed one by one. Checks are not run: the faults say what they find.
    pub processes: Vec<ProcessSpec>,
    /// The replica sets.
    pub replica_sets: Vec<ReplicaSet>,
    /// The longest delay that a policy may ask for, in milliseconds.
    pub restart_delay_ms_max: u64,
    /// The shortest delay before a restart, in milliseconds.
    pub restart_delay_ms_min: u64,
    /// How many restarts of one process are allowed within which period.
    pub restart_budget: RestartBudget,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What somebody orders.
    pub orders: Vec<Order>,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// The time of day at the start, in milliseconds since the Unix epoch.
    pub starts_at_ms: u64,
    /// How long it lasts, in milliseconds.
    pub lasts_ms: u64,
    /// The seed of everything that is random.
    pub seed: u64,
    /// What there is at the start; `None` if nothing was started before.
    pub begun: Option<Begun>,
    /// The most lives of all processes: a policy that restarts without end must not fill the memory.
    pub lives_max: usize,
}

impl Scenario {
    /// The usual value of [`lives_max`](Self::lives_max). So many take some 150 MiB.
    pub const LIVES_MAX: usize = 500_000;
}

/// The states from which a scenario goes on. Its first [`at_ms`](Self::at_ms) milliseconds are not played: they are the time in which
/// these states have come about.
#[derive(Clone, Debug)]
pub struct Begun {
    /// When the scenario goes on. No moment of a state is before the start of the scenario.
    pub at_ms: u64,
    /// The generation of the last commit before.
    pub generation: Generation,
    /// The states. A process without one is added as a new one, and a state without a process is not used.
    pub states: Vec<ProcessState>,
}

/// A length of time, which may be random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// From this many milliseconds to that many, each equally likely.
    Between(u64, u64),
    /// This many milliseconds on average, exponentially distributed: what may end at any time with the same likelihood.
    Mean(u64),
}

/// The time in which a fault is there: from `from_ms` on, and before `until_ms` if there is an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Its first millisecond.
    pub from_ms: u64,
    /// The first millisecond after it; `None` if it does not end.
    pub until_ms: Option<u64>,
}

impl Window {
    /// Whether it contains this time.
    #[must_use]
    pub fn contains(&self, at_ms: u64) -> bool {
        at_ms >= self.from_ms && self.until_ms.is_none_or(|until_ms| at_ms < until_ms)
    }
}

/// How a life may end; one of them is drawn for each life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exits {
    /// The ends, each equally likely; exit code 1 if there is none.
    pub any_of: Vec<Exit>,
    /// Whether the kernel ends it because the memory of its cgroup has run out.
    pub out_of_memory: bool,
}

impl Default for Exits {
    fn default() -> Self {
        Self { any_of: vec![Exit::Code(1)], out_of_memory: false }
    }
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Its name, by which an invariant refers to it; empty for none.
    pub name: Arc<str>,
    /// The processes that it hits.
    pub of: Targets,
    /// What it does.
    pub kind: FaultKind,
    /// The chance that it hits a life, or that it hits a process at a moment, from 0 to 1.
    pub chance: f64,
    /// The most lives of one process that it hits; `None` for any number.
    pub times: Option<u32>,
    /// Whether what depends on a process fails shortly after, if this fault has ended the process. It depends on it directly or
    /// through others, and needs it to run: what has waited for its end is not meant.
    pub with_dependents: bool,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// Lives that begin in the window end this long after their start.
    Crash {
        /// When it is there.
        window: Window,
        /// How long such a life lasts.
        after: Span,
        /// How it ends.
        exits: Exits,
    },
    /// What lives at the beginning of the window ends then, and lives that begin in it end soon.
    Outage {
        /// When it is there.
        window: Window,
        /// How long a life lasts that begins meanwhile.
        after: Span,
        /// How they end.
        exits: Exits,
    },
    /// What lives at a moment ends then.
    Kill {
        /// The first moment.
        at_ms: u64,
        /// The time between two moments; `None` if there is only one.
        every_ms: Option<u64>,
        /// How it ends.
        exits: Exits,
    },
    /// Nothing can be started in the window.
    NoStart {
        /// When it is there.
        window: Window,
        /// The error of the system.
        error: Arc<str>,
    },
    /// Lives that begin in the window answer their checks only this long after their start.
    SlowStart {
        /// When it is there.
        window: Window,
        /// How long it takes.
        after: Span,
    },
    /// What lives in the window does not answer its checks.
    Unhealthy {
        /// When it is there.
        window: Window,
    },
    /// Lives that begin in the window use more and more memory.
    Leak {
        /// When it is there.
        window: Window,
        /// What they use at first, in bytes.
        base_bytes: u64,
        /// What they use more with each hour, in bytes.
        per_hour_bytes: u64,
        /// At this many bytes the kernel ends them; `None` if they are not limited.
        limit_bytes: Option<u64>,
    },
    /// The wall clock is set.
    ClockStep {
        /// When.
        at_ms: u64,
        /// By how much, in milliseconds; back if it is negative.
        by_ms: i64,
    },
}

impl FaultKind {
    /// Returns the word for it, as scenarios have it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Crash { .. } => "crash",
            Self::Outage { .. } => "outage",
            Self::Kill { .. } => "kill",
            Self::NoStart { .. } => "no-start",
            Self::SlowStart { .. } => "slow-start",
            Self::Unhealthy { .. } => "unhealthy",
            Self::Leak { .. } => "leak",
            Self::ClockStep { .. } => "clock-step",
        }
    }

    /// Whether it ends the lives that it hits.
    #[must_use]
    pub fn ends_lives(&self) -> bool {
        match self {
            Self::Crash { .. } | Self::Outage { .. } | Self::Kill { .. } | Self::Leak { .. } => true,
            Self::NoStart { .. }
            | Self::SlowStart { .. }
            | Self::Unhealthy { .. }
            | Self::ClockStep { .. } => false,
        }
    }

    /// Returns when it is there first.
    #[must_use]
    pub fn begins_ms(&self) -> u64 {
        match self {
            Self::Kill { at_ms, .. } | Self::ClockStep { at_ms, .. } => *at_ms,
            _ => self.window().map_or(0, |window| window.from_ms),
        }
    }

    /// Returns the time in which it is there, if it is there for a time and not at moments.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        match self {
            Self::Crash { window, .. }
            | Self::Outage { window, .. }
            | Self::NoStart { window, .. }
            | Self::SlowStart { window, .. }
            | Self::Unhealthy { window }
            | Self::Leak { window, .. } => Some(*window),
            Self::Kill { .. } | Self::ClockStep { .. } => None,
        }
    }
}

/// What somebody orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The first time.
    pub at_ms: u64,
    /// The time between two such orders; `None` if there is only one.
    pub every_ms: Option<u64>,
    /// What is ordered.
    pub kind: OrderKind,
    /// The processes that it is for.
    pub of: Targets,
}

/// The kinds of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// To start.
    Start,
    /// To stop.
    Stop,
    /// To stop and start again.
    Restart,
}
