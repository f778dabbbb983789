//! Converts latencies and the backends of the state core.

use provost_api as api;
use provost_state::{Backend, Latency};

pub(crate) fn latency(latency: &Latency) -> api::Latency {
    let Latency { timed, p50_ns, p95_ns, p99_ns, max_ns } = *latency;
    api::Latency { timed, p50_ns, p95_ns, p99_ns, max_ns }
}

/// Converts a backend to its word.
pub(crate) fn backend(backend: Backend) -> api::Backend {
    match backend {
        Backend::Atomic => api::Backend::Atomic,
        Backend::Locked => api::Backend::Locked,
        Backend::Dual => api::Backend::Dual,
    }
}
