//! The host itself: its identity, its shortages and its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The host itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Its process id.
    pub pid: u32,
    /// The process id of its keeper, which holds the processes and starts another host if this one ends unexpectedly; `null` if
    /// there is none.
    #[serde(default)]
    pub keeper_pid: Option<u32>,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: String,
    /// The path of its socket.
    pub socket: String,
    /// The URLs under which it is reached over TCP, such as `http://127.0.0.1:9191`.
    #[serde(default)]
    pub listen: Vec<String>,
    /// The path of its config.
    pub config: String,
    /// When the config was read that is in force.
    #[serde(default)]
    pub config_loaded_at: String,
    /// Whether the file has changed since then, or is gone; `null` if that is not known. `GET /v1/config/difference` says what
    /// differs.
    #[serde(default)]
    pub config_changed: Option<bool>,
    /// What it lacks at the moment, such as threads, descriptors or disk space for its log.
    #[serde(default)]
    pub degraded: Vec<Lack>,
    /// What is left of its processes although it should be gone.
    #[serde(default)]
    pub left: Vec<Left>,
}

/// Something that the host lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lack {
    /// The resource that is short, in a word or two.
    pub what: String,
    /// What happened, in words.
    pub reason: String,
    /// When the shortage began.
    pub since: String,
}

/// An operating-system process that is left although it should be gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// The process that it belongs to, if known.
    pub process: Option<String>,
    /// Its process id, if known.
    pub pid: Option<u32>,
    /// Why it is left, in words.
    pub reason: String,
}

/// The body of `POST /v1/shutdown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Whether to answer only when everything has ended, instead of at once.
    #[serde(default)]
    pub wait: bool,
}

/// The answer to `POST /v1/shutdown` with `wait`: how the host ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// The host's process id.
    pub pid: u32,
    /// The exit code of the host; 0 only if `left` is empty.
    pub code: u8,
    /// What could not be ended.
    pub left: Vec<Left>,
}

/// The answer to `GET /v1/ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ping {
    /// The host's process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
}
