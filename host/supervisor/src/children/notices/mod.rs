//! What processes say about themselves: the messages of `sd_notify`, and the readiness descriptor of s6.
//!
//! | room | owns |
//! |---|---|
//! | `reading` | the task that reads the notification socket of one life |
//! | `pipe` | the readiness descriptor |
//! | `stored` | the descriptors that processes have given to be kept |
//! | `line` | the notification socket of a process |
//! | `sender` | who may send messages for a process |
//! | `notice` | what a runner receives of all this |
//! | `message` | the messages |

mod line;
mod message;
mod notice;
mod pipe;
mod reading;
mod sender;
mod stored;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use dashmap::DashMap;
use provost_state::Incarnation;

use self::line::Line;
pub(crate) use self::message::Said;
pub(in crate::children) use self::notice::Announcer;
pub(crate) use self::notice::{Notice, Notices};
use self::reading::Reading;
use self::sender::Senders;
use self::stored::Stored;
use super::keeper::Shelf;
use crate::spec::ProcessSpec;

/// Returns what a message says, for children that a test scripts.
#[cfg(any(test, feature = "scripted"))]
pub(super) fn said(message: &[u8]) -> Vec<Said> {
    message::Message::read(message).said
}

/// The notification sockets of all processes. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Notifiers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shelf: Shelf,
    /// What the names of the sockets begin with, which tells hosts apart.
    prefix: String,
    lines: DashMap<Arc<str>, Line>,
    stored: Arc<Stored>,
}

/// The readiness descriptor of a life that is about to be started.
#[derive(Debug)]
pub(super) struct ReadyPipe {
    /// The end of this host.
    pub(super) reader: Arc<OwnedFd>,
    /// The end of the process.
    pub(super) writer: OwnedFd,
}

impl Notifiers {
    pub(super) fn new(shelf: Shelf, prefix: String) -> Self {
        let stored = Arc::new(Stored::new(shelf.clone()));
        Self(Arc::new(Inner { shelf, prefix, lines: DashMap::new(), stored }))
    }

    /// Opens the socket of a process for its next life, if it is not open, and drops what earlier lives have sent. Returns its
    /// address.
    pub(super) fn prepare(&self, process: &Arc<str>) -> io::Result<String> {
        let line = self.line(process)?;
        line.drain();
        line.address()
    }

    fn line(&self, process: &Arc<str>) -> io::Result<Line> {
        match self.0.lines.entry(process.clone()) {
            dashmap::Entry::Occupied(line) => Ok(line.get().clone()),
            dashmap::Entry::Vacant(place) => {
                let label = label(process);
                let former = self.0.shelf.found(&label).into_iter().next();
                let line = match former {
                    Some((_, socket)) => Line::of(socket),
                    None => {
                        let line = Line::open(&format!("{}/{process}", self.0.prefix))?;
                        self.0.shelf.put(&label, line.socket.clone());
                        line
                    }
                };
                self.0.stored.know(process);
                Ok(place.insert(line).value().clone())
            }
        }
    }

    /// Returns the descriptors that the process has given to be kept, with their names.
    pub(super) fn stored(&self, process: &str) -> Vec<(Arc<str>, Arc<OwnedFd>)> {
        self.0.stored.all(process)
    }

    /// Opens a readiness descriptor for this life.
    pub(super) fn ready_pipe(&self, process: &str, life: Incarnation) -> io::Result<ReadyPipe> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        let reader = Arc::new(reader);
        // What is left of lives that have ended while there was no host.
        for (left, _) in self.0.shelf.found(&format!("ready/{process}/")) {
            self.0.shelf.drop(&left);
        }
        self.0.shelf.put(&label_of_pipe(process, life), reader.clone());
        Ok(ReadyPipe { reader, writer })
    }

    /// Begins to hear what a life says, if its spec asks for that. Must be called within the runtime.
    pub(super) fn hear(
        &self,
        spec: &ProcessSpec,
        life: Incarnation,
        pid: u32,
        pipe: Option<Arc<OwnedFd>>,
    ) -> Option<Notices> {
        self.hear_by(spec.has_notify_socket(), spec, life, pid, pipe)
    }

    fn hear_by(
        &self,
        has_socket: bool,
        spec: &ProcessSpec,
        life: Incarnation,
        pid: u32,
        pipe: Option<Arc<OwnedFd>>,
    ) -> Option<Notices> {
        let process = &spec.name;
        if !has_socket {
            return pipe.map(|pipe| self.hear_pipe(spec, life, pipe, Announcer::new()));
        }
        let line = match self.line(process) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(process = &**process, "it cannot be heard: no notification socket: {error}");
                return None;
            }
        };
        let (announcer, notices) = Announcer::new();
        let notices = match pipe {
            Some(pipe) => self.hear_pipe(spec, life, pipe, (announcer.clone(), notices)),
            None => notices,
        };
        let reading = Reading {
            process: process.clone(),
            line,
            senders: Senders { main: pid, named: None },
            stored: self.0.stored.clone(),
            may_store: spec.ready_descriptor().is_none(),
            announcer,
        };
        tokio::spawn(reading.run());
        Some(notices)
    }

    /// Begins to hear what a life of a former host says. It may have been given a socket by another config, and would wait for ever
    /// if nobody read what it sends.
    pub(super) fn hear_former(&self, spec: &ProcessSpec, life: Incarnation, pid: u32) -> Option<Notices> {
        let pipe = self.0.shelf.found(&label_of_pipe(&spec.name, life)).into_iter().next();
        let has_socket = spec.has_notify_socket() || !self.0.shelf.found(&label(&spec.name)).is_empty();
        self.hear_by(has_socket, spec, life, pid, pipe.map(|(_, pipe)| pipe))
    }

    fn hear_pipe(
        &self,
        spec: &ProcessSpec,
        life: Incarnation,
        pipe: Arc<OwnedFd>,
        (announcer, notices): (Announcer, Notices),
    ) -> Notices {
        let (process, shelf) = (spec.name.clone(), self.0.shelf.clone());
        let number = spec.ready_descriptor().unwrap_or_default();
        tokio::spawn(async move {
            pipe::await_line(process.clone(), number, pipe, announcer).await;
            shelf.drop(&label_of_pipe(&process, life));
        });
        notices
    }

    /// Drops what a former host has kept of others than these, by the name of their owner.
    pub(super) fn retain(&self, is_kept: impl Fn(&str) -> bool) {
        self.0.shelf.retain(is_kept);
    }

    /// Forgets a process that is not supervised any more.
    pub(super) fn forget(&self, process: &str) {
        self.0.lines.remove(process);
        self.0.stored.forget(process);
        // Also what a former host has kept of a process that was not started since.
        for label in [label(process), format!("ready/{process}/"), format!("store/{process}/")] {
            for (label, _) in self.0.shelf.found(&label) {
                self.0.shelf.drop(&label);
            }
        }
    }
}

fn label(process: &str) -> String {
    format!("notify/{process}")
}

fn label_of_pipe(process: &str, life: Incarnation) -> String {
    format!("ready/{process}/{life}")
}
