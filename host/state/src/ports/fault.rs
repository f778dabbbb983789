//! What can go wrong with a plugin.

use std::sync::Arc;

use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::words::array;

/// What sort of thing went wrong with a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// It was never let in.
    Refused,
    /// It is being compiled: it is not asked until it is ready.
    Compiling,
    /// It has failed too often of late: it is not asked for now.
    Quarantined,
    /// It was unloaded.
    Unloaded,
    /// It trapped (panicked, ran out of stack, …).
    Trap,
    /// It took too long.
    Deadline,
    /// It wanted more memory than it may have.
    Memory,
    /// It used more fuel than it may.
    Fuel,
    /// It answered with something that cannot be used.
    Answer,
    /// The host has too many calls under way for another one: no fault of the plugin's.
    Busy,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = array(Self::VARIANTS);

    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A plugin failed at one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What sort of thing.
    pub kind: FaultKind,
    /// What exactly, with the limit that was hit.
    pub message: Arc<str>,
}
