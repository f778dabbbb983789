//! The thread that moves output into gap files while no host is attached. It alone waits for disks. Output that nobody asked
//! to be moved, or that no longer fits, waits in its pipe, and its writer waits with it: nothing is lost.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use super::outlet::{Moved, Outlets};
use crate::machine::RESERVED;

/// The pause before a file that could not be written is tried again.
const RETRY: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The mark of the event that says that something else is wanted.
const WANTED: u64 = u64::MAX;

/// The number for no output.
const NONE: usize = usize::MAX;

/// The outlets of all slots, by their places. An output has the number of its place times two, plus one for standard error.
type Places = Vec<Option<Arc<Outlets>>>;

/// The loop's side of the thread. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Drain(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    places: Mutex<Places>,
    /// Whether output is to be moved.
    is_wanted: AtomicBool,
    /// Whether it is being moved.
    is_busy: AtomicBool,
    /// The number of the output out of which bytes are being moved at the moment, or [`NONE`].
    moving: AtomicUsize,
    /// Wakes the thread.
    wake: OwnedFd,
    /// Becomes readable when the thread has stopped moving.
    stopped: OwnedFd,
}

impl Drain {
    pub(super) fn new() -> Result<Self, Errno> {
        let flags = EventfdFlags::CLOEXEC;
        Ok(Self(Arc::new(Shared {
            places: Mutex::new(Vec::with_capacity(RESERVED)),
            is_wanted: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            moving: AtomicUsize::new(NONE),
            wake: eventfd(0, flags)?,
            stopped: eventfd(0, flags | EventfdFlags::NONBLOCK)?,
        })))
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for the outlets of this place.
    pub(super) fn reserve(&self, place: usize) -> Result<(), Errno> {
        let mut places = self.places();
        let wanted = place.saturating_add(1);
        let more = wanted.saturating_sub(places.len());
        places.try_reserve(more).map_err(|_| Errno::NOMEM)?;
        while places.len() < wanted {
            places.push(None);
        }
        Ok(())
    }

    /// Enters the outlets of a place, or removes them.
    pub(super) fn set(&self, place: usize, outlets: Option<Arc<Outlets>>) {
        if let Some(entry) = self.places().get_mut(place) {
            *entry = outlets;
        }
    }

    fn outlets(&self, place: usize) -> Option<Arc<Outlets>> {
        self.places().get(place).cloned().flatten()
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
        let count = self.places().len();
        (0..count).all(|place| self.outlets(place).is_none_or(|outlets| !outlets.is_left()))
    }

    /// Whether bytes of this output are on their way into its gap file, which may take as long as the disk does. Once moving
    /// is not wanted any more and this was false, the file does not grow.
    pub(super) fn is_moving(&self, place: usize, at: usize) -> bool {
        self.0.moving.load(Ordering::SeqCst) == place.saturating_mul(2).saturating_add(at)
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
                    number => has_failed |= !self.step(&epoll, usize::try_from(number).unwrap_or(NONE)),
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

    /// Watches all outputs out of which something can be moved. One that cannot be watched waits.
    fn watch(&self, epoll: &OwnedFd) {
        let count = self.places().len();
        for place in 0..count {
            let Some(outlets) = self.outlets(place) else { continue };
            for at in (0..2).filter(|at| outlets.can_move(*at)) {
                if let Some(from) = outlets.from(at) {
                    let number = (place * 2 + at) as u64;
                    let _ = epoll::add(epoll, from, EventData::new_u64(number), EventFlags::IN);
                }
            }
        }
    }

    /// Moves some of an output; returns false if its file could not be written. It is not watched any more then.
    fn step(&self, epoll: &OwnedFd, number: usize) -> bool {
        let (place, at) = (number / 2, number % 2);
        let Some(outlets) = self.outlets(place) else { return true };
        // Said before the look: either the loop sees that it is being moved, or this thread sees that it is not wanted.
        self.0.moving.store(number, Ordering::SeqCst);
        let moved = if self.is_wanted() { outlets.step(at) } else { Ok(Moved::Some) };
        self.0.moving.store(NONE, Ordering::SeqCst);
        if let Some(from) = outlets.from(at).filter(|_| !matches!(moved, Ok(Moved::Some | Moved::Nothing))) {
            let _ = epoll::delete(epoll, from);
        }
        moved.is_ok()
    }
}
