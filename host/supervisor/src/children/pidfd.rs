//! A file descriptor of a child that becomes readable when the child ends, and its registration, which is `unsafe`.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A pidfd on which a task can wait for the end of a child.
#[derive(Debug)]
pub(super) struct Pidfd(AsyncFd<OwnedFd>);

impl Pidfd {
    /// Opens the pidfd of a child that has not been reaped. Needs Linux 5.3 or later.
    pub(super) fn open(pid: Pid) -> io::Result<OwnedFd> {
        Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
    }

    /// Registers an opened pidfd. Must be called within the runtime.
    pub(super) fn watch(fd: OwnedFd) -> io::Result<Self> {
        // SAFETY: the descriptor must stay the same open file until it is deregistered. It is owned by the
        // AsyncFd, which deregisters before it drops it, and nothing here hands it out.
        #[expect(
            unsafe_code,
            reason = "tokio has no safe way to register a foreign descriptor; proved above"
        )]
        let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Self(registered?))
    }

    /// Resolves when the child has ended; it is then a zombie that still holds its pid.
    pub(super) async fn ended(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }
}
