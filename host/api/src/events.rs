//! Changes of processes, as `GET /v1/events` sends them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decision::Decision;
use crate::process::{Cause, Exit, Health, Phase};
use crate::words::words;

/// The answer to `GET /v1/events` with `Accept: application/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventList {
    /// The chosen changes, oldest first.
    pub events: Vec<Event>,
}

words! {
    /// What happened to a process.
    pub enum EventKind {
        /// The process was added.
        Added = "added",
        /// It was removed.
        Removed = "removed",
        /// A start was requested.
        Start = "start",
        /// A stop was requested.
        Stop = "stop",
        /// It waits for a condition before it is started.
        Waiting = "waiting",
        /// Its child was spawned.
        Spawned = "spawned",
        /// Its child could not be spawned.
        SpawnFailed = "spawn_failed",
        /// Its readiness check fails with a new finding.
        NotReady = "not_ready",
        /// It was not ready in time and is being ended.
        Overdue = "overdue",
        /// It is ready.
        Ready = "ready",
        /// Its child exited.
        Exited = "exited",
        /// The reaction to an exit or a failed spawn was decided.
        Decided = "decided",
        /// A policy refused its start.
        Refused = "refused",
        /// The finding of its health checks changed.
        Health = "health",
        /// A new task of the host took it over.
        TakenOver = "taken_over",
        /// Stands for changes that are no longer remembered.
        Missed = "missed",
    }
}

/// One change, as a line of `GET /v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", default)]
#[schemars(rename = "Event", transform = kind_alone_is_required)]
pub struct Event {
    /// The generation that the change created.
    pub generation: u64,
    /// When it happened.
    pub at: String,
    /// The name of the process.
    pub process: String,
    /// The incarnation of the process.
    pub incarnation: u64,
    /// What happened. For `missed`, only `count` has a meaning.
    pub kind: EventKind,
    /// The phase after the change.
    pub phase: Phase,
    /// The phase before the change.
    pub before: Phase,
    /// The cause as a word.
    pub cause: Cause,
    /// The reason in words.
    pub reason: String,
    /// For `spawned`: the process id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pid: Option<u32>,
    /// For `exited` and `spawn_failed`: the exit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit: Option<Exit>,
    /// For `decided`: the decision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision: Option<Decision>,
    /// For `health`: the finding.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub health: Option<Health>,
    /// For `missed`: the number of changes; `null` if it is not known, because the host was started again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<u64>,
}

fn kind_alone_is_required(schema: &mut schemars::Schema) {
    // A `missed` event has no other field but its count.
    schema.insert("required".to_owned(), serde_json::json!(["kind"]));
}

/// A `missed` event in JSON, which has `kind` and `count` and no other field.
#[derive(Serialize)]
struct Gap {
    kind: EventKind,
    count: Option<u64>,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.kind == EventKind::Missed {
            return Gap { kind: EventKind::Missed, count: self.count }.serialize(serializer);
        }
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}
