//! A keeper that runs already, as others than its host see it: it listens in the runtime directory.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use provost_keeper::protocol::{HostState, MESSAGE_MAX, Order, Report, Welcome};
use provost_keeper::socket;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::greeting::next;

/// A keeper that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningKeeper {
    /// Its process id.
    pub pid: u32,
    /// The number of processes that it holds, those included whose end no host has recorded.
    pub held: u32,
    /// Whether it starts no host any more, because its hosts have died too often.
    pub is_alone: bool,
}

impl RunningKeeper {
    /// Asks at this path; `None` if no keeper answers there.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let (_, welcome) = greeted(path)?;
        let is_alone = welcome.state == HostState::Down;
        Some(Self { pid: welcome.keeper_pid, held: welcome.held, is_alone })
    }

    /// Asks the keeper at this path for a host. Returns false if it does not answer.
    #[must_use]
    pub fn ask_for_host(path: &Path) -> bool {
        let mut buffer = vec![0; MESSAGE_MAX];
        let Some((keeper, _)) = greeted(path) else { return false };
        // A message that is unread when this end is closed would hide what was asked. The keeper ends its side first.
        while next(&keeper, &mut buffer).is_ok() {}
        let Ok(message) = Order::Sync.encode(1, &mut buffer) else { return false };
        socket::send(keeper.as_fd(), message, &[]).is_ok()
    }
}

/// Connects to the keeper at this path.
fn greeted(path: &Path) -> Option<(OwnedFd, Welcome)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let keeper = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    connect(&keeper, &SocketAddrUnix::new(path).ok()?).ok()?;
    match next(&keeper, &mut vec![0; MESSAGE_MAX]) {
        Ok((Report::Welcome(welcome), _, _)) => Some((keeper, welcome)),
        _ => None,
    }
}
