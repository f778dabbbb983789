//! The state core: the active backend, and the figures of each backend.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// An implementation of the state core.
    pub enum Backend {
        /// Readers take no lock.
        Atomic = "atomic",
        /// All states are behind a mutex.
        Locked = "locked",
        /// Both of the others, compared with each other.
        Dual = "dual",
    }
}

/// The answer to `GET /v1/state` and `POST /v1/state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateCore {
    /// The active backend.
    pub backend: Backend,
    /// The percentage of processes on `atomic` if that is the backend; the rest are on `locked`.
    pub rollout: u8,
    /// The number of the last change.
    pub generation: u64,
    /// The number of commits since the host started, on all backends.
    pub commits: u64,
    /// The number of commits refused because they were about another incarnation.
    pub stale_incarnation: u64,
    /// The number of commits refused because they were concluded from an older version.
    pub stale_version: u64,
    /// The number of commits refused because there is no such edge. A value other than 0 is a defect of the host.
    pub illegal: u64,
    /// The figures of each backend while it was active.
    pub backends: Vec<BackendFigures>,
}

/// The figures of one backend, for comparison with the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendFigures {
    /// The backend.
    pub backend: Backend,
    /// The number of reads of a state or a snapshot, rounded down to a multiple of 64 per thread.
    pub reads: u64,
    /// The number of commits.
    pub commits: u64,
    /// The number of commits that had to wait for another writer.
    pub retries: u64,
    /// The number of commits refused as stale.
    pub stale: u64,
    /// For `dual`: how often the two sides disagreed.
    pub differences: u64,
    /// How long a read of one state took.
    pub read: Latency,
    /// How long a commit took.
    pub commit: Latency,
    /// How long a whole snapshot took.
    pub snapshot: Latency,
}

/// How long an operation took, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// The number of timed operations: one read in 64, every commit and every call of a plugin.
    pub timed: u64,
    /// The median.
    pub p50_ns: u64,
    /// The 95th percentile.
    pub p95_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// The body of `POST /v1/state`. A field that is left out changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// The new backend.
    #[serde(default)]
    pub backend: Option<Backend>,
    /// The percentage of processes on `atomic`, 0 to 100.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub rollout: Option<u64>,
}
