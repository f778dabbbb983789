//! The phases of a process, and the boxes of the diagram.

use std::fmt;

use super::moment::Moment;

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
    /// Ended by itself.
    Exited {
        /// Whether that is final: it was decided that it stays down, or it is a job that is done. Otherwise the
        /// decision is pending.
        settled: bool,
    },
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

    /// Whether there is a child.
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
            Self::Exited { .. } => PhaseKind::Exited,
            Self::Fatal => PhaseKind::Fatal,
        }
    }
}
