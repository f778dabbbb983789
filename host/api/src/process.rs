//! One process: its phase, the findings of its checks, its last exit and its last decision.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decision::Decision;
use crate::schema::{all_optional, schema_as};
use crate::words::words;

words! {
    /// The observed phase of a process.
    pub enum Phase {
        /// It is down and requested down.
        Stopped = "stopped",
        /// It is requested up and not started yet.
        Waiting = "waiting",
        /// It has been spawned and is not ready yet.
        Starting = "starting",
        /// It runs.
        Running = "running",
        /// It has been asked to end.
        Stopping = "stopping",
        /// It will be started again after a delay.
        Backoff = "backoff",
        /// Its last incarnation has ended.
        Exited = "exited",
        /// It was given up.
        Fatal = "fatal",
    }
}

words! {
    /// The requested state of a process.
    pub enum Desired {
        /// It should be up.
        Up = "up",
        /// It should be down.
        Down = "down",
    }
}

words! {
    /// The type of a process.
    pub enum ProcessType {
        /// It should keep running.
        Service = "service",
        /// It should end with a success code.
        Job = "job",
    }
}

words! {
    /// The result of the health checks of the current incarnation.
    pub enum Health {
        /// There is no result yet, or there are no checks.
        Unknown = "unknown",
        /// It works.
        Healthy = "healthy",
        /// It works with restrictions.
        Degraded = "degraded",
        /// It does not work.
        Unhealthy = "unhealthy",
    }
}

words! {
    /// Why a process is in its phase.
    pub enum Cause {
        /// The host started.
        Boot = "boot",
        /// A person asked, through the command line.
        User = "user",
        /// A program asked, through the API.
        Api = "api",
        /// A policy decided.
        Policy = "policy",
        /// It ended without being asked.
        Crash = "crash",
        /// The state of a dependency.
        Dependency = "dependency",
        /// A health check.
        Health = "health",
        /// A schedule.
        Schedule = "schedule",
        /// A watched file.
        Watch = "watch",
        /// The config was reloaded.
        Reload = "reload",
        /// The kernel was out of memory.
        Oom = "oom",
        /// The host is stopping.
        Shutdown = "shutdown",
    }
}

/// One process. A request that chooses `fields` is answered with those alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = all_optional)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub process_type: ProcessType,
    /// Its group, if it is in one.
    pub group: Option<String>,
    /// Its observed phase.
    pub phase: Phase,
    /// Its requested state.
    pub desired: Desired,
    /// The process id of its child, while there is one.
    pub pid: Option<u32>,
    /// The number of its current or last incarnation; 0 before the first.
    pub incarnation: u64,
    /// The number of changes of this process.
    pub version: u64,
    /// The generation in which it last changed.
    pub generation: u64,
    /// The number of restarts that policies decided.
    pub restarts: u64,
    /// The number of consecutive failures.
    pub failures: u32,
    /// Whether it is ready. A job is ready when it has ended with a success code; its phase is `exited` then.
    pub ready: bool,
    /// The result of its health checks.
    pub health: Health,
    /// The check that fails now: its readiness check while it is `starting`, a health check while it is `running`.
    pub failing: Option<Failing>,
    /// How its last incarnation ended.
    pub exit: Option<Exit>,
    /// The cause of its phase as a word.
    pub cause: Cause,
    /// The reason of its phase in words.
    pub reason: String,
    /// When its current or last incarnation started.
    pub started_at: Option<String>,
    /// When its last incarnation ended.
    pub ended_at: Option<String>,
    /// When the host will start it again or kill it.
    pub next_action_at: Option<String>,
    /// The last decision about it.
    pub decision: Option<Decision>,
}

/// A check that fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failing {
    /// The finding of the check. It is updated when it changes, at a bounded rate.
    pub why: String,
    /// When the current series of failures began.
    pub since: String,
}

/// How an incarnation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with a code.
    Code {
        /// The code.
        code: i32,
    },
    /// It was killed by a signal.
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
    /// It ended in a way that only a newer host knows.
    Unknown,
}

schema_as!(Exit, ExitObject<'_>);

/// How an incarnation ended: an object with `code`, with `signal` and `name`, or with `error`.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ExitObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = ExitObject::default();
        match self {
            Self::Code { code } => object.code = Some(*code),
            Self::Signal { signal, name } => {
                (object.signal, object.name) = (Some(*signal), Some(name.into()))
            }
            Self::Error { error } => object.error = Some(error.into()),
            Self::Unknown => {}
        }
        object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match ExitObject::deserialize(deserializer)? {
            ExitObject { code: Some(code), .. } => Self::Code { code },
            ExitObject { signal: Some(signal), name: Some(name), .. } => {
                Self::Signal { signal, name: name.into_owned() }
            }
            ExitObject { error: Some(error), .. } => Self::Error { error: error.into_owned() },
            _ => Self::Unknown,
        })
    }
}
