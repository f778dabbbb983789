//! The files that are read back and the format of their lines: records of a process, or lines of the host's own log.

use std::sync::Arc;

use bytes::Bytes;

use crate::logs::disk::Files;
use crate::logs::item::{LogLine, LogStream};
use crate::logs::record::{Record, TIME_BYTES, time_ms};

/// The number of bytes that are read at once to find the last lines of a file.
pub(crate) const WINDOW_BYTES: usize = 64 << 10;

/// The format of the lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The output of a process: [`Record`]s.
    Process,
    /// The host's own log: a time, the author, a mark and the text. A line without a time belongs to the line before
    /// it.
    Host,
}

/// The files of one log.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) name: Arc<str>,
    pub(crate) files: Arc<Files>,
    pub(crate) format: Format,
}

/// Converts a line of the host's log to a record: the text is everything after the time.
pub(crate) fn host_record(line: &Bytes, last_ms: u64) -> Record {
    let timed = line
        .split_at_checked(TIME_BYTES)
        .and_then(|(time, rest)| Some((time_ms(time)?, line.slice_ref(rest.strip_prefix(b" ")?))));
    let (at_ms, text) = timed.unwrap_or_else(|| (last_ms, line.clone()));
    Record { at_ms, stream: LogStream::Err, full: true, text }
}

/// Converts that record to a line: `NAME ◆ text` was written by NAME, anything else by the host.
pub(crate) fn host_line(host: &Arc<str>, record: Record) -> LogLine {
    const MARK: &[u8] = " ◆ ".as_bytes();
    let at = memchr::memmem::find(&record.text, MARK);
    let named = at.and_then(|at| {
        let name = std::str::from_utf8(&record.text[..at]).ok()?.trim_end();
        (!name.contains(' ')).then(|| (Arc::from(name), record.text.slice(at + MARK.len()..)))
    });
    let (process, text) = named.unwrap_or_else(|| (host.clone(), record.text.clone()));
    LogLine { process, text, ..record.into_line(host) }
}
