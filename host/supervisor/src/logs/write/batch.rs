//! What was read from a pipe at once and is written at once.

use crate::logs::item::LogStream;

/// Lines of about this length are the most common ones of those that are short.
const SHORT_BYTES: usize = 16;

/// How what was read from a pipe ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the end of a line.
    Whole,
    /// Within a line that is too long to be waited for; the next batch of the stream goes on with it.
    Long,
    /// Within a line whose end has not come for a while; the next batch of the stream goes on with it.
    Shown,
}

/// What was read from a pipe: lines, each but perhaps the last with its newline.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) stream: LogStream,
    pub(crate) at_ms: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
}

impl Batch {
    /// The lines without their newlines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let mut rest = Some(bytes);
        std::iter::from_fn(move || {
            let line = rest.take()?;
            // A short line is over before a search of many bytes at a time has begun.
            let (near, far) = line.split_at(line.len().min(SHORT_BYTES));
            let end = near.iter().position(|byte| *byte == b'\n');
            let end = end.or_else(|| memchr::memchr(b'\n', far).map(|at| near.len() + at));
            let Some(end) = end else { return Some(line) };
            rest = Some(&line[end + 1..]);
            Some(&line[..end])
        })
    }
}
