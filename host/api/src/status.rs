//! Everything at one generation, as `GET /v1/status` answers.

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::plugins::Plugin;
use crate::process::Process;

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
