//! Changes of processes, as `GET /v1/events` sends them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decision::Decision;
use crate::process::{Cause, Exit, Phase};
use crate::words::words;

words! {
    /// What happened to a process.
    pub enum EventKind {
        /// The process was added.
        Added = "added",
        /// It is wanted up.
        Start = "start",
        /// It is wanted down.
        Stop = "stop",
        /// It waits for something before it is started.
        Waiting = "waiting",
        /// Its child was spawned.
        Spawned = "spawned",
        /// Its child could not be spawned.
        SpawnFailed = "spawn_failed",
        /// Its readiness check finds something else than before.
        NotReady = "not_ready",
        /// It was not ready in time, and is ended.
        Overdue = "overdue",
        /// It is ready.
        Ready = "ready",
        /// Its life ended.
        Exited = "exited",
        /// What follows was decided.
        Decided = "decided",
        /// A policy has refused its start.
        Refused = "refused",
        /// Its health checks find something else than before.
        Health = "health",
        /// A new task of the host has taken it over.
        TakenOver = "taken_over",
        /// Changes that are no longer remembered.
        Missed = "missed",
    }
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
    /// What happened. Of `missed`, only `count` has a meaning.
    pub kind: EventKind,
    /// The phase after it.
    pub phase: Phase,
    /// The phase before it.
    pub before: Phase,
    /// Why, as a word.
    pub cause: Cause,
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

/// A gap is no change of a process: it has `kind` and `count`, and none of the other fields.
#[derive(Serialize)]
struct Gap {
    kind: EventKind,
    count: u64,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.count {
            Some(count) if self.kind == EventKind::Missed => {
                Gap { kind: EventKind::Missed, count }.serialize(serializer)
            }
            _ => Self::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}
