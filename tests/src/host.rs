//! A host under test: its directory, its config and its process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::eventually;

/// Returns the path of the committed component of a guest in `tests/guests`.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("guests/{name}/{name}.wasm"))
}

/// Whether there is a process with this id that is not a zombie.
#[must_use]
pub fn is_alive(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // What it has open is closed by its last thread, which need not be the first one.
    let threads = || std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().count();
    !(stat.is_empty() || stat.contains(") X ") || stat.contains(") Z ") && threads() <= 1)
}

/// Returns the parent of a process, if there is one.
#[must_use]
pub fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
}

/// Returns the children of all threads of a process, including those that have ended and are not reaped.
///
/// # Panics
/// If there is no such process.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    // A thread may end between the list and the look at it.
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
    };
    let all: String = tasks.map(of_task).collect();
    all.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// The result of a command.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// A directory with a config, in which commands are run.
#[derive(Debug)]
pub struct Setup {
    binary: PathBuf,
    dir: TempDir,
}

impl Setup {
    /// Makes a directory with this `provost.toml`. All tests share one cache of compiled plugins.
    #[must_use]
    pub fn new(binary: &str, config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("provost-").tempdir().unwrap();
        std::fs::write(dir.path().join("provost.toml"), config).unwrap();
        Self { binary: binary.into(), dir }
    }

    /// Makes a directory with a copy of `tests/cases/NAME`.
    #[must_use]
    pub fn case(binary: &str, name: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("provost-").tempdir().unwrap();
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name);
        for entry in std::fs::read_dir(case).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        Self { binary: binary.into(), dir }
    }

    /// Returns the directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Returns a command of the built binary in that directory, ready to be run.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(self.dir()).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env_remove("PROVOST_SOCKET");
        command.env("XDG_CACHE_HOME", self.binary.with_file_name("test-cache"));
        command
    }

    /// Runs a command to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Starts `provost up` and waits until it answers.
    #[must_use]
    pub fn up(self) -> Host {
        self.up_with(&[])
    }

    /// Does the same as [`Setup::up`], with these variables in the environment of the host, such as `FAILPOINTS`.
    #[must_use]
    pub fn up_with(self, env: &[(&str, &str)]) -> Host {
        let log = File::create(self.dir().join("up.log")).unwrap();
        let mut command = self.command(&["up"]);
        command.envs(env.iter().copied());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.up_by(command)
    }

    /// Runs this command, which has to become the host, and waits until the host answers.
    #[must_use]
    pub fn up_by(self, mut command: Command) -> Host {
        let child = command.spawn().unwrap();
        let mut host = Host { pid: child.id(), child, setup: self };
        // Closes the descriptors that the command holds, so that only the host has them.
        drop(command);
        let (_, status, _) = eventually(
            "the host answers",
            || (host.child.try_wait().unwrap(), host.setup.run(&["status", "-o", "json"]), host.log()),
            |(ended, status, log)| {
                assert!(ended.is_none(), "the host ended: {status:?}\n{log}");
                status.code == 0
            },
        );
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        host.pid = u32::try_from(status["host"]["pid"].as_u64().unwrap()).unwrap();
        host
    }

    /// Returns a command that runs `line` with `sh` in that directory; `$PROVOST` is the built binary.
    #[must_use]
    pub fn shell(&self, line: &str) -> Command {
        let mut command = self.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.dir()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PROVOST", command.stdin(Stdio::null()).get_program());
        shell
    }

    /// Returns the status of the host and all processes. Where no host answers, this is what the command prints instead, or null if
    /// that is no JSON.
    #[must_use]
    pub fn status_if_any(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "-o", "json"]).stdout).unwrap_or_default()
    }

    /// Waits until another host than this one answers, and returns its status.
    pub fn until_another_host(&self, former: u64) -> Value {
        let is_another = |status: &Value| status["host"]["pid"].as_u64().is_some_and(|pid| pid != former);
        eventually("another host answers", || self.status_if_any(), is_another)
    }

    /// Returns the content of the host's log in its runtime directory.
    #[must_use]
    pub fn host_log(&self) -> String {
        let log = std::fs::read(self.dir().join(".provost/provost.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Returns the process id of the host that owns the runtime directory or owned it last.
    #[must_use]
    pub fn owner(&self) -> Option<u64> {
        std::fs::read_to_string(self.dir().join(".provost/provost.lock")).ok()?.trim().parse().ok()
    }
}

/// Stops a background host that a failed test left behind.
impl Drop for Setup {
    fn drop(&mut self) {
        let here =
            |owner: u64| std::fs::read_link(format!("/proc/{owner}/cwd")).is_ok_and(|cwd| cwd == self.dir());
        if let Some(owner) = self.owner().filter(|owner| is_alive(*owner) && here(*owner)) {
            let down = self.run(&["down", "--timeout", "10s"]);
            if down.code != 0 {
                // Its keeper, if it has one, would start another host.
                let keeper = u32::try_from(owner).ok().and_then(parent);
                let is_keeper = |pid: &u32| {
                    let name = std::fs::read(format!("/proc/{pid}/cmdline"));
                    name.is_ok_and(|name| name.starts_with(b"provost-keeper\0"))
                };
                for pid in keeper.filter(is_keeper).map(u64::from).into_iter().chain([owner]) {
                    Host::kill(&pid.into(), rustix::process::Signal::KILL);
                }
            }
        }
    }
}

/// A running host.
#[derive(Debug)]
pub struct Host {
    setup: Setup,
    /// The process of `provost up`: the keeper of the host, or the host itself.
    child: Child,
    /// The process id of the host that answered first; a host that the keeper starts later has another one.
    pid: u32,
}

impl Host {
    /// Starts a host with this config and waits until it answers.
    #[must_use]
    pub fn up(binary: &str, config: &str) -> Self {
        Setup::new(binary, config).up()
    }

    /// Returns the directory that it runs in.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Returns the process id of the host.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the process id of `provost up`, which is the parent of all processes: the keeper, or the host if it has none.
    #[must_use]
    pub fn up_pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.setup.dir().join("up.log")).unwrap_or_default())
            .into_owned()
    }

    /// Runs a command against it.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.setup.run(arguments)
    }

    /// Runs a command that must succeed, and returns what it printed.
    ///
    /// # Panics
    /// If it fails.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "provost {arguments:?}: {ran:#?}\n{}", self.log());
        ran.stdout
    }

    /// Runs a command that prints JSON, and returns that.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// Returns the status of the host and all processes.
    #[must_use]
    pub fn status(&self) -> Value {
        self.json(&["status", "-o", "json"])
    }

    /// Returns the status of one process.
    #[must_use]
    pub fn process(&self, name: &str) -> Value {
        let status = self.status();
        let processes = status["processes"].as_array().unwrap();
        processes.iter().find(|process| process["name"] == name).expect("a known process").clone()
    }

    /// Returns the status of all plugins.
    #[must_use]
    pub fn plugins(&self) -> Vec<Value> {
        self.json(&["plugin", "list", "-o", "json"])["plugins"].as_array().unwrap().clone()
    }

    /// Returns the status of one plugin.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Value {
        let plugins = self.plugins();
        plugins.iter().find(|plugin| plugin["name"] == name).expect("a known plugin").clone()
    }

    /// Returns the events of one process that the host still keeps, oldest first.
    #[must_use]
    pub fn events(&self, name: &str) -> Vec<Value> {
        let events = self.ok(&["events", "-o", "json"]);
        let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["process"] == name).collect()
    }

    /// Waits until a process is in `phase`, and returns its status.
    pub fn until_phase(&self, name: &str, phase: &str) -> Value {
        self.until(name, phase, |process| process["phase"] == phase)
    }

    /// Waits until `holds` accepts the status of a process, and returns that status.
    pub fn until(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name}: {what}"), || self.process(name), holds)
    }

    /// Sends a signal directly to a process id, not through the host. After SIGSTOP, none of its threads runs any more.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn kill(pid: &Value, signal: rustix::process::Signal) {
        let pid =
            pid.as_i64().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a pid");
        rustix::process::kill_process(pid, signal).unwrap();
        if signal == rustix::process::Signal::STOP {
            // Some of its threads may run on for a while.
            let all_stopped = || {
                let tasks =
                    std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten();
                let stat = |task: std::io::Result<std::fs::DirEntry>| {
                    std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default()
                };
                // What has ended meanwhile does not run on, either.
                let stands = |stat: String| [") T ", ") Z ", ") X "].iter().any(|state| stat.contains(state));
                tasks.map(stat).all(stands)
            };
            eventually("all its threads are stopped", all_stopped, |stopped| *stopped);
        }
    }

    /// Kills the host, and waits until the next one answers, which its keeper starts.
    pub fn goes_on(&mut self) {
        let former = u64::from(self.pid);
        Self::kill(&former.into(), rustix::process::Signal::KILL);
        let status = self.setup.until_another_host(former);
        self.pid = u32::try_from(status["host"]["pid"].as_u64().unwrap()).unwrap();
    }

    /// Returns its resident memory, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Stops it with `provost down` and waits for its end.
    ///
    /// # Panics
    /// If it does not end with success.
    pub fn down(mut self) -> Setup {
        self.ok(&["down"]);
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "the host ended with {ended}: {}", self.log());
        self.into_setup()
    }

    /// Takes the directory of a host that has ended, which is all that it leaves.
    fn into_setup(mut self) -> Setup {
        let replacement = Setup { binary: PathBuf::new(), dir: tempfile::tempdir().unwrap() };
        std::mem::replace(&mut self.setup, replacement)
    }

    /// Sends `provost up` a signal, as an operator or a service manager does.
    pub fn signal(&self, signal: rustix::process::Signal) {
        Self::kill(&self.up_pid().into(), signal);
    }

    /// Returns the exit status of the host, if it has ended.
    pub fn try_ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Takes the read end of its standard error, if that is a pipe.
    pub fn take_stderr(&mut self) -> Option<std::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits until it has ended, and returns its exit code, or `None` if a signal ended it.
    pub fn until_ended(&mut self) -> Option<i32> {
        let log = self.setup.dir().join("up.log");
        let read = || std::fs::read_to_string(&log).unwrap_or_default();
        let ended =
            eventually("the host ends", || (self.child.try_wait().unwrap(), read()), |(it, _)| it.is_some());
        ended.0.and_then(|status| status.code())
    }

    /// Does the same as [`Host::until_ended`] and then drops the host and its directory.
    pub fn ended(mut self) -> Option<i32> {
        self.until_ended()
    }

    /// Kills it and its processes without a chance to clean up, and returns its directory.
    pub fn crash(mut self) -> Setup {
        self.end();
        self.into_setup()
    }

    /// Sends SIGKILL to the host with its keeper and then to the groups of its processes, which outlive them.
    fn end(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let status = self.setup.status_if_any();
        let keeper = self.child.id();
        // The keeper first, because it would start another host; and a host that does not run starts no other keeper.
        let host = self.setup.owner().and_then(|owner| u32::try_from(owner).ok());
        let host = host.filter(|host| parent(*host) == Some(keeper)).map(Value::from);
        host.iter().for_each(|host| Self::kill(host, rustix::process::Signal::STOP));
        let _ = self.child.kill();
        let _ = self.child.wait();
        host.iter().for_each(|host| Self::kill(host, rustix::process::Signal::KILL));
        // It has its lock until then.
        let is_there = || host.as_ref().and_then(Value::as_u64).is_some_and(is_alive);
        eventually("the host has ended", is_there, |there| !there);
        for process in status["processes"].as_array().into_iter().flatten() {
            let group = process["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}
