//! Reading the log files of one process back: where its last lines begin, and its lines from there on. No lock is held
//! meanwhile that writing needs, and no file is kept open: where the past ends was noted as the reader was entered, and files
//! that were shifted since are found again. What is held is bounded, whatever the files hold.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{Format, Stored, WINDOW_BYTES, host_line, host_record};
use super::last::Last;
use super::query::LogQuery;
use crate::logs::disk::{NotOpened, Position, read_at};
use crate::logs::item::LogLine;
use crate::logs::record::{Joiner, RECORD_BYTES_MAX, Record};

/// How much is counted in one go.
pub(crate) const COUNTED_BYTES: usize = 4 << 20;

/// What is left of the past of one process.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) stored: Stored,
    query: Arc<LogQuery>,
    end: Position,
    /// The file that is being read, by its number at the end's turn; none when all has been read.
    number: Option<usize>,
    /// Of the first byte in it that has not been handed out.
    offset: u64,
    /// Bytes from there on.
    held: Bytes,
    /// The first of them as a record, with its length.
    next: Option<(Record, usize)>,
    /// The lines that come before those that are asked for.
    skips: Skips,
    joiner: Joiner,
    /// When the last line was written, for those without a time.
    last_ms: u64,
}

impl Past {
    /// What is asked for before `end`. If not every line is, it begins with the first line, and has to be
    /// [counted](Tally), to know what is to be [skipped](Skips).
    ///
    /// # Errors
    /// [`NotOpened`].
    pub(crate) fn of(stored: Stored, end: Position, query: Arc<LogQuery>) -> Result<Self, NotOpened> {
        let mut past = Self {
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
        };
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

    /// What is asked for before `end`, from its first line on. It counts all at once, and blocks meanwhile.
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

    /// To the first line of all.
    fn rewind(&mut self) -> Result<(), NotOpened> {
        (self.number, self.offset) = (None, 0);
        for number in 0..self.stored.files.count() {
            match self.open(number)? {
                Some(_) => self.number = Some(number),
                // The current file may be missing for a moment, or because somebody removed it.
                None if number == 0 => {}
                None => break,
            }
        }
        Ok(())
    }

    /// To the first of the last lines.
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

    /// A file, and how many of its bytes belong to the past.
    fn open(&self, number: usize) -> Result<Option<(File, u64)>, NotOpened> {
        let Some(file) = self.stored.files.open_past(self.end.turns, number)? else { return Ok(None) };
        let there = file.metadata()?.len();
        let size = if number == 0 { there.min(self.end.bytes) } else { there };
        Ok(Some((file, size)))
    }

    /// When the next record was written, after reading about `bytes` of it and what follows if nothing is held; `None` at
    /// the end.
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
                // Whatever that is, it is none of ours.
                self.pass(before);
                continue;
            }
            self.held = self.read(number, if before == 0 { bytes } else { RECORD_BYTES_MAX })?;
            if self.held.len() <= before {
                // A file ends, perhaps within a line: what is newer goes on.
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

    /// At most so many bytes from the offset on.
    fn read(&self, number: usize, bytes: usize) -> Result<Bytes, NotOpened> {
        let Some((file, size)) = self.open(number)? else { return Ok(Bytes::new()) };
        let left = usize::try_from(size.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        Ok(read_at(&file, self.offset, bytes.min(left))?.into())
    }

    fn pass(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        drop(self.held.split_to(bytes));
    }

    /// Takes the record that [`Past::next_ms`] found: its length, and the line that it completes if that is asked for.
    pub(crate) fn take(&mut self) -> (usize, Option<LogLine>) {
        let Some((record, bytes)) = self.next.take() else { return (0, None) };
        self.pass(bytes);
        self.last_ms = record.at_ms;
        let line = self.joiner.take(record);
        (bytes, line.and_then(|line| self.pick(line)))
    }

    /// What has come of lines without an end, at the end.
    pub(crate) fn finish(&mut self) -> Vec<LogLine> {
        let open: Vec<_> = self.joiner.finish().collect();
        open.into_iter().filter_map(|line| self.pick(line)).collect()
    }

    /// Is it within a line?
    pub(crate) fn is_within_a_line(&self) -> bool {
        self.joiner.is_open()
    }

    fn pick(&mut self, record: Record) -> Option<LogLine> {
        let line = match self.stored.format {
            Format::Process => record.into_line(&self.stored.name),
            Format::Host => host_line(&self.stored.name, record),
        };
        if !self.query.takes(&line) {
            return None;
        }
        (!self.skips.skip(self.number.unwrap_or(0))).then_some(line)
    }

    /// Holds no more than its share while others are in turn.
    pub(crate) fn let_go(&mut self, bytes: usize) {
        if self.held.len() > bytes {
            (self.held, self.next) = (Bytes::new(), None);
        }
    }

    /// Does it begin before what is asked for, so that it has to be counted first?
    fn is_to_be_counted(&self) -> bool {
        self.number.is_some() && !self.query.takes_all() && self.query.lines < usize::MAX
    }
}

/// How many lines of a past are asked for if not all are: counted piece by piece, so that nothing is held.
#[derive(Debug)]
pub(crate) struct Tally {
    past: Past,
    /// For each file, by its number at the end's turn, the lines that ended in it; the oldest first.
    lines: Vec<(usize, u64)>,
}

/// What came of counting a piece.
#[derive(Debug)]
pub(crate) enum Counted {
    /// There is more to count.
    More(Tally),
    /// Files are being shifted: try again soon.
    Later(Tally),
    /// The past, from its first line that is asked for.
    Done(Past),
}

impl Tally {
    /// The past itself, if there is nothing to count.
    pub(crate) fn of(past: Past) -> Counted {
        if past.is_to_be_counted() {
            Counted::More(Self { past, lines: Vec::new() })
        } else {
            Counted::Done(past)
        }
    }

    /// Counts the lines of about so many bytes. It blocks.
    ///
    /// # Errors
    /// A file that cannot be read.
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

/// The lines that come before those that are asked for. Those that were counted are known by file: if a file is deleted
/// meanwhile, its lines are not skipped in the others.
#[derive(Debug, Default)]
struct Skips {
    anywhere: u64,
    /// By the number of the file in which they end.
    in_file: Vec<(usize, u64)>,
}

impl Skips {
    /// The first `skipped` of the lines that were counted.
    fn first(mut skipped: u64, mut in_file: Vec<(usize, u64)>) -> Self {
        for (_, lines) in &mut in_file {
            *lines = skipped.min(*lines);
            skipped -= *lines;
        }
        Self { anywhere: 0, in_file }
    }

    /// Is the next line, which ends in the file with this number, one of them?
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
