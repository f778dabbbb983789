//! The task that reads the notification socket of one life. A message is looked at, acted on, and only then taken away, so that
//! it is read again if this host ends in between. Nothing is kept of what waits in the socket, whose length the kernel bounds;
//! the pace is bounded here, so a process that sends all the time waits for itself.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use provost_posix::{Datagram, drop_datagram, peek_datagram};
use tokio::io::Interest;
use tokio::time::{Duration, Instant, sleep_until};

use super::line::Line;
use super::message::{MESSAGE_BYTES_MAX, Message, Said, Storing};
use super::notice::{Announcer, Over};
use super::sender::Senders;
use super::stored::{STORED_MAX, Stored};
use crate::children::watched::registered;

/// The number of messages that may come at once, and how many may follow in each second.
const PACE: u32 = 100;

/// The number of messages of strangers after which the task lets others go on.
const STRANGERS: u32 = 64;

/// The socket of one life, and all that is needed to act on its messages.
pub(super) struct Reading {
    pub(super) process: Arc<str>,
    pub(super) line: Line,
    pub(super) senders: Senders,
    pub(super) stored: Arc<Stored>,
    /// Whether it may have descriptors kept: one whose readiness descriptor has a fixed number may not.
    pub(super) may_store: bool,
    pub(super) announcer: Announcer,
}

/// Messages within a time.
struct Pace {
    since: Instant,
    count: u32,
}

impl Pace {
    /// Counts a message, and waits until it may be handled.
    async fn next(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        if self.count > PACE {
            sleep_until(self.since + Duration::from_secs(1)).await;
            (self.since, self.count) = (Instant::now(), 1);
        }
    }
}

impl Reading {
    /// Reads until the life is over.
    pub(super) async fn run(mut self) {
        let turn = self.line.turn.clone();
        // The reader of the life before ends now.
        let _turn = turn.lock().await;
        if let Err(error) = self.read().await {
            tracing::error!(process = &*self.process, "its notification socket cannot be read: {error}");
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        let socket = registered(self.line.socket.clone(), Interest::READABLE)?;
        let (mut pace, mut buffer) = (Pace { since: Instant::now(), count: 0 }, [0; MESSAGE_BYTES_MAX]);
        let mut strangers = 0_u32;
        loop {
            let mut readable = tokio::select! {
                () = self.announcer.over() => return Ok(()),
                readable = socket.readable() => readable?,
            };
            // Cleared before the look, so that what arrives during it wakes the task again.
            readable.clear_ready();
            loop {
                let datagram = match peek_datagram(self.line.socket.as_fd(), &mut buffer) {
                    Ok(datagram) => datagram,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                if self.is_own(&datagram) {
                    tokio::select! {
                        () = self.announcer.over() => return Ok(()),
                        () = pace.next() => {}
                    }
                    let text = buffer.get(..datagram.length).unwrap_or_default();
                    if self.handle(text, datagram).await.is_err() {
                        return Ok(());
                    }
                } else {
                    if strangers == 0 {
                        let sender = datagram.sender.and_then(|sender| sender.pid).unwrap_or(0);
                        tracing::warn!(
                            process = &*self.process,
                            sender,
                            "messages of processes that do not belong to it are dropped"
                        );
                    }
                    strangers = strangers.saturating_add(1);
                    if strangers.is_multiple_of(STRANGERS) {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
                drop_datagram(self.line.socket.as_fd())?;
            }
        }
    }

    fn is_own(&self, datagram: &Datagram) -> bool {
        datagram.sender.is_some_and(|sender| self.senders.have(sender))
    }

    async fn handle(&mut self, text: &[u8], datagram: Datagram) -> Result<(), Over> {
        let process = &self.process;
        if datagram.is_cut {
            tracing::warn!(
                process = &**process,
                "a message of more than {MESSAGE_BYTES_MAX} bytes is dropped"
            );
            return Ok(());
        }
        let Message { mut said, storing } = Message::read(text);
        match storing {
            Some(Storing::Keep(name)) if !self.may_store => {
                tracing::warn!(process = &**process, %name, "with `ready.fd`, descriptors are not kept");
            }
            Some(Storing::Keep(name)) => {
                if self.stored.keep(process, &name, datagram.descriptors).is_err() {
                    tracing::warn!(process = &**process, %name, "more than {STORED_MAX} descriptors are not kept");
                }
            }
            Some(Storing::Drop(name)) => self.stored.remove(process, &name),
            None => drop(datagram),
        }
        let senders = &mut self.senders;
        said.retain(|said| match said {
            Said::MainPid(pid) => {
                let is_own = senders.name(*pid);
                if !is_own {
                    tracing::warn!(
                        process = &**process,
                        pid,
                        "it named a main process that is not one of its own"
                    );
                }
                is_own
            }
            _ => true,
        });
        if said.is_empty() { Ok(()) } else { self.announcer.announce(said).await }
    }
}
