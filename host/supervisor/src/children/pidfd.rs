//! A file descriptor of a child that becomes readable when the child ends.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use super::watched::registered;

/// The pause between two looks at a descriptor that cannot be watched.
const LOOK: Duration = Duration::from_millis(20);

/// A pidfd on which a task can wait for the end of a child.
#[derive(Debug)]
pub(super) enum Pidfd {
    /// The runtime tells when it becomes readable.
    Watched(AsyncFd<Arc<OwnedFd>>),
    /// The runtime could not register it, so it is looked at again and again.
    Unwatched(Arc<OwnedFd>),
}

impl Pidfd {
    /// Opens the pidfd of a child that has not been reaped. Needs Linux 5.3 or later.
    pub(super) fn open(pid: Pid) -> io::Result<OwnedFd> {
        Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
    }

    /// Registers an opened pidfd. Must be called within the runtime. A lack of memory or of the user's watches is logged, and costs
    /// nothing but the time of the looks.
    pub(super) fn watch(fd: Arc<OwnedFd>) -> Self {
        match registered(fd.clone(), Interest::READABLE) {
            Ok(watched) => Self::Watched(watched),
            Err(error) => {
                tracing::error!(%error, "the end of a process cannot be watched for, and is looked for instead");
                Self::Unwatched(fd)
            }
        }
    }

    /// Returns the descriptor.
    pub(super) fn fd(&self) -> &OwnedFd {
        match self {
            Self::Watched(watched) => watched.get_ref(),
            Self::Unwatched(fd) => fd,
        }
    }

    /// Resolves when the child has ended; it is then a zombie that still holds its pid, or another parent has reaped it.
    pub(super) async fn ended(&self) {
        // An error means that the runtime is ending.
        let is_told = match self {
            Self::Watched(watched) => watched.readable().await.is_ok(),
            Self::Unwatched(_) => false,
        };
        while !is_told && !self.has_ended() {
            sleep(LOOK).await;
        }
    }

    fn has_ended(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let looked = poll(&mut [PollFd::new(self.fd(), PollFlags::IN)], Some(&now));
        looked.is_ok_and(|ready| ready > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::process::Command;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_child_is_seen_whether_its_descriptor_can_be_watched_or_not() {
        for can in [true, false] {
            let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
            let fd = Arc::new(Pidfd::open(Pid::from_child(&child)).unwrap());
            let pidfd = if can { Pidfd::watch(fd) } else { Pidfd::Unwatched(fd) };
            let mut ended = pin!(pidfd.ended());
            let polled = ended.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending, "it lives");
            child.kill().unwrap();
            ended.await;
            child.wait().unwrap();
        }
    }
}
