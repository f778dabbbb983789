//! The second lock of a host, which holds even while the runtime directory is missing. It is a pair of abstract Unix sockets,
//! which exist only in the kernel and end with the host. One is named by the device and inode of the parent of the runtime
//! directory; the other by the path, in case the parent is removed, too.
//!
//! The kernel says who holds a name (`SO_PEERCRED`); the holder is not asked. The names contain the user id, and a holder that
//! is another user is a squatter: it is named in the log, and the host runs without this second lock. Abstract sockets belong to
//! a network namespace; between hosts in different ones only the lock file decides.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use provost_files::Identity;
use provost_plugin_host::hex;
use provost_supervisor::peer_of;
use rustix::event::{Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use sha2::{Digest, Sha256};

/// The text for an unknown process id.
pub(super) const UNKNOWN: &str = "unknown";

/// The queue of connections that are not accepted yet, for example while the host is suspended. Each comes from a process that
/// asked who holds the name.
const BACKLOG: i32 = 4_096;

/// The number of tries when the holder is just starting or ending.
const TRIES: usize = 50;

/// The pause between two tries.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The second lock. It is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim(Vec<OwnedFd>);

/// The holder of a name.
enum Holder {
    /// No process is listening.
    Nobody,
    /// A process of this user or of root.
    Host(String),
    /// A process of another user, or one that does not answer.
    Squatter(String),
}

impl Claim {
    /// Claims the runtime directory `dir`, whose parent exists.
    ///
    /// # Errors
    /// The process id of the host that has already claimed it.
    pub(crate) fn take(dir: &Path) -> Result<Self, String> {
        let mut claim = Self(Vec::new());
        for name in names(dir).unwrap_or_else(|error| {
            tracing::warn!("the runtime directory is protected by its lock file alone: {error}");
            Vec::new()
        }) {
            match bind(&name) {
                Ok(socket) => claim.0.push(socket),
                Err(Taken::By(pid)) => return Err(pid),
                Err(Taken::Lacking(why)) => tracing::warn!(
                    "the runtime directory is not protected while its lock file is missing: {why}"
                ),
            }
        }
        Ok(claim)
    }

    /// Returns the sockets, which processes connect to in order to find out who holds the name.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &OwnedFd> {
        self.0.iter()
    }

    /// Accepts and closes all waiting connections; returns false if no descriptor is free for that now.
    pub(super) fn drain(&self) -> bool {
        self.0.iter().all(|socket| {
            loop {
                match rustix::net::accept_with(socket, SocketFlags::CLOEXEC) {
                    Ok(_) | Err(Errno::INTR | Errno::CONNABORTED) => {}
                    Err(error) => break error == Errno::AGAIN,
                }
            }
        })
    }
}

/// Returns the process id of the host that has claimed the runtime directory `dir`, if one has.
pub(crate) fn holder(dir: &Path) -> Option<String> {
    names(dir).ok()?.iter().find_map(|name| match asked(&address(name).ok()?) {
        Ok(Holder::Host(pid)) => Some(pid),
        _ => None,
    })
}

/// Waits up to a second for a running host to recreate a removed socket.
pub(crate) fn wait_for_socket(socket: &Path) {
    // The connection that `holder` makes wakes the host, which then looks for its socket.
    if socket.exists() || socket.parent().and_then(holder).is_none() {
        return;
    }
    for _ in 0..TRIES {
        let _ = poll(&mut [], Some(&PAUSE));
        if socket.exists() {
            return;
        }
    }
}

/// The reason why a name could not be taken.
enum Taken {
    /// Another host has it; its process id.
    By(String),
    /// It is not available, but no other host has it; the reason.
    Lacking(String),
}

impl From<io::Error> for Taken {
    fn from(error: io::Error) -> Self {
        Self::Lacking(error.to_string())
    }
}

impl From<Errno> for Taken {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

fn address(name: &str) -> rustix::io::Result<SocketAddrUnix> {
    SocketAddrUnix::new_abstract_name(name.as_bytes())
}

fn socket() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

fn bind(name: &str) -> Result<OwnedFd, Taken> {
    let address = address(name)?;
    for _ in 0..TRIES {
        let ours = socket()?;
        match rustix::net::bind(&ours, &address) {
            Ok(()) => {
                rustix::net::listen(&ours, BACKLOG)?;
                return Ok(ours);
            }
            Err(Errno::ADDRINUSE) => {}
            Err(error) => return Err(error.into()),
        }
        match asked(&address)? {
            Holder::Host(pid) => return Err(Taken::By(pid)),
            Holder::Squatter(who) => return Err(Taken::Lacking(format!("{who} holds the name {name}"))),
            // The holder has not begun to listen yet, or has just ended.
            Holder::Nobody => {
                let _ = poll(&mut [], Some(&PAUSE));
            }
        }
    }
    Err(Taken::Lacking(format!("somebody holds the name {name} and does not listen")))
}

/// Connects to a name and asks the kernel who listens there.
fn asked(address: &SocketAddrUnix) -> io::Result<Holder> {
    let socket = socket()?;
    match rustix::net::connect(&socket, address) {
        Ok(()) => {}
        Err(Errno::CONNREFUSED) => return Ok(Holder::Nobody),
        // The queue is full. Hosts drain theirs, so this one is suspended or not a host.
        Err(Errno::AGAIN) => return Ok(Holder::Squatter("a process that does not answer".to_owned())),
        Err(error) => return Err(error.into()),
    }
    let peer = peer_of(socket.as_fd())?;
    let own = rustix::process::geteuid().as_raw();
    let pid = peer.pid.map_or_else(|| UNKNOWN.to_owned(), |pid| pid.to_string());
    Ok(match peer.uid == own || peer.uid == 0 {
        true => Holder::Host(pid),
        false => Holder::Squatter(format!("user {} (pid {pid})", peer.uid)),
    })
}

/// Returns the names of the sockets for this directory.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let dir: PathBuf = std::path::absolute(dir)?.components().collect();
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let (parent, name) = match (dir.parent(), dir.file_name()) {
        (Some(parent), Some(name)) => (parent.canonicalize()?, name.to_owned()),
        // The path ends in `..` or is the root.
        _ => (dir.canonicalize()?, Default::default()),
    };
    let above = Identity::at(&parent)?.ok_or_else(missing)?;
    let root = Identity::at(Path::new("/"))?.ok_or_else(missing)?;
    // In another mount namespace or below another root, the same path is a different directory.
    let mounts = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
    let by_device = [format!("{above:?}").as_bytes(), name.as_bytes()].join(&0);
    let by_path = [
        format!("{root:?}").as_bytes(),
        mounts.as_os_str().as_bytes(),
        parent.as_os_str().as_bytes(),
        name.as_bytes(),
    ]
    .join(&0);
    let user = rustix::process::geteuid().as_raw();
    let name = |what: &str, key: &[u8]| {
        let digest = Sha256::digest(key);
        format!("provost/{user}/{what}/{}", hex(digest.get(..16).unwrap_or(&digest)))
    };
    Ok(vec![name("device", &by_device), name("path", &by_path)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_the_holder_of_a_claim_until_the_claim_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let own = Some(std::process::id().to_string());
        assert_eq!(holder(&run), None);
        let claim = Claim::take(&run).unwrap();
        assert_eq!(claim.sockets().count(), 2);
        assert_eq!((holder(&run), Claim::take(&run).err()), (own.clone(), own));
        drop(claim);
        assert_eq!(holder(&run), None);
        assert!(Claim::take(&run).is_ok());
    }

    #[test]
    fn connections_are_drained_and_do_not_fill_the_queue() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let claim = Claim::take(&run).unwrap();
        for _ in 0..2 * BACKLOG {
            assert!(holder(&run).is_some());
            assert!(claim.drain());
        }
    }

    #[test]
    fn a_squatter_keeps_no_host_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        // The squatter has the names and does not listen.
        let squatted: Vec<OwnedFd> = names(&run)
            .unwrap()
            .iter()
            .map(|name| {
                let socket = socket().unwrap();
                rustix::net::bind(&socket, &address(name).unwrap()).unwrap();
                socket
            })
            .collect();
        assert_eq!(Claim::take(&run).unwrap().sockets().count(), 0);
        // The squatter listens, and lets the queue fill.
        for socket in &squatted {
            rustix::net::listen(socket, 0).unwrap();
        }
        while holder(&run).is_some() {}
        assert_eq!(Claim::take(&run).unwrap().sockets().count(), 0);
    }
}
