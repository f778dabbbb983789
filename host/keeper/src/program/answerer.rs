//! The socket at which the keeper tells what it holds, whatever the host does: one client at a time, for five seconds at
//! most. A client that sends `SYNC` asks for a host.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::EventFlags;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, shutdown,
    socket_with,
};

use super::kernel::{Kernel, Token};
use crate::machine::{Machine, Now, World};
use crate::protocol::{Descriptors, Held, Order, PUBLIC_KEYS, Report};
use crate::socket::{self, Received};

/// How long a client is served, in nanoseconds.
const SERVED: u64 = 5_000_000_000;

/// How far a client is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Welcome,
    /// The slot at this place, or the first one after it.
    Held(usize),
    /// The stash at this index, or the first one after it that is for everybody.
    Stashed(usize),
    /// It was told everything, and may ask for something until it closes its end.
    Asked,
}

/// The socket, and the client that is being answered.
#[derive(Debug, Default)]
pub(super) struct Answerer {
    listener: Option<OwnedFd>,
    client: Option<(OwnedFd, Next, u64)>,
}

impl Answerer {
    /// Listens at this path, in the place of whatever was there.
    pub(super) fn listen(path: &std::ffi::CStr) -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let _ = rustix::fs::unlink(path);
        // No other thread creates files yet.
        let former = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = bind(&listener, &SocketAddrUnix::new(path)?);
        rustix::process::umask(former);
        bound?;
        listen(&listener, 4)?;
        Ok(Self { listener: Some(listener), client: None })
    }

    /// Goes on with a socket at which another program has listened.
    pub(super) fn resumed(listener: Option<OwnedFd>) -> Self {
        Self { listener, client: None }
    }

    /// Returns the socket.
    pub(super) fn listener(&self) -> Option<&OwnedFd> {
        self.listener.as_ref()
    }

    pub(super) fn watch(&self, kernel: &Kernel) -> Result<(), Errno> {
        let watch = |listener: &OwnedFd| kernel.watch(listener.as_fd(), Token::Listener, Self::FREE);
        self.listener.as_ref().map_or(Ok(()), watch)
    }

    const FREE: EventFlags = EventFlags::IN;

    /// Watches for the next client, or not while there is one.
    fn look_out(&self, kernel: &Kernel, flags: EventFlags) {
        if let Some(listener) = &self.listener {
            let _ = kernel.rewatch(listener.as_fd(), Token::Listener, flags);
        }
    }

    /// Takes the next client.
    pub(super) fn accept(&mut self, kernel: &Kernel, now: Now) {
        let (Some(listener), None) = (&self.listener, &self.client) else { return };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(client) = accept_with(listener, flags) else { return };
        let own = rustix::process::geteuid();
        let is_allowed = socket_peercred(&client).is_ok_and(|peer| peer.uid == own || peer.uid.is_root());
        let flags = EventFlags::IN | EventFlags::OUT;
        if is_allowed && kernel.watch(client.as_fd(), Token::Client, flags).is_ok() {
            self.client = Some((client, Next::Welcome, now.steady.saturating_add(SERVED)));
            self.look_out(kernel, EventFlags::empty());
        }
    }

    /// Sends what the client takes, and reads what it asks for. Returns whether it asks for a host.
    pub(super) fn serve(&mut self, kernel: &Kernel, machine: &Machine, now: Now) -> bool {
        let mut asks = false;
        let is_over = match &mut self.client {
            Some((client, next, _)) => {
                let is_closed = read(client, &mut asks);
                is_closed || tell(client, next, kernel, machine, now).is_err()
            }
            None => return false,
        };
        if is_over {
            self.close(kernel);
        }
        asks
    }

    fn close(&mut self, kernel: &Kernel) {
        self.client = None;
        self.look_out(kernel, Self::FREE);
    }

    /// Closes the connection of a client whose time is over.
    pub(super) fn tick(&mut self, kernel: &Kernel, now: Now) {
        if self.deadline().is_some_and(|until| until <= now.steady) {
            self.close(kernel);
        }
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.client.as_ref().map(|(_, _, until)| *until)
    }
}

/// Reads all messages of a client; returns whether it has closed its end.
fn read(client: &OwnedFd, asks: &mut bool) -> bool {
    let mut buffer = [0; 64];
    loop {
        match socket::receive(client.as_fd(), &mut buffer, &mut Received::default()) {
            Ok(0) => return true,
            Ok(length) => {
                let message = buffer.get(..length).unwrap_or_default();
                *asks |= matches!(Order::decode(message), Ok((_, Order::Sync)));
            }
            Err(Errno::AGAIN) => return false,
            Err(_) => return true,
        }
    }
}

/// Sends what the client takes.
fn tell(
    client: &OwnedFd,
    next: &mut Next,
    kernel: &Kernel,
    machine: &Machine,
    now: Now,
) -> Result<(), Errno> {
    let mut buffer = [0; 256];
    loop {
        let mut beside = None;
        let (report, after) = match *next {
            Next::Welcome => (Report::Welcome(machine.welcome(kernel, now)), Next::Held(0)),
            Next::Held(from) => match machine.held_from(kernel, from) {
                Some((place, id, held)) => {
                    let held = Held { descriptors: Descriptors::default(), ..held };
                    (Report::Held { id, held }, Next::Held(place + 1))
                }
                None => {
                    *next = Next::Stashed(0);
                    continue;
                }
            },
            Next::Stashed(index) => match kernel.stashed(index) {
                Some((key, generation)) if key < PUBLIC_KEYS => {
                    beside = kernel.stash_to_read(index);
                    if beside.is_none() {
                        *next = Next::Stashed(index + 1);
                        continue;
                    }
                    (Report::Stashed { key, generation }, Next::Stashed(index + 1))
                }
                Some(_) => {
                    *next = Next::Stashed(index + 1);
                    continue;
                }
                None => {
                    // It only reads from now on.
                    kernel.rewatch(client.as_fd(), Token::Client, EventFlags::IN)?;
                    *next = Next::Asked;
                    return shutdown(client, Shutdown::Write);
                }
            },
            Next::Asked => return Ok(()),
        };
        let message = report.encode(0, &mut buffer).map_err(|_| Errno::MSGSIZE)?;
        let beside: Vec<_> = beside.iter().map(AsFd::as_fd).collect();
        match socket::send(client.as_fd(), message, &beside) {
            Ok(()) => *next = after,
            Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
