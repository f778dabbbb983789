//! The answers of `/livez` and `/readyz`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::Phase;

/// The answer to `GET /livez`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Liveness {
    /// Always true: a host that is not alive does not answer.
    pub alive: bool,
}

/// The answer to `GET /readyz`, with the status 200 if everything is ready and else 503.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether every process is ready that a start of the host would start; a job is when it is done.
    pub ready: bool,
    /// The processes that are not ready; absent for callers without a token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_ready: Option<Vec<NotReady>>,
}

/// A process that is not ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotReady {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: Phase,
    /// Why it is in that phase, in words.
    pub reason: String,
}
