//! The guard of a commit, and why a commit may be refused.

use std::sync::Arc;

use crate::process::{Illegal, Incarnation, PhaseKind, ProcessId, Version};

/// The incarnation and version at which a writer expects the process that it commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The life that the event belongs to: that of the message, not that of the current state.
    pub incarnation: Incarnation,
    /// The version from which the event was concluded.
    pub version: Version,
}

/// Why a commit was refused. Nothing is changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no such process (any more).
    #[error("there is no such process (any more) in slot {}", .0.index())]
    Unknown(ProcessId),
    /// The event belongs to another life.
    #[error("the event is of incarnation {expected}, the process is at {found}")]
    StaleIncarnation {
        /// The life of the event.
        expected: Incarnation,
        /// The life of the process.
        found: Incarnation,
    },
    /// The process has changed since the version from which the event was concluded.
    #[error("the event was concluded from version {expected}, the process is at {found}")]
    StaleVersion {
        /// The version from which the event was concluded.
        expected: Version,
        /// The version of the process.
        found: Version,
    },
    /// There is no such edge from the phase of the process.
    #[error(transparent)]
    Illegal(#[from] Illegal),
}

/// The error for a name that is already in the registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a process called `{0}` already")]
pub struct NameTaken(pub Arc<str>);

/// Why a process was not removed. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRemoved {
    /// There is no such process (any more).
    #[error("there is no such process (any more) in slot {}", .0.index())]
    Unknown(ProcessId),
    /// The process has a child, or is about to have one: it must be stopped first.
    #[error("the process `{name}` is {phase}, and only a process at rest can be removed")]
    NotAtRest {
        /// Its name.
        name: Arc<str>,
        /// Its phase.
        phase: PhaseKind,
    },
}

/// The numbers of published and refused commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of published commits.
    pub commits: u64,
    /// The number refused because the event belonged to another life.
    pub stale_incarnation: u64,
    /// The number refused because they were concluded from an older version.
    pub stale_version: u64,
    /// The number refused because there is no such edge or no such process. Any value but 0 is a defect of the host.
    pub illegal: u64,
}
