//! Who may own what the host relies on: its own user and root.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{FileError, Problem};

/// The bits of those who are neither the owner nor root.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Fails unless it belongs to this user or to root, and nobody else may write it.
pub(crate) fn own(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    owned(path, metadata)?;
    if metadata.mode() & OTHERS_MAY_WRITE != 0 {
        return Err(FileError::new(path, Problem::Writable { mode: metadata.mode() & 0o7777 }));
    }
    Ok(())
}

/// Fails unless it belongs to this user or to root.
pub(crate) fn owned(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    let user = rustix::process::geteuid().as_raw();
    match metadata.uid() {
        owner if owner == user || owner == 0 || is_outside_the_namespace(owner) => Ok(()),
        owner => Err(FileError::new(path, Problem::Owner { owner, user })),
    }
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
