//! The thread that moves output into gap files while no host is attached. It alone waits for disks. Output that nobody asked
//! to be moved, or that no longer fits, waits in its pipe, and its writer waits with it: nothing is lost.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use super::outlet::{Moved, Outlet};
use crate::machine::RESERVED;

/// The pause before a file that could not be written is tried again.
const RETRY: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The mark of the event that says that something else is wanted.
const WANTED: u64 = u64::MAX;

/// The outlets of all slots: two for each place.
type Outlets = Vec<Option<Arc<Outlet>>>;

/// The loop's side of the thread. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Drain(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    outlets: Mutex<Outlets>,
    /// Whether output is to be moved.
    is_wanted: AtomicBool,
    /// Whether it is being moved.
    is_busy: AtomicBool,
    /// Wakes the thread.
    wake: OwnedFd,
    /// Becomes readable when the thread has stopped moving.
    stopped: OwnedFd,
}

impl Drain {
    pub(super) fn new() -> Result<Self, Errno> {
        let flags = EventfdFlags::CLOEXEC;
        Ok(Self(Arc::new(Shared {
            outlets: Mutex::new(Vec::with_capacity(2 * RESERVED)),
            is_wanted: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            wake: eventfd(0, flags)?,
            stopped: eventfd(0, flags | EventfdFlags::NONBLOCK)?,
        })))
    }

    fn outlets(&self) -> MutexGuard<'_, Outlets> {
        self.0.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for the outlets of this place.
    pub(super) fn reserve(&self, place: usize) -> Result<(), Errno> {
        let mut outlets = self.outlets();
        let wanted = place.saturating_add(1).saturating_mul(2);
        let more = wanted.saturating_sub(outlets.len());
        outlets.try_reserve(more).map_err(|_| Errno::NOMEM)?;
        while outlets.len() < wanted {
            outlets.push(None);
        }
        Ok(())
    }

    /// Enters the outlets of a place, or removes them.
    pub(super) fn set(&self, place: usize, both: [Option<Arc<Outlet>>; 2]) {
        let mut outlets = self.outlets();
        for (at, outlet) in (place * 2..).zip(both) {
            if let Some(entry) = outlets.get_mut(at) {
                *entry = outlet;
            }
        }
    }

    fn outlet(&self, at: usize) -> Option<Arc<Outlet>> {
        self.outlets().get(at).cloned().flatten()
    }

    /// Asks for moving, or for its end. Returns whether nothing is being moved now.
    pub(super) fn want(&self, on: bool) -> bool {
        self.0.is_wanted.store(on, Ordering::SeqCst);
        // The counter cannot overflow, so this does not block.
        let _ = rustix::io::write(&self.0.wake, &1_u64.to_ne_bytes());
        !self.0.is_busy.load(Ordering::SeqCst)
    }

    /// Whether output is being moved now, which may wait for a disk.
    pub(super) fn is_busy(&self) -> bool {
        self.0.is_busy.load(Ordering::SeqCst)
    }

    /// Whether nothing is left that can be moved.
    pub(super) fn is_drained(&self) -> bool {
        let count = self.outlets().len();
        (0..count).all(|at| self.outlet(at).is_none_or(|outlet| !outlet.is_left()))
    }

    /// Returns what becomes readable when moving has come to an end.
    pub(super) fn stopped(&self) -> BorrowedFd<'_> {
        self.0.stopped.as_fd()
    }

    /// Whether it has come to an end since the last call.
    pub(super) fn has_stopped(&self) -> bool {
        let read = rustix::io::read(&self.0.stopped, &mut [0; 8]).is_ok();
        read && !self.0.is_busy.load(Ordering::SeqCst)
    }

    /// Moves output whenever it is wanted. Runs on a thread of its own, for ever.
    pub(super) fn run(&self) {
        loop {
            let _ = rustix::io::read(&self.0.wake, &mut [0; 8]);
            // Busy before the look: either the loop sees that, or this thread sees what the loop wants.
            self.0.is_busy.store(true, Ordering::SeqCst);
            while self.is_wanted() {
                // Without a descriptor or memory for it, everything waits in its pipe.
                if self.session().is_err() {
                    self.pause();
                }
            }
            self.0.is_busy.store(false, Ordering::SeqCst);
            let _ = rustix::io::write(&self.0.stopped, &1_u64.to_ne_bytes());
        }
    }

    fn is_wanted(&self) -> bool {
        self.0.is_wanted.load(Ordering::SeqCst)
    }

    /// Waits a little, or until something else is wanted.
    fn pause(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        let _ = poll(&mut [PollFd::new(&self.0.wake, PollFlags::IN)], Some(&RETRY));
    }

    /// Moves output until something else is wanted.
    fn session(&self) -> Result<(), Errno> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &self.0.wake, EventData::new_u64(WANTED), EventFlags::IN)?;
        let mut events: [Event; 64] = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 64];
        self.watch(&epoll);
        let (mut has_failed, mut rounds) = (false, 0_u32);
        while self.is_wanted() {
            let timeout = has_failed.then_some(&RETRY);
            let count = epoll::wait(&epoll, &mut events[..], timeout).or_else(|error| match error {
                Errno::INTR => Ok(0),
                other => Err(other),
            })?;
            for event in events.iter().take(count) {
                match event.data.u64() {
                    WANTED => drop(rustix::io::read(&self.0.wake, &mut [0; 8])),
                    at => has_failed |= !self.step(&epoll, usize::try_from(at).unwrap_or(usize::MAX)),
                }
            }
            rounds = rounds.wrapping_add(1);
            if has_failed && (count == 0 || rounds.is_multiple_of(1024)) {
                // What could not be written (on a full disk) is tried again.
                has_failed = false;
                self.watch(&epoll);
            }
        }
        Ok(())
    }

    /// Watches all outlets out of which something can be moved. One that cannot be watched waits.
    fn watch(&self, epoll: &OwnedFd) {
        let count = self.outlets().len();
        for at in 0..count {
            if let Some(outlet) = self.outlet(at).filter(|outlet| outlet.can_move()) {
                let _ = epoll::add(epoll, outlet.from(), EventData::new_u64(at as u64), EventFlags::IN);
            }
        }
    }

    /// Moves some output; returns false if its file could not be written. It is not watched any more then.
    fn step(&self, epoll: &OwnedFd, at: usize) -> bool {
        let Some(outlet) = self.outlet(at).filter(|_| self.is_wanted()) else { return true };
        let moved = outlet.step();
        if !matches!(moved, Ok(Moved::Some | Moved::Nothing)) {
            let _ = epoll::delete(epoll, outlet.from());
        }
        moved.is_ok()
    }
}
