//! The first messages between the host and its keeper, without a runtime: a host that cannot even set one up has to be able to
//! say how it ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use provost_keeper::protocol::{Head, Held, Id, Kind, Leave, MESSAGE_MAX, Order, Report, Versions, Welcome};
use provost_keeper::socket::{self, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::last_words::{LAST_WORDS_KEY, LastWords};
use crate::steps::step;

/// How long the keeper may take for each of its first messages, and for the room for the last one of the host, in seconds.
const PATIENCE_S: i64 = 10;

/// The sequence number of the last order, which the link never gets to.
const LAST: u32 = u32::MAX;

/// The sequence number of the order to keep the last words.
const WORDS: u32 = LAST - 1;

/// The number of reports that may be unread when the host ends: some for each process.
const UNREAD_MAX: usize = 1_000_000;

/// Why the keeper cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotGreeted {
    /// The socket failed.
    #[error("the keeper does not answer: {0}")]
    Io(#[from] io::Error),
    /// It speaks other versions.
    #[error("the keeper speaks versions {lowest} to {highest} of the protocol, and this host does not")]
    Strange {
        /// The lowest.
        lowest: u8,
        /// The highest.
        highest: u8,
    },
    /// It sent something else than was expected.
    #[error("the keeper is of another build: {0}")]
    Foreign(String),
}

impl From<Errno> for NotGreeted {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

/// A child that the keeper holds.
#[derive(Debug)]
pub(crate) struct HeldChild {
    pub(crate) id: Id,
    pub(crate) held: Held,
    /// In the order of [`Descriptors::ALL`](provost_keeper::protocol::Descriptors::ALL), those that are there.
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// A file that was kept for this host.
#[derive(Debug)]
pub(crate) struct StashedFile {
    pub(crate) key: u32,
    /// The number that was given with it.
    pub(crate) number: u64,
    pub(crate) file: OwnedFd,
}

/// The connection to the keeper, and what it has told at first.
#[derive(Debug)]
pub struct Greeting {
    pub(crate) socket: Arc<OwnedFd>,
    /// The version of the protocol that was agreed on.
    pub(crate) version: u8,
    pub(crate) welcome: Welcome,
    pub(crate) held: Vec<HeldChild>,
    /// The files that were kept for this host.
    pub(crate) stashed: Vec<StashedFile>,
    last_words: LastWords,
}

/// What is left of the connection for the last message of the host.
#[derive(Clone, Debug)]
pub struct Farewell {
    socket: Arc<OwnedFd>,
    version: u8,
    is_first: bool,
}

impl Greeting {
    /// Attaches this process to the keeper at the other end of the socket; `build` says which host this is.
    ///
    /// # Errors
    /// [`NotGreeted`].
    pub fn exchange(socket: OwnedFd, build: &str) -> Result<Self, NotGreeted> {
        Self::exchange_in(Versions::OURS, socket, build)
    }

    /// Attaches as a host that speaks these versions.
    fn exchange_in(versions: Versions, socket: OwnedFd, build: &str) -> Result<Self, NotGreeted> {
        let mut buffer = vec![0; MESSAGE_MAX];
        let hello = Order::Hello { versions, build: build.as_bytes() };
        let message = hello.encode(1, &mut buffer).map_err(|error| NotGreeted::Foreign(error.to_string()))?;
        step("greeting.before", Kind::Hello);
        socket::send(socket.as_fd(), message, &[])?;
        step("greeting.sent", Kind::Hello);
        let (report, head, _) = next(&socket, &mut buffer)?;
        step("greeting.told", report.kind());
        let welcome = match report {
            Report::Welcome(welcome) => welcome,
            Report::Unsupported { versions: Versions { lowest, highest } } => {
                return Err(NotGreeted::Strange { lowest, highest });
            }
            other => return Err(NotGreeted::Foreign(format!("it answers with {:?}", other.kind()))),
        };
        let (last_words, words) = LastWords::new()?;
        let mut greeting = Self {
            socket: Arc::new(socket),
            version: head.version,
            welcome,
            held: Vec::new(),
            stashed: Vec::new(),
            last_words,
        };
        while greeting.held.len() < welcome.held as usize || greeting.stashed.len() < welcome.stashed as usize
        {
            let (report, _, descriptors) = next(&greeting.socket, &mut buffer)?;
            step("greeting.told", report.kind());
            match report {
                Report::Held { id, held } => greeting.held.push(HeldChild { id, held, descriptors }),
                Report::Stashed { key, generation } => {
                    let file = descriptors.into_iter().next();
                    let file =
                        file.ok_or_else(|| NotGreeted::Foreign(format!("the file {key} is missing")))?;
                    greeting.stashed.push(StashedFile { key, number: generation, file });
                }
                // Nothing else comes before the greeting is over.
                other => return Err(NotGreeted::Foreign(format!("it greets with {:?}", other.kind()))),
            }
        }
        // Before anything can fail. Nobody waits for the answer, which has a number that the link never gets to; and without
        // that file, only the words are missing.
        let keep = Order::Stash { key: LAST_WORDS_KEY, generation: 0 };
        if let Ok(message) = keep.encode_as(greeting.version, WORDS, &mut buffer) {
            let _ = socket::send(greeting.socket.as_fd(), message, &[words.as_fd()]);
        }
        Ok(greeting)
    }

    /// Returns where this host says why it fails.
    #[must_use]
    pub fn last_words(&self) -> LastWords {
        self.last_words.clone()
    }

    /// Returns the process id of the keeper.
    #[must_use]
    pub fn keeper(&self) -> u32 {
        self.welcome.keeper_pid
    }

    /// Returns what is needed for the last message.
    #[must_use]
    pub fn farewell(&self) -> Farewell {
        Farewell { socket: self.socket.clone(), version: self.version, is_first: self.is_first() }
    }

    /// Whether the keeper has started no host before this one, so that it holds nothing that has to go on.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.welcome.hosts <= 1
    }
}

impl Farewell {
    /// Tells the keeper that this process could not become a host, and ends with this exit code. A keeper whose first host
    /// it is ends, too. Another one is told nothing: what it holds goes on, and it tries another host after a pause.
    pub fn fail(&self, code: u8) {
        if self.is_first {
            self.leave(code);
        } else {
            self.stay_connected();
        }
    }

    /// Leaves the connection open until the end of this process, which is near: a keeper whose host closes it kills that host,
    /// and then does not know with which code it has ended.
    pub fn stay_connected(&self) {
        std::mem::forget(self.socket.clone());
    }

    /// Tells the keeper that this process ends on purpose, and that it ends with this exit code, too. Whatever is left is
    /// ended by the keeper. Returns when it has taken notice; one that is gone needs to know nothing. Nobody else may use
    /// the connection any more.
    pub fn leave(&self, code: u8) {
        let mut buffer = vec![0; MESSAGE_MAX];
        let order = Order::Leave(Leave::Finish { code });
        let Ok(message) = order.encode_as(self.version, LAST, &mut buffer) else { return };
        step("farewell.before", Kind::Leave);
        loop {
            match socket::send(self.socket.as_fd(), message, &[]) {
                Ok(()) => break,
                Err(Errno::AGAIN) if is_ready(self.socket.as_fd(), PollFlags::OUT) => {}
                Err(_) => return,
            }
        }
        step("farewell.sent", Kind::Leave);
        // What the keeper has sent before its answer is nobody's any more. If this process ended with messages unread, the
        // keeper would see an error before the last order.
        for _ in 0..UNREAD_MAX {
            match next(&self.socket, &mut buffer) {
                Ok((Report::Done { .. }, Head { seq: LAST, .. }, _)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

/// Waits for the next message.
pub(super) fn next(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(Report, Head, Vec<OwnedFd>), NotGreeted> {
    let mut received = Received::default();
    loop {
        match socket::receive(socket.as_fd(), buffer, &mut received) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(length) => {
                let message = buffer.get(..length).unwrap_or_default();
                let (head, report) =
                    Report::decode(message).map_err(|error| NotGreeted::Foreign(error.to_string()))?;
                return Ok((report, head, received.into_iter().flatten().collect()));
            }
            Err(Errno::AGAIN) if is_ready(socket.as_fd(), PollFlags::IN) => {}
            Err(Errno::AGAIN) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until the socket is ready, for as long as the keeper may take.
fn is_ready(socket: BorrowedFd<'_>, flags: PollFlags) -> bool {
    let patience = Timespec { tv_sec: PATIENCE_S, tv_nsec: 0 };
    let mut polled = [PollFd::from_borrowed_fd(socket, flags)];
    rustix::io::retry_on_intr(|| poll(&mut polled, Some(&patience))).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use provost_keeper::protocol::{HostEnd, HostEnding, HostState};

    use super::*;

    const LATER: Versions = Versions { lowest: 1, highest: 9 };

    fn welcome(speaks: Option<Versions>) -> Report {
        Report::Welcome(Welcome {
            keeper_pid: 7,
            now: 0,
            held: 0,
            stashed: 0,
            hosts: 1,
            deaths: 0,
            last: HostEnd { why: HostEnding::None, status: 0, ended_at: 0 },
            state: HostState::Attached,
            is_draining: false,
            speaks,
        })
    }

    /// Lets a host that speaks these versions attach to a keeper that answers with this report in version 1. Returns what comes of
    /// it, the versions that the host has named, and those of the messages that it has sent.
    fn attach(versions: Versions, answer: Report) -> (Result<Greeting, NotGreeted>, Versions, Vec<u8>) {
        let (ours, theirs) = socket::pair().unwrap();
        let keeper = std::thread::spawn(move || {
            let (mut buffer, mut named, mut heard) = (vec![0; MESSAGE_MAX], None, Vec::new());
            while is_ready(theirs.as_fd(), PollFlags::IN) {
                let length = socket::receive(theirs.as_fd(), &mut buffer, &mut Received::default()).unwrap();
                if length == 0 {
                    break;
                }
                let (head, order) = Order::decode(&buffer[..length]).unwrap();
                heard.push(head.version);
                let answer = match order {
                    Order::Hello { versions, .. } => {
                        named = Some(versions);
                        answer
                    }
                    _ => Report::Done { id: 0, errno: 0, pid: 0 },
                };
                let mut told = [0; 256];
                let message = answer.encode_as(1, head.seq, &mut told).unwrap();
                // A host that ends at once hears nothing.
                let _ = socket::send(theirs.as_fd(), message, &[]);
            }
            (named.unwrap(), heard)
        });
        let greeting = Greeting::exchange_in(versions, ours, "later");
        if let Ok(greeting) = &greeting {
            greeting.farewell().leave(0);
        }
        let greeting =
            greeting.map(|greeting| Greeting { socket: Arc::new(socket::pair().unwrap().0), ..greeting });
        let (named, heard) = keeper.join().unwrap();
        (greeting, named, heard)
    }

    #[test]
    fn a_later_host_speaks_the_version_of_an_older_keeper() {
        let (greeting, named, heard) = attach(LATER, welcome(None));
        assert_eq!((greeting.unwrap().version, named), (1, LATER));
        // `HELLO`, `STASH` and `LEAVE`.
        assert_eq!(heard, [1, 1, 1]);
    }

    #[test]
    fn a_host_without_a_common_version_says_what_the_keeper_speaks() {
        let versions = Versions { lowest: 3, highest: 4 };
        let (greeting, ..) = attach(Versions::OURS, Report::Unsupported { versions });
        let said = greeting.unwrap_err().to_string();
        assert_eq!(said, "the keeper speaks versions 3 to 4 of the protocol, and this host does not");
    }
}
