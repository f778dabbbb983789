//! The faults of plugins.

use std::sync::Arc;

use strum::{EnumCount, IntoStaticStr, VariantArray};

use crate::words::array;

/// The kind of a fault of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumCount, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// The plugin was never admitted.
    Refused,
    /// The plugin is being compiled; it is not called until it is ready.
    Compiling,
    /// The plugin has failed too often recently; it is not called for now.
    Quarantined,
    /// The plugin was unloaded.
    Unloaded,
    /// The plugin trapped (panicked, ran out of stack, …).
    Trap,
    /// The call took too long.
    Deadline,
    /// The plugin requested more memory than its limit.
    Memory,
    /// The call used more fuel than its limit.
    Fuel,
    /// The plugin returned an answer that cannot be used.
    Answer,
    /// The host has too many calls in progress for another one; this is not the plugin's fault.
    Busy,
}

impl FaultKind {
    /// All kinds of faults.
    pub const ALL: [Self; Self::COUNT] = array(Self::VARIANTS);

    /// Returns the word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The failure of one call of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The kind of the fault.
    pub kind: FaultKind,
    /// The details in words for people, with the limit that was hit.
    pub message: Arc<str>,
}
