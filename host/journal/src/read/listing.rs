//! The segments of a directory.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use provost_files::{FileError, open_direct};

use crate::format::{Footer, State, file_name, of_name};

/// The largest segment that is read, in bytes. A host writes 8 MiB and then what one round of its thread adds.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 256 << 20;

/// A segment in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The number of its first record, by its name.
    pub(crate) first_seq: u64,
    pub(crate) state: State,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// When it was written last, in milliseconds since the Unix epoch.
    pub(crate) modified_ms: u64,
}

/// Returns the segments in `dir` in the order of their records; none if there is no such directory.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<Found>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some((first_seq, state)) = entry.file_name().to_str().and_then(of_name) else { continue };
        // It may have been removed or sealed in the meantime; then it is listed under its new name, or not at all.
        let Ok(metadata) = entry.metadata() else { continue };
        let (bytes, modified_ms) = (metadata.len(), modified_ms(&metadata));
        found.push(Found { first_seq, state, path: entry.path(), bytes, modified_ms });
    }
    found.sort_by_key(|segment| (segment.first_seq, segment.state == State::Open));
    // It may be listed under both names while it is renamed.
    found.dedup_by_key(|segment| segment.first_seq);
    Ok(found)
}

fn modified_ms(metadata: &Metadata) -> u64 {
    let since_epoch = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since_epoch.and_then(|time| u64::try_from(time.as_millis()).ok()).unwrap_or(0)
}

/// Opens a segment to show it (root may read those of other users), under its new name if it was sealed since it was listed, and
/// reads its footer, which an open one does not have; `None` if it was removed.
pub(crate) fn open(segment: &Found) -> Result<Option<(File, Option<Footer>)>, FileError> {
    let opened = match open_direct(&segment.path) {
        Err(error) if error.is_missing() => {
            open_direct(&segment.path.with_file_name(file_name(segment.first_seq, State::Sealed)))
        }
        opened => opened,
    };
    match opened {
        Err(error) if error.is_missing() => Ok(None),
        opened => {
            let file = opened?;
            let length = file.metadata().map_or(segment.bytes, |found| found.len());
            let footer = Footer::of(&file, length);
            Ok(Some((file, footer)))
        }
    }
}
