//! A lease on a busy pipe: the thread that writes its lines keeps the pipe for a while. It peeks, writes and takes
//! repeatedly without going back to the reading thread, as each way there and back costs two thread switches. The lease
//! ends when somebody else waits for the turn, when the pipe is quiet, and after 100 ms in any case.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use provost_state::Incarnation;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::pause::{LONG_NS, SHORT_NS};
use super::peek::Peeker;
use crate::clock::{figure_ns, wall_ms};
use crate::jobs::Lane;
use crate::logs::item::LogStream;
use crate::logs::ledger::{Claim, Entry, Origin};
use crate::logs::process::{ProcessLog, Written};
use crate::logs::write::batch::{Batch, End};

/// The longest duration of a lease, not counting its last write.
const LEASE_NS: u64 = 100_000_000;

/// The number of looks in a row without a whole line after which the pipe is quiet.
const QUIET_LOOKS: u32 = 4;

/// The longest wait for more data after the pipe was at least half full.
const NEXT_NS: u64 = 1_000_000;

/// The count at which a pipe is enlarged: eight looks in succession that found it a quarter full.
const BUSY: u32 = 16;

/// The state of a pipe that the reading thread and the writing thread share.
#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<SharedState>);

#[derive(Debug, Default)]
pub(crate) struct SharedState {
    /// The number of bytes that are being written and are to be taken out of the pipe afterwards.
    pub(crate) taking: usize,
    /// Rises with each look that finds the pipe at least a quarter full, and falls with each other one.
    busy: u32,
    /// Whether the writing thread must not touch the pipe any more.
    pub(crate) over: bool,
}

impl SharedState {
    /// Counts a look. A pipe is busy if more than a third of its last looks found it a quarter full.
    pub(crate) fn looked(&mut self, was_filled: bool) {
        self.busy = if was_filled { self.busy.saturating_add(2) } else { self.busy.saturating_sub(1) };
    }

    /// Whether the pipe was filled often enough in succession to be enlarged.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy >= BUSY
    }
}

impl Shared {
    /// Locks the state. No holder blocks: peeking into a pipe and taking out of it return at once.
    pub(crate) fn lock(&self) -> MutexGuard<'_, SharedState> {
        self.0.lock()
    }
}

/// The share of the reading thread: once it is dropped, the writing thread does not touch the pipe any more.
#[derive(Debug, Default)]
pub(crate) struct Owner(pub(crate) Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().over = true;
    }
}

/// What the writing thread needs to continue alone.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) pipe: Arc<OwnedFd>,
    pub(crate) capacity: usize,
    pub(crate) peeker: Peeker,
    pub(crate) shared: Arc<Shared>,
    pub(crate) lane: Lane,
    /// The place of this output in the ledger.
    pub(crate) entry: Option<Arc<Entry>>,
    pub(crate) incarnation: Incarnation,
    pub(crate) stream: LogStream,
    /// The number of bytes that the last look found.
    pub(crate) seen: usize,
}

impl Lease {
    /// Writes `batch` and then whatever arrives, until the lease ends. The bytes of the last batch are still in the
    /// pipe if [`SharedState::taking`] is not 0. Blocks for as long as the disk takes.
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
            let claim = self.entry.clone().map(|entry| Claim { entry, origin: Origin::Pipe });
            batch = Batch { stream: self.stream, at_ms: wall_ms(), bytes: room, end: End::Whole, claim };
        }
    }

    /// Takes the written bytes out of the pipe; false if that is left to the reading thread.
    fn take(&self) -> bool {
        let mut state = self.shared.lock();
        if state.over || self.peeker.take(&self.pipe, state.taking).is_err() {
            return false;
        }
        state.taking = 0;
        drop(state);
        if let Some(entry) = &self.entry {
            entry.taken();
        }
        true
    }

    /// Waits for whole lines and puts them into `room`; false if the lease is over.
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

    /// Lets lines accumulate, or waits for the next ones if they arrive in large pieces.
    fn wait(&self) {
        let ns = match self.seen {
            seen if seen >= self.capacity / 2 => {
                let next = Timespec { tv_sec: 0, tv_nsec: NEXT_NS.cast_signed() };
                // If `poll` fails, the next looks find nothing and the pipe counts as quiet.
                let _ = poll(&mut [PollFd::from_borrowed_fd(self.pipe.as_fd(), PollFlags::IN)], Some(&next));
                return;
            }
            seen if self.capacity > super::source::HELD_BYTES_MAX && seen < self.capacity / 4 => LONG_NS,
            _ => SHORT_NS,
        };
        // Nothing unparks this thread, and an early wake-up would do no harm.
        std::thread::park_timeout(Duration::from_nanos(ns));
    }

    /// Puts the available whole lines into `room` and returns their length; `None` if the rest is left to the reading
    /// thread.
    fn look(&mut self, room: &mut Vec<u8>) -> Option<usize> {
        let mut state = self.shared.lock();
        if state.over {
            return None;
        }
        let there = usize::try_from(rustix::io::ioctl_fionread(&self.pipe).ok()?).ok()?;
        self.seen = there;
        if there == 0 {
            return Some(0);
        }
        room.clear();
        room.reserve(there);
        self.seen = self.peeker.look(&self.pipe, room).ok()?;
        state.looked(self.seen >= self.capacity / 4);
        let Some(end) = memchr::memrchr(b'\n', room) else {
            // Only the reading thread hands on a part of a long line.
            return (self.seen < self.capacity / 4).then_some(0);
        };
        room.truncate(end + 1);
        state.taking = end + 1;
        Some(end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_busy_when_it_was_filled_several_times_in_succession_and_not_when_it_is_filled_now_and_then()
    {
        let mut flooded = SharedState::default();
        (0..7).for_each(|_| flooded.looked(true));
        assert!(!flooded.is_busy());
        flooded.looked(true);
        assert!(flooded.is_busy());
        let mut quiet = SharedState::default();
        for look in 0..10_000 {
            quiet.looked(look % 10 == 0);
        }
        assert!(!quiet.is_busy());
    }
}
