//! A source of output, read without blocking in three steps: look at its content, have it written, take it out. Bytes
//! that were looked at but not written stay in the pipe, and its next reader finds them there.
//!
//! Only a pipe can be peeked into. Reading a terminal removes the bytes from it, so they go to a buffer in memory
//! first, on which the same three steps work.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::OFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::growth::{Grown, Growth};
use super::peek::{Peeker, capacity, set_capacity};
use crate::children::watched::registered;

/// The most bytes that are buffered of a source that cannot be peeked into, and the capacity of an ordinary pipe.
pub(crate) const HELD_BYTES_MAX: usize = 64 << 10;

/// A pipe or terminal that is read as output arrives.
#[derive(Debug)]
pub(crate) struct Source {
    /// `None` once it is no longer read.
    fd: Option<Arc<OwnedFd>>,
    /// `None` while it is not polled: a write to a polled pipe wakes the reading thread.
    waited: Option<AsyncFd<Arc<OwnedFd>>>,
    from: From,
}

/// The kind of source.
#[derive(Debug)]
enum From {
    Pipe {
        peeker: Peeker,
        capacity: usize,
        /// Its share in the budget, once it is enlarged.
        grown: Option<Grown>,
    },
    /// The bytes that were read from a terminal and not yet written.
    Held(Vec<u8>),
}

/// The result of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The number of bytes available.
    Bytes(usize),
    /// The end: nothing new, and no more will come.
    End,
}

impl Source {
    /// Prepares a descriptor for reading. Must be called on the reading thread.
    pub(crate) fn new(fd: Arc<OwnedFd>, peeker: Peeker, growth: &Growth) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        let from = match capacity(&fd) {
            Ok(capacity) => {
                let grown = (capacity > HELD_BYTES_MAX).then(|| growth.count());
                From::Pipe { peeker, capacity, grown }
            }
            Err(_) => From::Held(Vec::new()),
        };
        let waited = Some(registered(fd.clone(), Interest::READABLE)?);
        Ok(Self { fd: Some(fd), waited, from })
    }

    /// Resolves when there are more than the `known` bytes, or at the end. The bytes are then in `seen`, and still in
    /// the source. It is cancel-safe.
    pub(crate) async fn look(&mut self, known: usize, seen: &mut Vec<u8>) -> io::Result<Sight> {
        loop {
            let Some(fd) = &self.fd else { return Ok(Sight::End) };
            let waited = match &mut self.waited {
                Some(waited) => waited,
                none => none.insert(registered(fd.clone(), Interest::READABLE)?),
            };
            let mut ready = waited.readable().await?;
            // Checked before the look, so that the look sees everything that the last writer wrote.
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

    /// Looks at what is available at this moment.
    pub(crate) fn look_now(&mut self, seen: &mut Vec<u8>) -> io::Result<usize> {
        let there = match &self.fd {
            Some(fd) => self.from.look(fd, 0, seen)?,
            None => self.from.again(seen),
        };
        Ok(if let Sight::Bytes(bytes) = there { bytes } else { 0 })
    }

    /// Removes the first `bytes` bytes of what was looked at.
    pub(crate) fn take(&mut self, bytes: usize) -> io::Result<()> {
        match (&mut self.from, &self.fd) {
            (From::Pipe { peeker, .. }, Some(fd)) => peeker.take(fd, bytes),
            (From::Pipe { .. }, None) => Ok(()),
            (From::Held(held), _) => {
                held.drain(..bytes.min(held.len()));
                Ok(())
            }
        }
    }

    /// Closes the pipe or terminal after copying its present content into memory. Writes to it then fail.
    pub(crate) fn detach(&mut self) {
        let mut held = Vec::new();
        // If the look fails, nothing is kept.
        let _ = self.look_now(&mut held);
        self.from = From::Held(held);
        (self.fd, self.waited) = (None, None);
    }

    /// Stops polling it until the next [`Source::look`].
    pub(crate) fn rest(&mut self) {
        self.waited = None;
    }

    /// Returns the descriptor, if it is a pipe.
    pub(crate) fn pipe(&self) -> Option<&Arc<OwnedFd>> {
        self.fd.as_ref().filter(|_| matches!(self.from, From::Pipe { .. }))
    }

    /// Returns its capacity in bytes.
    pub(crate) fn capacity(&self) -> usize {
        match &self.from {
            From::Pipe { capacity, .. } => *capacity,
            From::Held(_) => HELD_BYTES_MAX,
        }
    }

    /// Returns true if the pipe was enlarged.
    pub(crate) fn is_large(&self) -> bool {
        self.capacity() > HELD_BYTES_MAX
    }

    /// Enlarges the pipe, if the budget of all pipes allows it.
    pub(crate) fn grow(&mut self, growth: &Growth) {
        let (From::Pipe { capacity, grown, .. }, Some(fd)) = (&mut self.from, &self.fd) else { return };
        if *capacity >= growth.bytes() || grown.is_some() {
            return;
        }
        // Tried once: the kernel would refuse again.
        *grown = growth.take();
        if grown.is_some()
            && let Ok(bytes) = set_capacity(fd, growth.bytes())
        {
            *capacity = bytes;
        }
    }
}

impl From {
    /// Copies the available bytes into `seen`, if they are more than `known`.
    fn look(&mut self, fd: &OwnedFd, known: usize, seen: &mut Vec<u8>) -> io::Result<Sight> {
        match self {
            Self::Pipe { peeker, .. } => {
                let there = usize::try_from(rustix::io::ioctl_fionread(fd)?).unwrap_or(usize::MAX);
                if there <= known {
                    return Ok(Sight::Bytes(there));
                }
                seen.reserve(there);
                match peeker.look(fd, seen) {
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

    /// Copies the bytes in memory into `seen`.
    fn again(&self, seen: &mut Vec<u8>) -> Sight {
        let Self::Held(held) = self else { return Sight::End };
        seen.extend_from_slice(held);
        Sight::Bytes(held.len())
    }
}
