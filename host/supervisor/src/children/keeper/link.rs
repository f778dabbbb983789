//! The connection to the keeper while the host runs: one task sends orders within the credit and passes reports on to those who
//! wait for them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use provost_keeper::protocol::{CREDIT, Descriptors, Head, Id, Kind, MESSAGE_MAX, Order, Report};
use provost_keeper::socket::{self, Received};
use rustix::io::Errno;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, sleep};

use super::slots::{Belongings, Slot, Slots, Started};
use crate::children::family::Family;
use crate::children::watched::Socket;
use crate::disk_copy::DiskCopy;
use crate::steps::step;

/// The pause before a message is sent again when too many descriptors are in transit.
const IN_TRANSIT: Duration = Duration::from_millis(1);

/// The descriptors that are reserved while a child is being started: for its own and the ends of its pipes.
const RESERVED: usize = 4;

/// A message that waits to be sent.
pub(super) struct Outgoing {
    pub(super) message: Vec<u8>,
    pub(super) descriptors: Vec<OwnedFd>,
    /// Whether it is answered.
    pub(super) answer: Answer,
}

/// What becomes of the answer to an order.
pub(super) enum Answer {
    /// There is none.
    None,
    /// It is not needed.
    Unneeded,
    /// The error number of an order.
    Wanted(oneshot::Sender<Result<(), Errno>>),
    /// The process id of a child that the order was to start.
    Started(oneshot::Sender<Result<u32, Errno>>),
}

/// The end of the connection that the task has.
pub(super) struct Link {
    pub(super) socket: Arc<OwnedFd>,
    /// The version of the protocol that was agreed on.
    pub(super) version: u8,
    pub(super) orders: mpsc::UnboundedReceiver<Outgoing>,
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
    /// The orders without an answer, by their sequence numbers.
    unanswered: HashMap<u32, Answer>,
    seq: u32,
    waiting: VecDeque<Outgoing>,
    buffer: Vec<u8>,
    received: Received,
    /// The lives that are being started.
    starting: usize,
    /// Descriptors that are free when the next child comes.
    reserve: Vec<OwnedFd>,
}

/// The keeper is gone.
struct Gone(io::Error);

impl Link {
    /// Runs until the keeper is gone.
    pub(super) async fn run(self) {
        match Running::new(self) {
            Ok(mut running) => {
                let Err(Gone(why)) = running.run().await;
                running.receive_the_rest();
                running.link.end(&why);
            }
            Err((link, why)) => link.end(&why),
        }
    }

    /// Ends all waiting: nobody answers any more.
    fn end(&self, why: &io::Error) {
        tracing::error!("the keeper is gone: {why}");
        // Orphans of its children go to another process, which is not known.
        self.family.adopted_by(None);
        self.gone.send_replace(true);
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
        Ok(Self {
            link,
            socket,
            unanswered: HashMap::new(),
            // The greeting had the first.
            seq: 1,
            waiting: VecDeque::new(),
            buffer: vec![0; MESSAGE_MAX],
            received: Received::default(),
            starting: 0,
            reserve: Vec::new(),
        })
    }

    async fn run(&mut self) -> Result<std::convert::Infallible, Gone> {
        loop {
            self.receive()?;
            let is_full = self.send().await?;
            let has_credit = self.unanswered.len() < CREDIT && !is_full;
            tokio::select! {
                order = self.link.orders.recv(), if has_credit => match order {
                    Some(order) => self.waiting.push_back(order),
                    // All handles are gone: the host has ended.
                    None => return Err(Gone(io::Error::other("the host is ending"))),
                },
                readable = self.socket.readable() => readable.map_err(Gone)?,
                writable = self.socket.writable(), if is_full => writable.map_err(Gone)?,
            }
        }
    }

    /// Sends what waits, as far as the credit and the socket allow it. Returns true if the socket is full.
    async fn send(&mut self) -> Result<bool, Gone> {
        while self.unanswered.len() < CREDIT {
            let Some(order) = self.waiting.pop_front().or_else(|| self.link.orders.try_recv().ok()) else {
                break;
            };
            if !matches!(order.answer, Answer::None) {
                // 0 stands for none.
                self.seq = self.seq.checked_add(1).unwrap_or(2);
            }
            let Outgoing { mut message, descriptors, answer } = order;
            let answer = match answer {
                Answer::Started(started) if !self.reserve() => {
                    // The task that waits may be gone.
                    let _ = started.send(Err(Errno::MFILE));
                    continue;
                }
                other => other,
            };
            if !matches!(answer, Answer::None) {
                Head::renumber(&mut message, self.seq);
            }
            let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            let kind = Head::read(&message).ok().map(|(head, _)| head.kind);
            step("keeper.before", kind);
            match socket::send(self.link.socket.as_fd(), &message, &borrowed) {
                Ok(()) if matches!(answer, Answer::None) => {}
                Ok(()) => {
                    step("keeper.sent", kind);
                    self.starting += usize::from(matches!(answer, Answer::Started(_)));
                    self.unanswered.insert(self.seq, answer);
                }
                Err(error @ (Errno::AGAIN | Errno::TOOMANYREFS)) => {
                    self.waiting.push_front(Outgoing { message, descriptors, answer });
                    if error == Errno::TOOMANYREFS {
                        sleep(IN_TRANSIT).await;
                        continue;
                    }
                    return Ok(true);
                }
                Err(error) => return Err(Gone(error.into())),
            }
        }
        Ok(false)
    }

    /// Handles all reports that are there.
    fn receive(&mut self) -> Result<(), Gone> {
        loop {
            self.reserve.clear();
            let received = socket::receive(self.link.socket.as_fd(), &mut self.buffer, &mut self.received);
            if self.starting > 0 {
                self.reserve();
            }
            match received {
                Ok(0) => return Err(Gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => match Report::decode(self.buffer.get(..length).unwrap_or_default()) {
                    Ok((head, report)) => self.handle(head.seq, report),
                    Err(error) => tracing::error!("a message of the keeper is dropped: {error}"),
                },
                Err(Errno::AGAIN) => return Ok(()),
                // Its text has arrived, and some of its descriptors have not.
                Err(Errno::MSGSIZE) => self.on_incomplete(),
                Err(error) => return Err(Gone(error.into())),
            }
        }
    }

    /// Handles what the keeper has sent before it ended. The kernel may tell that the connection is broken before that.
    fn receive_the_rest(&mut self) {
        for _ in 0..3 {
            let _ = self.receive();
        }
    }

    /// Reserves descriptors for the next child; returns false if there are not enough.
    fn reserve(&mut self) -> bool {
        while self.reserve.len() < RESERVED {
            let Ok(spare) = rustix::io::fcntl_dupfd_cloexec(&self.link.socket, 3) else { return false };
            self.reserve.push(spare);
        }
        true
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
        match self.unanswered.remove(&seq) {
            Some(Answer::Wanted(wanted)) => drop(wanted.send(outcome)),
            Some(Answer::Started(started)) => {
                if outcome.is_ok() {
                    // At once: from now on it is a child of the keeper that is not an orphan.
                    self.link.family.enter(pid);
                } else {
                    self.starting = self.starting.saturating_sub(1);
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
        self.starting = self.starting.saturating_sub(1);
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
            self.waiting.push_front(Outgoing { message: message.to_vec(), descriptors: Vec::new(), answer });
        }
    }
}
