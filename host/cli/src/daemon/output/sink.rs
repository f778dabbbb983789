//! Where an output writes to: one of the standard streams, or a file.

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::rotating::Rotating;

/// Where an output writes to.
#[derive(Debug)]
pub(crate) enum Sink {
    Stream(Stream),
    File(Rotating),
}

/// Why a stream will never take another line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nobody reads it any more.
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
        // To be asked while it is there: one that has been hung up is not known as a terminal any more.
        Self { fd, terminal: fd.is_terminal() }
    }

    pub(crate) fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Waits until the other end is gone. To be called on a thread of its own.
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
            // Whoever shares it with us has made it one that does not wait. This thread is there to wait.
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

    /// Whether an error means that nothing can ever be written again.
    pub(super) fn broken(&self, error: &io::Error) -> Option<Broken> {
        let Self::Stream(stream) = self else { return None };
        match error.raw_os_error().map(Errno::from_raw_os_error)? {
            Errno::IO | Errno::NXIO if stream.terminal => Some(Broken::Terminal),
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN | Errno::BADF => Some(Broken::Reader),
            _ => None,
        }
    }
}
