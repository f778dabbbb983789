//! The destinations of an output: one of the standard streams, or a file.

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::rotating::Rotating;

/// The destination of an output.
#[derive(Debug)]
pub(crate) enum Sink {
    Stream(Stream),
    File(Rotating),
}

/// The reason why a stream will never accept another line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Its reader is gone.
    Reader,
    /// The terminal is gone.
    Terminal,
}

/// A standard stream of the host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    fd: BorrowedFd<'static>,
    terminal: bool,
}

impl Stream {
    pub(crate) fn stdout() -> Self {
        Self::of(rustix::stdio::stdout())
    }

    pub(crate) fn stderr() -> Self {
        Self::of(rustix::stdio::stderr())
    }

    fn of(fd: BorrowedFd<'static>) -> Self {
        // Asked now, because a terminal that has been hung up is no longer recognised as one.
        Self { fd, terminal: fd.is_terminal() }
    }

    pub(crate) fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Blocks until the other end is gone. Must be called on a separate thread.
    pub(crate) fn wait_until_gone(self) {
        loop {
            let mut watched = [PollFd::from_borrowed_fd(self.fd, PollFlags::empty())];
            match poll(&mut watched, None) {
                Err(Errno::INTR) => {}
                _ => return,
            }
        }
    }

    fn write(self, bytes: &[u8]) -> io::Result<usize> {
        fail::fail_point!("stream.write", |error| Err(io::Error::from_raw_os_error(
            error.and_then(|error| error.parse().ok()).unwrap_or(libc::EIO)
        )));
        match rustix::io::write(self.fd, bytes) {
            // A process that shares the stream has made it non-blocking. This thread may wait.
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::from_borrowed_fd(self.fd, PollFlags::OUT)], None)?;
                Ok(0)
            }
            other => Ok(other?),
        }
    }
}

impl Sink {
    /// Writes some of the bytes. `begun` says that they are the rest of a line.
    pub(super) fn write(&mut self, bytes: &[u8], begun: bool) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.write(bytes),
            Self::File(file) => file.write(bytes, begun),
        }
    }

    /// Returns why the destination is broken, if an error means that nothing can ever be written again.
    pub(super) fn broken(&self, error: &io::Error) -> Option<Broken> {
        let Self::Stream(stream) = self else { return None };
        match error.raw_os_error().map(Errno::from_raw_os_error)? {
            Errno::IO | Errno::NXIO if stream.terminal => Some(Broken::Terminal),
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::BADF => Some(Broken::Reader),
            _ => None,
        }
    }
}
