//! The host under test as the operating system sees it: its keeper, its process, and everything that descends from it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Mutex;

use provost_supervisor::RunningKeeper;
use provost_tests::bench::clock::now_ns;
use provost_tests::runs::{Control, marked, pause, variable};
use provost_tests::{Ran, Setup};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use serde_json::Value;

/// The variable that marks everything that descends from `provost up`.
const MARK: &str = "PROVOST_CHAOS_MARK";

/// How long a host may take to answer, in nanoseconds.
const PATIENCE_NS: u64 = 120_000_000_000;

/// The pause between two looks whether a host answers, in milliseconds.
const LOOK_MS: u64 = 5;

/// The number of lines of the log that a problem shows.
const LINES_SHOWN: usize = 20;

/// The number of looks at all processes that have to find neither a host nor a keeper, and the pause between them.
const LOOKS_AT_NOBODY: u32 = 4;
const LOOK_AT_ALL_MS: u64 = 250;

/// After this number of looks the keeper is asked whether it has given up.
const LOOKS: u64 = 40;

/// A host and its keeper.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) host: Holding,
    pub(crate) keeper: Holding,
}

/// A process that is not mistaken for another one with its number.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) pid: u32,
    pidfd: OwnedFd,
}

impl Holding {
    fn of(pid: u32) -> Option<Self> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
        Some(Self { pid, pidfd: pidfd_open(number, PidfdFlags::empty()).ok()? })
    }

    /// Waits until it has ended.
    pub(crate) fn until_ended(&self) {
        let mut ended = [PollFd::new(&self.pidfd, PollFlags::IN)];
        // Interrupted by a signal at most.
        while poll(&mut ended, None).is_err() {}
    }

    /// Sends it a signal. It may have ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }
}

/// Whether a process is the child of another one.
fn is_child(pid: u32, parent: u32) -> bool {
    provost_tests::parent(pid) == Some(parent)
}

/// A command that was begun.
#[derive(Debug)]
pub(crate) struct Begun(Child);

impl Begun {
    /// Ends it.
    pub(crate) fn end(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The host, its directory, and each `provost up` that was run in the foreground.
#[derive(Debug)]
pub(crate) struct Machine {
    setup: Setup,
    mark: String,
    pub(crate) socket: PathBuf,
    ups: Mutex<Vec<Child>>,
}

impl Machine {
    /// Starts the host.
    pub(crate) fn new(setup: Setup) -> Self {
        let mark = format!("{MARK}={}", setup.dir().display());
        let socket = setup.dir().join(".provost/provost.sock");
        let machine = Self { setup, mark, socket, ups: Mutex::default() };
        machine.up();
        machine
    }

    pub(crate) fn dir(&self) -> &Path {
        self.setup.dir()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.setup.run(arguments)
    }

    /// Begins a command, whose output nobody needs.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Begun {
        let mut command = self.setup.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Begun(command.spawn().unwrap())
    }

    /// Runs `provost up`.
    pub(crate) fn up(&self) {
        let log = |name| -> File {
            OpenOptions::new().create(true).append(true).open(self.dir().join(name)).unwrap()
        };
        let mut command = self.setup.command(&["up"]);
        command.env(MARK, self.dir().as_os_str());
        command.stdout(log("up.log")).stderr(log("up.log"));
        self.ups.lock().unwrap().push(command.spawn().unwrap());
    }

    /// Returns the process of the last `provost up`, and how it has ended, if it has.
    pub(crate) fn last_up(&self) -> (u32, Option<ExitStatus>) {
        let mut ups = self.ups.lock().unwrap();
        let up = ups.last_mut().unwrap();
        (up.id(), up.try_wait().unwrap())
    }

    /// Returns the last lines that hosts have written about themselves.
    pub(crate) fn log(&self) -> String {
        let logs = [self.dir().join("up.log"), self.dir().join(".provost/provost.log")];
        let text = logs.map(|path| std::fs::read(path).unwrap_or_default()).concat();
        let text = String::from_utf8_lossy(&text);
        let own: Vec<&str> = text.lines().filter(|line| line.contains("provost ")).collect();
        own[own.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }

    /// Returns the process id of the host, if one answers.
    pub(crate) fn host(&self) -> Option<u32> {
        let (_, body) = Control::new(&self.socket).get("/v1/ping").ok().filter(|(code, _)| *code == 200)?;
        let ping: Value = serde_json::from_slice(&body).ok()?;
        ping["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    /// Waits until a host answers that is not this one; returns the time that it took, in nanoseconds. `None` if none does.
    ///
    /// A keeper whose hosts have ended too often is asked for another one by `provost up`, as an operator does; `gave_up`
    /// is called then.
    pub(crate) fn until_another(&self, former: Option<u32>, gave_up: impl Fn()) -> Option<u64> {
        let begun = now_ns();
        for look in 1.. {
            if self.host().is_some_and(|host| Some(host) != former) {
                break;
            }
            // What was just started may have ended because of its config.
            let is_in_vain = former.is_none() && self.last_up().1.is_some();
            if is_in_vain || now_ns() - begun > PATIENCE_NS {
                return None;
            }
            if look % LOOKS == 0 && self.keeper().is_some_and(|keeper| keeper.is_alone) {
                gave_up();
                let _ = self.run(&["up"]);
            }
            pause(LOOK_MS);
        }
        Some(now_ns() - begun)
    }

    /// Waits until another host than this one answers, or is to be asked for, and returns false then; or returns true if there is
    /// neither a host nor a keeper any more.
    pub(crate) fn is_deserted(&self, former: u32) -> bool {
        let (begun, mut in_a_row) = (now_ns(), 0);
        while in_a_row < LOOKS_AT_NOBODY {
            let is_there = self.host().is_some_and(|host| host != former);
            let is_alone = || self.keeper().is_some_and(|keeper| keeper.is_alone);
            if is_there || is_alone() || now_ns() - begun > PATIENCE_NS {
                return false;
            }
            let are_children = |environment: &String| variable(environment, "PROVOST_PROCESS").is_some();
            in_a_row = if self.ours().values().all(are_children) { in_a_row + 1 } else { 0 };
            pause(LOOK_AT_ALL_MS);
        }
        true
    }

    /// Waits until a host and its keeper answer, and returns both. `None` if they do not.
    pub(crate) fn until_held(&self) -> Option<Held> {
        let begun = now_ns();
        while now_ns() - begun < PATIENCE_NS {
            let keeper = self.keeper().and_then(|keeper| Holding::of(keeper.pid));
            let host = self.host().and_then(Holding::of);
            if let (Some(host), Some(keeper)) = (host, keeper)
                && is_child(host.pid, keeper.pid)
            {
                return Some(Held { host, keeper });
            }
            pause(LOOK_MS);
        }
        None
    }

    /// Returns the keeper, if one answers.
    pub(crate) fn keeper(&self) -> Option<RunningKeeper> {
        RunningKeeper::at(&self.dir().join(".provost/keeper.sock"))
    }

    /// Sends a signal to a process. It may have ended.
    fn signal(pid: u32, signal: Signal) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Returns the environments of everything that descends from `provost up` and lives, by pid.
    pub(crate) fn ours(&self) -> BTreeMap<u32, String> {
        marked(&self.mark)
    }

    /// Returns those of [`ours`](Self::ours) that belong to a process of the config.
    pub(crate) fn children(&self) -> BTreeMap<u32, String> {
        let is_child = |environment: &str| variable(environment, "PROVOST_PROCESS").is_some();
        self.ours().into_iter().filter(|(_, environment)| is_child(environment)).collect()
    }

    /// Kills everything that descends from `provost up`.
    pub(crate) fn clear(&self) {
        // The keeper first: it would start another host.
        if let Some(keeper) = self.keeper() {
            Self::signal(keeper.pid, Signal::KILL);
        }
        for up in self.ups.lock().unwrap().iter_mut() {
            let _ = up.kill();
            let _ = up.wait();
        }
        for pid in self.ours().into_keys() {
            Self::signal(pid, Signal::KILL);
        }
    }
}
