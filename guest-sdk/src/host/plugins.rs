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

/// A version of a plugin with its figures.
///
/// ```
/// use provost_guest::plugins::{self, PluginVersion};
/// use provost_guest::testing;
///
/// /// Returns the plugins that answer calls, and for each of them the share of its answers that the host had to change, in percent.
/// fn overruled() -> Vec<(String, u64)> {
///     let in_force = plugins::loaded().into_iter().filter(|version| version.in_force);
///     in_force.map(|version| (version.plugin, 100 * version.clamps / version.calls.max(1))).collect()
/// }
///
/// let backoff = PluginVersion { calls: 200, clamps: 3, ..testing::plugin_version("backoff") };
/// let former = PluginVersion { in_force: false, ..backoff.clone() };
/// testing::load([backoff, former]);
/// assert_eq!(overruled(), [("backoff".to_owned(), 1)]);
/// ```
pub use crate::bindings::renderer::provost::plugin::plugins::PluginVersion;

/// The failures of a plugin of one kind.
///
/// ```
/// use provost_guest::plugins::FaultCount;
/// use provost_guest::testing;
///
/// /// Returns a line of text for each kind of failure.
/// fn lines(plugin: &str, faults: &[FaultCount]) -> Vec<String> {
///     faults.iter().map(|FaultCount { kind, count }| format!("{plugin}: {count} by {kind}")).collect()
/// }
///
/// let mut version = testing::plugin_version("backoff");
/// version.faults.push(FaultCount { kind: "deadline".to_owned(), count: 3 });
/// assert_eq!(lines(&version.plugin, &version.faults), ["backoff: 3 by deadline"]);
/// ```
pub use crate::bindings::renderer::provost::plugin::plugins::FaultCount;

/// The durations of the calls of a plugin.
///
/// ```
/// use provost_guest::plugins::Latency;
/// use provost_guest::testing;
///
/// /// Describes the durations in microseconds; `None` before the first call.
/// fn described(call: &Latency) -> Option<String> {
///     let us = |ns: u64| ns / 1_000;
///     (call.max > 0).then(|| format!("half of them {} us, all but 1 % {} us", us(call.p50), us(call.p99)))
/// }
///
/// let mut version = testing::plugin_version("backoff");
/// assert_eq!(described(&version.call), None);
/// version.call = Latency { p50: 21_000, p95: 35_000, p99: 48_000, max: 90_000 };
/// assert_eq!(described(&version.call).as_deref(), Some("half of them 21 us, all but 1 % 48 us"));
/// ```
pub use crate::bindings::renderer::provost::plugin::plugins::Latency;

/// Whether a version of a plugin is called. A standing of a later contract is `Other`, and keeps its word.
///
/// ```
/// use provost_guest::plugins::{self, PluginVersion, Standing};
/// use provost_guest::testing;
///
/// /// Returns the names of the plugins that an operator should look at.
/// fn suspicious() -> Vec<String> {
///     let suspicious = |standing: &Standing| match standing {
///         Standing::Active | Standing::Compiling => false,
///         Standing::Refused | Standing::Quarantined | Standing::Other(_) => true,
///     };
///     let loaded = plugins::loaded().into_iter();
///     loaded.filter(|version| suspicious(&version.standing)).map(|version| version.plugin).collect()
/// }
///
/// let failing = PluginVersion { standing: Standing::Quarantined, ..testing::plugin_version("backoff") };
/// testing::load([failing, testing::plugin_version("otp")]);
/// assert_eq!(suspicious(), ["backoff"]);
/// ```
pub use crate::bindings::renderer::provost::plugin::plugins::Standing;

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
