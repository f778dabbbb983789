//! Examines the end of a log file that an earlier host has left, perhaps in the middle of a record or of a line.

use std::fs::File;
use std::io;

use bytes::Bytes;

use super::line::{CUT_RECORD, Line};
use crate::logs::disk::read_at;
use crate::logs::item::LogStream;
use crate::logs::record::{RECORD_BYTES_MAX, Record};

/// How far back the last record of each stream is searched for, in bytes.
const LOOKED_AT: u64 = 4 * RECORD_BYTES_MAX as u64;

/// Returns the bytes that end an incomplete record. The mark is left out if there is no text to mark.
pub(crate) fn end_of(torn: &[u8]) -> &'static [u8] {
    match Record::parse(&Bytes::copy_from_slice(torn)) {
        // A separate record ends the line of a part.
        Some(record) if record.full => CUT_RECORD,
        _ => b"\n",
    }
}

/// Returns the bytes that end the incomplete record at the end of a file; `None` if the file ends with a whole one.
pub(crate) fn torn(file: &File, bytes: u64) -> io::Result<Option<&'static [u8]>> {
    let end = last(file, bytes, RECORD_BYTES_MAX as u64)?;
    if end.last().is_none_or(|last| *last == b'\n') {
        return Ok(None);
    }
    let start = memchr::memrchr(b'\n', &end).map_or(0, |at| at + 1);
    Ok(Some(end_of(&end[start..])))
}

/// Returns the state of the last line of each stream.
pub(crate) fn lines(file: &File, bytes: u64) -> io::Result<[Line; 2]> {
    let end = Bytes::from(last(file, bytes, LOOKED_AT)?);
    let mut lines = [None; 2];
    for record in end.rsplit(|byte| *byte == b'\n') {
        if let Some(record) = Record::parse(&end.slice_ref(record)) {
            let standing = if record.full { Line::Whole } else { Line::Cut };
            lines[record.stream as usize].get_or_insert(standing);
        }
        if lines.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(lines.map(Option::unwrap_or_default))
}

/// Returns the output of a stream that led to this place of a file, as far as its last `most` bytes have it.
pub(crate) fn output_before(file: &File, bytes: u64, stream: LogStream, most: u64) -> io::Result<Vec<u8>> {
    let end = Bytes::from(last(file, bytes, most)?);
    let mut output = Vec::new();
    for line in end.split(|byte| *byte == b'\n') {
        let record = Record::parse(&end.slice_ref(line)).filter(|record| record.stream == stream);
        if let Some(record) = record {
            output.extend_from_slice(&record.text);
            output.extend(record.full.then_some(b'\n'));
        }
    }
    Ok(output)
}

/// Reads at most the last `most` bytes of a file of `bytes` bytes.
fn last(file: &File, bytes: u64, most: u64) -> io::Result<Vec<u8>> {
    let start = bytes.saturating_sub(most);
    read_at(file, start, usize::try_from(bytes - start).unwrap_or(0))
}
