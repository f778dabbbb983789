//! The plugins of the host and their figures, for views that render metrics. Only a view may import this.
//!
//! In native tests there is no host: a test sets the loaded plugins with [`testing::load`](crate::testing::load).
//!
//! ```
//! use provost_guest::{plugins, testing};
//!
//! testing::load([testing::plugin_version("backoff")]);
//! let loaded = plugins::loaded();
//! assert_eq!((loaded[0].plugin.as_str(), loaded[0].standing.name()), ("backoff", "active"));
//! ```

pub use crate::bindings::renderer::provost::plugin::plugins::{FaultCount, Latency, PluginVersion, Standing};

impl Standing {
    /// All standings that this version of the contract has a case for.
    ///
    /// ```
    /// use provost_guest::plugins::Standing;
    ///
    /// assert!(Standing::ALL.iter().any(|standing| standing.name() == "quarantined"));
    /// ```
    pub const ALL: [Self; 4] = [Self::Active, Self::Refused, Self::Quarantined, Self::Compiling];

    /// Returns the word that people see.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Quarantined => "quarantined",
            Self::Compiling => "compiling",
            Self::Other(word) => word,
        }
    }
}

/// Returns all loaded versions in the order of the config, the version in force before the former one.
#[must_use]
pub fn loaded() -> Vec<PluginVersion> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::renderer::provost::plugin::plugins::loaded();
    #[cfg(not(target_arch = "wasm32"))]
    return super::native::made_up_plugins();
}
