//! Reading log files back: the last lines of many processes by time, in pieces, so that neither the number of lines nor
//! that of the processes decides how much is held at once. No lock is held meanwhile that writing needs, and no file is
//! kept open: where the past ends was noted as the reader was entered, and files that were shifted since are found again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::LogLine;
use super::disk::NotOpened;
use super::file::Position;
use super::process::ProcessLog;
use super::record::{Joiner, RECORD_BYTES_MAX, RECORD_BYTES_MIN, Record};

/// How much of a file is read at once to find its last lines.
const WINDOW_BYTES: usize = 64 << 10;

/// How much of the files of all processes together is held.
const HELD_BYTES_MAX: usize = 4 << 20;

/// About how much is handed out at once.
const PIECE_BYTES: usize = 256 << 10;

/// How many processes are looked at in one go: each costs some calls of the kernel.
const LOOKS_AT_ONCE: usize = 256;

/// What is left of the past of one process.
#[derive(Debug)]
pub(super) struct Past {
    log: Arc<ProcessLog>,
    end: Position,
    /// The file that is being read, by its number at the end's turn; none when all has been read.
    number: Option<usize>,
    /// Of the first byte in it that has not been handed out.
    offset: u64,
    /// Bytes from there on.
    held: Bytes,
    /// The first of them as a record, with its length.
    next: Option<(Record, usize)>,
    joiner: Joiner,
}

impl Past {
    /// The last `lines` lines before `end`.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub(super) fn of(log: Arc<ProcessLog>, end: Position, lines: usize) -> Result<Self, NotOpened> {
        let (held, joiner) = (Bytes::new(), Joiner::default());
        let mut past = Self { log, end, number: None, offset: 0, held, next: None, joiner };
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        // So many that they need not be counted?
        let whole = lines > 100_000 && past.bytes()? / RECORD_BYTES_MIN < lines;
        let mut wanted = lines;
        for number in 0..past.log.files.count() {
            if wanted == 0 {
                break;
            }
            let Some((file, size)) = past.open(number)? else { break };
            past.number = Some(number);
            past.offset = 0;
            if !whole {
                let (offset, found) = start_of_last(&file, size, wanted)?;
                past.offset = offset;
                wanted -= found;
            }
        }
        Ok(past)
    }

    /// The bytes of all files.
    fn bytes(&self) -> Result<u64, NotOpened> {
        let mut bytes = 0;
        for number in 0..self.log.files.count() {
            let Some((_, size)) = self.open(number)? else { break };
            bytes += size;
        }
        Ok(bytes)
    }

    /// A file, and how many of its bytes belong to the past.
    fn open(&self, number: usize) -> Result<Option<(File, u64)>, NotOpened> {
        let Some(file) = self.log.files.open_past(self.end.turns, number)? else { return Ok(None) };
        let there = file.metadata()?.len();
        let size = if number == 0 { there.min(self.end.bytes) } else { there };
        Ok(Some((file, size)))
    }

    /// When the next record was written, after reading about `bytes` of it and what follows if nothing is held; `None` at
    /// the end.
    fn next_ms(&mut self, bytes: usize) -> Result<Option<u64>, NotOpened> {
        loop {
            if let Some((record, _)) = &self.next {
                return Ok(Some(record.at_ms));
            }
            if let Some(end) = memchr::memchr(b'\n', &self.held) {
                match Record::parse(&self.held.slice(..end)) {
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

    /// The record that [`Past::next_ms`] found; the line that it completes.
    fn take(&mut self) -> Option<Record> {
        let (record, bytes) = self.next.take()?;
        self.pass(bytes);
        self.joiner.take(record)
    }

    /// Holds no more than its share while others are in turn.
    fn let_go(&mut self, bytes: usize) {
        if self.held.len() > bytes {
            (self.held, self.next) = (Bytes::new(), None);
        }
    }
}

fn read_at(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let mut done = 0;
    while done < bytes {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(done);
    Ok(buffer)
}

/// Where the last `wanted` lines of a file's first `size` bytes begin, and how many there are.
fn start_of_last(file: &File, size: u64, wanted: u64) -> io::Result<(u64, u64)> {
    let mut end = size;
    // Each newline ends a line; one more than wanted is what comes before the first of them.
    let mut newlines = 0;
    while end > 0 {
        let start = end.saturating_sub(WINDOW_BYTES as u64);
        let window = read_at(file, start, usize::try_from(end - start).unwrap_or(WINDOW_BYTES))?;
        for at in memchr::memrchr_iter(b'\n', &window) {
            if newlines == wanted {
                return Ok((start + at as u64 + 1, wanted));
            }
            newlines += 1;
        }
        end = start;
    }
    Ok((0, newlines))
}

/// The past of several processes, by time.
#[derive(Debug)]
pub(super) struct Merged {
    pasts: Vec<Past>,
    /// How many of them have been looked at.
    begun: usize,
    /// When the next line of each was written.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// The one that has to be gone on with: it is within a line.
    within: Option<usize>,
    /// What one process may hold while it is not in turn.
    share: usize,
    /// What to read of one process at once.
    bytes: usize,
}

/// What came of one step.
#[derive(Debug)]
pub(super) enum Step {
    /// Lines, and there may be more.
    Lines(Merged, Vec<LogLine>),
    /// Files are being shifted: try again soon.
    Later(Merged),
    /// That was all.
    End(Vec<LogLine>),
}

impl Merged {
    pub(super) fn new(pasts: Vec<Past>) -> Self {
        let share = HELD_BYTES_MAX / pasts.len().max(1);
        let bytes = share.clamp(4 << 10, WINDOW_BYTES);
        Self { pasts, begun: 0, next: BinaryHeap::new(), within: None, share, bytes }
    }

    /// The next piece. It blocks.
    pub(super) fn step(mut self) -> Step {
        let until = self.pasts.len().min(self.begun + LOOKS_AT_ONCE);
        while self.begun < until {
            if !self.look(self.begun) {
                return Step::Later(self);
            }
            self.begun += 1;
        }
        if self.begun < self.pasts.len() {
            return Step::Lines(self, Vec::new());
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while bytes < PIECE_BYTES {
            let Some(index) = self.within.or_else(|| self.next.pop().map(|Reverse((_, index))| index)) else {
                return Step::End(lines);
            };
            self.within = Some(index);
            let past = &mut self.pasts[index];
            if let Some(record) = past.take() {
                bytes += record.text.len() + 64;
                lines.push(record.into_line(&past.log.name));
            }
            if !self.look_on(index, &mut lines) {
                return match lines.is_empty() {
                    true => Step::Later(self),
                    false => Step::Lines(self, lines),
                };
            }
        }
        Step::Lines(self, lines)
    }

    /// Enters when the next line of a process was written; false if its files are being shifted.
    fn look(&mut self, index: usize) -> bool {
        let past = &mut self.pasts[index];
        match past.next_ms(self.bytes) {
            Ok(Some(at_ms)) => self.next.push(Reverse((at_ms, index))),
            Ok(None) => {}
            Err(NotOpened::Rotating) => return false,
            Err(error) => cannot_read(&past.log.name, &error),
        }
        past.let_go(self.share);
        true
    }

    /// After a record of the process that is in turn: goes on with it while it is within a line.
    fn look_on(&mut self, index: usize, lines: &mut Vec<LogLine>) -> bool {
        let past = &mut self.pasts[index];
        let next = match past.next_ms(self.bytes) {
            Err(NotOpened::Rotating) => return false,
            Err(error) => {
                cannot_read(&past.log.name, &error);
                None
            }
            Ok(next) => next,
        };
        let ours = next.is_some_and(|next| self.next.peek().is_none_or(|other| (next, index) <= other.0));
        match next {
            Some(_) if past.joiner.is_open() || ours => return true,
            Some(at_ms) => self.next.push(Reverse((at_ms, index))),
            None => lines.extend(past.joiner.finish().map(|record| record.into_line(&past.log.name))),
        }
        past.let_go(self.share);
        self.within = None;
        true
    }
}

pub(super) fn cannot_read(process: &str, error: &NotOpened) {
    tracing::warn!(process, %error, "the log files cannot be read back");
}
