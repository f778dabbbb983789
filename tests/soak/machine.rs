//! The host under test as the operating system sees it: its process, its descendants and its resources.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provost_tests::runs::{marked, pause};
use provost_tests::{Ran, Setup};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

/// The variable that marks the host and all its descendants.
const MARK: &str = "PROVOST_SOAK_MARK";

/// The file that lists the faults that are on; the host reads it repeatedly.
const FAULTS: &str = "faults";

/// The host, its directory, and its standard output, which is a pipe.
#[derive(Debug)]
pub(crate) struct Machine {
    setup: Setup,
    /// The process of `provost up`.
    up: u32,
    pub(crate) socket: PathBuf,
    mark: String,
    /// Whether the reading of its standard output is suspended.
    pub(crate) screen_stalls: Arc<AtomicBool>,
}

/// The resources that the host uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) rss_kib: u64,
    /// The open descriptors without `samples`.
    pub(crate) files: usize,
    /// The descriptors of `/proc/PID/stat`, which are kept open for the samples of usage: at most one for each process of the
    /// operating system that belongs to the host.
    pub(crate) samples: usize,
    pub(crate) threads: usize,
}

impl Machine {
    /// Starts the host.
    pub(crate) fn up(setup: Setup) -> (Self, Child) {
        let dir = setup.dir().to_owned();
        let mark = format!("{MARK}={}", dir.display());
        std::fs::write(dir.join(FAULTS), "").unwrap();
        let mut command = setup.command(&["up"]);
        command.env(MARK, dir.as_os_str()).env("PROVOST_FAULTS", dir.join(FAULTS));
        command.stdout(Stdio::piped()).stderr(File::create(dir.join("host.log")).unwrap());
        let mut child = command.spawn().unwrap();
        let screen_stalls = Arc::new(AtomicBool::new(false));
        let (mut screen, stalls) = (child.stdout.take().unwrap(), screen_stalls.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while screen.read(&mut buffer).is_ok_and(|read| read > 0) {
                while stalls.load(Ordering::Relaxed) {
                    pause(20);
                }
            }
        });
        let socket = dir.join(".provost/provost.sock");
        (Self { up: child.id(), setup, socket, mark, screen_stalls }, child)
    }

    /// Returns the process id of the host, as its lock has it; before there is one, that of `provost up`.
    fn host(&self) -> u32 {
        self.setup.owner().and_then(|owner| u32::try_from(owner).ok()).unwrap_or(self.up)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.setup.dir()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.setup.run(arguments)
    }

    /// Sets the faults that are on from now on, one per line.
    pub(crate) fn set_faults(&self, lines: &str) {
        // Replaces the file atomically: half a file would be other faults.
        let next = self.dir().join("faults.next");
        std::fs::write(&next, lines).unwrap();
        std::fs::rename(next, self.dir().join(FAULTS)).unwrap();
    }

    /// Returns what the host has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.dir().join("host.log")).unwrap_or_default()).into_owned()
    }

    /// Returns the environments of all living marked processes except the host and its keeper, by pid.
    pub(crate) fn marked(&self) -> BTreeMap<u32, String> {
        let mut found = marked(&self.mark);
        found.retain(|pid, _| *pid != self.up && *pid != self.host());
        found
    }

    /// Sends a signal to a process, if it is marked.
    pub(crate) fn kill(&self, pid: u32, signal: Signal) {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let is_ours = environment.split(|byte| *byte == 0).any(|variable| variable == self.mark.as_bytes());
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|_| is_ours) {
            // The process may have ended by now.
            let _ = kill_process(pid, signal);
        }
    }

    /// Sends a signal to the host itself.
    pub(crate) fn signal_host(&self, signal: Signal) {
        let pid = i32::try_from(self.host()).ok().and_then(Pid::from_raw).unwrap();
        let _ = kill_process(pid, signal);
    }

    /// Sets the limit on the descriptors of the host, and returns the previous one.
    pub(crate) fn limit_files(&self, limit: Rlimit) -> Option<Rlimit> {
        let pid = i32::try_from(self.host()).ok().and_then(Pid::from_raw);
        // The host may have ended, which is noticed elsewhere.
        prlimit(pid, Resource::Nofile, limit).ok()
    }

    /// Returns the resident memory of the host, in KiB.
    pub(crate) fn rss_kib(&self) -> u64 {
        self.figure("VmRSS:")
    }

    /// Returns a figure of `/proc/PID/status` of the host, or 0 if it is not there.
    fn figure(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.host())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("0");
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn usage(&self) -> Usage {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.host())).into_iter().flatten().flatten();
        let is_sample = |one: &std::fs::DirEntry| {
            let path = std::fs::read_link(one.path()).unwrap_or_default();
            path.starts_with("/proc") && path.ends_with("stat")
        };
        let (samples, files): (Vec<_>, Vec<_>) = open.partition(is_sample);
        Usage {
            rss_kib: self.rss_kib(),
            files: files.len(),
            samples: samples.len(),
            threads: usize::try_from(self.figure("Threads:")).unwrap(),
        }
    }
}
