//! The task of the connection to the keeper: it passes reports on to those who wait for them, and sends what an
//! [`Outbox`] could not send at once.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use provost_keeper::protocol::{Descriptors, Head, Id, Kind, MESSAGE_MAX, Order, Report};
use provost_keeper::socket::{self, Received};
use rustix::io::Errno;
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, sleep};

use super::outbox::{Answer, Closed, Held, Outbox, Outgoing};
use super::slots::{Belongings, Slot, Slots, Started};
use crate::children::family::Family;
use crate::children::watched::Socket;
use crate::disk_copy::DiskCopy;
use crate::steps::step;

/// The pause before a message is sent again when too many descriptors are in transit.
const IN_TRANSIT: Duration = Duration::from_millis(1);

/// The end of the connection that the task has.
pub(super) struct Link {
    pub(super) outbox: Arc<Outbox>,
    pub(super) socket: Arc<OwnedFd>,
    /// The version of the protocol that was agreed on.
    pub(super) version: u8,
    pub(super) slots: Slots,
    pub(super) family: Arc<Family>,
    pub(super) signals: mpsc::Sender<i32>,
    pub(super) gone: watch::Sender<bool>,
    /// The thread that keeps the table of processes, if there is one.
    pub(super) tabling: Arc<OnceLock<DiskCopy>>,
}

/// The state of the task.
struct Running {
    link: Link,
    socket: Socket,
    buffer: Vec<u8>,
    received: Received,
}

impl Link {
    /// Runs until the keeper is gone, or nobody has the connection any more.
    pub(super) async fn run(self) {
        match Running::new(self) {
            Ok(mut running) => {
                let Err(why) = running.run().await;
                running.receive_the_rest();
                running.link.end(&why);
            }
            Err((link, why)) => link.end(&Closed::Gone(why)),
        }
    }

    /// Ends all waiting: nobody answers any more.
    fn end(&self, why: &Closed) {
        if let Closed::Gone(why) = why {
            tracing::error!("the keeper is gone: {why}");
        }
        // Orphans of its children go to another process, which is not known.
        self.family.adopted_by(None);
        self.gone.send_replace(true);
        self.outbox.end();
        // What is known of them stays: another keeper is given it.
        self.slots.lock().values_mut().for_each(Slot::nobody_answers);
        self.family.orphans_ended();
    }
}

impl Running {
    fn new(link: Link) -> Result<Self, (Link, io::Error)> {
        let socket = match Socket::new(link.socket.clone()) {
            Ok(socket) => socket,
            Err(error) => return Err((link, error)),
        };
        Ok(Self { link, socket, buffer: vec![0; MESSAGE_MAX], received: Received::default() })
    }

    async fn run(&mut self) -> Result<std::convert::Infallible, Closed> {
        loop {
            self.receive().map_err(Closed::Gone)?;
            let held = self.link.outbox.flush()?;
            tokio::select! {
                readable = self.socket.readable() => readable.map_err(Closed::Gone)?,
                writable = self.socket.writable(), if held == Held::Socket => writable.map_err(Closed::Gone)?,
                () = sleep(IN_TRANSIT), if held == Held::Transit => {}
                () = self.link.outbox.changed() => {}
            }
        }
    }

    /// Handles all reports that are there.
    fn receive(&mut self) -> io::Result<()> {
        self.link.outbox.free_reserve();
        let received = self.receive_all();
        self.link.outbox.reserve_again();
        received
    }

    fn receive_all(&mut self) -> io::Result<()> {
        loop {
            match socket::receive(self.link.socket.as_fd(), &mut self.buffer, &mut self.received) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => match Report::decode(self.buffer.get(..length).unwrap_or_default()) {
                    Ok((head, report)) => self.handle(head.seq, report),
                    Err(error) => tracing::error!("a message of the keeper is dropped: {error}"),
                },
                Err(Errno::AGAIN) => return Ok(()),
                // Its text has arrived, and some of its descriptors have not.
                Err(Errno::MSGSIZE) => self.on_incomplete(),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Handles what the keeper has sent before it ended. The kernel may tell that the connection is broken before that.
    fn receive_the_rest(&mut self) {
        for _ in 0..3 {
            let _ = self.receive();
        }
    }

    fn on_incomplete(&mut self) {
        let Ok((head, _)) = Head::read(&self.buffer) else { return };
        if head.kind == Kind::Spawned {
            self.tell_start(Id(head.id), Started::Lost);
        }
    }

    fn handle(&mut self, seq: u32, report: Report) {
        step("keeper.told", report.kind());
        match report {
            Report::Done { errno, pid, .. } => self.on_done(seq, errno, pid),
            Report::Spawned { id, pid, started_at, descriptors } => {
                let started = self.runs(id, (pid, started_at), descriptors);
                self.tell_start(id, started);
            }
            Report::Refused { id, refusal } => self.tell_start(id, Started::Refused(refusal)),
            Report::Ended { id, end } => {
                let mut slots = self.link.slots.lock();
                let Some(slot) = slots.get_mut(&id) else { return };
                if let Some(holding) = &mut slot.holding {
                    holding.end = Some(end);
                }
                // The task that waits may be gone.
                let _ = slot.ended.take().map(|ended| ended.send(end));
            }
            Report::Orphans { .. } => self.link.family.orphans_ended(),
            Report::Ping => self.pong(seq),
            // A signal that is not taken in time is repeated by its sender.
            Report::Signalled { number } => drop(self.link.signals.try_send(number)),
            other @ (Report::Welcome(_)
            | Report::Unsupported { .. }
            | Report::Held { .. }
            | Report::Stashed { .. }) => {
                tracing::error!("an unexpected message of the keeper is dropped: {:?}", other.kind());
            }
        }
    }

    fn on_done(&mut self, seq: u32, errno: i32, pid: u32) {
        let outcome = if errno == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(errno)) };
        match self.link.outbox.answered(seq) {
            Some(Answer::Wanted(wanted)) => drop(wanted.send(outcome)),
            Some(Answer::Started(started)) => {
                if outcome.is_ok() {
                    // At once: from now on it is a child of the keeper that is not an orphan.
                    self.link.family.enter(pid);
                } else {
                    self.link.outbox.is_started();
                }
                let _ = started.send(outcome.map(|()| pid));
            }
            Some(Answer::Unneeded | Answer::None) | None => {}
        }
    }

    /// Takes the descriptors of a child whose program runs.
    fn runs(&mut self, id: Id, (pid, started_at): (u32, u64), descriptors: Descriptors) -> Started {
        let files = self.received.iter_mut().filter_map(Option::take).map(Arc::new);
        let [pidfd, stdout, stderr, _, _, stdin] = descriptors.placed(files);
        let Some(pidfd) = pidfd else { return Started::Lost };
        let outputs = [stdout, stderr];
        if let Some(slot) = self.link.slots.lock().get_mut(&id) {
            let weak =
                outputs.each_ref().map(|output| output.as_ref().map(Arc::downgrade).unwrap_or_default());
            let (pidfd, stdin) = (pidfd.clone(), stdin.clone());
            slot.holding = Some(Belongings { pid, started_at, pidfd, outputs: weak, stdin, end: None });
        }
        if let Some(tabling) = self.link.tabling.get() {
            tabling.wake();
        }
        Started::Runs { pidfd, outputs, stdin }
    }

    fn tell_start(&mut self, id: Id, outcome: Started) {
        self.link.outbox.is_started();
        let take = |slot: &mut Slot| {
            if matches!(outcome, Started::Refused(_)) {
                // It has ended, and its end is not reported.
                slot.ended = None;
            }
            slot.started.take()
        };
        let started = self.link.slots.lock().get_mut(&id).and_then(take);
        // The task that waits may be gone.
        let _ = started.map(|started| started.send(outcome));
    }

    fn pong(&mut self, seq: u32) {
        let mut buffer = [0; 64];
        if let Ok(message) = Order::Pong.encode_as(self.link.version, seq, &mut buffer) {
            let answer = Answer::None;
            let descriptors = Vec::new();
            self.link.outbox.send_first(Outgoing { message: message.to_vec(), descriptors, answer });
        }
    }
}
