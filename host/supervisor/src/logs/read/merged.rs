//! Merges the pasts of many processes by time, in pieces. Memory is bounded regardless of the number of lines and
//! processes.
//!
//! The lines of one process keep the order in which they were written, even if the clock was set back; lines of
//! different processes are ordered by time as far as that allows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use super::format::WINDOW_BYTES;
use super::past::Past;
use crate::logs::disk::NotOpened;
use crate::logs::item::LogLine;

/// The most bytes that are held of the files of all processes together, also while the caller does not read.
const HELD_BYTES_MAX: usize = 1 << 20;

/// The approximate number of bytes of one piece: those that are read for it, and its lines themselves, because many lines are short.
/// A caller that does not read holds up to three pieces.
const PIECE_BYTES: usize = 256 << 10;

/// The number of processes that are opened in one step, as each costs several system calls.
const LOOKS_AT_ONCE: usize = 256;

/// Called with the name of each process whose files cannot be read.
pub(crate) type Unreadable = Box<dyn FnMut(&str, &NotOpened) + Send>;

/// The pasts of several processes, merged by time.
pub(crate) struct Merged {
    pasts: Vec<Past>,
    /// The number of pasts that have been opened.
    begun: usize,
    /// The time of the next line of each past, with its index.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// The past that has to be continued because it is within a line.
    within: Option<usize>,
    /// The most bytes that a past may hold while another is read.
    share: usize,
    /// The number of bytes to read of one past at once.
    bytes: usize,
    unreadable: Unreadable,
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged").field("pasts", &self.pasts).finish_non_exhaustive()
    }
}

/// The result of one step.
#[derive(Debug)]
pub(crate) enum Step {
    /// Some lines, possibly none; there may be more.
    Lines(Merged, Vec<LogLine>),
    /// A rotation is in progress: try again soon.
    Later(Merged),
    /// The last lines.
    End(Vec<LogLine>),
}

impl Merged {
    pub(crate) fn new(pasts: Vec<Past>, unreadable: Unreadable) -> Self {
        let share = HELD_BYTES_MAX / pasts.len().max(1);
        let bytes = share.clamp(4 << 10, WINDOW_BYTES);
        Self { pasts, begun: 0, next: BinaryHeap::new(), within: None, share, bytes, unreadable }
    }

    /// Reads the next piece. Blocks.
    pub(crate) fn step(mut self) -> Step {
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
            let (read, line) = past.take();
            bytes += read;
            if let Some(line) = line {
                bytes += size_of::<LogLine>();
                lines.push(line);
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

    /// Adds the next line of a past to the queue; false if its files are being rotated.
    fn look(&mut self, index: usize) -> bool {
        let past = &mut self.pasts[index];
        match past.next_ms(self.bytes) {
            Ok(Some(at_ms)) => self.next.push(Reverse((at_ms, index))),
            Ok(None) => {}
            Err(NotOpened::Rotating) => return false,
            Err(error) => (self.unreadable)(&past.stored.name, &error),
        }
        past.trim(self.share);
        true
    }

    /// Continues after a record of the current past: stays with it while it is within a line or its next line is the
    /// oldest; false if its files are being rotated.
    fn look_on(&mut self, index: usize, lines: &mut Vec<LogLine>) -> bool {
        let past = &mut self.pasts[index];
        let next = match past.next_ms(self.bytes) {
            Err(NotOpened::Rotating) => return false,
            Err(error) => {
                (self.unreadable)(&past.stored.name, &error);
                None
            }
            Ok(next) => next,
        };
        let ours = next.is_some_and(|next| self.next.peek().is_none_or(|other| (next, index) <= other.0));
        match next {
            Some(_) if past.is_within_a_line() || ours => return true,
            Some(at_ms) => self.next.push(Reverse((at_ms, index))),
            None => lines.extend(past.finish()),
        }
        past.trim(self.share);
        self.within = None;
        true
    }
}
