//! The host itself: what it is, what it lacks, and how it ends.

use serde::{Deserialize, Serialize};

/// The host itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: String,
    /// The path of its socket.
    pub socket: String,
    /// The path of its config.
    pub config: String,
    /// What it lacks at the moment: threads, descriptors, the disk of its log.
    #[serde(default)]
    pub degraded: Vec<Lack>,
    /// What is still there of its processes although it should not be.
    #[serde(default)]
    pub left: Vec<Left>,
}

/// Something that the host lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// What is short, in a word or two.
    pub what: String,
    /// What happened, in words.
    pub reason: String,
    /// Since when.
    pub since: String,
}

/// An operating-system process that is still there although it should not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The process that it belongs to, as far as that is known.
    pub process: Option<String>,
    /// Its process id, as far as that is known.
    pub pid: Option<u32>,
    /// Why it is still there, in words.
    pub reason: String,
}

/// The body of `POST /v1/shutdown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// Whether to answer when everything has ended, and not at once.
    #[serde(default)]
    pub wait: bool,
}

/// The answer to `POST /v1/shutdown` with `wait`: how the host ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The host's process id.
    pub pid: u32,
    /// The exit code that it ends with: 0 only if `left` is empty.
    pub code: u8,
    /// What could not be ended.
    pub left: Vec<Left>,
}

/// The answer to `GET /v1/ping`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The host's process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
}
