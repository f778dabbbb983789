//! What a killed host has left. The torn end of an open segment is cut, and the segment is sealed. Of a sealed one, only the
//! index at its end is read.

use std::io;
use std::path::Path;

use provost_files::{FileError, open_own, read_own};

use super::segment::Segment;
use crate::format::{Footer, HEAD_BYTES, Head, State};
use crate::read::{End, Found, SEGMENT_BYTES_MAX, Walk, list};
use crate::record::Entry;

/// The fewest bytes of a record with its frame, to estimate how many a segment may have had.
const RECORD_BYTES_MIN: u64 = 5;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// The number of the next record. No number is given twice, whatever is damaged.
    pub(super) next_seq: u64,
    /// Whether something was cut.
    pub(super) is_torn: bool,
}

/// Completes the segments in `dir`.
pub(super) fn recover(dir: &Path) -> io::Result<Recovered> {
    let mut recovered = Recovered { next_seq: 1, is_torn: false };
    let segments = list(dir)?;
    let last = segments.len().saturating_sub(1);
    for (at, segment) in segments.iter().enumerate() {
        if segment.state == State::Sealed && at != last {
            continue;
        }
        // A segment that cannot be read stays as it is.
        let next_seq = next_seq(segment, &mut recovered.is_torn).unwrap_or_else(|_| beyond(segment));
        recovered.next_seq = recovered.next_seq.max(next_seq);
    }
    Ok(recovered)
}

/// Returns a number after all that a segment may have had, so that none of them is used again.
fn beyond(segment: &Found) -> u64 {
    segment.first_seq + segment.bytes / RECORD_BYTES_MIN + 1
}

/// Returns the number after the last record of a sealed segment as its index says it; `None` if the index is damaged.
fn sealed_next_seq(segment: &Found) -> Result<Option<u64>, FileError> {
    let footer = Footer::of(&open_own(&segment.path)?, segment.bytes);
    let last_seq = footer.map(|footer| footer.last_seq).filter(|last_seq| *last_seq >= segment.first_seq);
    Ok(last_seq.map(|last_seq| last_seq.saturating_add(1)))
}

/// Completes one segment, and returns the number after its last record.
fn next_seq(segment: &Found, is_torn: &mut bool) -> Result<u64, FileError> {
    let is_open = segment.state == State::Open;
    if let (false, Some(next_seq)) = (is_open, sealed_next_seq(segment)?) {
        return Ok(next_seq);
    }
    let bytes = read_own(&segment.path, SEGMENT_BYTES_MAX)?;
    if Head::of(&bytes).is_err() {
        // The host was killed while it made the segment, which has no record then.
        let is_unfinished = is_open && bytes.len() <= HEAD_BYTES;
        if is_unfinished && std::fs::remove_file(&segment.path).is_ok() {
            return Ok(segment.first_seq);
        }
        *is_torn = true;
        return Ok(beyond(segment));
    }
    let mut footer = Footer::default();
    let mut walk = Walk::new(&bytes, segment.first_seq);
    let mut block_at = None;
    while let Some(Entry { seq, record }) = walk.next() {
        let begins = walk.block_at();
        if block_at.replace(begins) != Some(begins) {
            footer.note_block(seq, begins as u64);
        }
        footer.note(seq, &record);
        footer.note_concerned(&record);
    }
    let (next_seq, length) = (walk.next_seq(), walk.at() as u64);
    match (walk.end(), is_open) {
        (End::Torn(_), false) => {
            // The end of a sealed segment is damaged, and its later numbers may have been seen.
            *is_torn = true;
            return Ok(beyond(segment).max(next_seq));
        }
        (End::Torn(_), true) => *is_torn = true,
        (End::Whole, _) => {}
    }
    if is_open {
        let sealed = Segment::recovered(segment.path.clone(), segment.first_seq, length, footer)
            .and_then(Segment::seal);
        // On a full disk it stays open, and the next host tries again.
        drop(sealed);
    }
    Ok(next_seq)
}
