//! What a child is given beyond its command and its standard streams: sockets, stored descriptors, the readiness descriptor, and
//! the variables that tell it of them.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_keeper::protocol::OWN_PID;
use provost_state::{Incarnation, hash};
use tokio::time::timeout;

use super::request::Failure;
use crate::children::keeper::Shelf;
use crate::children::listeners::Listeners;
use crate::children::notices::{Notifiers, ReadyPipe};
use crate::jobs::Lane;
use crate::spec::ProcessSpec;

/// How long the end of the host waits for each step of closing sockets.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// The sockets of all processes, by which extras are made. Clones share everything.
#[derive(Clone, Debug)]
pub(in crate::children) struct Sockets {
    pub(in crate::children) notifiers: Notifiers,
    pub(in crate::children) listeners: Listeners,
    shelf: Shelf,
}

impl Sockets {
    /// Returns the sockets of a host whose directory is this: it is the same for every host that supervises these processes, and
    /// another one for all others.
    pub(super) fn new(shelf: Shelf, home: &Path) -> Self {
        let bytes = home.as_os_str().as_encoded_bytes().iter().copied();
        let prefix = format!("provost/{:016x}", hash::fnv(hash::EMPTY, bytes));
        let notifiers = Notifiers::new(shelf.clone(), prefix);
        Self { notifiers, listeners: Listeners::new(shelf.clone()), shelf }
    }

    /// Takes over what a former host has held open for these processes, and closes what it has held for others. `leaving` are about
    /// to be stopped. It may wait for disks.
    pub(super) fn settle(
        &self,
        specs: &[ProcessSpec],
        leaving: &[ProcessSpec],
        lives: impl Fn(&str) -> bool,
    ) {
        self.listeners.settle(specs, leaving, lives);
        let all = specs.iter().chain(leaving);
        let kept: HashSet<&str> =
            all.flat_map(|spec| [Some(&*spec.name), spec.set_name()]).flatten().collect();
        self.notifiers.retain(|owner| kept.contains(owner));
    }

    /// Closes what is held open for a process that is not supervised any more. It may wait for disks.
    pub(super) fn release(&self, spec: &ProcessSpec) {
        self.notifiers.forget(&spec.name);
        self.listeners.forget(spec);
    }

    /// Has nothing held open for any process any more, when all have ended.
    pub(super) async fn end(&self, reading: &Lane) {
        let listeners = self.listeners.clone();
        // On a disk that hangs, files are left in the places of sockets; the next host replaces them.
        let _ = timeout(CLOSED_WITHIN, reading.run(move || listeners.close_all())).await;
        // A keeper that is suspended closes them when it goes on.
        let _ = timeout(CLOSED_WITHIN, self.shelf.clear()).await;
    }
}

/// What one child is given.
#[derive(Debug, Default)]
pub(in crate::children) struct Extras {
    /// Its descriptors from number 3 on.
    files: Vec<Given>,
    /// Its variables, which nothing overrides.
    pub(in crate::children) variables: Vec<(&'static str, OsString)>,
    /// The end of its readiness descriptor that this host reads.
    pub(in crate::children) ready: Option<Arc<OwnedFd>>,
}

/// A descriptor that a child is given.
#[derive(Debug)]
enum Given {
    /// It is held over restarts.
    Held(Arc<OwnedFd>),
    /// It is of this life.
    Own(OwnedFd),
}

impl Extras {
    /// Opens what the spec asks for. It may wait for disks.
    pub(super) fn open(
        spec: &ProcessSpec,
        incarnation: Incarnation,
        sockets: &Sockets,
    ) -> Result<Self, Failure> {
        let mut extras = Self::default();
        let Sockets { notifiers, listeners, .. } = sockets;
        for socket in listeners.prepare(spec)? {
            extras.files.push(Given::Held(socket));
        }
        let mut names: Vec<Arc<str>> = spec.sockets.iter().map(|socket| socket.name.clone()).collect();
        if spec.has_notify_socket() {
            let address = notifiers.prepare(&spec.name).map_err(of_machine)?;
            extras.set("NOTIFY_SOCKET", address);
        }
        match spec.ready_descriptor() {
            // Its number is that after the sockets, which the config makes sure of.
            Some(_) => {
                let ReadyPipe { reader, writer } =
                    notifiers.ready_pipe(&spec.name, incarnation).map_err(of_machine)?;
                extras.files.push(Given::Own(writer));
                extras.ready = Some(reader);
            }
            None => {
                for (name, stored) in notifiers.stored(&spec.name) {
                    names.push(name);
                    extras.files.push(Given::Held(stored));
                }
            }
        }
        if !names.is_empty() {
            extras.set("LISTEN_FDS", names.len().to_string());
            extras.set("LISTEN_FDNAMES", names.join(":"));
            extras.variables.push(("LISTEN_PID", OsString::from_vec(OWN_PID.to_vec())));
        }
        if let Some(watchdog_ms) = spec.watchdog_ms {
            extras.set("WATCHDOG_USEC", watchdog_ms.saturating_mul(1_000).to_string());
            extras.variables.push(("WATCHDOG_PID", OsString::from_vec(OWN_PID.to_vec())));
        }
        Ok(extras)
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.variables.push((name, value.into()));
    }

    /// Returns the number of descriptors.
    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    /// Returns copies of the descriptors, whose own numbers are at least this.
    pub(super) fn copies(&self, least: i32) -> io::Result<Vec<OwnedFd>> {
        let copy = |given: &Given| {
            let fd = match given {
                Given::Held(fd) => &**fd,
                Given::Own(fd) => fd,
            };
            Ok(rustix::io::fcntl_dupfd_cloexec(fd, least)?)
        };
        self.files.iter().map(copy).collect()
    }

    /// Whether a variable has the process id of the child as its value.
    pub(super) fn has_own_pid(&self) -> bool {
        self.variables.iter().any(|(_, value)| value.as_encoded_bytes() == OWN_PID)
    }
}

fn of_machine(error: io::Error) -> Failure {
    Failure::Short(error)
}
