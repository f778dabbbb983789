//! The host itself: its identity, its shortages and its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

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
    /// How the host before this one has ended, whose processes this one has taken over; `null` if there was none.
    #[serde(default)]
    pub last_end: Option<LastEnd>,
    /// Whether it is a new program that is not known to be in service yet, so that the former one may be started again.
    #[serde(default)]
    pub trial: bool,
}

words! {
    /// The kind of the end of a host.
    pub enum HostEnding {
        /// It was killed, or ended without having said so.
        Died = "died",
        /// It did not answer its keeper, which killed it.
        Silent = "silent",
        /// It did not attach to its keeper, or did not end, in time, and was killed.
        Late = "late",
        /// It broke the protocol of its keeper, and was killed.
        Faulty = "faulty",
        /// It left on purpose, such as for an upgrade.
        Left = "left",
        /// It was a new program that did not come into service; the former one was started again.
        RolledBack = "rolled-back",
        /// Its keeper had ended.
        Handed = "handed",
    }
}

/// How a host has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastEnd {
    /// The kind of its end.
    pub kind: HostEnding,
    /// What happened, in words: a signal, an exit code, the message of a panic.
    pub reason: String,
    /// When it ended.
    pub at: String,
}

/// The body of `POST /v1/host/upgrade`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeOrder {
    /// The absolute path of the new program.
    #[schemars(extend("pattern" = "^/"))]
    pub program: String,
    /// How long the new program may take until it is in service, in milliseconds; 30,000 by default.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// The answer to `POST /v1/host/upgrade`: the host ends now, and the new program takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upgrading {
    /// The process id of the host that ends.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// The version of the new program.
    pub next_version: String,
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

/// The answer to `POST /v1/host/upgrade-keeper`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeeperUpgraded {
    /// The process id of the keeper, which stays.
    pub pid: u32,
}
