//! Reloading the config and scaling replica sets: requests, and the steps of a reload as they are done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::orders::OrderCause;
use crate::words::words;

/// The body of `POST /v1/config/reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReloadOrder {
    /// The absolute path of the config, if it is another one than that of the host.
    #[serde(default)]
    #[schemars(extend("pattern" = "^/"))]
    pub config: Option<String>,
    /// Whether processes that a change would restart keep their old values until their next start.
    #[serde(default)]
    pub no_restart: bool,
    /// Whether the stream ends only when everything that was started is up, or cannot come up.
    #[serde(default)]
    pub wait: bool,
    /// How long to wait, in milliseconds; 30 seconds by default.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

words! {
    /// A step of a reload.
    pub enum ReloadStepKind {
        /// Everything was checked; from now on things change.
        Checked = "checked",
        /// A setting of the host was changed.
        Host = "host",
        /// A plugin was loaded, replaced or unloaded.
        Plugin = "plugin",
        /// A process is being removed.
        Removing = "removing",
        /// A process was removed.
        Removed = "removed",
        /// A process was changed in place.
        Changed = "changed",
        /// A process was changed, and has old values until its next start.
        Postponed = "postponed",
        /// A process was added, and is started if the config says so.
        Added = "added",
        /// A process was restarted.
        Restarted = "restarted",
        /// A process was started.
        Started = "started",
        /// A started process is up.
        Up = "up",
        /// A step has failed; `error` says why. The others go on.
        Failed = "failed",
        /// The last step: what was done in all.
        Done = "done",
    }
}

/// One step of a reload, as a line of the answer to `POST /v1/config/reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReloadStep {
    /// What was done.
    pub kind: ReloadStepKind,
    /// The process that it was done to, if it was one.
    pub process: Option<String>,
    /// The plugin that it was done to, if it was one.
    pub plugin: Option<String>,
    /// What was done, and because of which keys, in words.
    pub message: String,
    /// Why it failed.
    pub error: Option<Error>,
    /// Of the last step: what was done in all.
    pub summary: Option<ReloadSummary>,
}

/// What a reload has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReloadSummary {
    /// The number of processes that were added.
    pub added: u64,
    /// The number of processes that were removed.
    pub removed: u64,
    /// The number of processes that were changed, whether they were restarted or not.
    pub changed: u64,
    /// The number of processes that were restarted.
    pub restarted: u64,
    /// The number of processes that have old values until their next start.
    pub postponed: u64,
    /// The number of plugins that were loaded, replaced or unloaded.
    pub plugins: u64,
    /// The number of settings of the host that were changed.
    pub host: u64,
    /// The number of steps that have failed.
    pub failed: u64,
}

/// The body of `POST /v1/processes/scale`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleOrder {
    /// The wanted number of replicas by the name of the process.
    #[schemars(extend("minProperties" = 1))]
    pub replicas: BTreeMap<String, u32>,
    /// The origin of the order: `user` or `api`.
    #[serde(default)]
    pub cause: OrderCause,
}

/// The answer to `POST /v1/processes/scale`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scaled {
    /// One result for each process, in the order of the names.
    pub results: Vec<ScaleOutcome>,
}

/// The outcome of scaling one process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScaleOutcome {
    /// The process.
    pub name: String,
    /// Whether the number is in force.
    pub ok: bool,
    /// The number that was wanted before; `null` if there is no such process.
    pub before: Option<u32>,
    /// The number that is wanted now.
    pub wanted: Option<u32>,
    /// Why it failed.
    pub error: Option<Error>,
}
