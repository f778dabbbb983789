//! The sockets that processes are started with. They are opened before the first start, and held open over every restart of the
//! process and, by the keeper, of the host: what connects meanwhile waits in their queues.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;
use rustix::net::sockopt::{set_socket_reuseaddr, socket_error};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};

use super::keeper::Shelf;
use crate::activation::{SocketAddress, SocketKind, SocketSpec};
use crate::spec::ProcessSpec;

/// The queue of a socket whose spec gives none: the kernel takes `net.core.somaxconn` at most.
const BACKLOG: u32 = 4_096;

/// The sockets of all processes. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Listeners(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shelf: Shelf,
    /// By the name of the process, or of the replica set, whose members share their sockets.
    of: DashMap<Arc<str>, Arc<Mutex<Owned>>>,
}

/// The sockets of one owner.
#[derive(Debug, Default)]
struct Owned {
    open: Vec<Open>,
    /// The processes that use them.
    users: Vec<Arc<str>>,
}

/// An open socket.
#[derive(Clone, Debug)]
struct Open {
    spec: SocketSpec,
    label: Arc<str>,
    fd: Arc<OwnedFd>,
}

impl Listeners {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self(Arc::new(Inner { shelf, of: DashMap::new() }))
    }

    /// Opens the sockets of a process that are not open, then closes those that its spec does not have any more. Returns those of
    /// the spec, in its order. It may wait for disks.
    ///
    /// # Errors
    /// One cannot be opened, for this reason; nothing has changed then.
    pub(super) fn prepare(&self, spec: &ProcessSpec) -> Result<Vec<Arc<OwnedFd>>, Arc<str>> {
        let owner = owner(spec);
        if spec.sockets.is_empty() && !self.0.of.contains_key(owner) {
            return Ok(Vec::new());
        }
        let owned = self.0.of.entry(owner.into()).or_default().clone();
        // Only starts of members of one replica set wait for each other here, on threads for spawning.
        let mut owned = owned.lock();
        if !owned.users.contains(&spec.name) {
            owned.users.push(spec.name.clone());
        }
        let mut wanted: Vec<Open> = Vec::new();
        for socket in &spec.sockets {
            let known = owned.open.iter().find(|open| open.spec == *socket).cloned();
            let found = known.or_else(|| self.of_former_host(owner, socket));
            match found.map_or_else(|| self.open(owner, socket), Ok) {
                Ok(open) => wanted.push(open),
                Err(error) => {
                    let is_held = |label: &str| owned.open.iter().any(|open| *open.label == *label);
                    wanted.iter().filter(|open| !is_held(&open.label)).for_each(|open| self.close(open));
                    return Err(refused(spec, socket, &error));
                }
            }
        }
        for left in owned.open.iter().filter(|open| !wanted.iter().any(|one| one.label == open.label)) {
            self.close(left);
        }
        owned.open = wanted;
        Ok(owned.open.iter().map(|open| open.fd.clone()).collect())
    }

    /// Takes over the sockets of a process that a former host has held open.
    pub(super) fn take_over(&self, spec: &ProcessSpec) {
        let owner = owner(spec);
        let former = spec.sockets.iter().filter_map(|socket| self.of_former_host(owner, socket));
        let former: Vec<Open> = former.collect();
        if former.is_empty() {
            return;
        }
        let owned = self.0.of.entry(owner.into()).or_default().clone();
        let mut owned = owned.lock();
        owned.users.push(spec.name.clone());
        for open in former {
            if !owned.open.iter().any(|known| known.label == open.label) {
                owned.open.push(open);
            }
        }
    }

    /// Closes the sockets of a process that is not supervised any more, unless others use them.
    pub(super) fn forget(&self, spec: &ProcessSpec) {
        let owner = owner(spec);
        let Some(owned) = self.0.of.get(owner).map(|owned| owned.clone()) else { return };
        {
            let mut owned = owned.lock();
            owned.users.retain(|user| *user != spec.name);
            if owned.users.is_empty() {
                for open in std::mem::take(&mut owned.open) {
                    self.close(&open);
                }
            }
        }
        let is_over = |owned: &Mutex<Owned>| owned.try_lock().is_some_and(|owned| owned.users.is_empty());
        self.0.of.remove_if(owner, |_, owned| is_over(owned));
    }

    /// Closes the sockets of all processes, which have ended.
    pub(super) fn close_all(&self) {
        let all: Vec<_> = self.0.of.iter().map(|owned| owned.value().clone()).collect();
        for owned in all {
            // A start that hangs on a disk has the lock, and its process is not there.
            let open = owned.try_lock().map(|mut owned| std::mem::take(&mut owned.open));
            open.iter().flatten().for_each(|open| self.close(open));
        }
    }

    fn of_former_host(&self, owner: &str, socket: &SocketSpec) -> Option<Open> {
        let label: Arc<str> = label(owner, socket).into();
        let (_, fd) = self.0.shelf.found(&label).into_iter().next()?;
        Some(Open { spec: socket.clone(), label, fd })
    }

    fn open(&self, owner: &str, socket: &SocketSpec) -> io::Result<Open> {
        let label: Arc<str> = label(owner, socket).into();
        let fd = Arc::new(opened(socket)?);
        self.0.shelf.put(&label, fd.clone());
        Ok(Open { spec: socket.clone(), label, fd })
    }

    fn close(&self, open: &Open) {
        self.0.shelf.drop(&open.label);
        if let SocketAddress::Path(path) = &open.spec.address {
            // Another program may have put its own socket there; then nobody reaches this one.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Returns the name under which the sockets of a process are held.
fn owner(spec: &ProcessSpec) -> &str {
    spec.set_name().unwrap_or(&spec.name)
}

fn label(owner: &str, SocketSpec { name, address, kind, mode, backlog }: &SocketSpec) -> String {
    let (mode, backlog) = (mode.map_or_else(String::new, |mode| format!("{mode:o}")), backlog.unwrap_or(0));
    format!("listen/{owner}/{name}/{kind}/{mode}/{backlog}/{address}")
}

fn refused(spec: &ProcessSpec, socket: &SocketSpec, error: &io::Error) -> Arc<str> {
    let why = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => "another program has it".to_owned(),
        Some(libc::EADDRNOTAVAIL) => "this machine does not have the address".to_owned(),
        Some(libc::EACCES) => "not allowed".to_owned(),
        Some(libc::ENOENT) => "its directory does not exist".to_owned(),
        _ => error.to_string(),
    };
    let SocketSpec { name, address, .. } = socket;
    Arc::from(format!("the socket `{name}` of {} cannot be opened at {address}: {why}", owner(spec)))
}

/// Opens a socket, binds it, and begins to listen.
fn opened(spec: &SocketSpec) -> io::Result<OwnedFd> {
    let kind = match spec.kind {
        SocketKind::Stream => SocketType::STREAM,
        SocketKind::Datagram => SocketType::DGRAM,
    };
    let new = |family| socket_with(family, kind, SocketFlags::CLOEXEC, None);
    let socket = match &spec.address {
        SocketAddress::Ip(address) => {
            let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
            let socket = new(family)?;
            if spec.kind == SocketKind::Stream {
                set_socket_reuseaddr(&socket, true)?;
            }
            bind(&socket, address)?;
            socket
        }
        SocketAddress::Path(path) => {
            let socket = new(AddressFamily::UNIX)?;
            bind_path(&socket, path, kind)?;
            if let Some(mode) = spec.mode {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
            }
            socket
        }
    };
    if spec.kind == SocketKind::Stream {
        listen(&socket, i32::try_from(spec.backlog.unwrap_or(BACKLOG)).unwrap_or(i32::MAX))?;
    }
    Ok(socket)
}

/// Binds a socket to a path. The file of a socket that nobody has open any more is replaced.
fn bind_path(socket: &OwnedFd, path: &Path, kind: SocketType) -> io::Result<()> {
    let address = SocketAddrUnix::new(path)?;
    match bind(socket, &address) {
        Err(rustix::io::Errno::ADDRINUSE) if is_left_over(path, &address, kind) => {
            std::fs::remove_file(path)?;
            bind(socket, &address)?;
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Whether there is a socket at this path that nobody has open.
fn is_left_over(path: &Path, address: &SocketAddrUnix, kind: SocketType) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    is_socket
        && socket_with(AddressFamily::UNIX, kind, flags, None).is_ok_and(|own| {
            let refused = connect(own.as_fd(), address) == Err(rustix::io::Errno::CONNREFUSED);
            refused && matches!(socket_error(&own), Ok(Ok(())))
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;
    use crate::spec::CommandLine;

    fn spec(name: &str, sockets: Vec<SocketSpec>) -> ProcessSpec {
        ProcessSpec { sockets, ..ProcessSpec::new(name, CommandLine::Shell("true".into())) }
    }

    fn socket(name: &str, address: SocketAddress) -> SocketSpec {
        let kind = SocketKind::Stream;
        SocketSpec { name: name.into(), address, kind, mode: Some(0o600), backlog: None }
    }

    #[test]
    fn a_socket_stays_the_same_and_changes_are_opened_before_the_former_ones_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| SocketAddress::Path(dir.path().join(name));
        let listeners = Listeners::new(Shelf::new(None));
        let first = spec("web", vec![socket("a", path("a"))]);
        let open = listeners.prepare(&first).unwrap();
        assert!(Arc::ptr_eq(&open[0], &listeners.prepare(&first).unwrap()[0]));
        let mode = std::fs::metadata(dir.path().join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let _client = UnixStream::connect(dir.path().join("a")).unwrap();
        // What cannot be opened changes nothing.
        let bad = spec("web", vec![socket("b", path("b")), socket("c", path("no/c"))]);
        let error = listeners.prepare(&bad).unwrap_err();
        assert!(error.starts_with("the socket `c` of web cannot be opened at "), "{error}");
        assert!(error.ends_with("/no/c: its directory does not exist"), "{error}");
        assert!(dir.path().join("a").exists());
        let second = spec("web", vec![socket("d", path("d"))]);
        listeners.prepare(&second).unwrap();
        assert!(!dir.path().join("a").exists() && dir.path().join("d").exists());
        listeners.forget(&second);
        assert!(!dir.path().join("d").exists());
    }

    #[test]
    fn a_file_that_nobody_has_open_is_replaced_and_one_in_use_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let listeners = Listeners::new(Shelf::new(None));
        let web = spec("web", vec![socket("x", SocketAddress::Path(path.clone()))]);
        let theirs = UnixListener::bind(&path).unwrap();
        let error = listeners.prepare(&web).unwrap_err();
        assert!(error.ends_with("another program has it"), "{error}");
        drop(theirs);
        // A child that another test has just forked has it as well, until its exec.
        let is_there = (0..1_000).any(|_| {
            std::thread::park_timeout(std::time::Duration::from_millis(10));
            listeners.prepare(&web).is_ok()
        });
        assert!(is_there);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn replicas_share_their_sockets_and_the_last_one_closes_them() {
        let listeners = Listeners::new(Shelf::new(None));
        let address = SocketAddress::Ip("[::1]:0".parse().unwrap());
        let replica = |number| ProcessSpec {
            replica: Some(number),
            ..spec(&format!("web.{number}"), vec![socket("x", address.clone())])
        };
        let first = listeners.prepare(&replica(1)).unwrap();
        assert!(Arc::ptr_eq(&first[0], &listeners.prepare(&replica(2)).unwrap()[0]));
        listeners.forget(&replica(1));
        assert!(Arc::ptr_eq(&first[0], &listeners.prepare(&replica(2)).unwrap()[0]));
        listeners.forget(&replica(2));
        assert!(!Arc::ptr_eq(&first[0], &listeners.prepare(&replica(2)).unwrap()[0]));
    }
}
