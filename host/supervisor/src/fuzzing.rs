//! Entry points for the fuzzers in `tests/fuzz`, to crate-private code that reads untrusted bytes.

use std::path::Path;

use bytes::Bytes;

use crate::children::env_file;
use crate::logs::LogStream;
use crate::logs::record::{Joiner, Record, prefix};

/// The longest line that is handed on whole, in bytes; a longer one comes in pieces of at least this size.
pub const JOINED_BYTES_MAX: usize = crate::logs::record::JOINED_BYTES_MAX;

/// Reads the variables of an environment file, in order.
///
/// # Errors
/// The error with which a process that names the file would be refused.
pub fn env_file(path: &Path) -> Result<Vec<(String, String)>, String> {
    env_file::read(path).map_err(|error| error.to_string())
}

/// Reads the lines of a log file with these bytes: for each the milliseconds since the Unix epoch, the stream and the
/// bytes.
#[must_use]
pub fn log_lines(bytes: &[u8]) -> Vec<(u64, LogStream, Bytes)> {
    let bytes = Bytes::copy_from_slice(bytes);
    let mut joiner = Joiner::default();
    let records = bytes.split(|byte| *byte == b'\n').filter_map(|line| Record::parse(&bytes.slice_ref(line)));
    let mut lines: Vec<Record> = records.filter_map(|record| joiner.take(record)).collect();
    lines.extend(joiner.finish());
    lines.into_iter().map(|record| (record.at_ms, record.stream, record.text)).collect()
}

/// Formats a part of a line as it is stored in a log file, with its newline.
#[must_use]
pub fn log_record(at_ms: u64, stream: LogStream, full: bool, text: &[u8]) -> Vec<u8> {
    let tag: &[u8] = if full { b"F " } else { b"P " };
    [prefix(at_ms, stream).as_bytes(), tag, text, b"\n"].concat()
}
