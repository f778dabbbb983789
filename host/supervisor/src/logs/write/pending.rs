//! Records that are written together, before they are.

use super::batch::Batch;
use super::outcome::Failed;
use super::raw::Raw;
use crate::logs::item::LogStream;
use crate::logs::marker::Segment;

/// Records of one batch.
pub(super) struct Pending<'a> {
    pub(super) stream: LogStream,
    pub(super) raw: Raw<'a>,
    pub(super) prefix: String,
    pub(super) records: Vec<u8>,
    /// Whether the first record only ends the line before.
    pub(super) ends_cut: bool,
    pub(super) failed: Option<Failed>,
    /// The number of records, and of those that were flushed before.
    pub(super) count: u64,
    pub(super) flushed: u64,
    pub(super) segments: Option<Vec<Segment>>,
}

impl<'a> Pending<'a> {
    pub(super) fn new(batch: &'a Batch, prefix: String, records: Vec<u8>) -> Self {
        let (stream, raw, segments) = (batch.stream, Raw::new(batch), Some(Vec::new()));
        Self { stream, raw, prefix, records, ends_cut: false, failed: None, count: 0, flushed: 0, segments }
    }

    /// Returns whether the last of these records ends a line; `None` if there are none.
    pub(super) fn last_of(&self, records: &[u8]) -> Option<bool> {
        let before = records.len().checked_sub(1)?;
        let start = memchr::memrchr(b'\n', &records[..before]).map_or(0, |at| at + 1);
        Some(records.get(start + self.prefix.len()) == Some(&b'F'))
    }

    /// Returns the number of lines in these records; the parts of a line count once.
    pub(super) fn lines_of(&self, records: &[u8]) -> u64 {
        let mut ends = 0;
        for record in records.split_inclusive(|byte| *byte == b'\n') {
            ends += u64::from(record.get(self.prefix.len()) == Some(&b'F'));
        }
        ends + u64::from(self.last_of(records) == Some(false))
    }

    pub(super) fn is_only_the_end_of_a_cut_line(&self) -> bool {
        self.ends_cut && memchr::memchr(b'\n', &self.records).is_some_and(|at| at + 1 == self.records.len())
    }
}
