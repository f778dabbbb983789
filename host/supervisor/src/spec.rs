//! The requested configuration of a process, with defaults applied. Immutable.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use provost_state::naming::replica_of;
use provost_state::{Policy, ProcessType, Signal};

use crate::digest::Digest;
use crate::setup::{CgroupSpec, Setup};

use crate::activation::SocketSpec;

/// The requested configuration of one process.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// Its name.
    pub name: Arc<str>,
    /// The group that it shares its fate with; empty for none.
    pub group: Arc<str>,
    /// What to run.
    pub command: CommandLine,
    /// The working directory; the host's own if `None`. (In a config it defaults to the directory of the config.)
    pub cwd: Option<PathBuf>,
    /// Variables that are added to the host's environment; they win over `env_files`.
    pub env: BTreeMap<String, String>,
    /// Files of `KEY=VALUE` lines, read anew at each spawn; later ones win.
    pub env_files: Vec<PathBuf>,
    /// Whether it is a service, which is to run, or a job, which is to end.
    pub process_type: ProcessType,
    /// Whether it is started when the host starts.
    pub autostart: bool,
    /// The signal that asks it to end.
    pub stop_signal: Signal,
    /// The recipients of that signal.
    pub stop_to: StopTo,
    /// What becomes of its descendants that have left its group, once the group has ended.
    pub escaped: Escaped,
    /// How long it has to end before its group gets SIGKILL, in milliseconds.
    pub stop_grace_ms: u64,
    /// The policies that judge it at first, in this order; the failsafe closes the chain.
    /// [`Supervisor::policies_of`](crate::Supervisor::policies_of) returns the current ones.
    pub policies: Vec<Arc<dyn Policy>>,
    /// The conditions that must hold before it is spawned.
    pub depends_on: Vec<Dependency>,
    /// The readiness check; with `None` it is ready as soon as it is spawned.
    pub ready: Option<Readiness>,
    /// The sockets that are opened for it before it starts, which it gets as descriptors 3, 4 and so on.
    pub sockets: Vec<SocketSpec>,
    /// For how long it may be silent while it is ready, in milliseconds; then it is unhealthy. `None` if it need not say that
    /// it is alive.
    pub watchdog_ms: Option<u64>,
    /// The health check that runs while it is ready, if any.
    pub health: Option<HealthCheck>,
    /// How often its policies are asked about the resources that it uses, in milliseconds; `None` for never.
    pub usage_every_ms: Option<u64>,
    /// Its number among the replicas, counted from 1; in its environment as `PROVOST_REPLICA`.
    pub replica: Option<u32>,
    /// How much of its output is kept.
    pub log: LogLimits,
    /// Where its standard error goes.
    pub stderr: Stderr,
    /// What it reads from standard input.
    pub stdin: Stdin,
    /// Whether it has its own terminal as standard input, output and error, so that it writes line by line.
    pub tty: bool,
    /// What it is set to before its program is executed; the programs of its checks are, too.
    pub setup: Setup,
    /// Its cgroup, if it has one of its own.
    pub cgroup: Option<CgroupSpec>,
}

impl ProcessSpec {
    /// Returns the spec of a process that runs `command`, with the defaults of the config: started with the host,
    /// SIGTERM to its group and ten seconds to end, no dependencies, no checks, no policies.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, command: CommandLine) -> Self {
        Self {
            name: name.into(),
            group: Arc::from(""),
            command,
            cwd: None,
            env: BTreeMap::new(),
            env_files: Vec::new(),
            process_type: ProcessType::default(),
            autostart: true,
            stop_signal: Signal::TERM,
            stop_to: StopTo::default(),
            escaped: Escaped::default(),
            stop_grace_ms: 10_000,
            policies: Vec::new(),
            depends_on: Vec::new(),
            ready: None,
            sockets: Vec::new(),
            watchdog_ms: None,
            health: None,
            usage_every_ms: None,
            replica: None,
            log: LogLimits::default(),
            stderr: Stderr::default(),
            stdin: Stdin::default(),
            tty: false,
            setup: Setup::default(),
            cgroup: None,
        }
    }

    /// Returns the name of the replica set that the process is in; `None` if it is no replica.
    #[must_use]
    pub fn set_name(&self) -> Option<&str> {
        self.replica.and_then(|_| replica_of(&self.name)).map(|(name, _)| name)
    }

    /// Whether it has a socket to which it sends what it has to say about itself (`NOTIFY_SOCKET`).
    #[must_use]
    pub fn has_notify_socket(&self) -> bool {
        self.watchdog_ms.is_some() || self.ready.as_ref().is_some_and(|ready| ready.check == Check::Notified)
    }

    /// Returns the number of its readiness descriptor, if it has one.
    #[must_use]
    pub fn ready_descriptor(&self) -> Option<u32> {
        match self.ready.as_ref()?.check {
            Check::Descriptor(number) => Some(number),
            _ => None,
        }
    }

    /// Returns those parts that take effect with a spawn and not before.
    pub(crate) fn at_spawn(&self) -> AtSpawnParts<'_> {
        // A new field has to be put on one of the two sides here.
        let Self {
            command,
            cwd,
            env,
            env_files,
            stderr,
            stdin,
            tty,
            sockets,
            watchdog_ms,
            setup,
            cgroup,
            name: _,
            group: _,
            process_type: _,
            autostart: _,
            stop_signal: _,
            stop_to: _,
            escaped: _,
            stop_grace_ms: _,
            policies: _,
            depends_on: _,
            ready: _,
            health: _,
            usage_every_ms: _,
            replica: _,
            log: _,
        } = self;
        AtSpawnParts { command, cwd, env, env_files, stderr, stdin, tty, sockets, watchdog_ms, setup, cgroup }
    }

    /// Returns the keys of the config in which the two specs differ and that only take effect with a spawn. A process
    /// whose living child was spawned with one of them needs a restart for the other.
    #[must_use]
    pub fn changed_at_spawn(&self, other: &Self) -> Vec<&'static str> {
        let AtSpawnParts {
            command,
            cwd,
            env,
            env_files,
            stderr,
            stdin,
            tty,
            sockets,
            watchdog_ms,
            setup,
            cgroup,
        } = self.at_spawn();
        let keys = [
            ("command", *command != other.command),
            ("cwd", *cwd != other.cwd),
            ("env", *env != other.env),
            ("env_files", *env_files != other.env_files),
            ("stderr", *stderr != other.stderr),
            ("stdin", *stdin != other.stdin),
            ("tty", *tty != other.tty),
            ("sockets", *sockets != other.sockets),
            ("watchdog", *watchdog_ms != other.watchdog_ms),
        ];
        let keys = keys.into_iter().filter_map(|(key, differs)| differs.then_some(key));
        let cgroup = (*cgroup != other.cgroup).then_some("cgroup");
        keys.chain(setup.changed(&other.setup)).chain(cgroup).collect()
    }

    /// Returns a number that stands for those parts of the spec that take effect with a spawn
    /// ([`changed_at_spawn`](Self::changed_at_spawn)), and for the group and the type. It is the same in every host of
    /// one version.
    pub(crate) fn digest_at_spawn(&self) -> u64 {
        let AtSpawnParts {
            command,
            cwd,
            env,
            env_files,
            stderr,
            stdin,
            tty,
            sockets,
            watchdog_ms,
            setup,
            cgroup,
        } = self.at_spawn();
        let mut digest = Digest::default();
        digest.text(&self.group);
        match &self.process_type {
            ProcessType::Service => digest.number(0),
            ProcessType::Job { success_codes } => {
                digest.number(1);
                digest.all(success_codes.iter(), |digest, code| digest.number(i64::from(*code)));
            }
        }
        match command {
            CommandLine::Argv(arguments) => {
                digest.number(0);
                digest.all(arguments.iter(), |digest, argument| digest.text(argument));
            }
            CommandLine::Shell(line) => {
                digest.number(1);
                digest.text(line);
            }
        }
        digest.all(cwd.iter(), |digest, path| digest.bytes(path.as_os_str().as_encoded_bytes()));
        digest.all(env.iter(), |digest, (name, value)| {
            digest.text(name);
            digest.text(value);
        });
        digest.all(env_files.iter(), |digest, path| digest.bytes(path.as_os_str().as_encoded_bytes()));
        digest.number((*stderr == Stderr::Merged).into());
        digest.number((*stdin == Stdin::Open).into());
        digest.number((*tty).into());
        if !setup.is_empty() {
            setup.enter(&mut digest);
        }
        if let Some(cgroup) = cgroup {
            cgroup.enter(&mut digest);
        }
        if !sockets.is_empty() {
            digest.text("sockets");
            digest.all(sockets.iter(), |digest, socket| socket.enter(digest));
        }
        if let Some(watchdog_ms) = watchdog_ms {
            digest.text("watchdog");
            digest.number(watchdog_ms.cast_signed());
        }
        digest.number_of_all()
    }

    /// Whether the other spec can be one of the same process: name, group and type are the same for as long as a
    /// process exists.
    pub(crate) fn is_of_same_process(&self, other: &Self) -> bool {
        (&self.name, &self.group, &self.process_type, self.replica)
            == (&other.name, &other.group, &other.process_type, other.replica)
    }
}

/// Those parts of a [`ProcessSpec`] that take effect with a spawn and not before. Who uses them takes them apart without `..`, so
/// that none is forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtSpawnParts<'s> {
    pub(crate) command: &'s CommandLine,
    pub(crate) cwd: &'s Option<PathBuf>,
    pub(crate) env: &'s BTreeMap<String, String>,
    pub(crate) env_files: &'s [PathBuf],
    pub(crate) stderr: &'s Stderr,
    pub(crate) stdin: &'s Stdin,
    pub(crate) tty: &'s bool,
    pub(crate) sockets: &'s [SocketSpec],
    pub(crate) watchdog_ms: &'s Option<u64>,
    pub(crate) setup: &'s Setup,
    pub(crate) cgroup: &'s Option<CgroupSpec>,
}

/// The recipients of the stop signal. SIGKILL always goes to the whole group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopTo {
    /// Every process of its group.
    #[default]
    Group,
    /// The main process alone, which is expected to end the others (systemd's `KillMode=mixed`).
    Main,
}

/// What becomes of descendants that have left the group of their process (by `setsid`, `setpgid` or as daemons).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaped {
    /// They are sent the stop signal when the group has ended, and SIGKILL when the grace time is over.
    #[default]
    Kill,
    /// They are left alone and reported.
    Leave,
}

/// Where standard error goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stderr {
    /// Into a separate pipe: its lines are marked, and their order relative to standard output is that of arrival.
    #[default]
    Own,
    /// Into the pipe of standard output: the order is exact.
    Merged,
}

/// The source of standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// `/dev/null`: reading ends at once.
    #[default]
    Null,
    /// A pipe that is never written to: reading blocks for as long as the process lives.
    Open,
}

/// The health check of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The check. [`Check::LogLine`], [`Check::Notified`] and [`Check::Descriptor`] cannot check health: they always fail.
    pub check: Check,
    /// The pause before each try, in milliseconds.
    pub every_ms: u64,
    /// How long one try may take, in milliseconds.
    pub timeout_ms: u64,
    /// The number of failures in a row after which the process is restarted, unless a policy decides otherwise.
    pub failures: u32,
}

/// The replicas of a process, named `name.1` to `name.MOST`, each with its own spec.
#[derive(Clone, Debug)]
pub struct ReplicaSet {
    /// The name in the config, without a number.
    pub name: Arc<str>,
    /// The group of its replicas; empty if they are in none.
    pub group: Arc<str>,
    /// The fewest that may be wanted.
    pub least: u32,
    /// The most that may be wanted, which is also how many are in the registry.
    pub most: u32,
    /// How many are started when the host starts (if their specs say so).
    pub wanted_at_start: u32,
    /// How often the policies are asked how many there should be, in milliseconds.
    pub every_ms: u64,
    /// The policies that judge the number at first, in this order.
    pub policies: Vec<Arc<dyn Policy>>,
}

impl ReplicaSet {
    /// The most replicas that one process may have, by its config or by hand.
    pub const REPLICAS_MAX: u32 = 1_000;
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// A program, found on `PATH`, and its arguments. Never empty.
    Argv(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

/// Another process, and the condition that it must meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The other process.
    pub name: Arc<str>,
    /// The condition.
    pub condition: Condition,
}

/// The condition that a dependency must meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It was spawned.
    Started,
    /// It is ready; a job is ready when it has ended with a success code.
    Ready,
    /// It has ended with exit code 0, or a job with a success code.
    Completed,
}

/// The readiness check of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The check.
    pub check: Check,
    /// The pause between two tries, in milliseconds.
    pub every_ms: u64,
    /// How long one try may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long the process may take from its spawn until it is ready, in milliseconds; then it is ended, and that end
    /// is judged as a failure. `None` means no limit.
    pub within_ms: Option<u64>,
    /// Whether, with [`Check::Tcp`] and [`Check::Http`], only a socket of the process itself counts: another program
    /// that listens on the port does not make the process ready.
    pub own_port: bool,
}

/// A check of whether a process is ready or healthy. In addresses, URLs and texts, `$NAME` and `${NAME}` stand for
/// variables of the life that is checked, and `$$` for a dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A TCP connection to `host:port` is accepted.
    Tcp(String),
    /// A GET of this `http://host[:port]/path` answers with a status from 200 to 399.
    Http(String),
    /// This program exits with code 0.
    Exec(CommandLine),
    /// A line of its output contains this text.
    LogLine(String),
    /// It sends `READY=1` to its notification socket. For readiness only.
    Notified,
    /// It writes a line to this descriptor. For readiness only.
    Descriptor(u32),
}

impl fmt::Display for Check {
    /// Writes what must happen, such as `http://127.0.0.1/ answers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address} accepts connections"),
            Self::Http(url) => write!(f, "{url} answers"),
            Self::Exec(_) => write!(f, "its check exits with code 0"),
            Self::LogLine(text) => write!(f, "it says `{text}`"),
            Self::Notified => write!(f, "it sends READY=1"),
            Self::Descriptor(number) => write!(f, "it writes a line to descriptor {number}"),
        }
    }
}

/// How much of a process's output is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// A file is rotated before it grows beyond this many bytes.
    pub file_bytes_max: u64,
    /// How many files are kept, the current one included; at least 1.
    pub files_max: usize,
}

impl Default for LogLimits {
    /// Four files of 16 MiB.
    fn default() -> Self {
        Self { file_bytes_max: 16 << 20, files_max: 4 }
    }
}
