//! Finds the position at which the last lines of a log begin. It searches backwards record by record, so that a line in
//! many parts counts once.

use std::fs::File;
use std::io;

use bytes::Bytes;

use super::format::{Format, WINDOW_BYTES};
use crate::logs::disk::read_at;
use crate::logs::record::{HEAD_BYTES, Record, TIME_BYTES, time_ms};

/// How far back, in bytes, the beginning of the first wanted line is searched for. A longer line is shown without its
/// beginning.
const BEGINNING_WITHIN: u64 = 4 << 20;

/// The last record of one stream that was seen, going backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    /// No record was seen.
    #[default]
    Nothing,
    /// It belongs to a wanted line, and the record before it may, too.
    Wanted,
    /// It belongs to a line that is not wanted.
    Unwanted,
}

/// The state of the search for the last lines.
#[derive(Debug)]
pub(crate) struct Last {
    wanted: u64,
    found: u64,
    streams: [Seen; 2],
    /// The file and the offset at which the first of them begins.
    pub(crate) begins_at: Option<(usize, u64)>,
    /// The number of unwanted lines that end after that position.
    pub(crate) skipped: u64,
    /// The number of unwanted lines that were seen since `begins_at` was last set.
    unwanted: u64,
    /// The number of bytes that were searched since all lines were found.
    beyond: u64,
}

impl Last {
    pub(crate) fn new(wanted: u64) -> Self {
        Self {
            wanted,
            found: 0,
            streams: [Seen::default(); 2],
            begins_at: None,
            skipped: 0,
            unwanted: 0,
            beyond: 0,
        }
    }

    /// Returns true if all lines are found, with their beginnings.
    pub(crate) fn is_found(&self) -> bool {
        let complete = self.streams.iter().all(|stream| *stream != Seen::Wanted);
        self.found >= self.wanted && (complete || self.beyond > BEGINNING_WITHIN)
    }

    /// Searches the first `size` bytes of a file backwards until all lines are found.
    pub(crate) fn look_back_through(
        &mut self,
        file: &File,
        size: u64,
        number: usize,
        format: Format,
    ) -> io::Result<()> {
        // `end` is where the unsearched part ends; `head` is the head of the line that began there.
        let mut end = size;
        let mut head = Vec::new();
        while end > 0 && !self.is_found() {
            let start = end.saturating_sub(WINDOW_BYTES as u64);
            let mut window = read_at(file, start, usize::try_from(end - start).unwrap_or(WINDOW_BYTES))?;
            let whole = window.len();
            window.extend_from_slice(&head);
            // A line begins after each newline and at the start of the file. Text after the last newline of a file is
            // incomplete and ignored.
            let mut newlines = memchr::memrchr_iter(b'\n', &window[..whole]);
            if end == size {
                match newlines.next() {
                    Some(last) => window.truncate(last + 1),
                    None => window.clear(),
                }
                newlines = memchr::memrchr_iter(b'\n', &window[..window.len().saturating_sub(1)]);
            }
            for at in newlines {
                self.record(&window[at + 1..], number, start + at as u64 + 1, format);
                if self.is_found() {
                    return Ok(());
                }
            }
            if start == 0 {
                self.record(&window, number, 0, format);
            }
            if self.found >= self.wanted {
                self.beyond += end - start;
            }
            window.truncate(HEAD_BYTES);
            (head, end) = (window, start);
        }
        Ok(())
    }

    /// Takes the next line towards the beginning of the file; `line` begins with its head.
    fn record(&mut self, line: &[u8], number: usize, offset: u64, format: Format) {
        let (stream, full) = match format {
            // A line without a time belongs to the line before it.
            Format::Host if line.get(..TIME_BYTES).and_then(time_ms).is_none() => return,
            Format::Host => (1, true),
            Format::Process => {
                let head = Bytes::copy_from_slice(&line[..line.len().min(HEAD_BYTES)]);
                let Some(record) = Record::parse(&head) else { return };
                (record.stream as usize, record.full)
            }
        };
        // A part at the very end is an incomplete line.
        if full || self.streams[stream] == Seen::Nothing {
            if self.found < self.wanted {
                self.found += 1;
                self.streams[stream] = Seen::Wanted;
            } else {
                self.streams[stream] = Seen::Unwanted;
                self.unwanted += u64::from(full);
                return;
            }
        }
        if self.streams[stream] == Seen::Wanted {
            self.begins_at = Some((number, offset));
            self.skipped += std::mem::take(&mut self.unwanted);
        }
    }
}
