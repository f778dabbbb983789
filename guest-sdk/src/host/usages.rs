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
