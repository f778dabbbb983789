//! The resources that processes use, for views that render metrics. Only a view may import this.
//!
//! In native tests there is no host: a test sets them with [`testing::use_resources`](crate::testing::use_resources).
//!
//! ```
//! use provost_guest::usages::{self, ProcessUsage};
//! use provost_guest::testing;
//!
//! let usage = ProcessUsage {
//!     name: "web".to_owned(),
//!     group: String::new(),
//!     incarnation: 1,
//!     usage: testing::usage(64 << 20),
//! };
//! testing::use_resources(Some(testing::usage(8 << 20)), [usage]);
//! assert_eq!(usages::processes()[0].usage.rss_bytes, 64 << 20);
//! assert_eq!(usages::host().map(|host| host.rss_bytes), Some(8 << 20));
//! ```

use crate::Usage;

/// The resources that one process uses.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use provost_guest::usages::{self, ProcessUsage};
/// use provost_guest::testing;
///
/// /// Returns the resident memory of each group.
/// fn by_group() -> BTreeMap<String, u64> {
///     let mut sums = BTreeMap::new();
///     for ProcessUsage { group, usage, .. } in usages::processes() {
///         *sums.entry(group).or_default() += usage.rss_bytes;
///     }
///     sums
/// }
///
/// let of = |name: &str, mib: u64| ProcessUsage {
///     name: name.to_owned(),
///     group: "site".to_owned(),
///     incarnation: 1,
///     usage: testing::usage(mib << 20),
/// };
/// testing::use_resources(None, [of("web", 64), of("db", 128)]);
/// assert_eq!(by_group(), BTreeMap::from([("site".to_owned(), 192 << 20)]));
/// ```
pub use crate::bindings::renderer::provost::plugin::usages::ProcessUsage;

/// Returns the usage of each process that has a child and was read, in the order of the snapshot.
#[must_use]
pub fn processes() -> Vec<ProcessUsage> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::renderer::provost::plugin::usages::processes();
    #[cfg(not(target_arch = "wasm32"))]
    return super::native::made_up_usages().1;
}

/// Returns what the host itself uses; `None` before the first look.
#[must_use]
pub fn host() -> Option<Usage> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::renderer::provost::plugin::usages::host();
    #[cfg(not(target_arch = "wasm32"))]
    return super::native::made_up_usages().0;
}
