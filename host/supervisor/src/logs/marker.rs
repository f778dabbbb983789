//! Counts the records of a log as they are read or written, so that each line has the place from which a stream goes on
//! after it.

use super::item::LogStream;
use super::position::Mark;

/// Where some records of a batch were written: in one file, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The number of records of the batch before them.
    pub(super) first: u64,
    pub(super) file: u64,
    pub(super) offset: u64,
}

/// The place that records have reached as they are read or written. It stays before a line until that is handed out.
#[derive(Debug, Default)]
pub(super) struct Marker {
    at: Option<Mark>,
    /// The number of records of each stream that belong to a line that was not handed out yet.
    open: [u64; 2],
}

impl Marker {
    pub(super) fn new(at: Mark) -> Self {
        Self { at: Some(at), open: [0; 2] }
    }

    /// Moves to a place before which everything was handed out; `None` if it is not known.
    pub(super) fn settle(&mut self, at: Option<Mark>) {
        *self = Self { at, open: [0; 2] };
    }

    /// Counts records of a line that is not handed out yet.
    pub(super) fn hold(&mut self, stream: LogStream, records: u64) {
        self.open[stream as usize] += records;
    }

    /// Counts the records of a line that was just written: the next `parts` of its batch after the first `before`.
    pub(super) fn write(&mut self, stream: LogStream, before: u64, parts: u64, segments: Option<&[Segment]>) {
        if segments.is_none() {
            // The files do not have what is sent, or have more.
            self.settle(None);
        } else if self.open == [0; 2] {
            let segment = segments.and_then(|all| all.iter().rev().find(|segment| segment.first <= before));
            self.settle(segment.map(|segment| {
                let mut at = Mark::at(segment.file, segment.offset);
                at.seen[stream as usize] = before - segment.first;
                at
            }));
        }
        self.hold(stream, parts);
    }

    /// Counts the records of a line of this time as handed out. Returns the place after it; `None` if it is not known.
    pub(super) fn hand_out(&mut self, stream: LogStream, at_ms: u64) -> Option<Mark> {
        let records = std::mem::take(&mut self.open[stream as usize]);
        let at = self.at.as_mut()?;
        at.seen[stream as usize] += records;
        at.at_ms = at_ms;
        Some(*at)
    }

    /// Returns the place after a line of this time; `None` if it is not known.
    pub(super) fn after(&self, at_ms: u64) -> Option<Mark> {
        self.at.map(|at| Mark { at_ms, ..at })
    }
}
