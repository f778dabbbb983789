//! A file descriptor of a child that becomes readable when the child ends.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::watched::registered;

/// A pidfd on which a task can wait for the end of a child.
#[derive(Debug)]
pub(super) struct Pidfd(AsyncFd<Arc<OwnedFd>>);

impl Pidfd {
    /// Opens the pidfd of a child that has not been reaped. Needs Linux 5.3 or later.
    pub(super) fn open(pid: Pid) -> io::Result<OwnedFd> {
        Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
    }

    /// Registers an opened pidfd. Must be called within the runtime.
    pub(super) fn watch(fd: Arc<OwnedFd>) -> io::Result<Self> {
        registered(fd, Interest::READABLE).map(Self)
    }

    /// Returns the descriptor.
    pub(super) fn fd(&self) -> &OwnedFd {
        self.0.get_ref()
    }

    /// Resolves when the child has ended; it is then a zombie that still holds its pid.
    pub(super) async fn ended(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }
}
