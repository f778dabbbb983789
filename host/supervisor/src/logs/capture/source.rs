//! Where a child's output is read, without waiting and in three steps: look at what is there, have it written, take it out.
//! What was looked at and not written stays where it is, and whoever holds the pipe next finds it there.
//!
//! Only a pipe can be looked at. What comes out of a terminal is gone from it once it was read, so it is taken
//! into memory first, as a pipe of ours, and the same three steps are done there.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::OFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::peek::{Glass, capacity, set_capacity};

/// How much is held at most of what cannot be looked at, and the size of an ordinary pipe.
pub(crate) const HELD_BYTES_MAX: usize = 64 << 10;

/// How large the pipe of a child becomes that fills it.
const GROWN_BYTES: usize = 512 << 10;

/// How many pipes may be that large at the same time. A user has 64 MiB for pipes, and beyond those new pipes are tiny.
const GROWN_MAX: usize = 32;

/// Something to read from as it comes.
#[derive(Debug)]
pub(crate) struct Source {
    /// None once it is read no more.
    fd: Option<Arc<OwnedFd>>,
    /// None while nothing is waited for: whoever writes a line to a pipe that is waited for wakes the thread that reads.
    waited: Option<AsyncFd<Arc<OwnedFd>>>,
    from: From,
}

/// What is read from.
#[derive(Debug)]
enum From {
    Pipe {
        glass: Glass,
        capacity: usize,
        grown: Option<Arc<()>>,
    },
    /// What was taken out of a terminal and has not been written.
    Held(Vec<u8>),
}

/// What there is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// So many bytes.
    Bytes(usize),
    /// No more than was known, and no more will come.
    End,
}

impl Source {
    /// To be called on the thread that reads.
    pub(crate) fn new(fd: Arc<OwnedFd>, glass: Glass) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        let from = match capacity(&fd) {
            Ok(capacity) => From::Pipe { glass, capacity, grown: None },
            Err(_) => From::Held(Vec::new()),
        };
        let waited = Some(registered(fd.clone())?);
        Ok(Self { fd: Some(fd), waited, from })
    }

    /// Resolves when there is more than the `known` bytes, or the end of it. What is there is then in `seen`, and still where
    /// it was. Nothing is lost if it is dropped before it resolves.
    pub(crate) async fn look(&mut self, known: usize, seen: &mut Vec<u8>) -> io::Result<Sight> {
        loop {
            let Some(fd) = &self.fd else { return Ok(Sight::End) };
            let waited = match &mut self.waited {
                Some(waited) => waited,
                none => none.insert(registered(fd.clone())?),
            };
            let mut ready = waited.readable().await?;
            // Asked before the look: what was written before the last writer went is seen by it.
            let closed = ready.ready().is_read_closed();
            match self.from.look(fd, known, seen) {
                Ok(Sight::Bytes(bytes)) if bytes > known => return Ok(Sight::Bytes(bytes)),
                Ok(Sight::End) => return Ok(Sight::End),
                Ok(Sight::Bytes(_)) if closed => return Ok(Sight::End),
                Ok(Sight::Bytes(_)) => ready.clear_ready(),
                Err(error) => return Err(error),
            }
        }
    }

    /// What is there at this moment.
    pub(crate) fn look_now(&mut self, seen: &mut Vec<u8>) -> io::Result<usize> {
        let there = match &self.fd {
            Some(fd) => self.from.look(fd, 0, seen)?,
            None => self.from.again(seen),
        };
        Ok(if let Sight::Bytes(bytes) = there { bytes } else { 0 })
    }

    /// Takes out the first `bytes` bytes of what was looked at.
    pub(crate) fn take(&mut self, bytes: usize) -> io::Result<()> {
        match (&mut self.from, &self.fd) {
            (From::Pipe { glass, .. }, Some(fd)) => glass.take(fd, bytes),
            (From::Pipe { .. }, None) => Ok(()),
            (From::Held(held), _) => {
                held.drain(..bytes.min(held.len()));
                Ok(())
            }
        }
    }

    /// Lets go of the pipe or terminal, with what is in it at this moment taken into memory. Whoever still writes to it is
    /// told that nobody reads any more.
    pub(crate) fn let_go(&mut self) {
        let mut held = Vec::new();
        // If there is nothing to be had, there is nothing.
        let _ = self.look_now(&mut held);
        self.from = From::Held(held);
        (self.fd, self.waited) = (None, None);
    }

    /// Waits for it no more, until the next [`Source::look`].
    pub(crate) fn rest(&mut self) {
        self.waited = None;
    }

    /// The pipe, if it is one.
    pub(crate) fn pipe(&self) -> Option<&Arc<OwnedFd>> {
        self.fd.as_ref().filter(|_| matches!(self.from, From::Pipe { .. }))
    }

    /// How much fits into it.
    pub(crate) fn capacity(&self) -> usize {
        match &self.from {
            From::Pipe { capacity, .. } => *capacity,
            From::Held(_) => HELD_BYTES_MAX,
        }
    }

    /// Has the pipe been made larger?
    pub(crate) fn is_large(&self) -> bool {
        self.capacity() > HELD_BYTES_MAX
    }

    /// Makes the pipe larger, if the `budget` of all pipes allows it.
    pub(crate) fn grow(&mut self, budget: &Arc<()>) {
        let (From::Pipe { capacity, grown, .. }, Some(fd)) = (&mut self.from, &self.fd) else { return };
        if *capacity >= GROWN_BYTES || grown.is_some() || Arc::strong_count(budget) > GROWN_MAX {
            return;
        }
        // Tried once: what the kernel refuses now it will refuse again.
        *grown = Some(budget.clone());
        if let Ok(bytes) = set_capacity(fd, GROWN_BYTES) {
            *capacity = bytes;
        }
    }
}

impl From {
    /// Puts what is there into `seen`, if it is more than `known`.
    fn look(&mut self, fd: &OwnedFd, known: usize, seen: &mut Vec<u8>) -> io::Result<Sight> {
        match self {
            Self::Pipe { glass, .. } => {
                let there = usize::try_from(rustix::io::ioctl_fionread(fd)?).unwrap_or(usize::MAX);
                if there <= known {
                    return Ok(Sight::Bytes(there));
                }
                seen.reserve(there);
                match glass.look(fd, seen) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Sight::Bytes(0)),
                    other => other.map(Sight::Bytes),
                }
            }
            Self::Held(held) => {
                let mut ended = false;
                while held.len() < HELD_BYTES_MAX && !ended {
                    held.reserve(HELD_BYTES_MAX - held.len());
                    match rustix::io::read(fd, spare_capacity(held)) {
                        // A terminal whose other side is closed is at its end.
                        Ok(0) | Err(rustix::io::Errno::IO) => ended = true,
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(rustix::io::Errno::AGAIN) => break,
                        Err(error) => return Err(error.into()),
                    }
                }
                if held.len() <= known {
                    return Ok(if ended { Sight::End } else { Sight::Bytes(held.len()) });
                }
                Ok(self.again(seen))
            }
        }
    }

    /// What was taken into memory.
    fn again(&self, seen: &mut Vec<u8>) -> Sight {
        let Self::Held(held) = self else { return Sight::End };
        seen.extend_from_slice(held);
        Sight::Bytes(held.len())
    }
}

/// Registers a descriptor with the runtime of the thread that reads.
pub(crate) fn registered(fd: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the descriptor must stay the same open file until it is deregistered. The AsyncFd holds a share of its
    // owner, which is never replaced, and deregisters before it drops it.
    #[expect(unsafe_code, reason = "tokio has no safe way to register a foreign descriptor; proved above")]
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    Ok(registered?)
}
