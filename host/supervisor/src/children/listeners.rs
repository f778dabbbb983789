//! The sockets that processes are started with. They are opened before the first start, and held open over every restart of the
//! process and, by the keeper, of the host: what connects meanwhile waits in their queues.

use std::collections::HashSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;

use super::keeper::Shelf;
use super::opening::{change, opened};
use crate::activation::{SocketAddress, SocketSpec};
use crate::spec::ProcessSpec;

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
    /// Its spec as text, by which it is on the shelf.
    label: Arc<str>,
    /// The path of its file, if it is a Unix socket.
    path: Option<PathBuf>,
    fd: Arc<OwnedFd>,
}

impl Open {
    /// Whether it is bound where this label says, as a socket of the same kind.
    fn is_at(&self, label: &str) -> bool {
        place(&self.label).is_some_and(|own| place(label) == Some(own))
    }

    /// Whether a client can still reach it: the file of a Unix socket may have been removed.
    fn is_reachable(&self) -> bool {
        self.path.as_ref().is_none_or(|path| std::fs::symlink_metadata(path).is_ok())
    }
}

impl Listeners {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self(Arc::new(Inner { shelf, of: DashMap::new() }))
    }

    /// Opens the sockets of a process that are not open, changes those of which only the name, the mode or the backlog is another
    /// one, then closes those that its spec does not have any more. Returns those of the spec, in its order. It may wait for disks.
    ///
    /// # Errors
    /// One cannot be opened or changed, for this reason; none is closed then.
    pub(super) fn prepare(&self, spec: &ProcessSpec) -> Result<Vec<Arc<OwnedFd>>, Arc<str>> {
        let owner = owner(spec);
        if spec.sockets.is_empty() && !self.0.of.contains_key(owner) {
            return Ok(Vec::new());
        }
        let owned = self.0.of.entry(owner.into()).or_default().clone();
        // Only starts of members of one replica set wait for each other here, on threads for spawning.
        let mut owned = owned.lock();
        owned.enter_user(&spec.name);
        let labels: Vec<Arc<str>> = spec.sockets.iter().map(|socket| label(owner, socket).into()).collect();
        let mut opened = Vec::new();
        if let Err(why) = self.bring_in_line(spec, &labels, &mut owned, &mut opened) {
            opened.iter().for_each(|open| self.close(open, &owned.open));
            return Err(why);
        }
        // One whose file was removed is replaced by one with the same label.
        owned.open.retain(|former| !opened.iter().any(|open| open.label == former.label));
        let all: Vec<Open> = std::mem::take(&mut owned.open).into_iter().chain(opened).collect();
        let (wanted, left): (Vec<Open>, Vec<Open>) =
            all.into_iter().partition(|open| labels.contains(&open.label));
        left.iter().for_each(|open| self.close(open, &wanted));
        owned.open = wanted;
        owned.open.sort_by_key(|open| labels.iter().position(|label| *label == open.label));
        Ok(owned.open.iter().map(|open| open.fd.clone()).collect())
    }

    /// Opens what is not open, and then changes what is open with another name, mode or backlog.
    fn bring_in_line(
        &self,
        spec: &ProcessSpec,
        labels: &[Arc<str>],
        owned: &mut Owned,
        opened: &mut Vec<Open>,
    ) -> Result<(), Arc<str>> {
        let mut changed = Vec::new();
        let (mut new, mut displacing) = (Vec::new(), Vec::new());
        for (socket, label) in spec.sockets.iter().zip(labels) {
            if owned.open.iter().any(|open| open.label == *label && open.is_reachable()) {
                continue;
            }
            let is_same = |open: &Open| open.is_at(label) && open.is_reachable();
            let is_in_place =
                |open: &Open| path_of(&socket.address).is_some_and(|path| open.path.as_ref() == Some(path));
            match owned.open.iter().position(is_same) {
                Some(place) => changed.push((socket, label, place)),
                None if owned.open.iter().any(is_in_place) => displacing.push((socket, label)),
                None => new.push((socket, label)),
            }
        }
        // What takes the path of a socket of another kind comes last, because the other one cannot be reached from then on.
        let displacing = displacing.into_iter().map(|one| (one, true));
        for ((socket, label), displaces) in new.into_iter().map(|one| (one, false)).chain(displacing) {
            let open = self.open(socket, label, displaces);
            opened.push(open.map_err(|error| refused(spec, socket, "opened", &error))?);
        }
        for (socket, label, place) in changed {
            let open = &mut owned.open[place];
            change(&open.fd, open.path.as_deref(), socket)
                .map_err(|error| refused(spec, socket, "changed", &error))?;
            self.0.shelf.rename(&std::mem::replace(&mut open.label, label.clone()), label, &open.fd);
        }
        Ok(())
    }

    /// Takes over what a former host has held open for these processes, and closes what it has held for others. `leaving` are
    /// processes that are about to be stopped, and `lives` says whether a process has a child: without one, what its spec does not
    /// have any more is closed as well. Otherwise its next start does that. It may wait for disks.
    pub(super) fn settle(
        &self,
        specs: &[ProcessSpec],
        leaving: &[ProcessSpec],
        lives: impl Fn(&str) -> bool,
    ) {
        let all = || specs.iter().chain(leaving);
        let owners: HashSet<&str> = all().map(owner).collect();
        for (label, fd) in self.0.shelf.found("listen/") {
            if !label.split('/').nth(1).is_some_and(|owner| owners.contains(owner)) {
                self.close(&of_former_host(label, fd), &[]);
            }
        }
        let living: HashSet<&str> = all().filter(|spec| lives(&spec.name)).map(owner).collect();
        for spec in all() {
            let owner = owner(spec);
            let former = self.0.shelf.found(&format!("listen/{owner}/"));
            if former.is_empty() {
                continue;
            }
            let owned = self.0.of.entry(owner.into()).or_default().clone();
            let mut owned = owned.lock();
            owned.enter_user(&spec.name);
            for (label, fd) in former {
                if !owned.open.iter().any(|known| known.label == label) {
                    owned.open.push(of_former_host(label, fd));
                }
            }
            if !living.contains(owner) {
                let labels: Vec<String> = spec.sockets.iter().map(|socket| label(owner, socket)).collect();
                let is_wanted = |open: &Open| labels.iter().any(|label| open.is_at(label));
                let all = std::mem::take(&mut owned.open);
                let (wanted, left): (Vec<Open>, Vec<Open>) = all.into_iter().partition(is_wanted);
                left.iter().for_each(|open| self.close(open, &wanted));
                owned.open = wanted;
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
                    self.close(&open, &[]);
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
            open.iter().flatten().for_each(|open| self.close(open, &[]));
        }
    }

    fn open(&self, socket: &SocketSpec, label: &Arc<str>, displaces: bool) -> io::Result<Open> {
        if displaces && let Some(path) = path_of(&socket.address) {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let fd = Arc::new(opened(socket)?);
        self.0.shelf.put(label, fd.clone());
        Ok(Open { label: label.clone(), path: path_of(&socket.address).cloned(), fd })
    }

    /// Closes a socket. Its file is removed, unless one of the others has taken its place.
    fn close(&self, open: &Open, others: &[Open]) {
        self.0.shelf.drop(&open.label);
        if let Some(path) = &open.path
            && !others.iter().any(|other| other.path.as_ref() == Some(path))
        {
            // Another program may have put its own socket there; then nobody reaches this one.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Owned {
    fn enter_user(&mut self, process: &Arc<str>) {
        if !self.users.contains(process) {
            self.users.push(process.clone());
        }
    }
}

/// Returns a socket that a former host has held, by its label.
fn of_former_host(label: Arc<str>, fd: Arc<OwnedFd>) -> Open {
    let path = place(&label).map(|(_, address)| address).filter(|address| address.starts_with('/'));
    Open { path: path.map(PathBuf::from), label, fd }
}

fn path_of(address: &SocketAddress) -> Option<&PathBuf> {
    match address {
        SocketAddress::Path(path) => Some(path),
        SocketAddress::Ip(_) => None,
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

/// Returns the kind and the address in a label.
fn place(label: &str) -> Option<(&str, &str)> {
    let mut parts = label.splitn(7, '/').skip(3);
    let (kind, _mode, _backlog) = (parts.next()?, parts.next()?, parts.next()?);
    Some((kind, parts.next()?))
}

/// Says why a socket could not be `done`: opened or changed.
fn refused(spec: &ProcessSpec, socket: &SocketSpec, done: &str, error: &io::Error) -> Arc<str> {
    let why = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => "another program has it".to_owned(),
        Some(libc::EADDRNOTAVAIL) => "this machine does not have the address".to_owned(),
        Some(libc::EACCES) => "not allowed".to_owned(),
        Some(libc::ENOENT) => "its directory does not exist".to_owned(),
        _ => error.to_string(),
    };
    let SocketSpec { name, address, .. } = socket;
    Arc::from(format!("the socket `{name}` of {} cannot be {done} at {address}: {why}", owner(spec)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

    use super::super::opening::mode_of_new;
    use super::*;
    use crate::activation::SocketKind;
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

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn another_name_mode_or_backlog_changes_the_socket_that_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let listeners = Listeners::new(Shelf::new(None));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (unix, ip) = (SocketAddress::Path(path.clone()), SocketAddress::Ip(port));
        let first = spec("web", vec![socket("a", unix.clone()), socket("b", ip.clone())]);
        let open = listeners.prepare(&first).unwrap();
        let waiting = UnixStream::connect(&path).unwrap();
        let of = |name: &str, address: &SocketAddress, mode, backlog| SocketSpec {
            mode,
            backlog,
            ..socket(name, address.clone())
        };
        let new_mode = mode_of_new().unwrap();
        for (wanted, its_mode) in [
            (of("a", &unix, Some(0o660), None), 0o660),
            (of("c", &unix, Some(0o660), Some(3)), 0o660),
            (of("c", &unix, None, Some(3)), new_mode),
        ] {
            // The order is that of the spec, in which the other socket was also renamed.
            let other = of("d", &ip, None, Some(7));
            let changed = listeners.prepare(&spec("web", vec![other, wanted])).unwrap();
            assert!(Arc::ptr_eq(&changed[1], &open[0]) && Arc::ptr_eq(&changed[0], &open[1]));
            assert_eq!(mode(&path), its_mode);
        }
        drop((waiting, open));
        // With a backlog of 0 one connection waits, and the next is refused at once.
        let none = spec("web", vec![of("c", &unix, None, Some(0))]);
        let socket = listeners.prepare(&none).unwrap().remove(0);
        rustix::net::accept(&socket).unwrap();
        let _waiting = UnixStream::connect(&path).unwrap();
        let client = socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )
        .unwrap();
        let full = connect(&client, &SocketAddrUnix::new(&path).unwrap());
        assert_eq!(full, Err(rustix::io::Errno::AGAIN));
        // The other one is closed, also by a child that another test has just forked.
        while std::net::TcpStream::connect(port).is_ok() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_socket_of_another_kind_takes_the_path_and_a_file_that_was_removed_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let listeners = Listeners::new(Shelf::new(None));
        let stream = socket("a", SocketAddress::Path(path.clone()));
        let datagram = SocketSpec { kind: SocketKind::Datagram, ..stream.clone() };
        listeners.prepare(&spec("web", vec![stream.clone()])).unwrap();
        listeners.prepare(&spec("web", vec![datagram])).unwrap();
        let client = std::os::unix::net::UnixDatagram::unbound().unwrap();
        client.connect(&path).unwrap();
        listeners.prepare(&spec("web", vec![stream.clone()])).unwrap();
        UnixStream::connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        listeners.prepare(&spec("web", vec![stream.clone()])).unwrap();
        UnixStream::connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let open = listeners.prepare(&spec("web", vec![SocketSpec { mode: Some(0o640), ..stream }])).unwrap();
        assert_eq!(open.len(), 1);
        UnixStream::connect(&path).unwrap();
        assert_eq!(mode(&path), 0o640);
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
