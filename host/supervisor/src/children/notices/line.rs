//! The notification socket of one process: an abstract datagram socket, whose name is the same in every life and every host.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use provost_posix::{drop_datagram, peek_datagram};
use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, getsockname, socket_with};
use tokio::sync::Mutex;

/// The notification socket of a process.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) socket: Arc<OwnedFd>,
    /// Held by the one task that reads it.
    pub(super) turn: Arc<Mutex<()>>,
}

impl Line {
    /// Opens the socket under this abstract name, or under one of the kernel's choice if that is taken.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        // Before the name: no message may come without its sender.
        set_socket_passcred(&socket, true)?;
        let own = SocketAddrUnix::new_abstract_name(name.as_bytes());
        if own.and_then(|own| bind(&socket, &own)).is_err() {
            bind(&socket, &SocketAddrUnix::new_unnamed())?;
        }
        Ok(Self::of(Arc::new(socket)))
    }

    /// Takes over the socket of a former host.
    pub(super) fn of(socket: Arc<OwnedFd>) -> Self {
        Self { socket, turn: Arc::default() }
    }

    /// Returns the address in the form of `NOTIFY_SOCKET`.
    pub(super) fn address(&self) -> io::Result<String> {
        let address = SocketAddrUnix::try_from(getsockname(&self.socket)?)?;
        let name = address.abstract_name().unwrap_or_default();
        Ok(format!("@{}", String::from_utf8_lossy(name)))
    }

    /// Drops everything that was sent by earlier lives, which have ended.
    pub(super) fn drain(&self) {
        // Bounded, should somebody send all the time.
        for _ in 0..10_000 {
            let socket = self.socket.as_fd();
            if peek_datagram(socket, &mut []).is_err() || drop_datagram(socket).is_err() {
                return;
            }
        }
    }
}
