//! The sending side of the connection: the caller sends an order at once, within the credit of the keeper and as far as the
//! socket takes it. What does not fit waits for the task of the connection, which goes on when there is room.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;
use provost_keeper::protocol::{CREDIT, Head, Kind};
use provost_keeper::socket;
use rustix::io::Errno;
use tokio::sync::{Notify, oneshot};

use crate::steps::step;

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
    /// The keeper does not answer it.
    None,
    /// It is not needed.
    Unneeded,
    /// The error number of an order.
    Wanted(oneshot::Sender<Result<(), Errno>>),
    /// The process id of a child that the order was to start.
    Started(oneshot::Sender<Result<u32, Errno>>),
}

/// What keeps messages from being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing: all are sent.
    Nothing,
    /// Orders without an answer; the answers come as reports.
    Credit,
    /// The socket is full.
    Socket,
    /// Too many descriptors are in transit, which the kernel does not tell the end of.
    Transit,
}

/// Why nothing is sent any more.
pub(super) enum Closed {
    /// Nobody has the connection any more: the host ends.
    Unused,
    /// The keeper is gone.
    Gone(io::Error),
}

/// The sending side, which those who have orders share with the task of the connection.
pub(super) struct Outbox {
    socket: Arc<OwnedFd>,
    state: Mutex<State>,
    /// Tells the task that something waits, or that the outbox is closed.
    changed: Notify,
}

struct State {
    /// The orders without an answer, by their sequence numbers.
    unanswered: HashMap<u32, Answer>,
    seq: u32,
    waiting: VecDeque<Outgoing>,
    /// The lives that are being started.
    starting: usize,
    /// Descriptors that are free when the next child comes.
    reserve: Vec<OwnedFd>,
    stage: Stage,
}

/// How far the end of the connection has come.
enum Stage {
    /// Messages are sent.
    Open,
    /// Messages only wait. The task of the connection is to learn why.
    Closed(Closed),
    /// The task has learnt it. Messages still wait, until the keeper counts as gone.
    Ending,
    /// Messages are dropped.
    Over,
}

impl Outbox {
    pub(super) fn new(socket: Arc<OwnedFd>) -> Self {
        let state = State {
            unanswered: HashMap::new(),
            // The greeting had the first.
            seq: 1,
            waiting: VecDeque::new(),
            starting: 0,
            reserve: Vec::new(),
            stage: Stage::Open,
        };
        Self { socket, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Sends a message after those that wait. Nothing is sent any more while the keeper is gone; what waits for an answer learns
    /// that.
    pub(super) fn send(&self, message: Outgoing) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Over) {
            return;
        }
        state.waiting.push_back(message);
        self.flush_or_tell(&mut state);
    }

    /// Sends a message before those that wait.
    pub(super) fn send_first(&self, message: Outgoing) {
        let mut state = self.state.lock();
        state.waiting.push_front(message);
        self.flush_or_tell(&mut state);
    }

    fn flush_or_tell(&self, state: &mut State) {
        if !matches!(state.stage, Stage::Open) {
            return;
        }
        match state.flush(&self.socket) {
            Ok(Held::Nothing | Held::Credit) => {}
            Ok(Held::Socket | Held::Transit) => self.changed.notify_one(),
            Err(error) => {
                state.stage = Stage::Closed(Closed::Gone(error));
                self.changed.notify_one();
            }
        }
    }

    /// Sends what waits. Returns what keeps the rest from being sent.
    ///
    /// # Errors
    /// Nothing is sent any more, for this reason.
    pub(super) fn flush(&self) -> Result<Held, Closed> {
        let mut state = self.state.lock();
        let why = match std::mem::replace(&mut state.stage, Stage::Ending) {
            Stage::Open => match state.flush(&self.socket) {
                Ok(held) => {
                    state.stage = Stage::Open;
                    return Ok(held);
                }
                Err(error) => Closed::Gone(error),
            },
            Stage::Closed(why) => why,
            Stage::Ending | Stage::Over => Closed::Unused,
        };
        Err(why)
    }

    /// Resolves when [`flush`](Self::flush) has something to do or to tell that no report tells of.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Says that nobody has anything to send any more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        if matches!(state.stage, Stage::Open) {
            state.stage = Stage::Closed(Closed::Unused);
            self.changed.notify_one();
        }
    }

    /// Ends all waiting for answers, and drops what is sent from now on.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.stage = Stage::Over;
        let waiting = std::mem::take(&mut state.waiting);
        let unanswered = std::mem::take(&mut state.unanswered);
        drop(state);
        drop((waiting, unanswered));
    }

    /// Returns what becomes of this answer.
    pub(super) fn answered(&self, seq: u32) -> Option<Answer> {
        self.state.lock().unanswered.remove(&seq)
    }

    /// A life is not being started any more: it runs, or does not.
    pub(super) fn is_started(&self) {
        let mut state = self.state.lock();
        state.starting = state.starting.saturating_sub(1);
    }

    /// Frees the reserved descriptors for those that come now.
    pub(super) fn free_reserve(&self) {
        self.state.lock().reserve.clear();
    }

    /// Reserves descriptors again, if there are lives that are being started.
    pub(super) fn reserve_again(&self) {
        let mut state = self.state.lock();
        if state.starting > 0 {
            state.reserve(&self.socket);
        }
    }
}

impl State {
    /// Sends what waits, as far as the credit and the socket allow it.
    fn flush(&mut self, socket: &Arc<OwnedFd>) -> io::Result<Held> {
        while let Some(Outgoing { mut message, descriptors, answer }) = self.waiting.pop_front() {
            if self.unanswered.len() >= CREDIT {
                self.waiting.push_front(Outgoing { message, descriptors, answer });
                return Ok(Held::Credit);
            }
            let answer = match answer {
                Answer::Started(started) if !self.reserve(socket) => {
                    // The task that waits may be gone.
                    let _ = started.send(Err(Errno::MFILE));
                    continue;
                }
                other => other,
            };
            if !matches!(answer, Answer::None) {
                // 0 stands for none.
                self.seq = self.seq.checked_add(1).unwrap_or(2);
                Head::renumber(&mut message, self.seq);
            }
            let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            let kind = Head::read(&message).ok().map(|(head, _)| head.kind);
            step("keeper.before", kind);
            match socket::send(socket.as_fd(), &message, &borrowed) {
                Ok(()) => self.sent(answer, kind),
                Err(error @ (Errno::AGAIN | Errno::TOOMANYREFS)) => {
                    self.waiting.push_front(Outgoing { message, descriptors, answer });
                    return Ok(if error == Errno::AGAIN { Held::Socket } else { Held::Transit });
                }
                Err(error) => {
                    // The caller learns it when the keeper counts as gone, and not before.
                    self.waiting.push_front(Outgoing { message, descriptors, answer });
                    return Err(error.into());
                }
            }
        }
        Ok(Held::Nothing)
    }

    fn sent(&mut self, answer: Answer, kind: Option<Kind>) {
        if matches!(answer, Answer::None) {
            return;
        }
        step("keeper.sent", kind);
        self.starting += usize::from(matches!(answer, Answer::Started(_)));
        self.unanswered.insert(self.seq, answer);
    }

    /// Reserves descriptors for the next child; returns false if there are not enough.
    fn reserve(&mut self, socket: &Arc<OwnedFd>) -> bool {
        while self.reserve.len() < RESERVED {
            let Ok(spare) = rustix::io::fcntl_dupfd_cloexec(socket, 3) else { return false };
            self.reserve.push(spare);
        }
        true
    }
}
