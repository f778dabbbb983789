//! The operating system as the state machine sees it: what is open of each slot, of the host and of the stash.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use provost_posix::{Program, Target};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::children::{Child, Ends, Life, Surroundings, begin, begin_with, end_at_once, errno, list};
use super::drain::Drain;
use super::elders::Elders;
use super::gap::{GapFile, GapPaths};
use super::groups;
use super::handed::{former_host, leave_streams};
use super::limits::Limits;
use super::options::{HostOptions, Options};
use super::outlet::{Outlets, Reader};
use crate::machine::{Adopted, RESERVED, World};
use crate::protocol::{Descriptors, Gap, STASHES_MAX, Scope, SlotState, Spec, Stream, Strings};
use crate::socket::Received;

/// What an event of the loop is about: the kind in the high half, the place of a slot in the low half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A message of the host, or room for one to it.
    Host,
    /// The end of the host.
    HostEnd,
    /// The main thread has something.
    Main,
    /// Output is not being moved any more.
    Drained,
    /// A client of the socket.
    Listener,
    /// The client that is being answered.
    Client,
    /// The end of a main process.
    End(usize),
    /// The exec of a child.
    Exec(usize),
}

impl Token {
    fn to_data(self) -> EventData {
        let (kind, place) = match self {
            Self::Host => (0, 0),
            Self::HostEnd => (1, 0),
            Self::Main => (2, 0),
            Self::Drained => (3, 0),
            Self::Listener => (4, 0),
            Self::Client => (5, 0),
            Self::End(place) => (6, place),
            Self::Exec(place) => (7, place),
        };
        EventData::new_u64((kind << 32) | place as u64)
    }

    pub(super) fn from_data(data: EventData) -> Option<Self> {
        let number = data.u64();
        let place = usize::try_from(number & u64::from(u32::MAX)).ok()?;
        Some(match number >> 32 {
            0 => Self::Host,
            1 => Self::HostEnd,
            2 => Self::Main,
            3 => Self::Drained,
            4 => Self::Listener,
            5 => Self::Client,
            6 => Self::End(place),
            7 => Self::Exec(place),
            _ => return None,
        })
    }
}

/// What is open of one slot.
#[derive(Debug)]
pub(super) struct Resources {
    pub(super) child: Child,
    pub(super) outlets: Arc<Outlets>,
    /// The end that keeps standard input open.
    pub(super) input: Option<OwnedFd>,
    /// Whether the keeper is its parent.
    pub(super) is_child: bool,
    /// The step that failed before the exec. The child is about to end.
    pub(super) failure: Option<provost_posix::Failure>,
}

/// The host, from its fork to its reaping.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) child: Child,
    /// The keeper's end of the protocol.
    pub(super) socket: OwnedFd,
    /// Whether the keeper is its parent. The host that hands over to this keeper was started by another one.
    pub(super) is_child: bool,
}

/// All that the keeper holds.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) epoll: OwnedFd,
    pub(super) options: HostOptions,
    pub(super) limits: Limits,
    /// `/proc` and `/proc/self/fd`, if they are there.
    proc: Option<OwnedFd>,
    own_files: Option<OwnedFd>,
    pub(super) resources: Vec<Option<Resources>>,
    pub(super) stashes: Vec<(u32, u64, OwnedFd)>,
    /// The descriptors of the message at hand.
    pub(super) received: Received,
    pub(super) drain: Drain,
    pub(super) host: Option<Host>,
    /// The children that are those of the main thread, because they were started before this program took the place of another.
    pub(super) elders: Elders,
    /// The program of the host, and the one before it while a new one is on trial.
    pub(super) program: OwnedFd,
    former_program: Option<OwnedFd>,
}

const PATH: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

impl Kernel {
    pub(super) fn new(options: Options, limits: Limits, drain: Drain) -> Result<Self, Errno> {
        let program = rustix::fs::open(&options.program, PATH, Mode::empty())?;
        let mut kernel = Self::with(options.host, limits, drain, program)?;
        if options.is_handed {
            let (child, socket) = former_host()?;
            kernel.watch(socket.as_fd(), Token::Host, EventFlags::IN)?;
            kernel.keep_host(child, socket, false)?;
        }
        Ok(kernel)
    }

    /// Returns one that holds nothing; the host is this program.
    pub(super) fn with(
        options: HostOptions,
        limits: Limits,
        drain: Drain,
        program: OwnedFd,
    ) -> Result<Self, Errno> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            limits,
            proc: rustix::fs::open("/proc", PATH, Mode::empty()).ok(),
            own_files: rustix::fs::open("/proc/self/fd", PATH, Mode::empty()).ok(),
            resources: Vec::with_capacity(RESERVED),
            stashes: Vec::with_capacity(STASHES_MAX),
            received: Received::default(),
            drain,
            host: None,
            elders: Elders::default(),
            program,
            former_program: None,
            options,
        })
    }

    pub(super) fn watch(&self, fd: BorrowedFd<'_>, token: Token, flags: EventFlags) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, token.to_data(), flags)
    }

    /// Changes what is watched.
    pub(super) fn rewatch(&self, fd: BorrowedFd<'_>, token: Token, flags: EventFlags) -> Result<(), Errno> {
        epoll::modify(&self.epoll, fd, token.to_data(), flags)
    }

    /// Takes the descriptors of the message at hand, in their order.
    fn given(received: &mut Received) -> impl Iterator<Item = OwnedFd> {
        received.iter_mut().map_while(Option::take)
    }

    /// Takes the first descriptor of the message at hand.
    pub(super) fn take_first(&mut self) -> Option<OwnedFd> {
        Self::given(&mut self.received).next()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Resources> {
        self.resources.get(place)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Resources> {
        self.resources.get_mut(place)?.as_mut()
    }

    /// Makes room for a place.
    pub(super) fn reserve(&mut self, place: usize) -> Result<(), Errno> {
        let more = place.saturating_add(1).saturating_sub(self.resources.len());
        self.resources.try_reserve(more).map_err(|_| Errno::NOMEM)?;
        while self.resources.len() <= place {
            self.resources.push(None);
        }
        self.drain.reserve(place)
    }

    /// Watches and keeps what was started or adopted.
    pub(super) fn keep(&mut self, place: usize, resources: Resources) -> Result<(), Errno> {
        let ends = self.watch(
            resources.child.pidfd.as_fd(),
            Token::End(place),
            EventFlags::IN | EventFlags::ONESHOT,
        );
        let execs = resources
            .child
            .report
            .as_ref()
            .map_or(Ok(()), |report| self.watch(report.as_fd(), Token::Exec(place), EventFlags::IN));
        if let Err(error) = ends.and(execs) {
            self.unwatch(&resources);
            return Err(error);
        }
        self.drain.set(place, Some(resources.outlets.clone()));
        if let Some(entry) = self.resources.get_mut(place) {
            *entry = Some(resources);
        }
        Ok(())
    }

    /// The descriptors are shared with the host: closing them here would not end the watching.
    fn unwatch(&self, resources: &Resources) {
        let _ = epoll::delete(&self.epoll, &resources.child.pidfd);
        if let Some(report) = &resources.child.report {
            let _ = epoll::delete(&self.epoll, report);
        }
    }

    /// The exec of a child has returned: its report is closed.
    pub(super) fn close_report(&mut self, place: usize) {
        let report = self.get_mut(place).and_then(|resources| resources.child.report.take());
        if let Some(report) = report {
            let _ = epoll::delete(&self.epoll, &report);
        }
    }

    /// Starts a child. If it cannot be watched, it is ended again.
    fn begin(&mut self, place: usize, spec: &Spec<'_>) -> Result<u32, Errno> {
        self.reserve(place)?;
        let around =
            Surroundings { limits: &self.limits, own_files: self.own_files.as_ref().map(AsFd::as_fd) };
        let paths = GapPaths::new(spec.gap_files)?;
        let ends = Ends::open(spec, &around, Self::given(&mut self.received))?;
        let child = begin(spec, &ends, &around)?;
        let pid = child.pid;
        let Ends { readers, input, .. } = ends;
        let outlets = Outlets::new(readers, paths, [None, None]);
        let resources = Resources { child, outlets, input, is_child: true, failure: None };
        self.keep(place, resources).inspect_err(|_| end_at_once(pid))?;
        Ok(pid)
    }

    fn begin_host(&mut self) -> Result<(), Errno> {
        let (ours, theirs) = crate::socket::pair()?;
        self.watch(ours.as_fd(), Token::Host, EventFlags::IN)?;
        let list = |strings| list(Strings::Listed(strings));
        let (arguments, environment) = (list(&self.options.arguments)?, list(&self.options.environment)?);
        let own = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
        let [input, output, error] = own.map(Target::Fd);
        let child = begin_with(&Life {
            program: Program::File(self.program.as_fd()),
            arguments: &arguments,
            environment: &environment,
            pids: &[],
            directory: None,
            descriptors: &[input, output, error, Target::Fd(theirs.as_fd())],
            limits: &self.limits,
            is_host: true,
        })?;
        let pid = child.pid;
        self.keep_host(child, ours, true).inspect_err(|_| end_at_once(pid))?;
        if self.options.is_detached {
            leave_streams()?;
        }
        Ok(())
    }

    /// Watches the end of a host, and keeps it. Its socket is watched already: before the fork, if this keeper has forked it.
    pub(super) fn keep_host(&mut self, child: Child, socket: OwnedFd, is_child: bool) -> Result<(), Errno> {
        self.watch(child.pidfd.as_fd(), Token::HostEnd, EventFlags::IN | EventFlags::ONESHOT)?;
        self.host = Some(Host { child, socket, is_child });
        Ok(())
    }

    /// Returns what is open of a slot, in the order of [`Descriptors::ALL`]. The gap files are borrowed from `gaps`.
    fn open_of<'a>(
        &'a self,
        place: usize,
        gaps: &'a [Option<Arc<GapFile>>; 2],
    ) -> [Option<BorrowedFd<'a>>; 6] {
        let Some(resources) = self.get(place) else { return [None; 6] };
        let [output, error] = [0, 1].map(|at| resources.outlets.from(at));
        let [output_gap, error_gap] = gaps.each_ref().map(|gap| gap.as_deref().map(|gap| gap.file.as_fd()));
        let pidfd = Some(resources.child.pidfd.as_fd());
        [pidfd, output, error, output_gap, error_gap, resources.input.as_ref().map(AsFd::as_fd)]
    }

    /// Returns the descriptors of a slot that are to be sent, in their order. The gap files are borrowed from `gaps`.
    pub(super) fn beside<'a>(
        &'a self,
        place: usize,
        which: Descriptors,
        gaps: &'a [Option<Arc<GapFile>>; 2],
    ) -> Vec<BorrowedFd<'a>> {
        let open = Descriptors::ALL.into_iter().zip(self.open_of(place, gaps));
        open.filter(|(one, _)| which.has(*one)).filter_map(|(_, fd)| fd).collect()
    }

    /// Returns the gap files of a slot.
    pub(super) fn gap_files(&self, place: usize) -> [Option<Arc<GapFile>>; 2] {
        [0, 1].map(|at| self.get(place)?.outlets.gap_file(at))
    }

    /// Opens the stash at this index for reading alone.
    pub(super) fn stash_to_read(&self, index: usize) -> Option<OwnedFd> {
        let (own_files, fd) = (self.own_files.as_ref()?, self.stash_at(index)?);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::openat(own_files, DecInt::from_fd(fd), flags, Mode::empty()).ok()
    }

    /// Returns the descriptor of the stash at this index.
    pub(super) fn stash_at(&self, index: usize) -> Option<BorrowedFd<'_>> {
        self.stashes.get(index).map(|(_, _, fd)| fd.as_fd())
    }
}

impl World for Kernel {
    fn spawn(&mut self, place: usize, spec: &Spec<'_>) -> Result<u32, i32> {
        self.begin(place, spec).map_err(errno)
    }

    fn adopt(&mut self, place: usize, adopted: &Adopted<'_>) -> Result<bool, i32> {
        let held = adopted.held;
        self.reserve(place).map_err(errno)?;
        let given = Self::given(&mut self.received);
        let [pidfd, output, error, output_file, error_file, input] = held.descriptors.placed(given);
        let pidfd = pidfd.ok_or(errno(Errno::BADF))?;
        let paths = GapPaths::new(adopted.gap_files).map_err(errno)?;
        let reader = |from: Option<OwnedFd>, is_terminal| from.map(|from| -> Reader { (from, is_terminal) });
        let readers = [reader(output, adopted.is_terminal), reader(error, false)];
        let [output_gap, error_gap] = held.gaps;
        let gaps = [output_file.map(|file| (file, output_gap)), error_file.map(|file| (file, error_gap))];
        let outlets = Outlets::new(readers, paths, gaps);
        let lives = !matches!(held.state, SlotState::Reaped | SlotState::Ended | SlotState::Refused);
        let child = Child { pid: held.pid, pidfd, report: None };
        let resources = Resources { child, outlets, input, is_child: false, failure: None };
        self.keep(place, resources).map_err(errno)?;
        Ok(lives)
    }

    fn signal(&mut self, place: usize, pid: u32, number: i32, scope: Scope) -> Result<(), i32> {
        let number_of = |error: std::io::Error| error.raw_os_error().unwrap_or(0);
        let to_main = |number| {
            let pidfd = self.get(place).ok_or(errno(Errno::SRCH))?.child.pidfd.as_fd();
            provost_posix::signal_pidfd(pidfd, number).map_err(number_of)
        };
        let to_group = || provost_posix::signal_group(pid, number).map_err(number_of);
        let is_child = self.get(place).is_some_and(|resources| resources.is_child);
        match scope {
            Scope::Main => to_main(number),
            // The number is its own as long as it lives. Nobody here keeps its zombie.
            Scope::Group if !is_child => to_main(0).and_then(|()| to_group()),
            // A main process that has left its own group is sent the signal all the same.
            Scope::Group => match to_group() {
                Err(error) if error == errno(Errno::SRCH) => to_main(number),
                other => other,
            },
        }
    }

    fn reap(&mut self, place: usize, pid: u32) {
        if self.get(place).is_some_and(|resources| resources.is_child) {
            self.elders.reap(pid);
        }
    }

    fn release(&mut self, place: usize) {
        let resources = self.resources.get_mut(place).and_then(Option::take);
        if let Some(resources) = resources {
            self.unwatch(&resources);
            self.drain.set(place, None);
        }
    }

    fn descriptors(&self, place: usize) -> Descriptors {
        let gaps = self.gap_files(place);
        let open = Descriptors::ALL.into_iter().zip(self.open_of(place, &gaps));
        open.filter(|(_, fd)| fd.is_some()).fold(Descriptors::default(), |all, (one, _)| all.with(one))
    }

    fn gaps(&self, place: usize) -> [Gap; 2] {
        let outlets = self.get(place).map(|resources| &resources.outlets);
        [0, 1].map(|at| outlets.map(|outlets| outlets.gap(at)).unwrap_or_default())
    }

    fn framed(&mut self, place: usize, stream: Stream, bytes: u64) -> Result<(), i32> {
        if self.drain.is_moving(place, stream as usize) {
            return Err(errno(Errno::BUSY));
        }
        self.get(place).ok_or(errno(Errno::SRCH))?.outlets.framed(stream as usize, bytes)
    }

    fn stash(&mut self, key: u32, generation: u64) -> Result<(), i32> {
        let given = self.take_first();
        let known = self.stashes.iter().position(|(other, ..)| *other == key);
        match (known, given) {
            (Some(at), Some(fd)) => {
                if let Some(entry) = self.stashes.get_mut(at) {
                    *entry = (key, generation, fd);
                }
            }
            (Some(at), None) => drop(self.stashes.remove(at)),
            (None, Some(fd)) if self.stashes.len() < STASHES_MAX => self.stashes.push((key, generation, fd)),
            (None, Some(_)) => return Err(errno(Errno::NOSPC)),
            (None, None) => {}
        }
        Ok(())
    }

    fn stashed(&self, index: usize) -> Option<(u32, u64)> {
        self.stashes.get(index).map(|(key, generation, _)| (*key, *generation))
    }

    fn start_host(&mut self) -> Result<(), i32> {
        self.begin_host().map_err(errno)
    }

    fn replace_program(&mut self) -> bool {
        let given = self.take_first();
        let is_given = given.is_some();
        if let Some(program) = given {
            let former = std::mem::replace(&mut self.program, program);
            // The one that has proved itself is kept, should several follow each other.
            self.former_program.get_or_insert(former);
        }
        is_given
    }

    fn settle_program(&mut self, stays: bool) {
        if let Some(former) = self.former_program.take()
            && !stays
        {
            self.program = former;
        }
    }

    fn kill_host(&mut self) {
        if let Some(host) = &self.host {
            // One that has ended by now needs nothing.
            let _ = provost_posix::signal_pidfd(host.child.pidfd.as_fd(), 9);
        }
    }

    fn host_is_stopped(&self) -> bool {
        let (Some(host), Some(proc)) = (&self.host, &self.proc) else { return false };
        groups::state(proc, host.child.pid).is_some_and(|state| matches!(state, b'T' | b't'))
    }

    fn drain(&mut self, on: bool) -> bool {
        self.drain.want(on)
    }

    fn is_drained(&self) -> bool {
        self.drain.is_drained()
    }

    fn groups(&mut self, found: &mut dyn FnMut(u32)) -> bool {
        self.proc.as_ref().is_some_and(|proc| groups::groups(proc, found).is_ok())
    }
}
