//! The reading end of a child's output, a pipe or a terminal, without waiting; and this room's one `unsafe`.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::OFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How much is read at once.
pub(super) const READ_BYTES: usize = 64 << 10;

/// Something to read from as it comes.
#[derive(Debug)]
pub(super) struct Source(AsyncFd<Arc<OwnedFd>>);

impl Source {
    /// To be called on the thread that reads.
    pub(super) fn new(fd: Arc<OwnedFd>) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        // SAFETY: the descriptor must stay the same open file until it is deregistered. The AsyncFd holds a share of its
        // owner, which is never replaced, and deregisters before it drops it.
        #[expect(
            unsafe_code,
            reason = "tokio has no safe way to register a foreign descriptor; proved above"
        )]
        let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        Ok(Self(registered?))
    }

    /// Adds what comes; 0 at the end. Nothing is lost if it is dropped before it resolves.
    pub(super) async fn read(&self, pending: &mut Vec<u8>) -> io::Result<usize> {
        self.0.async_io(Interest::READABLE, |fd| read(fd, pending)).await
    }

    /// Adds what is there.
    pub(super) fn read_now(&self, pending: &mut Vec<u8>) -> io::Result<usize> {
        read(self.0.get_ref(), pending)
    }
}

/// A terminal whose other side is closed is at its end.
fn read(fd: &Arc<OwnedFd>, pending: &mut Vec<u8>) -> io::Result<usize> {
    pending.reserve(READ_BYTES);
    match rustix::io::read(fd, spare_capacity(pending)) {
        Err(rustix::io::Errno::IO) => Ok(0),
        read => Ok(read?),
    }
}
