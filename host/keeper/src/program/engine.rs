//! The loop: one thread that waits for events and does what follows from them. It never waits for an exec, a disk or the
//! host.

use std::mem::take;
use std::os::fd::{AsFd, OwnedFd};

use provost_posix::Ended;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::answerer::Answerer;
use super::children::{Exec, errno, read_report};
use super::front::News;
use super::heritage;
use super::kernel::{Kernel, Token};
use crate::machine::{Beside, Machine, Now};
use crate::protocol::{
    End, Head, HostEnding, MESSAGE_MAX, Order, Refusal, SPEC_MAX, Spec, Stage, Usage, Versions,
};
use crate::socket;
use crate::table;

/// The largest report in bytes.
const REPORT_MAX: usize = 256;

/// The pause before a message is tried again whose descriptors found too many in transit, in nanoseconds.
const RETRY: u64 = 10_000_000;

/// What is said when the host stays down. It is shorter than what a pipe takes at once.
const DOWN: &str = "provost-keeper: the host has died 5 times within a minute and is not started again; \
    all processes go on; `provost up` starts it again\n";

/// The loop and all that it works on.
pub(super) struct Engine {
    machine: Machine,
    kernel: Kernel,
    news: News,
    answerer: Answerer,
    /// The message at hand. Its memory is there from the start.
    buffer: Vec<u8>,
    /// What is watched of the socket of the host.
    watched: EventFlags,
    /// When a message is tried again.
    retry_at: Option<u64>,
    /// Whether it was said that the host stays down.
    has_complained: bool,
}

/// Reads both clocks.
pub(super) fn now() -> Now {
    let nanoseconds = |clock| {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
        u64::try_from(tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(tv_nsec).unwrap_or(0)
    };
    Now { boot: nanoseconds(ClockId::Boottime), steady: nanoseconds(ClockId::Monotonic) }
}

impl Engine {
    pub(super) fn new(
        machine: Machine,
        kernel: Kernel,
        news: News,
        answerer: Answerer,
    ) -> Result<Self, Errno> {
        kernel.watch(news.wake(), Token::Main, EventFlags::IN)?;
        kernel.watch(kernel.drain.stopped(), Token::Drained, EventFlags::IN)?;
        answerer.watch(&kernel)?;
        Ok(Self {
            machine,
            kernel,
            news,
            answerer,
            buffer: vec![0; MESSAGE_MAX],
            watched: EventFlags::IN,
            retry_at: None,
            has_complained: false,
        })
    }

    /// Runs until the keeper is to end; returns its exit code.
    pub(super) fn run(&mut self) -> u8 {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 64];
        loop {
            let time = now();
            self.machine.tick(&mut self.kernel, time);
            self.answerer.tick(&self.kernel, &self.machine, time);
            if let Some(code) = self.machine.exit_code(&self.kernel, time) {
                self.answerer.remove();
                return code;
            }
            self.complain();
            // The same time for both: what becomes due after it is waited for.
            let looked = self.exchange();
            let timeout = self.timeout(looked);
            // An error is an interruption: the events come again.
            let count = epoll::wait(&self.kernel.epoll, &mut events[..], timeout.as_ref()).unwrap_or(0);
            for token in events.iter().take(count).filter_map(|event| Token::from_data(event.data)) {
                self.handle(token);
            }
        }
    }

    /// Says once that the host stays down, if standard error takes it without waiting.
    fn complain(&mut self) {
        let is_down = self.machine.stays_down();
        if !is_down || self.has_complained {
            self.has_complained &= is_down;
            return;
        }
        self.has_complained = true;
        let stderr = rustix::stdio::stderr();
        let mut looked = [PollFd::new(&stderr, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut looked, Some(&at_once)).is_ok_and(|ready| ready == 1) {
            let _ = rustix::io::write(stderr, DOWN.as_bytes());
        }
    }

    /// Returns how long after this time nothing is due.
    fn timeout(&self, time: Now) -> Option<Timespec> {
        let machine = self.machine.deadline(time);
        let all = [machine, self.retry_at, self.answerer.deadline()];
        let at = all.into_iter().flatten().min()?;
        let left = at.saturating_sub(time.steady);
        let seconds = i64::try_from(left / 1_000_000_000).unwrap_or(i64::MAX);
        Some(Timespec { tv_sec: seconds, tv_nsec: i64::try_from(left % 1_000_000_000).unwrap_or(0) })
    }

    fn handle(&mut self, token: Token) {
        match token {
            // Messages are exchanged before each wait.
            Token::Host => {}
            Token::HostEnd => self.host_ended(),
            Token::Main => {
                let found = self.news.take();
                for number in (1..=64).filter(|number| found.signals & (1 << (number - 1)) != 0) {
                    self.machine.signalled(number);
                }
                if let Some((pid, status)) = found.last {
                    self.machine.orphaned(found.orphans, pid, status);
                }
            }
            Token::Drained => {
                if self.kernel.drain.has_stopped() {
                    self.machine.drained();
                }
            }
            Token::Listener => self.answerer.accept(&self.kernel, now()),
            Token::Client => {
                if self.answerer.serve(&self.kernel, &self.machine, now()) {
                    self.machine.ask_for_host(now());
                }
            }
            Token::Exec(place) => self.exec_returned(place),
            Token::End(place) => self.child_ended(place),
        }
    }

    /// The report of a child has something.
    fn exec_returned(&mut self, place: usize) {
        let report = self.kernel.get(place).and_then(|resources| resources.child.report.as_ref());
        match report.map_or(Exec::Pending, read_report) {
            Exec::Pending => {}
            Exec::Over => {
                self.kernel.close_report(place);
                self.machine.runs(place);
            }
            Exec::Failed(failure) => {
                self.kernel.close_report(place);
                if let Some(resources) = self.kernel.get_mut(place) {
                    // It ends at once, and is refused then.
                    resources.failure = Some(failure);
                }
            }
        }
    }

    /// A main process has ended.
    fn child_ended(&mut self, place: usize) {
        // The report comes first.
        self.exec_returned(place);
        let Some(resources) = self.kernel.get(place) else { return };
        if !resources.is_child {
            let end = End { status: None, ended_at: 0, usage: Usage::default() };
            return self.machine.ended(now(), place, end);
        }
        let Ok(Some(ended)) = provost_posix::ended(resources.child.pid) else { return };
        if let Some(failure) = resources.failure {
            let stage = Stage::ALL.get(usize::from(failure.step)).copied().unwrap_or(Stage::Process);
            let refusal = Refusal { stage, errno: failure.errno };
            return self.machine.refused(&mut self.kernel, place, refusal);
        }
        let Ended { status, user_us, system_us, memory_kib_max, faults } = ended;
        let usage = Usage { user_us, system_us, memory_kib_max, faults };
        self.machine.ended(now(), place, End { status: Some(status), ended_at: 0, usage });
    }

    /// The host has ended: what it has sent is handled first.
    fn host_ended(&mut self) {
        let Some(host) = &self.kernel.host else { return };
        let (pid, is_child) = (host.child.pid, host.is_child);
        let status = match provost_posix::ended(pid) {
            Ok(Some(ended)) => ended.status,
            // Only its parent can tell.
            _ if !is_child => 0,
            _ => return,
        };
        self.hear_out();
        if is_child {
            self.kernel.elders.reap(pid);
        }
        if let Some(host) = self.kernel.host.take() {
            let _ = epoll::delete(&self.kernel.epoll, &host.child.pidfd);
        }
        (self.watched, self.retry_at) = (EventFlags::IN, None);
        self.machine.host_ended(&mut self.kernel, now(), status);
    }

    /// Receives and sends what is possible now. Returns the time at which nothing more was due.
    fn exchange(&mut self) -> Now {
        self.retry_at = None;
        loop {
            self.flush();
            if self.retry_at.is_some() || !self.machine.reads() || !self.receive() {
                break;
            }
        }
        let time = now();
        self.watch_host(time);
        time
    }

    /// Watches the socket of the host for what is wanted of it.
    fn watch_host(&mut self, time: Now) {
        let mut wanted = EventFlags::empty();
        wanted.set(EventFlags::IN, self.machine.reads());
        let has_more = self.machine.next_report(&self.kernel, time).is_some();
        wanted.set(EventFlags::OUT, has_more && self.retry_at.is_none());
        let socket = self.kernel.host.as_ref().map(|host| &host.socket);
        if let Some(socket) = socket.filter(|_| wanted != self.watched)
            && self.kernel.rewatch(socket.as_fd(), Token::Host, wanted).is_ok()
        {
            self.watched = wanted;
        }
    }

    /// Sends what the socket takes.
    fn flush(&mut self) {
        let mut buffer = [0; REPORT_MAX];
        while let Some((seq, report, beside)) = self.machine.next_report(&self.kernel, now()) {
            let Some(socket) = self.kernel.host.as_ref().map(|host| &host.socket) else { return };
            let version = self.machine.version();
            let Ok(message) = report.encode_as(version, seq, &mut buffer) else { return };
            let gaps = match beside {
                Beside::Slot(place, _) => self.kernel.gap_files(place),
                _ => [None, None],
            };
            let descriptors = match beside {
                Beside::Nothing => Vec::new(),
                Beside::Slot(place, which) => self.kernel.beside(place, which, &gaps),
                Beside::Stash(index) => self.kernel.stash_at(index).into_iter().collect(),
            };
            match socket::send(socket.as_fd(), message, &descriptors) {
                Ok(()) => self.machine.sent(&report, beside),
                Err(Errno::AGAIN) => return,
                // Too many descriptors in transit, or no memory at the moment.
                Err(Errno::TOOMANYREFS | Errno::NOBUFS | Errno::NOMEM) => {
                    self.retry_at = Some(now().steady.saturating_add(RETRY));
                    return;
                }
                // The host has closed its end; its own end is an event. What it has sent before comes first.
                Err(_) => {
                    self.hear_out();
                    return self.close_socket();
                }
            }
        }
    }

    /// Handles all that a host has sent that takes no answers any more.
    fn hear_out(&mut self) {
        while self.receive() {
            self.machine.forget_answers();
        }
    }

    /// The host has closed its end, and everything that it has sent was read.
    fn close_socket(&mut self) {
        if let Some(host) = &self.kernel.host {
            let _ = epoll::delete(&self.kernel.epoll, &host.socket);
        }
        self.machine.closed(&mut self.kernel);
    }

    /// Reads and handles one message; returns whether there was one.
    fn receive(&mut self) -> bool {
        let Some(socket) = self.kernel.host.as_ref().map(|host| &host.socket) else { return false };
        let mut received = socket::receive(socket.as_fd(), &mut self.buffer, &mut self.kernel.received);
        if received == Err(Errno::CONNRESET) {
            // The host has ended with messages unread, which is told once. What it has sent is still there.
            received = socket::receive(socket.as_fd(), &mut self.buffer, &mut self.kernel.received);
        }
        match received {
            Ok(0) => {
                self.close_socket();
                false
            }
            Ok(length) => {
                // Taken out, so that the message can be read while everything else is changed.
                let buffer = take(&mut self.buffer);
                self.handle_message(buffer.get(..length).unwrap_or_default());
                self.buffer = buffer;
                true
            }
            Err(Errno::AGAIN) => false,
            Err(Errno::MSGSIZE) => {
                self.machine.broke(&mut self.kernel, HostEnding::Faulty);
                false
            }
            Err(_) => {
                self.close_socket();
                false
            }
        }
    }

    fn handle_message(&mut self, message: &[u8]) {
        match Order::decode(message) {
            Ok((head, Order::SpawnLarge { id, length })) => {
                let spec = self.large_spec(length);
                match spec.as_deref().map(Spec::decode) {
                    Ok(Ok(spec)) => {
                        let order = Order::Spawn { id, spec };
                        self.machine.order(&mut self.kernel, now(), head.seq, &order);
                    }
                    Ok(Err(_)) => self.machine.answer(head.seq, id.0, Err(errno(Errno::INVAL))),
                    Err(error) => self.machine.answer(head.seq, id.0, Err(errno(*error))),
                }
            }
            Ok((head, Order::Upgrade { tables })) => self.upgrade(head.seq, tables),
            Ok((head, order)) => self.machine.order(&mut self.kernel, now(), head.seq, &order),
            Err(_) => match Head::read(message) {
                Ok((head, _)) => self.machine.answer(head.seq, head.id, Err(errno(Errno::INVAL))),
                Err(_) => self.machine.broke(&mut self.kernel, HostEnding::Faulty),
            },
        }
    }

    /// Gives the place of this program to the one beside the message. Returns only if that is not possible.
    fn upgrade(&mut self, seq: u32, tables: Option<Versions>) {
        let version = tables.and_then(|read| table::version_for(read, self.machine.version()));
        let program = self.kernel.take_first();
        // What the main thread has found would be lost with it. It finds nothing more until the exec has failed.
        let news = self.news.clone();
        let _held = news.hold();
        self.handle(Token::Main);
        let error = match (program, version) {
            (None, _) => Errno::BADF,
            (_, None) => Errno::PROTONOSUPPORT,
            // A thread that waits for a disk would delay the exec.
            _ if !self.machine.may_be_replaced() || self.kernel.drain.is_busy() => Errno::BUSY,
            (Some(program), Some(version)) => {
                let parts = (&self.machine, &self.kernel, &self.answerer);
                heritage::give_to(&program, parts, seq, version)
            }
        };
        self.machine.answer(seq, 0, Err(errno(error)));
    }

    /// Reads a spec out of the memfd beside the message, which has to be sealed.
    fn large_spec(&mut self, length: u32) -> Result<Vec<u8>, Errno> {
        use rustix::fs::SealFlags;
        let memfd: OwnedFd = self.kernel.take_first().ok_or(Errno::BADF)?;
        let length = usize::try_from(length).map_err(|_| Errno::INVAL)?;
        let wanted = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW;
        if length > SPEC_MAX || !rustix::fs::fcntl_get_seals(&memfd)?.contains(wanted) {
            return Err(Errno::INVAL);
        }
        let mut spec = Vec::new();
        spec.try_reserve_exact(length).map_err(|_| Errno::NOMEM)?;
        spec.resize(length, 0);
        let mut read = 0;
        while read < length {
            let rest = spec.get_mut(read..).unwrap_or_default();
            match rustix::io::pread(&memfd, rest, read as u64)? {
                0 => return Err(Errno::INVAL),
                count => read += count,
            }
        }
        Ok(spec)
    }
}
