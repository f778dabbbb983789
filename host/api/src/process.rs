//! One process: its phase, what its checks say, how its last life ended, and what was decided about it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decision::Decision;
use crate::words::words;

words! {
    /// The observed phase of a process.
    pub enum Phase {
        /// It is down and wanted down.
        Stopped = "stopped",
        /// It is wanted up and not started yet.
        Waiting = "waiting",
        /// It has been spawned and is not ready.
        Starting = "starting",
        /// It runs.
        Running = "running",
        /// It has been told to end.
        Stopping = "stopping",
        /// It will be started again after a delay.
        Backoff = "backoff",
        /// Its last life has ended.
        Exited = "exited",
        /// It was given up.
        Fatal = "fatal",
    }
}

words! {
    /// What is wanted of a process.
    pub enum Desired {
        /// It is to run.
        Up = "up",
        /// It is to be down.
        Down = "down",
    }
}

words! {
    /// What a process is for.
    pub enum ProcessType {
        /// It is to run.
        Service = "service",
        /// It is to end with a success code.
        Job = "job",
    }
}

words! {
    /// What the health checks say of the current life of a process.
    pub enum Health {
        /// Nothing yet, or there are none.
        Unknown = "unknown",
        /// It is well.
        Healthy = "healthy",
        /// It works, but not as it should.
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
        /// A person asked, by the command line.
        User = "user",
        /// A program asked, by the API.
        Api = "api",
        /// A policy decided.
        Policy = "policy",
        /// It ended without being asked to.
        Crash = "crash",
        /// Something that it depends on.
        Dependency = "dependency",
        /// A health check.
        Health = "health",
        /// A schedule.
        Schedule = "schedule",
        /// A watched file.
        Watch = "watch",
        /// The kernel ran out of memory.
        Oom = "oom",
        /// The host is stopping.
        Shutdown = "shutdown",
    }
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(rename = "type", default)]
    pub process_type: ProcessType,
    /// Its group, if it is in one.
    pub group: Option<String>,
    /// What it does at the moment.
    pub phase: Phase,
    /// What is wanted of it.
    pub desired: Desired,
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
    /// What its health checks say of this life.
    pub health: Health,
    /// The check that fails now: that of its readiness while it is `starting`, that of its health while it is `running`.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// How its last life ended.
    pub exit: Option<Exit>,
    /// Why it is in this phase, as a word.
    pub cause: Cause,
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

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// In a way that only a newer host knows.
    Unknown,
}

/// An exit as it is in JSON: an object with the fields of one of its kinds.
#[derive(Default, Serialize, Deserialize)]
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
