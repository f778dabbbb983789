//! Reads the log files of one process back, from the position at which its last lines begin. It holds no lock that
//! writing needs and keeps no file open: the end of the past was noted when the reader was added, and files that were
//! rotated since are found again. Memory is bounded whatever the files contain.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{Format, Stored, WINDOW_BYTES, host_line, host_record};
use super::last::Last;
use super::query::LogQuery;
use crate::logs::disk::{NotOpened, Position, label, read_at};
use crate::logs::item::LogLine;
use crate::logs::marker::Marker;
use crate::logs::position::Mark;
use crate::logs::record::{Joiner, RECORD_BYTES_MAX, Record};

/// The number of bytes that are counted in one step.
pub(crate) const COUNTED_BYTES: usize = 4 << 20;

/// The unread past of one process.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) stored: Stored,
    query: Arc<LogQuery>,
    end: Position,
    /// The file that is being read, by its number in the epoch of `end`; `None` when everything has been read.
    number: Option<usize>,
    /// The offset of the first byte in it that has not been handed out.
    offset: u64,
    /// The bytes from that offset on that are in memory.
    held: Bytes,
    /// The first of them as a parsed record, with its length.
    next: Option<(Record, usize)>,
    /// The matching lines that come before the wanted ones.
    skips: Skips,
    joiner: Joiner,
    /// The time of the last line, for lines without one.
    last_ms: u64,
    /// The place after the line that was handed out last.
    marker: Marker,
    /// The number of the file that was read last, and its label.
    label: Option<(usize, u64)>,
    /// The number of records of each stream that a resumed reader has already.
    seen: [u64; 2],
    /// After a gap: the time of the last line that a resumed reader has.
    newer_than_ms: Option<u64>,
}

impl Past {
    /// Creates the past of what `query` selects before `end`. If the query filters lines and limits their number, the
    /// past begins with the first line of all and has to be [counted](Tally) to know which lines to [skip](Skips).
    ///
    /// # Errors
    /// [`NotOpened`].
    pub(crate) fn of(stored: Stored, end: Position, query: Arc<LogQuery>) -> Result<Self, NotOpened> {
        let mut past = Self::empty(stored, end, query);
        if past.query.lines == 0 {
            return Ok(past);
        }
        if past.query.takes_all() && past.query.lines < usize::MAX {
            past.seek_last()?;
        } else {
            past.rewind()?;
        }
        Ok(past)
    }

    fn empty(stored: Stored, end: Position, query: Arc<LogQuery>) -> Self {
        Self {
            stored,
            query,
            end,
            number: None,
            offset: 0,
            held: Bytes::new(),
            next: None,
            skips: Skips::default(),
            joiner: Joiner::default(),
            last_ms: 0,
            marker: Marker::default(),
            label: None,
            seen: [0; 2],
            newer_than_ms: None,
        }
    }

    /// Creates the past of what `query` selects between a place and `end`, and returns whether lines in between may be
    /// missing: then it has the lines that are there and that are newer than the last one before that place.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub(crate) fn after(
        mark: Mark,
        stored: Stored,
        end: Position,
        query: Arc<LogQuery>,
    ) -> Result<(Self, bool), NotOpened> {
        let mut past = Self::empty(stored, end, query);
        // A line without a time has that of the line before it.
        past.last_ms = mark.at_ms;
        let files_max = past.stored.files.count();
        let mut there = 0;
        for number in 0..files_max {
            let (file, size) = match past.open(number)? {
                Some(open) => open,
                None if number == 0 => continue,
                None => break,
            };
            there += 1;
            if mark.file != 0 && label(&file)? == Some(mark.file) {
                if mark.offset <= size {
                    (past.number, past.offset, past.seen) = (Some(number), mark.offset, mark.seen);
                    past.marker = Marker::new(mark);
                    return Ok((past, false));
                }
                // Somebody has truncated it, and it was continued.
                (past.number, past.newer_than_ms) = (Some(number), Some(mark.at_ms));
                return Ok((past, true));
            }
        }
        past.rewind()?;
        past.newer_than_ms = Some(mark.at_ms).filter(|at_ms| *at_ms > 0);
        // A log that was empty then has lost lines if files were deleted since, which only happens if all are there.
        Ok((past, mark.file != 0 || there == files_max))
    }

    /// Returns the place before the first line that it hands out; `None` if that is not known.
    pub(crate) fn begins_at(&self) -> Result<Option<Mark>, NotOpened> {
        let Some(number) = self.number else { return self.ends_at().map(Some) };
        if self.is_to_be_counted() || !self.skips.in_file.is_empty() {
            return Ok(None);
        }
        let Some((file, _)) = self.open(number)? else { return Ok(None) };
        let at = |file| Mark { seen: self.seen, ..Mark::at(file, self.offset) };
        Ok(label(&file)?.map(at))
    }

    /// Returns the place after its last line.
    pub(crate) fn ends_at(&self) -> Result<Mark, NotOpened> {
        for number in 0..self.stored.files.count() {
            match self.open(number)? {
                Some((file, size)) => {
                    if let Some(file) = label(&file)? {
                        return Ok(Mark::at(file, size));
                    }
                }
                None if number == 0 => {}
                None => break,
            }
        }
        Ok(Mark::BEGINNING)
    }

    /// Creates the past before `end`, positioned at its first wanted line. It counts everything at once and blocks.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub(crate) fn counted(stored: Stored, end: Position, query: Arc<LogQuery>) -> Result<Self, NotOpened> {
        let mut counted = Tally::of(Self::of(stored, end, query)?);
        loop {
            counted = match counted {
                Counted::Done(past) => return Ok(past),
                Counted::More(tally) | Counted::Later(tally) => tally.step(COUNTED_BYTES)?,
            };
        }
    }

    /// Moves to the first line of all files.
    fn rewind(&mut self) -> Result<(), NotOpened> {
        (self.number, self.offset) = (None, 0);
        for number in 0..self.stored.files.count() {
            match self.open(number)? {
                Some(_) => self.number = Some(number),
                // The current file may be missing during a rotation, or because somebody removed it.
                None if number == 0 => {}
                None => break,
            }
        }
        Ok(())
    }

    /// Moves to the first of the last `query.lines` lines.
    fn seek_last(&mut self) -> Result<(), NotOpened> {
        let wanted = u64::try_from(self.query.lines).unwrap_or(u64::MAX);
        let mut last = Last::new(wanted);
        for number in 0..self.stored.files.count() {
            match self.open(number)? {
                Some((file, size)) => last.look_back_through(&file, size, number, self.stored.format)?,
                None if number == 0 => continue,
                None => break,
            }
            if last.is_found() {
                break;
            }
        }
        if let Some((number, offset)) = last.begins_at {
            (self.number, self.offset, self.skips.anywhere) = (Some(number), offset, last.skipped);
        }
        Ok(())
    }

    /// Opens a file and returns it with the number of its bytes that belong to the past.
    fn open(&self, number: usize) -> Result<Option<(File, u64)>, NotOpened> {
        let Some(file) = self.stored.files.open_past(self.end.epoch, number)? else { return Ok(None) };
        let there = file.metadata()?.len();
        let size = if number == 0 { there.min(self.end.bytes) } else { there };
        Ok(Some((file, size)))
    }

    /// Returns the time of the next record; `None` at the end. If nothing is held, it reads about `bytes` bytes.
    pub(crate) fn next_ms(&mut self, bytes: usize) -> Result<Option<u64>, NotOpened> {
        loop {
            if let Some((record, _)) = &self.next {
                return Ok(Some(record.at_ms));
            }
            if let Some(end) = memchr::memchr(b'\n', &self.held) {
                match self.record(&self.held.slice(..end)) {
                    Some(record) => self.next = Some((record, end + 1)),
                    None => self.pass(end + 1),
                }
                continue;
            }
            let Some(number) = self.number else { return Ok(None) };
            let before = self.held.len();
            if before >= RECORD_BYTES_MAX {
                // Not a record: too long.
                self.pass(before);
                continue;
            }
            self.held = self.read(number, if before == 0 { bytes } else { RECORD_BYTES_MAX })?;
            if self.held.len() <= before {
                // The file ends, perhaps within a line, and the next newer one continues.
                self.number = number.checked_sub(1);
                (self.offset, self.held) = (0, Bytes::new());
            }
        }
    }

    fn record(&self, line: &Bytes) -> Option<Record> {
        match self.stored.format {
            Format::Process => Record::parse(line),
            Format::Host => Some(host_record(line, self.last_ms)),
        }
    }

    /// Reads at most `bytes` bytes from the offset on.
    fn read(&mut self, number: usize, bytes: usize) -> Result<Bytes, NotOpened> {
        let Some((file, size)) = self.open(number)? else { return Ok(Bytes::new()) };
        if self.label.is_none_or(|(labelled, _)| labelled != number) {
            self.label = label(&file)?.map(|label| (number, label));
        }
        let left = usize::try_from(size.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        Ok(read_at(&file, self.offset, bytes.min(left))?.into())
    }

    fn pass(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        drop(self.held.split_to(bytes));
    }

    /// Takes the record that [`Past::next_ms`] found. Returns its length and the line that it completes, if that line
    /// is wanted.
    pub(crate) fn take(&mut self) -> (usize, Option<LogLine>) {
        let Some((record, bytes)) = self.next.take() else { return (0, None) };
        self.pass(bytes);
        self.last_ms = record.at_ms;
        let (at_ms, stream) = (record.at_ms, record.stream);
        if let Some(left) = self.seen[stream as usize].checked_sub(1) {
            self.seen[stream as usize] = left;
            self.settle();
            return (bytes, None);
        }
        self.marker.hold(stream, 1);
        let line = self.joiner.take(record);
        if line.is_some() {
            let _ = self.marker.hand_out(stream, at_ms);
        }
        self.settle();
        (bytes, line.and_then(|line| self.pick(line)))
    }

    /// Moves the place of the last line to the offset, if everything before it was handed out.
    fn settle(&mut self) {
        if !self.joiner.is_open() && self.seen == [0; 2] {
            let label = self.label.filter(|(number, _)| Some(*number) == self.number);
            self.marker.settle(label.map(|(_, file)| Mark::at(file, self.offset)));
        }
    }

    /// Returns the incomplete lines at the end of the past.
    pub(crate) fn finish(&mut self) -> Vec<LogLine> {
        let open: Vec<_> = self.joiner.finish().collect();
        let mut lines = Vec::new();
        for line in open {
            let _ = self.marker.hand_out(line.stream, line.at_ms);
            lines.extend(self.pick(line));
        }
        lines
    }

    /// Returns true if the position is within a line.
    pub(crate) fn is_within_a_line(&self) -> bool {
        self.joiner.is_open()
    }

    fn pick(&mut self, record: Record) -> Option<LogLine> {
        let mark = self.marker.after(record.at_ms);
        let line = match self.stored.format {
            Format::Process => LogLine { mark, ..record.into_line(&self.stored.name) },
            Format::Host => LogLine { mark, ..host_line(&self.stored.name, record) },
        };
        let is_new = self.newer_than_ms.is_none_or(|last_ms| line.at_ms > last_ms);
        if !is_new || !self.query.takes(&line) {
            return None;
        }
        (!self.skips.skip(self.number.unwrap_or(0))).then_some(line)
    }

    /// Drops the bytes in memory if there are more than `bytes`, while other pasts are read.
    pub(crate) fn trim(&mut self, bytes: usize) {
        if self.held.len() > bytes {
            (self.held, self.next) = (Bytes::new(), None);
        }
    }

    /// Returns true if the past begins before its first wanted line, so that its lines have to be counted first.
    fn is_to_be_counted(&self) -> bool {
        self.number.is_some() && !self.query.takes_all() && self.query.lines < usize::MAX
    }
}

/// Counts the lines of a past that match, when only the last of them are wanted. It works piece by piece and holds no
/// line.
#[derive(Debug)]
pub(crate) struct Tally {
    past: Past,
    /// For each file, by its number in the end's epoch, the number of lines that ended in it; the oldest first.
    lines: Vec<(usize, u64)>,
}

/// The result of counting a piece.
#[derive(Debug)]
pub(crate) enum Counted {
    /// There is more to count.
    More(Tally),
    /// A rotation is in progress: try again soon.
    Later(Tally),
    /// The past, positioned at its first wanted line.
    Done(Past),
}

impl Tally {
    /// Begins to count a past; returns the past itself if there is nothing to count.
    pub(crate) fn of(past: Past) -> Counted {
        if past.is_to_be_counted() {
            Counted::More(Self { past, lines: Vec::new() })
        } else {
            Counted::Done(past)
        }
    }

    /// Counts the lines in about `bytes` bytes. Blocks.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn step(mut self, bytes: usize) -> Result<Counted, NotOpened> {
        let mut done = 0;
        while done < bytes {
            match self.past.next_ms(WINDOW_BYTES) {
                Ok(Some(_)) => {
                    let (length, line) = self.past.take();
                    done += length;
                    self.count(u64::from(line.is_some()));
                }
                Ok(None) => return self.finish(),
                Err(NotOpened::Rotating) => return Ok(Counted::Later(self)),
                Err(error) => return Err(error),
            }
        }
        Ok(Counted::More(self))
    }

    fn count(&mut self, lines: u64) {
        let number = self.past.number.unwrap_or(0);
        match self.lines.last_mut() {
            Some((last, counted)) if *last == number => *counted += lines,
            _ => self.lines.push((number, lines)),
        }
    }

    fn finish(mut self) -> Result<Counted, NotOpened> {
        let open = self.past.finish().len() as u64;
        self.count(open);
        let Past { stored, query, end, .. } = self.past;
        let wanted = u64::try_from(query.lines).unwrap_or(u64::MAX);
        let all: u64 = self.lines.iter().map(|(_, lines)| lines).sum();
        let mut past = Past::of(stored, end, query)?;
        past.skips = Skips::first(all.saturating_sub(wanted), self.lines);
        Ok(Counted::Done(past))
    }
}

/// The lines that come before the wanted ones. Counted lines are kept by file, so that the deletion of a file does not
/// make lines of the others be skipped.
#[derive(Debug, Default)]
struct Skips {
    anywhere: u64,
    /// Lines to skip, by the number of the file in which they end.
    in_file: Vec<(usize, u64)>,
}

impl Skips {
    /// Skips the first `skipped` of the counted lines.
    fn first(mut skipped: u64, mut in_file: Vec<(usize, u64)>) -> Self {
        for (_, lines) in &mut in_file {
            *lines = skipped.min(*lines);
            skipped -= *lines;
        }
        Self { anywhere: 0, in_file }
    }

    /// Returns true if the next line, which ends in the file with this number, is to be skipped.
    fn skip(&mut self, number: usize) -> bool {
        let in_file = self.in_file.iter_mut().find(|(file, _)| *file == number).map(|(_, lines)| lines);
        for left in [Some(&mut self.anywhere), in_file].into_iter().flatten() {
            if *left > 0 {
                *left -= 1;
                return true;
            }
        }
        false
    }
}

pub(crate) fn cannot_read(process: &str, error: &NotOpened) {
    tracing::warn!(process, %error, "the log files cannot be read back");
}
