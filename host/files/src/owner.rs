//! Who may own what the host relies on: its own user and root, and for the way to a directory also whoever owns the config.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{FileError, Problem};

/// The bits of those who are neither the owner nor root.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Whose directories and links may be on the way to a directory of the host's own: always those of this user and of root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    besides: Option<u32>,
}

impl Owners {
    /// Also those of the user with this id, who can have the host do anything in any case.
    #[must_use]
    pub fn and(owner: u32) -> Self {
        Self { besides: Some(owner) }
    }

    /// Fails unless it belongs to one of them.
    pub(crate) fn check(self, path: &Path, metadata: &Metadata) -> Result<(), FileError> {
        let user = rustix::process::geteuid().as_raw();
        let owner = metadata.uid();
        let is_trusted = owner == user || owner == 0 || self.besides == Some(owner);
        if is_trusted || is_outside_the_namespace(owner) {
            return Ok(());
        }
        Err(FileError::new(path, Problem::Owner { owner, user }))
    }
}

/// Fails unless it belongs to this user or to root, and nobody else may write it.
pub(crate) fn own(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    owned(path, metadata)?;
    if others_may_write(metadata) {
        return Err(FileError::new(path, Problem::Writable { mode: metadata.mode() & 0o7777 }));
    }
    Ok(())
}

/// Returns true if users may write it that are neither its owner nor root.
pub(crate) fn others_may_write(metadata: &Metadata) -> bool {
    metadata.mode() & OTHERS_MAY_WRITE != 0
}

/// Fails unless it belongs to this user or to root.
pub(crate) fn owned(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    Owners::default().check(path, metadata)
}

/// Returns true if this is the number that the kernel shows for all users whom a user namespace does not know. In a
/// rootless container the root of the machine is one of them.
fn is_outside_the_namespace(owner: u32) -> bool {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    if read("/proc/sys/kernel/overflowuid").trim().parse() != Ok(owner) {
        return false;
    }
    // Outside of any user namespace everybody is known: `0 0 4294967295`.
    let known = read("/proc/self/uid_map");
    let known: Vec<&str> = known.split_whitespace().collect();
    !known.is_empty() && known != ["0", "0", "4294967295"]
}
