//! A file descriptor of a child that becomes readable when the child ends, and the registration of it, which is `unsafe`.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The end of a child as something to wait for.
#[derive(Debug)]
pub(super) struct Pidfd(AsyncFd<OwnedFd>);

impl Pidfd {
    /// That of a child that has not been reaped. Needs Linux 5.3 or later.
    pub(super) fn open(pid: Pid) -> io::Result<OwnedFd> {
        Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
    }

    /// Makes an opened one something to wait for. To be called within the runtime.
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
