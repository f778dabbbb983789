//! The state core itself: which backend is in force, and what each has done.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// An implementation of the state core.
    pub enum Backend {
        /// Readers take no lock.
        Atomic = "atomic",
        /// Behind a mutex.
        Locked = "locked",
        /// Both, compared with each other.
        Dual = "dual",
    }
}

/// The answer to `GET /v1/state` and `POST /v1/state`: the state core itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCore {
    /// The backend in force.
    pub backend: Backend,
    /// How many percent of the processes are on `atomic`, if that is the backend; the rest are on `locked`.
    pub rollout: u8,
    /// The number of the last change.
    pub generation: u64,
    /// Commits since the host started, on whatever backend.
    pub commits: u64,
    /// Refused: of another life.
    pub stale_incarnation: u64,
    /// Refused: concluded from an older version.
    pub stale_version: u64,
    /// Refused: no such edge. Anything but 0 is a defect of the host.
    pub illegal: u64,
    /// What each backend did while it was in force.
    pub backends: Vec<BackendFigures>,
}

/// The figures of one backend: the A/B comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendFigures {
    /// The backend.
    pub backend: Backend,
    /// Reads of one state or of the whole, by samples of 64.
    pub reads: u64,
    /// Commits.
    pub commits: u64,
    /// Commits that another writer came before, and that waited for it.
    pub retries: u64,
    /// Commits refused as stale.
    pub stale: u64,
    /// Of `dual`: how often the two sides did not agree.
    pub differences: u64,
    /// How long a read of one state took.
    pub read: Latency,
    /// How long a commit took.
    pub commit: Latency,
    /// How long a whole snapshot took.
    pub snapshot: Latency,
}

/// How long something took, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many were timed: one read in 64, every commit.
    pub timed: u64,
    /// Half took at most this long.
    pub p50_ns: u64,
    /// The 95th percentile.
    pub p95_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// The body of `POST /v1/state`: what is named is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// The backend that is to be in force.
    #[serde(default)]
    pub backend: Option<Backend>,
    /// 0 to 100.
    #[serde(default)]
    pub rollout: Option<u64>,
}
