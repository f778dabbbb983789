//! The rig: a keeper in a directory of its own, and the hosts that it starts, played by the test.

use std::collections::VecDeque;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use provost_keeper::protocol::{
    Descriptors, Ending, Head, Held, Id, Input, Leave, MESSAGE_MAX, Order, Output, Report, Scope, Spec,
    Strings, Versions, Welcome,
};
use provost_keeper::socket::{self, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, accept, bind, listen};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub const ROLE: &str = "PROVOST_KEEPER_TEST_ROLE";
pub const DIR: &str = "PROVOST_KEEPER_TEST_DIR";

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds, and fails with these words if it never does.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let pause = Duration::from_millis(5);
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        if condition() {
            return;
        }
        std::thread::park_timeout(pause);
    }
    panic!("never: {what}");
}

pub fn id(slot: u32) -> Id {
    Id(slot + 1)
}

pub fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed()).unwrap()
}

/// The letter of the state of a process, if there is one.
pub fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Sends a signal to a process.
pub fn kill(pid: u32, signal: Signal) {
    kill_process(pid_of(pid), signal).unwrap();
}

/// A keeper.
pub struct Rig {
    pub dir: TempDir,
    keeper: Child,
    door: OwnedFd,
}

impl Rig {
    /// Starts a keeper whose hosts lend their end to the test.
    pub fn start(options: &[&str]) -> Self {
        Self::start_as("lend", options, |_| {})
    }

    /// Starts a keeper whose hosts play this role.
    pub fn start_as(role: &str, options: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let door = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        bind(&door, &SocketAddrUnix::new(dir.path().join("door")).unwrap()).unwrap();
        listen(&door, 8).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost-keeper"));
        command.args(["--socket".as_ref(), dir.path().join("keeper").as_os_str()]).args(options);
        command.arg("--").arg(std::env::current_exe().unwrap());
        command.args(["host", "roles::role", "--exact", "--ignored", "--nocapture"]);
        command.env(ROLE, role).env(DIR, dir.path());
        // In its own group, so that nothing that is sent to the group of the tests reaches it.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        change(&mut command);
        Self { dir, keeper: command.spawn().unwrap(), door }
    }

    pub fn pid(&self) -> u32 {
        self.keeper.id()
    }

    /// Waits for the next host.
    pub fn host(&self) -> Host {
        wait_for(&self.door);
        let door = accept(&self.door).unwrap();
        let pid = socket_peercred(&door).unwrap().pid.as_raw_nonzero().get().cast_unsigned();
        wait_for(&door);
        let mut received = Received::default();
        socket::receive(door.as_fd(), &mut [0; 16], &mut received).unwrap();
        let mut host = Host::new(received[0].take().unwrap());
        (host.pid, host.door) = (pid, Some(door));
        host
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Waits for the end of the keeper.
    pub fn ended(&mut self) -> ExitStatus {
        let keeper = &mut self.keeper;
        let mut status = None;
        eventually("the keeper ends", || {
            status = keeper.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Asks at the socket of the keeper; with `SYNC` if a host is wanted.
    pub fn ask(&self, wants_host: bool) -> (Welcome, Vec<(Id, Held)>) {
        let client = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        let path = SocketAddrUnix::new(self.dir.path().join("keeper")).unwrap();
        eventually("the keeper listens", || rustix::net::connect(&client, &path).is_ok());
        let mut client = Host::new(client);
        if wants_host {
            client.send(&Order::Sync, &[]);
        }
        let (_, Report::Welcome(welcome), _) = client.receive() else { panic!("no welcome") };
        let held = (0..welcome.held).map(|_| match client.receive() {
            (_, Report::Held { id, held }, _) => (id, held),
            other => panic!("{other:?}"),
        });
        (welcome, held.collect())
    }

    /// A new FIFO, on which a process of the test waits.
    pub fn fifo(&self) -> PathBuf {
        let fifo = self.dir.path().join("go");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        fifo
    }

    /// The number of descriptors that the keeper has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // Everything ends with it: first it is asked, then it hurries, then the host that would stop everything is killed.
        let is_over = |keeper: &mut Child| keeper.try_wait().is_ok_and(|status| status.is_some());
        for _ in 0..2_000 {
            if is_over(&mut self.keeper) {
                return;
            }
            let _ = kill_process(pid_of(self.pid()), Signal::TERM);
            for host in hosts_of(self.pid()) {
                let _ = kill_process(pid_of(host), Signal::KILL);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// The children of a keeper that are in its group: its hosts.
fn hosts_of(keeper: u32) -> Vec<u32> {
    let mut hosts = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{keeper}/task")).into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for pid in list.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()) {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let group = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(2)?.parse().ok());
            if group == Some(keeper) {
                hosts.push(pid);
            }
        }
    }
    hosts
}

fn wait_for(fd: &OwnedFd) {
    let timeout = Timespec { tv_sec: i64::try_from(PATIENCE.as_secs()).unwrap(), tv_nsec: 0 };
    let ready = poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout)).unwrap();
    assert_eq!(ready, 1, "nothing came");
}

/// A slot with its descriptors.
#[derive(Debug)]
pub struct HeldSlot {
    pub held: Held,
    pub pidfd: Option<OwnedFd>,
    pub output: Option<OwnedFd>,
    pub error: Option<OwnedFd>,
    pub output_gap: Option<OwnedFd>,
}

/// The host's side of the protocol.
pub struct Host {
    pub pid: u32,
    socket: OwnedFd,
    /// By which the process ends that is the host in name.
    door: Option<OwnedFd>,
    seq: u32,
    unread: VecDeque<(Head, Report, Vec<OwnedFd>)>,
}

impl Host {
    pub fn new(socket: OwnedFd) -> Self {
        Self { pid: 0, socket, door: None, seq: 0, unread: VecDeque::new() }
    }

    /// Sends an order; returns its number.
    pub fn send(&mut self, order: &Order<'_>, descriptors: &[&OwnedFd]) -> u32 {
        let seq = self.seq + 1;
        let timeout = Timespec { tv_sec: 60, tv_nsec: 0 };
        while self.try_send(order, descriptors).is_none() {
            let ready = poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], Some(&timeout)).unwrap();
            assert_eq!(ready, 1, "the keeper does not read");
        }
        seq
    }

    /// Sends an order if there is room for it; returns its number.
    pub fn try_send(&mut self, order: &Order<'_>, descriptors: &[&OwnedFd]) -> Option<u32> {
        let mut buffer = vec![0; MESSAGE_MAX];
        let seq = self.seq + 1;
        let message = order.encode(seq, &mut buffer).unwrap();
        let descriptors: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
        match socket::send(self.socket.as_fd(), message, &descriptors) {
            Ok(()) => {
                self.seq = seq;
                Some(seq)
            }
            Err(Errno::AGAIN) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether a message is there.
    pub fn is_readable(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&at_once)).unwrap() == 1
    }

    /// Receives the next message, if there is one.
    pub fn try_receive(&mut self) -> Option<(Head, Report, Vec<OwnedFd>)> {
        if let Some(unread) = self.unread.pop_front() {
            return Some(unread);
        }
        self.read()
    }

    fn read(&mut self) -> Option<(Head, Report, Vec<OwnedFd>)> {
        let (mut buffer, mut received) = (vec![0; MESSAGE_MAX], Received::default());
        match socket::receive(self.socket.as_fd(), &mut buffer, &mut received) {
            Ok(length) => {
                let (head, report) = Report::decode(&buffer[..length]).unwrap();
                Some((head, report, received.into_iter().flatten().collect()))
            }
            Err(Errno::AGAIN) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for the next message.
    pub fn receive(&mut self) -> (Head, Report, Vec<OwnedFd>) {
        loop {
            if let Some(message) = self.try_receive() {
                return message;
            }
            wait_for(&self.socket);
        }
    }

    /// Waits for a message that `wanted` takes; others stay unread. A ping is answered.
    pub fn wait<T>(&mut self, mut wanted: impl FnMut(&Head, &Report) -> Option<T>) -> (T, Vec<OwnedFd>) {
        let (mut at, mut pings) = (0, 0);
        loop {
            while at == self.unread.len() {
                match self.read() {
                    Some((head, Report::Ping, _)) => {
                        let message = &mut [0; 64];
                        let message = Order::Pong.encode(head.seq, message).unwrap();
                        socket::send(self.socket.as_fd(), message, &[]).unwrap();
                        pings += 1;
                        assert!(pings < 6, "nothing but pings came");
                    }
                    Some(message) => self.unread.push_back(message),
                    None => wait_for(&self.socket),
                }
            }
            if let Some(found) = wanted(&self.unread[at].0, &self.unread[at].1) {
                let (_, _, descriptors) = self.unread.remove(at).unwrap();
                return (found, descriptors);
            }
            at += 1;
        }
    }

    /// Sends an order and waits for its answer: the error number and the pid.
    pub fn ask(&mut self, order: &Order<'_>, descriptors: &[&OwnedFd]) -> (i32, u32) {
        let seq = self.send(order, descriptors);
        let answer = |head: &Head, report: &Report| match report {
            Report::Done { errno, pid, .. } if head.seq == seq => Some((*errno, *pid)),
            _ => None,
        };
        self.wait(answer).0
    }

    /// Attaches; returns what the keeper holds.
    pub fn hello(&mut self) -> (Welcome, Vec<HeldSlot>, Vec<(u32, u64, OwnedFd)>) {
        self.send(&Order::Hello { versions: Versions::OURS, build: b"test" }, &[]);
        let (_, Report::Welcome(welcome), _) = self.receive() else { panic!("no welcome") };
        let (mut held, mut stashed) = (Vec::new(), Vec::new());
        for _ in 0..welcome.held + welcome.stashed {
            match self.receive() {
                (_, Report::Held { held: slot, .. }, fds) => held.push(slot_of(slot, fds)),
                (_, Report::Stashed { key, generation }, fds) => {
                    stashed.push((key, generation, fds.into_iter().next().unwrap()));
                }
                other => panic!("{other:?}"),
            }
        }
        (welcome, held, stashed)
    }

    /// Starts a process; returns its pid.
    pub fn spawn(&mut self, id: Id, program: &Script) -> u32 {
        let (errno, pid) = self.ask(&Order::Spawn { id, spec: program.spec() }, &[]);
        assert_eq!(errno, 0);
        pid
    }

    /// Waits until the program of a slot runs, and returns its descriptors.
    pub fn wait_for_held(&mut self, wanted: Id) -> HeldSlot {
        let ((pid, started_at, descriptors), fds) = self.wait(|_, report| match report {
            Report::Spawned { id, pid, started_at, descriptors } if *id == wanted => {
                Some((*pid, *started_at, *descriptors))
            }
            Report::Refused { id, refusal } if *id == wanted => panic!("{refusal:?}"),
            _ => None,
        });
        let held = Held {
            state: provost_keeper::protocol::SlotState::Running,
            pid,
            started_at,
            end: None,
            refusal: None,
            ending: Script::new("").ending,
            kill_at: 0,
            gaps: Default::default(),
            descriptors,
        };
        slot_of(held, fds)
    }

    /// Waits for the end of a slot; returns it.
    pub fn wait_for_end(&mut self, wanted: Id) -> provost_keeper::protocol::End {
        let ended = |_: &Head, report: &Report| match report {
            Report::Ended { id, end } if *id == wanted => Some(*end),
            _ => None,
        };
        self.wait(ended).0
    }

    /// Kills the process that is the host in name, as kill -9 does.
    pub fn kill(self) {
        kill(self.pid, Signal::KILL);
    }

    /// Leaves in order, and ends.
    pub fn leave(mut self, leave: Leave) {
        assert_eq!(self.ask(&Order::Leave(leave), &[]).0, 0);
        rustix::io::write(self.door.as_ref().unwrap(), &[0]).unwrap();
    }
}

fn slot_of(held: Held, fds: Vec<OwnedFd>) -> HeldSlot {
    let mut fds = fds.into_iter();
    let mut take = |one: Descriptors| held.descriptors.has(one).then(|| fds.next().unwrap());
    HeldSlot {
        held,
        pidfd: take(Descriptors::PIDFD),
        output: take(Descriptors::OUTPUT),
        error: take(Descriptors::ERROR),
        output_gap: take(Descriptors::OUTPUT_GAP),
    }
}

/// A process that a test starts.
pub struct Script {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    pub directory: Option<CString>,
    pub gaps: [Option<CString>; 2],
    pub input: Input,
    pub output: Output,
    pub error: Output,
    pub files: u8,
    pub ending: Ending,
}

impl Script {
    /// A shell that runs this.
    pub fn new(script: &str) -> Self {
        let c = |text: &str| CString::new(text).unwrap();
        Self {
            program: c("/bin/sh"),
            arguments: vec![c("sh"), c("-c"), c(script)],
            environment: vec![c("PATH=/usr/local/bin:/usr/bin:/bin")],
            directory: None,
            gaps: [None, None],
            input: Input::Null,
            output: Output::Pipe,
            error: Output::Pipe,
            files: 0,
            ending: Ending { rank: 0, signal: 15, scope: Scope::Group, grace_ms: 60_000 },
        }
    }

    /// This program without arguments.
    pub fn program(path: &Path) -> Self {
        let program = path_of(path);
        Self { arguments: vec![program.clone()], program, ..Self::new("") }
    }

    pub fn with_gap(mut self, path: &Path) -> Self {
        self.gaps[0] = Some(path_of(path));
        self
    }

    pub fn variable(mut self, variable: impl Into<Vec<u8>>) -> Self {
        self.environment.push(CString::new(variable).unwrap());
        self
    }

    pub fn spec(&self) -> Spec<'_> {
        Spec {
            program: &self.program,
            arguments: Strings::Listed(&self.arguments),
            environment: Strings::Listed(&self.environment),
            directory: self.directory.as_deref(),
            terminal: None,
            input: self.input,
            output: self.output,
            error: self.error,
            files: self.files,
            gap_files: [self.gaps[0].as_deref(), self.gaps[1].as_deref()],
            ending: self.ending,
        }
    }
}

pub fn path_of(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

/// A flood of numbered lines.
pub fn numbers(gap: &Path) -> Script {
    Script::new("i=0; while :; do i=$((i+1)); echo $i; done").with_gap(gap)
}

/// Reads a file from its start.
pub fn read_all(file: &OwnedFd) -> Vec<u8> {
    let path: PathBuf = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)).into();
    std::fs::read(path).unwrap()
}

/// Reads all that a process writes, to its end.
pub fn read_output(output: OwnedFd) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(&output, &mut buffer) {
            Ok(0) => return String::from_utf8(text).unwrap(),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(Errno::AGAIN) => wait_for(&output),
            Err(error) => panic!("{error}"),
        }
    }
}
