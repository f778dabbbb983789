//! The difference between what runs and what the config asks for, as `GET /v1/config/difference` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

/// The answer to `GET /v1/config/difference`: what a reload would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Difference {
    /// The path of the config that was compared with what runs.
    pub config: String,
    /// The processes that are added or changed, in the order of the config, and then those that are removed.
    pub processes: Vec<ItemDifference>,
    /// The plugins, in the same order.
    pub plugins: Vec<ItemDifference>,
    /// The keys of the host that differ. They begin with the section: `host.decision_deadline`.
    pub host: Vec<KeyDifference>,
    /// What stays as it is.
    pub unchanged: Unchanged,
}

impl Difference {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.plugins.is_empty() && self.host.is_empty()
    }
}

/// How much stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Unchanged {
    /// The number of processes of the config; one with replicas counts once.
    pub processes: u64,
    /// The number of plugins.
    pub plugins: u64,
}

/// A process or a plugin that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ItemDifference {
    /// The name in the config.
    pub name: String,
    /// What becomes of it.
    pub change: ItemChange,
    /// The keys that differ; of what is added or removed, the most important one.
    pub keys: Vec<KeyDifference>,
    /// If it was added at run time: the lines of the config that would keep it.
    pub keep: Option<String>,
}

words! {
    /// What becomes of a process or a plugin.
    pub enum ItemChange {
        /// The config has it, and the host does not.
        Added = "added",
        /// The host has it, and the config does not.
        Removed = "removed",
        /// Some of its keys differ.
        Changed = "changed",
    }
}

/// A key whose value differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeyDifference {
    /// The key below the title of its section: `command`, `stop.grace`, `env.PATH`.
    pub key: String,
    /// The value in force, as a config writes it; `null` if there is none. Values of variables are `(hidden)`.
    pub old: Option<String>,
    /// The value that the config asks for.
    pub new: Option<String>,
    /// What the change takes.
    pub effect: KeyEffect,
    /// Whether both values are the same and what the named files hold has changed.
    pub content_changed: bool,
    /// The processes that have the old value, if others of the same replica set do not have it any more.
    pub members: Vec<String>,
    /// If the value was changed at run time: the lines of the config that would keep it.
    pub keep: Option<String>,
}

words! {
    /// What the change of a key takes.
    pub enum KeyEffect {
        /// It takes effect in place.
        Live = "live",
        /// It takes a restart of the process.
        Restart = "restart",
        /// It takes another host: a reload refuses it.
        NewHost = "new_host",
    }
}
