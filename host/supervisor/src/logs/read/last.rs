//! Where the last lines of a log begin: sought from its end on, record by record, so that a line in many parts is one.

use std::fs::File;
use std::io;

use bytes::Bytes;

use super::format::{Format, WINDOW_BYTES};
use crate::logs::disk::read_at;
use crate::logs::record::{HEAD_BYTES, Record, TIME_BYTES, time_ms};

/// How far back the beginning of a line is sought that is among the last ones. Beyond that it is shown without it.
const BEGINNING_WITHIN: u64 = 4 << 20;

/// What the records of one stream have been so far, from the end on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    /// None.
    #[default]
    Nothing,
    /// The last one belongs to a line that is asked for, and what is before it may, too.
    Wanted,
    /// The last one belongs to a line that is not asked for.
    Unwanted,
}

/// The last lines, as they are being sought.
#[derive(Debug)]
pub(crate) struct Last {
    wanted: u64,
    found: u64,
    streams: [Seen; 2],
    /// The file and the byte with which the first of them begins.
    pub(crate) begins_at: Option<(usize, u64)>,
    /// How many lines end from there on that are not asked for.
    pub(crate) skipped: u64,
    /// How many lines that are not asked for have ended before what begins there, so far.
    unwanted: u64,
    /// Bytes that were looked at since all lines were found.
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

    /// All of them, with their beginnings?
    pub(crate) fn is_found(&self) -> bool {
        let complete = self.streams.iter().all(|stream| *stream != Seen::Wanted);
        self.found >= self.wanted && (complete || self.beyond > BEGINNING_WITHIN)
    }

    /// Looks at the first `size` bytes of a file, from their end on, until all is found.
    pub(crate) fn look_back_through(
        &mut self,
        file: &File,
        size: u64,
        number: usize,
        format: Format,
    ) -> io::Result<()> {
        // The newest lines of what is left; the head of the line that began before them.
        let mut end = size;
        let mut head = Vec::new();
        while end > 0 && !self.is_found() {
            let start = end.saturating_sub(WINDOW_BYTES as u64);
            let mut window = read_at(file, start, usize::try_from(end - start).unwrap_or(WINDOW_BYTES))?;
            let whole = window.len();
            window.extend_from_slice(&head);
            // A line begins behind each newline, and with the file. What is behind the last newline of a file has no end.
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

    /// The next line towards the beginning, which begins with `line`.
    fn record(&mut self, line: &[u8], number: usize, offset: u64, format: Format) {
        let (stream, full) = match format {
            // A line without a time belongs to the one before.
            Format::Host if line.get(..TIME_BYTES).and_then(time_ms).is_none() => return,
            Format::Host => (1, true),
            Format::Process => {
                let head = Bytes::copy_from_slice(&line[..line.len().min(HEAD_BYTES)]);
                let Some(record) = Record::parse(&head) else { return };
                (record.stream as usize, record.full)
            }
        };
        // A part at the very end is a line whose end has not come.
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
