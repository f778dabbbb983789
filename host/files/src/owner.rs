//! Who may own the files that the host relies on: its user and root, and for the path to a directory also the owner of
//! the config.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{FileError, Problem};

/// The write bits of all users but the owner and root.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// The users who may own the directories and links on the path to one of the host's own directories: always this user and
/// root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    besides: Option<u32>,
}

impl Owners {
    /// Returns the owners with the user with this id added: the owner of the config, who controls the host anyway.
    #[must_use]
    pub fn and(owner: u32) -> Self {
        Self { besides: Some(owner) }
    }

    /// Fails unless one of these users owns the file.
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

/// Fails unless the file belongs to this user or to root and nobody else may write it.
pub(crate) fn own(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    owned(path, metadata)?;
    if others_may_write(metadata) {
        return Err(FileError::new(path, Problem::Writable { mode: metadata.mode() & 0o7777 }));
    }
    Ok(())
}

/// Returns true if users other than its owner and root may write the file.
pub(crate) fn others_may_write(metadata: &Metadata) -> bool {
    metadata.mode() & OTHERS_MAY_WRITE != 0
}

/// Fails unless the file belongs to this user or to root.
pub(crate) fn owned(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    Owners::default().check(path, metadata)
}

/// Returns true if this is the user id that the kernel shows for all users that are not mapped into the user namespace.
/// In a rootless container, the root of the machine is one of them.
fn is_outside_the_namespace(owner: u32) -> bool {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    if read("/proc/sys/kernel/overflowuid").trim().parse() != Ok(owner) {
        return false;
    }
    // In the initial user namespace every user is mapped: `0 0 4294967295`.
    let known = read("/proc/self/uid_map");
    let known: Vec<&str> = known.split_whitespace().collect();
    !known.is_empty() && known != ["0", "0", "4294967295"]
}
