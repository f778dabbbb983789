//! Giving everything to another keeper, after the one that this host had has ended. Nothing changes before the host leaves: a
//! handover that does not come to its end is dropped, and the other keeper ends with it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use provost_keeper::protocol::{Leave, MESSAGE_MAX, Order, Report};
use provost_keeper::socket;
use rustix::io::Errno;

use super::connection::{Estate, Keeper};
use super::greeting::{Greeting, NotGreeted, next};

/// The number of reports that are passed over while an answer is awaited: some for each process.
const PASSED_OVER_MAX: usize = 1_000_000;

/// Why a keeper could not be given everything.
#[derive(Debug, thiserror::Error)]
pub enum NotHandedOver {
    /// It cannot be started.
    #[error("it cannot be started: {0}")]
    NotStarted(io::Error),
    /// It cannot be spoken to.
    #[error(transparent)]
    NotGreeted(#[from] NotGreeted),
    /// It refused an order.
    #[error("the new keeper refused what it was given: {0}")]
    Refused(io::Error),
    /// An order could not be sent to it: it has ended, or does not read. It does not have this order.
    #[error("the new keeper could not be given everything: {0}")]
    NotSent(io::Error),
    /// This process lacks something.
    #[error("what the new keeper is to be given cannot be put together: {0}")]
    Lacking(io::Error),
    /// It holds something already.
    #[error("the new keeper holds {0} processes already")]
    NotEmpty(u32),
}

/// A keeper that has been given everything.
#[derive(Debug)]
pub struct HandedOver {
    connection: Connection,
    keeper: u32,
    lives: usize,
}

impl HandedOver {
    /// Returns the process id of the keeper.
    #[must_use]
    pub fn keeper(&self) -> u32 {
        self.keeper
    }

    /// Returns the number of lives that it was given.
    #[must_use]
    pub fn lives(&self) -> usize {
        self.lives
    }

    /// Tells the keeper that it has everything: it starts a host as soon as this process has ended. That is the program that it was
    /// started with, or another one, which has to be in service within a time.
    ///
    /// # Errors
    /// [`NotHandedOver::NotSent`] if it was not told: it starts no host, and another keeper has to be given everything. With any
    /// other error it may start a host, so this process has to end.
    pub fn leave(mut self, next: Option<(BorrowedFd<'_>, Duration)>) -> Result<(), NotHandedOver> {
        fail::fail_point!("keeper.untold", |_| Err(NotHandedOver::NotSent(io::ErrorKind::BrokenPipe.into())));
        let deadline = next.map_or(Duration::ZERO, |(_, deadline)| deadline);
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let program: Vec<BorrowedFd<'_>> = next.into_iter().map(|(program, _)| program).collect();
        self.connection.ask(&Order::Leave(Leave::Replace { deadline_ms }), &program)
    }
}

/// The connection, one order at a time.
#[derive(Debug)]
struct Connection {
    socket: Arc<OwnedFd>,
    buffer: Vec<u8>,
    seq: u32,
    version: u8,
}

impl Connection {
    fn ask(&mut self, order: &Order<'_>, descriptors: &[BorrowedFd<'_>]) -> Result<(), NotHandedOver> {
        self.seq += 1;
        let message = order.encode_as(self.version, self.seq, &mut self.buffer);
        let message = message.map_err(|error| NotHandedOver::Lacking(io::Error::other(error)))?;
        let sent = socket::send(self.socket.as_fd(), message, descriptors);
        sent.map_err(|error| NotHandedOver::NotSent(error.into()))?;
        for _ in 0..PASSED_OVER_MAX {
            match next(&self.socket, &mut self.buffer)? {
                (Report::Done { errno: 0, .. }, head, _) if head.seq == self.seq => return Ok(()),
                (Report::Done { errno, .. }, head, _) if head.seq == self.seq => {
                    return Err(NotHandedOver::Refused(Errno::from_raw_os_error(errno).into()));
                }
                (Report::Ping, head, _) => {
                    let pong = Order::Pong.encode_as(self.version, head.seq, &mut self.buffer);
                    let pong = pong.map_err(|error| NotHandedOver::Lacking(io::Error::other(error)))?;
                    // One that is not answered is asked again.
                    let _ = socket::send(self.socket.as_fd(), pong, &[]);
                }
                // What has become of a life is found out by the next host.
                _ => {}
            }
        }
        Err(NotHandedOver::Refused(io::ErrorKind::TimedOut.into()))
    }
}

impl Keeper {
    /// Gives everything that this host has of the keeper, which has ended, to another one that `start` starts with this end of
    /// a connection; `build` says which host this is. Blocks until it has answered.
    ///
    /// # Errors
    /// [`NotHandedOver`]; nothing has changed, and the other keeper ends.
    pub fn hand_over(
        &self,
        build: &str,
        start: impl FnOnce(OwnedFd) -> io::Result<()>,
    ) -> Result<HandedOver, NotHandedOver> {
        self.try_to_hand_over(build, start).inspect_err(|_| self.keeps_estate())
    }

    fn try_to_hand_over(
        &self,
        build: &str,
        start: impl FnOnce(OwnedFd) -> io::Result<()>,
    ) -> Result<HandedOver, NotHandedOver> {
        self.end_unborn().map_err(NotHandedOver::Lacking)?;
        let (ours, theirs) = socket::pair().map_err(|error| NotHandedOver::Lacking(error.into()))?;
        start(theirs).map_err(NotHandedOver::NotStarted)?;
        let greeting = Greeting::exchange(ours, build)?;
        if greeting.welcome.held != 0 {
            return Err(NotHandedOver::NotEmpty(greeting.welcome.held));
        }
        let keeper = greeting.keeper();
        let Greeting { socket, version, .. } = greeting;
        let mut connection = Connection { socket, buffer: vec![0; MESSAGE_MAX], seq: 1, version };
        let Estate { lives, files } = self.estate().map_err(NotHandedOver::Lacking)?;
        for (id, handed) in &lives {
            let (held, is_terminal) = (handed.held, handed.is_terminal);
            let gap_files = self.gap_files_of(*id);
            let gap_files = gap_files.each_ref().map(Option::as_deref);
            let order = Order::Adopt { id: *id, held, gap_files, is_terminal };
            connection.ask(&order, &handed.descriptors())?;
        }
        for (key, generation, file) in files {
            connection.ask(&Order::Stash { key, generation }, &[file.as_fd()])?;
        }
        Ok(HandedOver { connection, keeper, lives: lives.len() })
    }
}
