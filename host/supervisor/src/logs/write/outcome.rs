//! What became of a batch: where its records are, and what could not be written.

use std::io;

use crate::logs::disk::Position;
use crate::logs::marker::Segment;

/// Lines that could not be written.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The number of lost lines; 0 if only a rotation failed and the file grows beyond its limit.
    pub(crate) lines: u64,
    pub(crate) error: io::Error,
}

/// The result of appending a batch.
#[derive(Debug)]
pub(crate) struct Appended {
    /// The new end.
    pub(crate) position: Position,
    /// Where the records are; `None` unless the files have exactly the records of the batch.
    pub(crate) segments: Option<Vec<Segment>>,
    /// The most bytes of a line in one record.
    pub(crate) part_bytes_max: usize,
    pub(crate) failed: Option<Failed>,
}
