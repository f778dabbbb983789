//! Descriptors whose readiness a task waits for, and their registration, which is `unsafe`.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor with the runtime that this is called within.
pub(crate) fn registered(fd: Arc<OwnedFd>, interest: Interest) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the descriptor must stay the same open file until it is deregistered. The AsyncFd holds a share of its
    // owner, which is never replaced, and deregisters before it drops it.
    #[expect(unsafe_code, reason = "tokio has no safe way to register a foreign descriptor; proved above")]
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(registered?)
}

/// A socket on which a task waits in both directions. After each wake-up it reads or writes until the kernel says that it would
/// block.
#[derive(Debug)]
pub(super) struct Socket(AsyncFd<Arc<OwnedFd>>);

impl Socket {
    /// Registers a socket that does not block.
    pub(super) fn new(fd: Arc<OwnedFd>) -> io::Result<Self> {
        registered(fd, Interest::READABLE | Interest::WRITABLE).map(Self)
    }

    /// Resolves when something may have arrived.
    pub(super) async fn readable(&self) -> io::Result<()> {
        // Cleared before the read, so that what arrives during it wakes the task again.
        self.0.readable().await.map(|mut ready| ready.clear_ready())
    }

    /// Resolves when there may be room.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.0.writable().await.map(|mut ready| ready.clear_ready())
    }
}
