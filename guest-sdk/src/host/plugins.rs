//! The plugins of the host and what they did so far: for views that render metrics. Nothing but a view may ask.
//!
//! In native tests there is no host: there a test says what is loaded, by [`testing::load`](crate::testing::load).

pub use crate::bindings::renderer::provost::plugin::plugins::{FaultCount, Latency, PluginVersion, Standing};

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Refused, Self::Quarantined];

    /// The word that people see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Quarantined => "quarantined",
        }
    }
}

/// All versions that are loaded, in the order of the config; that in force before the former one.
#[must_use]
pub fn loaded() -> Vec<PluginVersion> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::renderer::provost::plugin::plugins::loaded();
    #[cfg(not(target_arch = "wasm32"))]
    return super::native::made_up_plugins();
}
