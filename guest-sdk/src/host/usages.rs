//! The resources that processes use, for views that render metrics. Only a view may import this.
//!
//! In native tests there is no host: a test sets them with [`testing::use_resources`](crate::testing::use_resources).

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
