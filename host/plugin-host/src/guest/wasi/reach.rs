//! What a version reaches of the outside, for all of its instances.

use std::io;
use std::sync::Arc;

use crate::limits::Limits;
use crate::limits::grants::Grants;

use super::directories::Directories;
use super::waiting::{Waiters, Waiting};

/// What a version has of the outside, for all of its instances.
pub(crate) struct Reach {
    pub(crate) waiters: Arc<Waiters>,
    pub(super) directories: Directories,
}

impl Reach {
    /// What these grants open; nothing if they open nothing of the outside.
    ///
    /// # Errors
    /// The error of the kernel if a thread cannot be had.
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
