//! The documented, stable JSON schema of the API.
//!
//! Times are RFC 3339 in UTC with milliseconds. A field is only ever added; a client ignores fields that it
//! does not know. What has no value is `null`, and its field is there.

mod host;
mod plugins;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use host::{Ended, Host, Lack, Left, Shutdown};
pub use plugins::{
    Blame, Fault, Plugin, PluginChanged, PluginList, PluginOrder, PluginVersion, Quarantine, Replayed,
};

/// The answer to `GET /v1/status`: everything at one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The number of the last change.
    pub generation: u64,
    /// When that change was made.
    pub taken_at: String,
    /// The processes asked for, in the order of the config.
    pub processes: Vec<Process>,
    /// How many replicas there are of each replicated process among those asked for, in the order of the config.
    #[serde(default)]
    pub replicas: Vec<Replicas>,
    /// All plugins, in the order of the config.
    pub plugins: Vec<Plugin>,
    /// The host itself.
    pub host: Host,
}

/// How many replicas of a process there are. Its replicas are processes `NAME.1`, `NAME.2`, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// The name in the config, without a number.
    pub name: String,
    /// How many are wanted: those with the numbers from 1 to this.
    pub wanted: u32,
    /// How many are `running`.
    pub running: u32,
    /// The fewest that may be wanted.
    pub least: u32,
    /// The most that may be wanted.
    pub most: u32,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// `service` or `job`.
    #[serde(rename = "type", default)]
    pub process_type: String,
    /// Its group, if it is in one.
    pub group: Option<String>,
    /// `stopped`, `waiting`, `starting`, `running`, `stopping`, `backoff`, `exited` or `fatal`.
    pub phase: String,
    /// `up` or `down`.
    pub desired: String,
    /// The process id of its child, while there is one.
    pub pid: Option<u32>,
    /// Which life this is; 0 before the first.
    pub incarnation: u64,
    /// Counts the changes of this process.
    pub version: u64,
    /// The generation in which it last changed.
    pub generation: u64,
    /// How often a policy had it restarted.
    pub restarts: u64,
    /// Consecutive failures.
    pub failures: u32,
    /// Whether it is ready. A job is when it has ended with a success code: it is `exited` then, and done.
    pub ready: bool,
    /// What its health checks say of this life: `unknown`, `healthy`, `degraded` or `unhealthy`.
    pub health: String,
    /// The check that fails now: that of its readiness while it is `starting`, that of its health while it is `running`.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// How its last life ended.
    pub exit: Option<Exit>,
    /// Why it is in this phase, as a word: `boot`, `user`, `api`, `policy`, `crash`, `dependency`, …
    pub cause: String,
    /// Why it is in this phase, in words.
    pub reason: String,
    /// When its current or last life began.
    pub started_at: Option<String>,
    /// When its last life ended.
    pub ended_at: Option<String>,
    /// When the host will act on it next: start it again, or kill it.
    pub next_action_at: Option<String>,
    /// The last decision about it.
    pub decision: Option<Decision>,
}

/// A check that fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// What it finds. It is told when it has changed, and at a bounded rate.
    pub why: String,
    /// Since when it has failed without a success.
    pub since: String,
}

/// How a life ended: one of three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    /// With an exit code.
    Code {
        /// The code.
        code: i32,
    },
    /// By a signal.
    Signal {
        /// Its number.
        signal: i32,
        /// Its name, such as `SIGKILL`.
        name: String,
    },
    /// It could not be started, did not become ready in time, or ended unobserved.
    Error {
        /// Why.
        error: String,
    },
}

/// A decision about a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// `restart`, `stay-down` or `give-up`.
    pub action: String,
    /// The delay of a restart, in milliseconds.
    pub delay_ms: Option<u64>,
    /// Who is restarted: `itself`, `group` or `rest`; `null` if nobody is.
    pub scope: Option<String>,
    /// What follows when it is given up: `nothing`, `stop-dependents`, `give-up-group`, `shut-down`; else `null`.
    pub escalation: Option<String>,
    /// The policy that decided, or `failsafe`.
    pub by: String,
    /// Why, in its words.
    pub reason: String,
    /// The policies that failed, were overruled or clamped on the way to it.
    pub overruled: Option<String>,
}

/// One change, as a line of `GET /v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", default)]
pub struct Event {
    /// Its number.
    pub generation: u64,
    /// When.
    pub at: String,
    /// The process.
    pub process: String,
    /// Which life of it.
    pub incarnation: u64,
    /// `added`, `start`, `stop`, `waiting`, `spawned`, `spawn_failed`, `not_ready`, `overdue`, `ready`, `exited`,
    /// `decided`, `refused`, `health` or `taken_over`; or
    /// `missed`, for changes that are no longer remembered: then only `count` means something.
    pub kind: String,
    /// The phase after it.
    pub phase: String,
    /// The phase before it.
    pub before: String,
    /// Why, as a word.
    pub cause: String,
    /// Why, in words.
    pub reason: String,
    /// Of `spawned`: the process id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pid: Option<u32>,
    /// Of `exited` and `spawn_failed`: how.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit: Option<Exit>,
    /// Of `decided`: what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision: Option<Decision>,
    /// Of `missed`: how many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<u64>,
}

/// The `kind` of an event that stands for changes which are no longer remembered.
pub(crate) const MISSED: &str = "missed";

/// A gap is no change of a process: it has `kind` and `count`, and none of the other fields.
#[derive(Serialize)]
struct Gap {
    kind: &'static str,
    count: u64,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.count {
            Some(count) if self.kind == MISSED => Gap { kind: MISSED, count }.serialize(serializer),
            _ => Self::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

/// One line of `GET /v1/logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LogItem {
    /// A line of text.
    Text {
        /// The process.
        process: String,
        /// `stdout` or `stderr`.
        stream: String,
        /// When it was read.
        at: String,
        /// The line.
        text: String,
        /// Its end has not come: what comes next on the stream goes on with it. Left out if it has.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// A line that is not UTF-8.
    Binary {
        /// The process.
        process: String,
        /// `stdout` or `stderr`.
        stream: String,
        /// When it was read.
        at: String,
        /// The line, in base64.
        base64: String,
        /// As with text.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// Lines that the reader was too slow for; they are in the log file.
    Missed {
        /// The process.
        process: String,
        /// How many.
        missed: u64,
    },
    /// The log was cleared: what was told before is no longer in the files.
    Cleared {
        /// The process.
        process: String,
        /// `true`.
        cleared: bool,
    },
}

/// The body of `POST /v1/processes/{start,stop,restart,signal}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Names, `group:*`, or `all`.
    pub select: Vec<String>,
    /// Who asks: `user` or `api`.
    #[serde(default)]
    pub cause: OrderCause,
    /// Wait until what was asked for has come about?
    #[serde(default)]
    pub wait: bool,
    /// How long to wait, in milliseconds; 30 seconds unless given.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Of `signal`: its name, with or without `SIG`, or its number.
    #[serde(default)]
    pub signal: Option<Signal>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderCause {
    /// A person, by the command line.
    User,
    /// A program.
    #[default]
    Api,
}

/// A signal, as people write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected the name of a signal or its number")]
pub enum Signal {
    /// By number.
    Number(i32),
    /// By name: `HUP` or `SIGHUP`.
    Name(String),
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// One a process, in the order of the config.
    pub results: Vec<ProcessOutcome>,
}

/// What an order came to for one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessOutcome {
    /// The process.
    pub name: String,
    /// Was it done?
    pub ok: bool,
    /// Its phase afterwards.
    pub phase: String,
    /// The reason of that phase.
    pub reason: String,
    /// Why it was not done.
    pub error: Option<Error>,
}

/// The answer to `GET /v1/explain/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The process.
    pub process: Process,
    /// Why it is in its phase, in one sentence.
    pub sentence: String,
    /// What led there, oldest first.
    pub history: Vec<Event>,
    /// Older changes that are not told: those that are no longer remembered, some of which may have been about
    /// this process, and those of this process that `history` has no room for.
    pub forgotten: u64,
}

/// The answer to `GET /v1/state` and `POST /v1/state`: the state core itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCore {
    /// The backend in force: `atomic`, `locked` or `dual`.
    pub backend: String,
    /// How many percent of the processes are on `atomic`, if that is the backend; the rest are on `locked`.
    pub rollout: u8,
    /// The number of the last change.
    pub generation: u64,
    /// Commits since the host started, on whatever backend.
    pub commits: u64,
    /// Refused: of another life.
    pub stale_incarnation: u64,
    /// Refused: concluded from an older version.
    pub stale_version: u64,
    /// Refused: no such edge. Anything but 0 is a defect of the host.
    pub illegal: u64,
    /// What each backend did while it was in force.
    pub backends: Vec<BackendFigures>,
}

/// The figures of one backend: the A/B comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendFigures {
    /// Which.
    pub backend: String,
    /// Reads of one state or of the whole, by samples of 64.
    pub reads: u64,
    /// Commits.
    pub commits: u64,
    /// Commits that another writer came before, and that waited for it.
    pub retries: u64,
    /// Commits refused as stale.
    pub stale: u64,
    /// Of `dual`: how often the two sides did not agree.
    pub differences: u64,
    /// How long a read of one state took.
    pub read: Latency,
    /// How long a commit took.
    pub commit: Latency,
    /// How long a whole snapshot took.
    pub snapshot: Latency,
}

/// How long something took, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were timed: one read in 64, every commit.
    pub timed: u64,
    /// Half took at most this long.
    pub p50_ns: u64,
    /// 95 of 100.
    pub p95_ns: u64,
    /// 99 of 100.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// The body of `POST /v1/state`: what is named is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// `atomic`, `locked` or `dual`.
    #[serde(default)]
    pub backend: Option<String>,
    /// 0 to 100.
    #[serde(default)]
    pub rollout: Option<u64>,
}

/// The answer to `GET /v1/ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The host's process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
}

/// The body of every answer with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// A stable word: `unknown_process`, `not_running`, `bad_request`, `timeout`, `shutting_down`, …
    pub code: String,
    /// In words.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}
