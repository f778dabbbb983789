//! The resources outside that all instances of a version share.

use std::io;
use std::sync::Arc;

use crate::limits::Limits;
use crate::limits::grants::Grants;

use super::directories::Directories;
use super::waiting::{Waiters, Waiting};

/// The resources outside that all instances of a version share.
pub(crate) struct Reach {
    pub(crate) waiters: Arc<Waiters>,
    pub(super) directories: Directories,
}

impl Reach {
    /// Opens what these grants allow; `None` if they allow nothing outside. The inner error is the reason for refusing
    /// the plugin.
    ///
    /// # Errors
    /// The I/O error if a thread cannot be started.
    pub(crate) fn new(
        grants: &Grants,
        limits: &Limits,
        waiting: &Waiting,
    ) -> io::Result<Option<Result<Self, String>>> {
        if !grants.reach_outside() {
            return Ok(None);
        }
        let waiters = waiting.waiters()?;
        Ok(Some(Directories::open(grants, limits).map(|directories| Self { waiters, directories })))
    }
}
