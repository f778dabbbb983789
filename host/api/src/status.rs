//! The state of everything at one generation, as `GET /v1/status` answers.

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::plugins::Plugin;
use crate::process::Process;

/// The answer to `GET /v1/status`: the state of everything at one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The generation of the last change.
    pub generation: u64,
    /// When that change was made.
    pub taken_at: String,
    /// The requested processes, in the order of the config.
    pub processes: Vec<Process>,
    /// The replica counts of each replicated process among the requested ones, in the order of the config.
    #[serde(default)]
    pub replicas: Vec<Replicas>,
    /// All plugins, in the order of the config.
    pub plugins: Vec<Plugin>,
    /// The host itself.
    pub host: Host,
}

/// The replica counts of a process. Its replicas are the processes `NAME.1`, `NAME.2`, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replicas {
    /// The name in the config, without a number.
    pub name: String,
    /// The requested number; the replicas numbered 1 to this are wanted.
    pub wanted: u32,
    /// The number that are `running`.
    pub running: u32,
    /// The minimum of `wanted`.
    pub least: u32,
    /// The maximum of `wanted`.
    pub most: u32,
}
