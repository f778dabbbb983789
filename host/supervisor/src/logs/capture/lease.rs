//! A lease: while a pipe is busy, the thread that writes its lines keeps the pipe for a while. It looks, writes and takes again and
//! again without going back to the thread that reads, as each way there and back costs two changes of thread. It ends when
//! somebody else waits for the turn, when the pipe is quiet, and after a tenth of a second in any case.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use provost_state::Incarnation;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::pause::{LONG_NS, SHORT_NS};
use super::peek::Glass;
use crate::clock::{figure_ns, wall_ms};
use crate::jobs::Lane;
use crate::logs::item::LogStream;
use crate::logs::process::{ProcessLog, Written};
use crate::logs::write::batch::{Batch, End};

/// How long a lease lasts at most, beside its last write.
const LEASE_NS: u64 = 100_000_000;

/// After so many looks in a row without a whole line the pipe is quiet.
const QUIET_LOOKS: u32 = 4;

/// How long is waited at most for what comes after a pipe was rather full.
const NEXT_NS: u64 = 1_000_000;

/// What the thread that reads and the thread that writes know of a pipe in common.
#[derive(Debug, Default)]
pub(crate) struct Hand(Mutex<Held>);

#[derive(Debug, Default)]
pub(crate) struct Held {
    /// How many bytes are being written that are to be taken out of the pipe then.
    pub(crate) taking: usize,
    /// How many looks have found the pipe at least a quarter full.
    pub(crate) busy: u32,
    /// Who writes must not touch the pipe any more.
    pub(crate) over: bool,
}

impl Hand {
    /// Nobody waits while holding it: looking into a pipe and taking out of it do not block.
    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock()
    }
}

/// The hand of the thread that reads: when it is gone, the pipe is not touched by who writes.
#[derive(Debug, Default)]
pub(crate) struct Owner(pub(crate) Arc<Hand>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.held().over = true;
    }
}

/// What who writes needs to go on by himself.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) pipe: Arc<OwnedFd>,
    pub(crate) capacity: usize,
    pub(crate) glass: Glass,
    pub(crate) hand: Arc<Hand>,
    pub(crate) lane: Lane,
    pub(crate) incarnation: Incarnation,
    pub(crate) stream: LogStream,
    /// How much the look found that led to the first batch.
    pub(crate) seen: usize,
}

impl Lease {
    /// Writes `batch` and then what comes, for a while. The bytes of the last batch are still to be taken out, if
    /// there are any in [`Held::taking`]. It blocks for as long as the disk takes.
    pub(crate) fn run(mut self, log: &ProcessLog, mut batch: Batch) -> Written {
        let until = figure_ns().saturating_add(LEASE_NS);
        loop {
            let mut room = match log.write(batch) {
                Written::Done(room) => room,
                not_yet @ Written::NotYet(_) => return not_yet,
            };
            if !self.take() || !self.next(log, &mut room, until) {
                room.clear();
                return Written::Done(room);
            }
            log.watch_for(self.incarnation, self.stream, &room);
            batch = Batch { stream: self.stream, at_ms: wall_ms(), bytes: room, end: End::Whole };
        }
    }

    /// Takes out what was written. If that is not possible, it is left to the thread that reads.
    fn take(&self) -> bool {
        let mut held = self.hand.held();
        if held.over || self.glass.take(&self.pipe, held.taking).is_err() {
            return false;
        }
        held.taking = 0;
        true
    }

    /// Waits for whole lines, which are to be written next. False if the lease is over.
    fn next(&mut self, log: &ProcessLog, room: &mut Vec<u8>, until: u64) -> bool {
        for _ in 0..QUIET_LOOKS {
            if self.is_over(log, until) {
                return false;
            }
            self.wait();
            if self.is_over(log, until) {
                return false;
            }
            match self.look(room) {
                Some(0) => {}
                Some(_) => return true,
                None => return false,
            }
        }
        false
    }

    fn is_over(&self, log: &ProcessLog, until: u64) -> bool {
        self.lane.is_wanted() || log.is_wanted(self.stream) || figure_ns() >= until
    }

    /// Lets some lines come together, or waits for the next ones if they come in large pieces.
    fn wait(&self) {
        let ns = match self.seen {
            seen if seen >= self.capacity / 2 => {
                let next = Timespec { tv_sec: 0, tv_nsec: NEXT_NS.cast_signed() };
                // If it cannot be waited for, the next look finds nothing, and in the end the pipe is quiet.
                let _ = poll(&mut [PollFd::from_borrowed_fd(self.pipe.as_fd(), PollFlags::IN)], Some(&next));
                return;
            }
            seen if self.capacity > super::source::HELD_BYTES_MAX && seen < self.capacity / 4 => LONG_NS,
            _ => SHORT_NS,
        };
        // Nobody wakes it; and if somebody did, the next look would only be early.
        std::thread::park_timeout(Duration::from_nanos(ns));
    }

    /// Puts the whole lines that are there into `room`; how many bytes that is. None if it is left to the thread that reads.
    fn look(&mut self, room: &mut Vec<u8>) -> Option<usize> {
        let mut held = self.hand.held();
        if held.over {
            return None;
        }
        let there = usize::try_from(rustix::io::ioctl_fionread(&self.pipe).ok()?).ok()?;
        self.seen = there;
        if there == 0 {
            return Some(0);
        }
        room.clear();
        room.reserve(there);
        self.seen = self.glass.look(&self.pipe, room).ok()?;
        if self.seen >= self.capacity / 4 {
            held.busy = held.busy.saturating_add(1);
        }
        let Some(end) = memchr::memrchr(b'\n', room) else {
            // Of a long line only the thread that reads hands on a part.
            return (self.seen < self.capacity / 4).then_some(0);
        };
        room.truncate(end + 1);
        held.taking = end + 1;
        Some(end + 1)
    }
}
