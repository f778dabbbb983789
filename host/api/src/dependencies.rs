//! What processes wait for before they are started, as `GET /v1/dependencies` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::{Phase, ProcessType};
use crate::words::words;

words! {
    /// The condition that a dependency has to meet.
    pub enum Condition {
        /// It was spawned.
        Started = "started",
        /// It is ready; a job is ready when it has ended with a success code.
        Ready = "ready",
        /// It has ended with exit code 0, or a job with a success code.
        Completed = "completed",
    }
}

/// The answer to `GET /v1/dependencies`: the specs in force, and the phases at one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependencies {
    /// The generation of the phases.
    pub generation: u64,
    /// All processes, in the order of the config.
    pub processes: Vec<Dependent>,
}

/// One process and what it depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependent {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub process_type: ProcessType,
    /// Its group, if it is in one.
    pub group: Option<String>,
    /// Its observed phase.
    pub phase: Phase,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether a start of the host starts it.
    pub autostart: bool,
    /// Its direct dependencies, in the order of the config. Each exists, unless it was removed just now.
    pub depends_on: Vec<Dependency>,
}

/// A direct dependency of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// The process that has to meet the condition. A dependency on a process with replicas is one on each replica that
    /// always exists.
    pub process: String,
    /// The condition.
    pub condition: Condition,
}
