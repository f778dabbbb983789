//! The snapshot of a call, as a plugin holds it: a resource that is only borrowed.

use wasmtime::component::Resource;

/// The snapshot of the call in progress, as a plugin holds it.
pub enum Lent {}

impl Lent {
    /// The handle to pass to a call.
    pub(crate) fn handle() -> Resource<Self> {
        Resource::new_borrow(0)
    }
}
