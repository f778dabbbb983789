//! What a writer says of a commit, and why the commit may be refused.

use std::sync::Arc;

use crate::process::{Illegal, Incarnation, ProcessId, Version};

/// What a writer believes to be true of the process it commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The life that the event belongs to: that of the message, not that of the state at hand.
    pub incarnation: Incarnation,
    /// The version that the event was concluded from.
    pub version: Version,
}

/// Why a commit was refused. Nothing is changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No such process.
    #[error("there is no process in slot {}", .0.index())]
    Unknown(ProcessId),
    /// The event belongs to another life.
    #[error("the event is of incarnation {expected}, the process is at {found}")]
    StaleIncarnation {
        /// The life of the event.
        expected: Incarnation,
        /// The life of the process.
        found: Incarnation,
    },
    /// The process has changed since.
    #[error("the event was concluded from version {expected}, the process is at {found}")]
    StaleVersion {
        /// The version of the conclusion.
        expected: Version,
        /// The version of the process.
        found: Version,
    },
    /// There is no such edge.
    #[error(transparent)]
    Illegal(#[from] Illegal),
}

/// A process of this name is in the registry already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a process called `{0}` already")]
pub struct NameTaken(pub Arc<str>);

/// How often commits were made and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commits published.
    pub commits: u64,
    /// Refused: of another life.
    pub stale_incarnation: u64,
    /// Refused: concluded from an older version.
    pub stale_version: u64,
    /// Refused: no such edge. Anything but 0 is a defect of the host.
    pub illegal: u64,
}
