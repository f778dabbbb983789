//! The second lock of a host: it holds also while the runtime directory is missing. It is a pair of abstract Unix sockets, which
//! exist in the kernel alone and end with the host. One is named by the directory above the runtime directory, as the device knows
//! it; the other by the path, in case the directory above is removed, too.
//!
//! Who holds a name is asked of the kernel (`SO_PEERCRED`), not of the holder. The names contain the user id, and a holder that
//! is another user is a squatter: it is named in the log, and only this second lock is missing then. Abstract sockets
//! belong to a network namespace; between hosts in two of them the lock file decides alone.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use provost_files::Identity;
use rustix::event::{Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use sha2::{Digest, Sha256};

use super::peer_cred::peer_of;

/// What stands for a process id that is not known.
pub(super) const UNKNOWN: &str = "unknown";

/// Connections that may wait to be noticed while the host is suspended: each is of somebody who asked who holds the name.
const BACKLOG: i32 = 4_096;

/// How often a holder that is just starting or ending is asked again.
const TRIES: usize = 50;

/// The time between two tries.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The second lock. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim(Vec<OwnedFd>);

/// Who holds a name.
enum Holder {
    /// Nobody any more.
    Nobody,
    /// A process of this user or of root.
    Host(String),
    /// Somebody else, or somebody who does not answer.
    Squatter(String),
}

impl Claim {
    /// Claims the runtime directory `dir`, whose parent exists.
    ///
    /// # Errors
    /// The process id of the host that has claimed it.
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

    /// The sockets. Those who ask who holds the name connect to them, and wait to be noticed.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &OwnedFd> {
        self.0.iter()
    }

    /// Takes those who have asked out of the queue; false if the kernel has no descriptor for that now.
    pub(super) fn notice(&self) -> bool {
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

/// The process id of the host that has claimed the runtime directory `dir`, if any has.
pub(crate) fn holder(dir: &Path) -> Option<String> {
    names(dir).ok()?.iter().find_map(|name| match asked(&address(name).ok()?) {
        Ok(Holder::Host(pid)) => Some(pid),
        _ => None,
    })
}

/// Waits a moment for the socket of a living host that was cleaned away and is being made again.
pub(crate) fn wait_for_socket(socket: &Path) {
    // To ask for the holder is what makes the host look.
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

/// Why a name is not ours.
enum Taken {
    /// Another host has it: its process id.
    By(String),
    /// Nobody who matters has it.
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
            // It has bound the name and does not listen yet, or has ended in between.
            Holder::Nobody => {
                let _ = poll(&mut [], Some(&PAUSE));
            }
        }
    }
    Err(Taken::Lacking(format!("somebody holds the name {name} and does not listen")))
}

/// Asks the kernel who listens on a name.
fn asked(address: &SocketAddrUnix) -> io::Result<Holder> {
    let socket = socket()?;
    match rustix::net::connect(&socket, address) {
        Ok(()) => {}
        Err(Errno::CONNREFUSED) => return Ok(Holder::Nobody),
        // Hosts notice those who ask; who does not is either suspended or somebody else.
        Err(Errno::AGAIN) => return Ok(Holder::Squatter("a process that does not answer".to_owned())),
        Err(error) => return Err(error.into()),
    }
    let (pid, user) = peer_of(socket.as_fd())?;
    let own = rustix::process::geteuid().as_raw();
    let pid = if pid == 0 { UNKNOWN.to_owned() } else { pid.to_string() };
    Ok(match user == own || user == 0 {
        true => Holder::Host(pid),
        false => Holder::Squatter(format!("user {user} (pid {pid})")),
    })
}

/// The names of the sockets for this directory.
fn names(dir: &Path) -> io::Result<Vec<String>> {
    let dir: PathBuf = std::path::absolute(dir)?.components().collect();
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let (parent, name) = match (dir.parent(), dir.file_name()) {
        (Some(parent), Some(name)) => (parent.canonicalize()?, name.to_owned()),
        // It ends in `..`, or is the root.
        _ => (dir.canonicalize()?, Default::default()),
    };
    let above = Identity::at(&parent)?.ok_or_else(missing)?;
    let root = Identity::at(Path::new("/"))?.ok_or_else(missing)?;
    // The same path is another directory in another mount namespace, and below another root.
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
        let digest = digest.iter().take(16).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        format!("provost/{user}/{what}/{digest}")
    };
    Ok(vec![name("device", &by_device), name("path", &by_path)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_claim_is_told_by_the_kernel_and_is_nobody_when_it_has_ended() {
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
    fn those_who_ask_are_noticed_and_do_not_fill_the_queue() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let claim = Claim::take(&run).unwrap();
        for _ in 0..2 * BACKLOG {
            assert!(holder(&run).is_some());
            assert!(claim.notice());
        }
    }

    #[test]
    fn a_squatter_keeps_no_host_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        // It has the names and does not listen.
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
        // It listens, and lets the queue fill.
        for socket in &squatted {
            rustix::net::listen(socket, 0).unwrap();
        }
        while holder(&run).is_some() {}
        assert_eq!(Claim::take(&run).unwrap().sockets().count(), 0);
    }
}
