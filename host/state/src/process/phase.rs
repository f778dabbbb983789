//! The phases of a process, and the boxes of the diagram.

use strum::{Display, EnumCount, EnumDiscriminants, IntoStaticStr, VariantArray};

use super::moment::Moment;
use crate::words::array;

/// The observed phase. Each phase carries only its own data.
#[derive(Clone, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(PhaseKind),
    doc = "A phase without its data: the name of a box in the diagram.",
    derive(Hash, EnumCount, IntoStaticStr, VariantArray, Display),
    strum(serialize_all = "snake_case")
)]
pub enum Phase {
    /// Not running, and not requested.
    Stopped,
    /// Requested, and held back (by a dependency, for example).
    Waiting,
    /// Spawned, not ready yet.
    Starting {
        /// The process id of the group's leader.
        pid: u32,
    },
    /// Spawned and ready.
    Running {
        /// The process id of the group's leader.
        pid: u32,
    },
    /// Sent its stop signal, not ended yet.
    Stopping {
        /// The process id of the group's leader.
        pid: u32,
        /// When SIGKILL follows.
        kill_at: Moment,
    },
    /// Ended, to be started again.
    Backoff {
        /// When it is started again.
        until: Moment,
    },
    /// Ended without a requested stop, or not spawned because of an error.
    Exited {
        /// Whether this is final: a policy decided that the process stays down, or it is a job that is done. Otherwise
        /// the decision is pending.
        settled: bool,
    },
    /// Given up; only a start revives it.
    Fatal,
}

impl PhaseKind {
    /// All phases, in the order of the diagram.
    pub const ALL: [Self; Self::COUNT] = array(Self::VARIANTS);

    /// Returns the word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether there is a child.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

impl Phase {
    /// Returns the phase without its data.
    #[must_use]
    pub fn kind(&self) -> PhaseKind {
        self.into()
    }
}
