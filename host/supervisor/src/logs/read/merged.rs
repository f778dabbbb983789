//! The pasts of many processes, by time, in pieces, so that neither the number of lines nor that of the processes decides
//! how much is held at once.
//!
//! The lines of one process come in the order in which it wrote them, also when the clock was set back meanwhile; those of
//! different processes by time, as far as that allows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use super::format::WINDOW_BYTES;
use super::past::Past;
use crate::logs::disk::NotOpened;
use crate::logs::item::LogLine;

/// How much of the files of all processes together is held.
const HELD_BYTES_MAX: usize = 4 << 20;

/// About how much is read for one piece.
const PIECE_BYTES: usize = 256 << 10;

/// How many processes are looked at in one go: each costs some calls of the kernel.
const LOOKS_AT_ONCE: usize = 256;

/// Told of each process whose files cannot be read, by its name.
pub(crate) type Unreadable = Box<dyn FnMut(&str, &NotOpened) + Send>;

/// The past of several processes, by time.
pub(crate) struct Merged {
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
    unreadable: Unreadable,
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged").field("pasts", &self.pasts).finish_non_exhaustive()
    }
}

/// What came of one step.
#[derive(Debug)]
pub(crate) enum Step {
    /// Lines, and there may be more.
    Lines(Merged, Vec<LogLine>),
    /// Files are being shifted: try again soon.
    Later(Merged),
    /// That was all.
    End(Vec<LogLine>),
}

impl Merged {
    pub(crate) fn new(pasts: Vec<Past>, unreadable: Unreadable) -> Self {
        let share = HELD_BYTES_MAX / pasts.len().max(1);
        let bytes = share.clamp(4 << 10, WINDOW_BYTES);
        Self { pasts, begun: 0, next: BinaryHeap::new(), within: None, share, bytes, unreadable }
    }

    /// The next piece. It blocks.
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
            lines.extend(line);
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
            Err(error) => (self.unreadable)(&past.stored.name, &error),
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
        past.let_go(self.share);
        self.within = None;
        true
    }
}
