//! Why a process is in its state, as `GET /v1/explain/NAME` answers.

use serde::{Deserialize, Serialize};

use crate::events::Event;
use crate::process::Process;

/// The answer to `GET /v1/explain/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The process.
    pub process: Process,
    /// Why it is in its phase, in one sentence.
    pub sentence: String,
    /// What led there, oldest first.
    pub history: Vec<Event>,
    /// Older changes that are not told: those that are no longer remembered, some of which may have been about
    /// this process, and those of this process that `history` has no room for.
    pub forgotten: u64,
}
