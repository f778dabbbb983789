//! The wanted shape of a process: what the config says after defaults. Immutable.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use provost_state::{Policy, ProcessType, Signal};

/// The wanted shape of one process.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// Its name.
    pub name: Arc<str>,
    /// The group that it shares its fate with; empty for none.
    pub group: Arc<str>,
    /// What to run.
    pub command: CommandLine,
    /// Where to run it; the host's own working directory if `None`. (The config sets its own directory unless told otherwise.)
    pub cwd: Option<PathBuf>,
    /// Added to the host's environment; wins over `env_files`.
    pub env: BTreeMap<String, String>,
    /// Files of `KEY=VALUE` lines, read anew at each spawn; later ones win.
    pub env_files: Vec<PathBuf>,
    /// Whether it is to run, or to end.
    pub process_type: ProcessType,
    /// Is it started when the host starts?
    pub autostart: bool,
    /// The signal that asks it to end.
    pub stop_signal: Signal,
    /// Who is sent that signal.
    pub stop_to: StopTo,
    /// What becomes of its descendants that have left its group, once the group has ended.
    pub escaped: Escaped,
    /// How long it has to end before its group gets SIGKILL, in milliseconds.
    pub stop_grace_ms: u64,
    /// Who judges it at first, in this order; the failsafe closes the chain. What is in force now says
    /// [`Supervisor::policies_of`](crate::Supervisor::policies_of).
    pub policies: Vec<Arc<dyn Policy>>,
    /// What must be so before it is spawned.
    pub depends_on: Vec<Dependency>,
    /// How it is known to be ready; `None`: as soon as it is spawned.
    pub ready: Option<Readiness>,
    /// How its health is checked while it is ready; `None`: not at all.
    pub health: Option<HealthCheck>,
    /// Which of several replicas it is, counted from 1: in its environment as `PROVOST_REPLICA`.
    pub replica: Option<u32>,
    /// How much of its output is kept.
    pub log: LogLimits,
    /// Where its standard error goes.
    pub stderr: Stderr,
    /// What it reads from standard input.
    pub stdin: Stdin,
    /// Whether it has a terminal of its own as standard input, output and error, so that it writes line by line.
    pub tty: bool,
}

impl ProcessSpec {
    /// A process that runs `command`, with the defaults of the config: started with the host, SIGTERM to its group and ten
    /// seconds to end, no dependencies, no checks, no policies.
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
            health: None,
            replica: None,
            log: LogLimits::default(),
            stderr: Stderr::default(),
            stdin: Stdin::default(),
            tty: false,
        }
    }
}

/// Who is sent the stop signal. SIGKILL always goes to the whole group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StopTo {
    /// Every process of its group.
    #[default]
    Group,
    /// The main process alone, which sees to the others (systemd's `KillMode=mixed`).
    Main,
}

/// What becomes of descendants that have left the group of their process (by `setsid`, `setpgid` or as daemons).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaped {
    /// They are sent the stop signal when the group has ended, and SIGKILL when the grace time is over.
    #[default]
    Kill,
    /// They are left alone, and named.
    Leave,
}

/// Where standard error goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stderr {
    /// Into a pipe of its own: its lines are marked, and their order relative to standard output is that of arrival.
    #[default]
    Own,
    /// Into the pipe of standard output: the order is exact.
    Merged,
}

/// What standard input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// `/dev/null`: reading ends at once.
    #[default]
    Null,
    /// A pipe that nobody writes into: reading waits for as long as the process lives.
    Open,
}

/// How the health of a process is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is tried. [`Check::LogLine`] is no check of health: it always fails.
    pub check: Check,
    /// The pause before each try, in milliseconds.
    pub every_ms: u64,
    /// How long one try may take, in milliseconds.
    pub timeout_ms: u64,
    /// So many failures in a row, and nobody has an opinion: then it is restarted.
    pub failures: u32,
}

/// The replicas of a process: those called `name.1` to `name.MOST`, each with a spec of its own.
#[derive(Clone, Debug)]
pub struct ReplicaSet {
    /// The name in the config, without a number.
    pub name: Arc<str>,
    /// The group of its replicas; empty if they are in none.
    pub group: Arc<str>,
    /// The fewest that may be wanted.
    pub least: u32,
    /// The most that may be wanted: so many are in the registry.
    pub most: u32,
    /// How many are started when the host starts (if their specs say so).
    pub wanted_at_start: u32,
    /// How often the policies are asked how many there should be, in milliseconds.
    pub every_ms: u64,
    /// Who judges that at first, in this order.
    pub policies: Vec<Arc<dyn Policy>>,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// A program, found on `PATH`, and its arguments. Never empty.
    Argv(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

/// Another process, and what must be so of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The other process.
    pub name: Arc<str>,
    /// What must be so.
    pub condition: Condition,
}

/// What must be so of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It was spawned.
    Started,
    /// It is ready; a job is when it has ended with a success code.
    Ready,
    /// It has ended with exit code 0, or a job with a success code.
    Completed,
}

/// How a process is known to be ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// What is tried.
    pub check: Check,
    /// The pause between two tries, in milliseconds.
    pub every_ms: u64,
    /// How long one try may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long it may take from its spawn until it is ready, in milliseconds; then it is ended, and that end is
    /// judged as a failure. `None`: as long as it likes.
    pub within_ms: Option<u64>,
    /// Whether only a socket of the process's own counts, with [`Check::Tcp`] and [`Check::Http`]: another program that
    /// listens on the port is not taken for it.
    pub own_port: bool,
}

/// What is tried to see whether a process is ready. In addresses, URLs and texts `$NAME` and `${NAME}` stand for variables of
/// the life that is checked, and `$$` for a dollar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// A TCP connection to `host:port` is accepted.
    Tcp(String),
    /// GET of this `http://host[:port]/path` answers with a status from 200 to 399.
    Http(String),
    /// This program exits with code 0.
    Exec(CommandLine),
    /// A line of its output contains this text.
    LogLine(String),
}

impl fmt::Display for Check {
    /// What must happen: `http://127.0.0.1/ answers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address} accepts connections"),
            Self::Http(url) => write!(f, "{url} answers"),
            Self::Exec(_) => write!(f, "its check exits with code 0"),
            Self::LogLine(text) => write!(f, "it says `{text}`"),
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
