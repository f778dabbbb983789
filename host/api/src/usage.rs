//! The resources that processes use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one process and all of its descendants use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessUsage {
    /// The name of the process; `provost` for the host itself.
    pub process: String,
    /// Whether this is the host itself, without the processes that it runs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub host: bool,
    /// The incarnation that was read; 0 for the host.
    #[serde(default)]
    pub incarnation: u64,
    /// When it was read.
    pub at: String,
    /// The average number of cores that it used since it was read before, so that 1 is one core; 0 the first time.
    pub cpu: f64,
    /// The CPU time that this incarnation has used so far, in milliseconds.
    pub cpu_ms: u64,
    /// The resident memory, in bytes. Memory that several of its processes share counts for each of them.
    pub rss_bytes: u64,
    /// The proportional set size, in bytes: shared memory is divided among those who share it. It is read once a minute;
    /// `null` before that, and if the kernel does not tell.
    pub pss_bytes: Option<u64>,
    /// The number of open file descriptors. It is read once a minute; `null` before that, and if the kernel does not tell.
    pub fds: Option<u32>,
    /// The number of threads.
    pub threads: u32,
    /// The number of operating-system processes: the main process and its living descendants.
    pub members: u32,
    /// Only in an answer to `?history=1`: what this incarnation has used during the last hour, oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<UsagePoint>>,
}

/// What a process used in one step of its history: 6 seconds during the last ten minutes, and 30 seconds before that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsagePoint {
    /// The end of the step.
    pub at: String,
    /// The average number of cores that it used during the step.
    pub cpu: f64,
    /// The most resident memory that was read in the step, in bytes.
    pub rss_bytes: u64,
}

/// The answer to `GET /v1/usage`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageList {
    /// The number of looks since the host started; it changes without a change of any process.
    pub revision: u64,
    /// The host, unless processes were selected, and the requested processes that have a child, in the order of a status.
    pub usage: Vec<ProcessUsage>,
}

fn is_false(value: &bool) -> bool {
    !*value
}
