//! A copy of the stash in a file, as its [thread](DiskCopy) writes it: what is new in the file in memory is appended, and another
//! file in memory is copied whole.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::file::StashFile;
use crate::degraded::Degraded;
use crate::disk_copy::{Contents, DiskCopy, begin, is_in_place};

const CONTENTS: Contents = Contents {
    thread: "stash-copy",
    name: "the copy of the stash",
    loss: "what was decided last is lost",
    together: Duration::ZERO,
};

/// The file in use, which is gone with the stash.
type Current = Weak<ArcSwapOption<StashFile>>;

/// What was copied so far.
struct Copied {
    number: u64,
    /// The file in memory; kept open, because it may be replaced by one that is not complete yet.
    from: File,
    to: File,
    bytes: u64,
}

/// Starts the thread.
pub(super) fn start(current: Current, degraded: Degraded, path: PathBuf) -> io::Result<DiskCopy> {
    let mut copied = None;
    DiskCopy::start(CONTENTS, path, degraded, move |path| {
        copy(&current, path, &mut copied).inspect_err(|_| copied = None)
    })
}

/// Copies what is new, or everything if there is another file that is complete.
fn copy(current: &Current, path: &Path, copied: &mut Option<Copied>) -> io::Result<()> {
    if copied.as_ref().is_some_and(|copied| !is_in_place(&copied.to, path)) {
        *copied = None;
    }
    // Not held during the copy: whoever holds it keeps it from being replaced.
    let current = current.upgrade().and_then(|current| current.load_full());
    let current = current.filter(|file| file.is_complete());
    let other = current.filter(|file| copied.as_ref().is_none_or(|copied| copied.number != file.number));
    let other = other.map(|file| Ok::<_, io::Error>((file.number, File::from(file.again()?)))).transpose()?;
    if let Some((number, from)) = other {
        let all = read_from(&from, 0)?;
        let to = begin(path, &all)?;
        *copied = Some(Copied { number, from, to, bytes: all.len() as u64 });
    }
    if let Some(copied) = copied {
        let more = read_from(&copied.from, copied.bytes)?;
        copied.to.write_all(&more)?;
        copied.bytes += more.len() as u64;
    }
    Ok(())
}

/// Reads a file from a place to its end.
fn read_from(file: &File, from: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len().saturating_sub(from);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}
