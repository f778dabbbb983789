//! Lines that were read from a pipe together and are written together.

use crate::logs::item::LogStream;
use crate::logs::ledger::Claim;

/// The length up to which a line is searched byte by byte; most short lines fit.
const SHORT_BYTES: usize = 16;

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At the end of a line.
    Whole,
    /// Within a line that is too long to wait for; the next batch of the stream continues it.
    Long,
    /// Within a line that has been incomplete for a while; the next batch of the stream continues it.
    Shown,
}

/// Lines that were read from a pipe; each has its newline, except perhaps the last.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) stream: LogStream,
    pub(crate) at_ms: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
    /// Where the bytes are until they are consumed, if another host could write them again.
    pub(crate) claim: Option<Claim>,
}

impl Batch {
    /// Returns the lines without their newlines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let mut rest = Some(bytes);
        std::iter::from_fn(move || {
            let line = rest.take()?;
            // On a short line, a search byte by byte is faster than the start of a vectorised one.
            let (near, far) = line.split_at(line.len().min(SHORT_BYTES));
            let end = near.iter().position(|byte| *byte == b'\n');
            let end = end.or_else(|| memchr::memchr(b'\n', far).map(|at| near.len() + at));
            let Some(end) = end else { return Some(line) };
            rest = Some(&line[end + 1..]);
            Some(&line[..end])
        })
    }
}
