//! A directory of files that can be made again: compiled code, components that were fetched. The least recently used entries are
//! removed first, and none that a host has in use. The modification time of an entry is its last use.

use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::open::open_own;

/// The ending of a file that is being written, or was left by a program that was killed.
const UNFINISHED: &str = "new";

/// A file that is unfinished for longer than this is no longer being written.
const UNFINISHED_AFTER: Duration = Duration::from_secs(600);

/// The bounds on a cache. Entries that a host has in use are kept in any case.
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

/// How the files of a cache end.
#[derive(Clone, Copy, Debug)]
pub struct Endings {
    /// The ending of an entry.
    pub entry: &'static str,
    /// The endings of what may lie beside an entry. It is removed with the entry, and does not count.
    pub beside: &'static [&'static str],
}

/// An entry of the directory.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// Marks an open entry as in use, together with other programs: it is not removed before the file is closed. On file systems without
/// locks it may be removed all the same, and is made again at its next use.
pub fn hold(entry: &File) {
    let _ = flock(entry, FlockOperation::NonBlockingLockShared);
}

/// Removes entries beyond the bounds and unfinished files. Files that do not belong to this user are left alone.
///
/// # Errors
/// The directory cannot be read. An entry that cannot be removed is not an error: it is tried again.
pub fn make_room(dir: &Path, endings: Endings, bounds: CacheBounds, now: SystemTime) -> io::Result<()> {
    let age = |used: SystemTime| now.duration_since(used).unwrap_or_default();
    let (mut entries, mut total) = (Vec::new(), 0_u64);
    for found in fs::read_dir(dir)? {
        let found = found?;
        let Some(metadata) = own(&found) else { continue };
        let (path, used) = (found.path(), metadata.modified()?);
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending) if ending == endings.entry => {
                entries.push(Entry { path, bytes: metadata.len(), used });
            }
            Some(UNFINISHED) if age(used) > UNFINISHED_AFTER && fs::remove_file(&path).is_ok() => continue,
            Some(UNFINISHED) => {}
            _ => continue,
        }
        total = total.saturating_add(metadata.len());
    }
    entries.sort_by_key(|entry| entry.used);
    for entry in entries {
        let old = age(entry.used) > Duration::from_millis(bounds.age_ms_max);
        if (old || total > bounds.bytes_max) && removed(&entry.path, endings.beside) {
            total = total.saturating_sub(entry.bytes);
        }
    }
    Ok(())
}

/// Returns the metadata of a regular file of this user.
fn own(found: &DirEntry) -> Option<Metadata> {
    // The metadata is of the name itself: a link is never an entry.
    let metadata = found.metadata().ok()?;
    (metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw()).then_some(metadata)
}

/// Removes an entry with what lies beside it, unless a host has it in use. One that cannot be opened as an entry is useless and
/// removed.
fn removed(entry: &Path, beside: &[&str]) -> bool {
    let in_use = open_own(entry).is_ok_and(|file| {
        flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK)
    });
    if in_use || fs::remove_file(entry).is_err() {
        return false;
    }
    for ending in beside {
        // There may be none, and what stays means nothing without its entry.
        let _ = fs::remove_file(entry.with_extension(ending));
    }
    true
}
