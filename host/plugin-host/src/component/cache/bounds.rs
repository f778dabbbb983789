//! The bounds on the cache and how they are enforced: the least recently used entries are removed first, and no entry
//! that a host has in use is removed.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use provost_files::open_own;
use rustix::fs::{FlockOperation, flock};

/// The file name extension of an entry.
pub(super) const ENTRY: &str = "cwasm";

/// The file name extension of a file that is being written, or was left by a host that was killed.
const UNFINISHED: &str = "new";

/// A file that is unfinished for longer than this is no longer being written.
const UNFINISHED_AFTER: Duration = Duration::from_secs(600);

/// The bounds on the cache of compiled code. Entries that a host has in use are kept in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBounds {
    /// The size of all entries, including those that are being written, in bytes. 512 MiB by default.
    pub bytes_max: u64,
    /// The age at which an unused entry is removed, in milliseconds. 30 days by default.
    pub age_ms_max: u64,
}

impl Default for CacheBounds {
    fn default() -> Self {
        Self { bytes_max: 512 << 20, age_ms_max: 30 * 86_400_000 }
    }
}

/// An entry of the directory.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Removes entries beyond the bounds and unfinished files. Files that do not belong to this user are left alone.
///
/// # Errors
/// The directory cannot be read. An entry that cannot be removed is not an error: it is tried again.
pub(super) fn make_room(dir: &Path, bounds: CacheBounds) -> io::Result<()> {
    let now = crate::clock::wall();
    let age = |used: SystemTime| now.duration_since(used).unwrap_or_default();
    let (mut entries, mut total) = (Vec::new(), 0_u64);
    for found in fs::read_dir(dir)? {
        let found = found?;
        let path = found.path();
        // The metadata is of the name itself: a link is never an entry.
        let Ok(metadata) = found.metadata() else { continue };
        if !is_own_file(&metadata) {
            continue;
        }
        let used = metadata.modified()?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(ENTRY) => entries.push(Entry { path, bytes: metadata.len(), used }),
            Some(UNFINISHED) if age(used) > UNFINISHED_AFTER && fs::remove_file(&path).is_ok() => continue,
            Some(UNFINISHED) => {}
            _ => continue,
        }
        total = total.saturating_add(metadata.len());
    }
    entries.sort_by_key(|entry| entry.used);
    for entry in entries {
        let old = age(entry.used) > Duration::from_millis(bounds.age_ms_max);
        if (old || total > bounds.bytes_max) && removed(&entry.path) {
            total = total.saturating_sub(entry.bytes);
        }
    }
    Ok(())
}

fn is_own_file(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Removes an entry, unless a host has it in use. One that cannot be opened as an entry is useless and removed.
fn removed(path: &Path) -> bool {
    let in_use = open_own(path).is_ok_and(|file| {
        flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK)
    });
    !in_use && fs::remove_file(path).is_ok()
}
