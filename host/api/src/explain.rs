//! Why a process is in its state, as `GET /v1/processes/NAME/explain` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::Event;
use crate::process::Process;
use crate::reproduction::Death;

/// The answer to `GET /v1/processes/NAME/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The process.
    pub process: Process,
    /// Why it is in its phase, in one sentence.
    pub sentence: String,
    /// The events that led there, oldest first.
    pub history: Vec<Event>,
    /// The number of older changes that `history` leaves out: those that are no longer remembered, which may include
    /// changes of other processes, and those of this process beyond the limit of `history`.
    pub forgotten: u64,
    /// Its unrequested ends since it was last started by hand, newest first; at most 100. `null` if they are not known.
    #[serde(default)]
    pub deaths: Option<Vec<Death>>,
    /// The policies that judge it, in the order in which they are asked. `null` if they are not known.
    #[serde(default)]
    pub policies: Option<Vec<String>>,
}
