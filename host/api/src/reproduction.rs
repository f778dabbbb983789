//! All that a call of a plugin was given, as one document, so that the call can be repeated without the host.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::EventKind;
use crate::plugins::{Fault, PluginRole};
use crate::process::{Cause, Exit, Health, Phase, Process};
use crate::usage::ProcessUsage;

/// All that a call of a plugin was given. `provost plugin run COMPONENT --input FILE` repeats the call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reproduction {
    /// The version of this document: 1. A reader refuses every other one.
    pub version: u32,
    /// The name of the plugin.
    pub plugin: String,
    /// The source of the component: `bundled:NAME`, a path, or `oci://…` or `https://…` with a digest.
    pub component: String,
    /// The SHA-256 of the component, in hex.
    pub sha256: String,
    /// The role in which it was called.
    pub role: PluginRole,
    /// How the call failed.
    pub fault: Option<Fault>,
    /// Its settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// Its limits by the keys of `limits` in the config: bytes, milliseconds or a count.
    pub limits: BTreeMap<String, u64>,
    /// What it was granted, in the words of `allow` in the config.
    pub allow: Vec<String>,
    /// Its memory after the call failed. Another call may have changed it meanwhile.
    pub memory: BTreeMap<String, MemoryValue>,
    /// The question.
    pub input: PluginInput,
    /// The snapshot.
    pub snapshot: PluginSnapshot,
    /// What the call was given and this document does not have, in words.
    pub left_out: Vec<String>,
}

impl Reproduction {
    /// The version of the document that this crate knows.
    pub const VERSION: u32 = 1;
}

/// A value in the memory of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MemoryValue {
    /// The value, if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The value in base64, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// The question of a call. Which fields there are depends on the role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PluginInput {
    /// The name of the process. For a `scale-policy`, the name in the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The group of the process; absent if it is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The incarnation of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<u64>,
    /// The time of the trigger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The seed for jitter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How the incarnation ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// How long the incarnation has lived, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// Whether it had become ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_ready: Option<bool>,
    /// The number of consecutive failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The number of restarts so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
    /// Why the process is to be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// How long the start has waited for its policies, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// Whether the check passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// What the check found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long the check took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// The number of consecutive checks with the same outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_a_row: Option<u32>,
    /// The health before the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Health>,
    /// The number of replicas that are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u32>,
    /// The number of replicas that are running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<u32>,
    /// The smallest number of replicas that the config allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<u32>,
    /// The largest number of replicas that the config allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u32>,
    /// What the process uses now; for a view, what the host itself uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<ProcessUsage>,
    /// What the process used at the samples before, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<ProcessUsage>,
    /// The path of the request to a view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The query of the request to a view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What the processes use, for a view.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<ProcessUsage>,
    /// The changes for a consumer, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<PluginEvent>,
    /// The number of changes that the consumer was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

/// A change, as a consumer receives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PluginEvent {
    /// What happened.
    pub kind: EventKind,
    /// When it happened.
    pub at: String,
    /// The phase before the change.
    pub before: Phase,
    /// The process after the change.
    pub process: Process,
}

/// A snapshot, as a plugin sees it. The status of a host is one, too: it has no deaths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PluginSnapshot {
    /// The generation of the last change.
    pub generation: u64,
    /// When that change was made.
    pub taken_at: String,
    /// The processes, in their order.
    pub processes: Vec<SnapshotProcess>,
}

/// A process in a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SnapshotProcess {
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// Its unrequested ends since it was last started by hand, newest first. `null` or absent if they are not known.
    pub deaths: Option<Vec<Death>>,
}

/// An unrequested end of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Death {
    /// The incarnation that ended.
    pub incarnation: u64,
    /// How it ended.
    pub exit: Exit,
    /// When it ended.
    pub at: String,
    /// How long it had lived, in milliseconds.
    pub uptime_ms: u64,
}
