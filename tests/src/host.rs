//! One host under test: its directory, its config, its process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::eventually;

/// The component of a guest that misbehaves on purpose, as it is committed.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("guests/{name}/{name}.wasm"))
}

/// Is there such a process that is no zombie?
#[must_use]
pub fn is_alive(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !(stat.is_empty() || stat.contains(") Z ") || stat.contains(") X "))
}

/// What a command came to.
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
    /// A directory with this `provost.toml`. Compiled plugins are cached once for all tests.
    #[must_use]
    pub fn new(binary: &str, config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("provost-").tempdir().unwrap();
        std::fs::write(dir.path().join("provost.toml"), config).unwrap();
        Self { binary: binary.into(), dir }
    }

    /// A directory with everything of `tests/cases/NAME`.
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

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A command of the built binary in that directory.
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

    /// As [`Setup::up`], with these variables in its environment, such as `FAILPOINTS`.
    #[must_use]
    pub fn up_with(self, env: &[(&str, &str)]) -> Host {
        let log = File::create(self.dir().join("up.log")).unwrap();
        let mut command = self.command(&["up"]);
        command.envs(env.iter().copied());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.up_by(command)
    }

    /// Starts a host by this command, which becomes it, and waits until it answers.
    #[must_use]
    pub fn up_by(self, mut command: Command) -> Host {
        let mut host = Host { child: command.spawn().unwrap(), setup: self };
        // Whatever the command holds open belongs to the host alone.
        drop(command);
        eventually(
            "the host answers",
            || (host.child.try_wait().unwrap(), host.setup.run(&["status", "-o", "json"]), host.log()),
            |(ended, status, log)| {
                assert!(ended.is_none(), "the host ended: {status:?}\n{log}");
                status.code == 0
            },
        );
        host
    }

    /// A command line for `sh` in that directory; `$PROVOST` is the built binary.
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

    /// The host's log in its runtime directory.
    #[must_use]
    pub fn host_log(&self) -> String {
        let log = std::fs::read(self.dir().join(".provost/provost.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The process id of the host that owns the runtime directory, or owned it last.
    #[must_use]
    pub fn owner(&self) -> Option<u64> {
        std::fs::read_to_string(self.dir().join(".provost/provost.lock")).ok()?.trim().parse().ok()
    }
}

/// A host in the background that a test leaves behind when it fails is stopped.
impl Drop for Setup {
    fn drop(&mut self) {
        let here =
            |owner: u64| std::fs::read_link(format!("/proc/{owner}/cwd")).is_ok_and(|cwd| cwd == self.dir());
        if let Some(owner) = self.owner().filter(|owner| is_alive(*owner) && here(*owner)) {
            let down = self.run(&["down", "--timeout", "10s"]);
            if down.code != 0 {
                Host::kill(&owner.into(), rustix::process::Signal::KILL);
            }
        }
    }
}

/// A running host.
#[derive(Debug)]
pub struct Host {
    setup: Setup,
    child: Child,
}

impl Host {
    /// A host with this config, up and answering.
    #[must_use]
    pub fn up(binary: &str, config: &str) -> Self {
        Setup::new(binary, config).up()
    }

    /// The directory that it runs in.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The process id of the host.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
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

    /// Runs a command that prints JSON.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// The status of everything.
    #[must_use]
    pub fn status(&self) -> Value {
        self.json(&["status", "-o", "json"])
    }

    /// The status of one process.
    #[must_use]
    pub fn process(&self, name: &str) -> Value {
        let status = self.status();
        let processes = status["processes"].as_array().unwrap();
        processes.iter().find(|process| process["name"] == name).expect("a known process").clone()
    }

    /// The remembered events of one process, oldest first.
    #[must_use]
    pub fn events(&self, name: &str) -> Vec<Value> {
        let events = self.ok(&["events", "-o", "json"]);
        let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["process"] == name).collect()
    }

    /// Waits until a process is in `phase`.
    pub fn until_phase(&self, name: &str, phase: &str) -> Value {
        self.until(name, phase, |process| process["phase"] == phase)
    }

    /// Waits until `holds` is true of a process.
    pub fn until(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name}: {what}"), || self.process(name), holds)
    }

    /// Sends a signal to a process by its number, not through the host.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn kill(pid: &Value, signal: rustix::process::Signal) {
        let pid =
            pid.as_i64().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a pid"), signal).unwrap();
    }

    /// Its resident memory, in KiB.
    #[must_use]
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Stops it by `provost down` and waits for its end.
    ///
    /// # Panics
    /// If it does not end well.
    pub fn down(mut self) -> Setup {
        self.ok(&["down"]);
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "the host ended with {ended}: {}", self.log());
        // What is left of a host that went down by itself is its directory.
        let replacement = Setup { binary: PathBuf::new(), dir: tempfile::tempdir().unwrap() };
        std::mem::replace(&mut self.setup, replacement)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        Self::kill(&self.pid().into(), signal);
    }

    /// The end of the host itself, if it has ended.
    pub fn try_ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Takes the reading end of its standard error, if that is a pipe.
    pub fn take_stderr(&mut self) -> Option<std::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits until it has ended; its exit code, or `None` if a signal ended it.
    pub fn until_ended(&mut self) -> Option<i32> {
        let log = self.setup.dir().join("up.log");
        let read = || std::fs::read_to_string(&log).unwrap_or_default();
        let ended =
            eventually("the host ends", || (self.child.try_wait().unwrap(), read()), |(it, _)| it.is_some());
        ended.0.and_then(|status| status.code())
    }

    /// Waits until it has ended by itself; its exit code, or `None` if a signal ended it.
    pub fn ended(mut self) -> Option<i32> {
        self.until_ended()
    }

    /// Kills it without a chance to clean up, and its processes.
    pub fn crash(mut self) -> Setup {
        self.end();
        let replacement = Setup { binary: PathBuf::new(), dir: tempfile::tempdir().unwrap() };
        std::mem::replace(&mut self.setup, replacement)
    }

    /// SIGKILL for the host and then for the groups of its processes, which outlive it.
    fn end(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let ran = self.setup.run(&["status", "-o", "json"]);
        let _ = self.child.kill();
        let _ = self.child.wait();
        let status: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
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
