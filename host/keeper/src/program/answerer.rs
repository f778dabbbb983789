//! The socket at which the keeper tells what it holds, whatever the host does: one client at a time, for five seconds at
//! most. A client that sends `SYNC` asks for a host.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use provost_posix::peer_of;
use rustix::event::epoll::EventFlags;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, getsockname, listen,
    shutdown, socket_with,
};

use super::kernel::{Kernel, Token};
use crate::machine::{Machine, Now, World};
use crate::protocol::{Descriptors, Held, Order, PUBLIC_KEYS, Report};
use crate::socket::{self, Received};

/// How long a client is served, in nanoseconds.
const SERVED: u64 = 5_000_000_000;

/// The pause between two looks for the name of the socket while no host is attached, in nanoseconds.
const LOOK: u64 = 1_000_000_000;

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
    listener: Option<Listener>,
    client: Option<(OwnedFd, Next, u64)>,
    /// When the name is looked for; none while a host is attached, because others can be asked then.
    look_at: Option<u64>,
}

/// A socket with a name.
#[derive(Debug)]
struct Listener {
    socket: OwnedFd,
    path: CString,
    /// The device and the inode of the name, by which it is told from a name that somebody else has put there.
    name: Option<(u64, u64)>,
}

impl Listener {
    fn bind(path: CString) -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // The only files that another thread creates at the same time have this mode as well.
        let former = rustix::process::umask(Mode::from_raw_mode(0o177));
        let bound = bind(&socket, &SocketAddrUnix::new(&*path)?);
        rustix::process::umask(former);
        bound?;
        listen(&socket, 4)?;
        let name = name_at(&path);
        Ok(Self { socket, path, name })
    }
}

fn name_at(path: &CStr) -> Option<(u64, u64)> {
    rustix::fs::lstat(path).ok().map(|name| (name.st_dev, name.st_ino))
}

impl Answerer {
    /// Listens at this path, in the place of whatever was there.
    pub(super) fn listen(path: &CStr) -> Result<Self, Errno> {
        let _ = rustix::fs::unlink(path);
        Ok(Self { listener: Some(Listener::bind(path.to_owned())?), ..Self::default() })
    }

    /// Goes on with a socket at which another program has listened.
    pub(super) fn resumed(socket: Option<OwnedFd>) -> Self {
        let listener = socket.map(|socket| {
            let address = getsockname(&socket).and_then(SocketAddrUnix::try_from);
            // Without a path, it is neither renewed nor removed.
            let path =
                address.ok().and_then(|address| address.path().map(Cow::into_owned)).unwrap_or_default();
            let name = name_at(&path);
            Listener { socket, path, name }
        });
        Self { listener, ..Self::default() }
    }

    /// Returns the socket.
    pub(super) fn listener(&self) -> Option<&OwnedFd> {
        self.listener.as_ref().map(|listener| &listener.socket)
    }

    pub(super) fn watch(&self, kernel: &Kernel) -> Result<(), Errno> {
        let watch = |listener: &Listener| kernel.watch(listener.socket.as_fd(), Token::Listener, Self::FREE);
        self.listener.as_ref().map_or(Ok(()), watch)
    }

    /// Listens again if the name is gone: somebody has cleaned the directory.
    fn renew(&mut self, kernel: &Kernel) {
        let is_gone =
            |listener: &&mut Listener| !listener.path.is_empty() && name_at(&listener.path).is_none();
        let Some(listener) = self.listener.as_mut().filter(is_gone) else { return };
        // If the directory is gone as well, the next look is the next try.
        let Ok(renewed) = Listener::bind(listener.path.clone()) else { return };
        let flags = if self.client.is_some() { EventFlags::empty() } else { Self::FREE };
        if kernel.watch(renewed.socket.as_fd(), Token::Listener, flags).is_ok() {
            *listener = renewed;
        }
    }

    /// Removes the name, unless it is somebody else's by now. Called at the end of the keeper.
    pub(super) fn remove(&self) {
        if let Some(Listener { path, name: Some(name), .. }) = &self.listener
            && name_at(path) == Some(*name)
        {
            let _ = rustix::fs::unlink(path);
        }
    }

    const FREE: EventFlags = EventFlags::IN;

    /// Watches for the next client, or not while there is one.
    fn look_out(&self, kernel: &Kernel, flags: EventFlags) {
        if let Some(listener) = &self.listener {
            let _ = kernel.rewatch(listener.socket.as_fd(), Token::Listener, flags);
        }
    }

    /// Takes the next client.
    pub(super) fn accept(&mut self, kernel: &Kernel, now: Now) {
        let (Some(listener), None) = (&self.listener, &self.client) else { return };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(client) = accept_with(&listener.socket, flags) else { return };
        let own = rustix::process::geteuid().as_raw();
        let is_allowed = peer_of(client.as_fd()).is_ok_and(|peer| peer.uid == own || peer.uid == 0);
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

    /// Closes the connection of a client whose time is over, and looks for the name of the socket when nobody else can be asked.
    pub(super) fn tick(&mut self, kernel: &Kernel, machine: &Machine, now: Now) {
        if self.client.as_ref().is_some_and(|(_, _, until)| *until <= now.steady) {
            self.close(kernel);
        }
        if self.listener.is_none() || !machine.is_alone() {
            self.look_at = None;
        } else if self.look_at.is_none_or(|at| at <= now.steady) {
            self.renew(kernel);
            self.look_at = Some(now.steady.saturating_add(LOOK));
        }
    }

    /// Returns the steady time at which [`tick`](Self::tick) is due next, if any.
    pub(super) fn deadline(&self) -> Option<u64> {
        let client = self.client.as_ref().map(|(_, _, until)| *until);
        [client, self.look_at].into_iter().flatten().min()
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
