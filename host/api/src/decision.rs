//! Decisions about processes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// What the host does after the end of an incarnation.
    pub enum Action {
        /// The process is started again.
        Restart = "restart",
        /// The process is left down.
        StayDown = "stay-down",
        /// The process is given up.
        GiveUp = "give-up",
    }
}

words! {
    /// The processes that are restarted.
    pub enum Scope {
        /// The process alone.
        Itself = "itself",
        /// Its whole group.
        Group = "group",
        /// The process and those that come after it in its group.
        Rest = "rest",
    }
}

words! {
    /// A further consequence of giving up a process.
    pub enum Escalation {
        /// Nothing.
        Nothing = "nothing",
        /// All processes that depend on it are stopped.
        StopDependents = "stop-dependents",
        /// Its whole group is stopped and given up.
        GiveUpGroup = "give-up-group",
        /// The host stops everything and ends.
        ShutDown = "shut-down",
    }
}

/// A decision about a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The action that was decided.
    pub action: Action,
    /// The delay of a restart, in milliseconds.
    pub delay_ms: Option<u64>,
    /// The processes that are restarted; `null` if the action is not a restart.
    pub scope: Option<Scope>,
    /// The consequence of giving up; `null` for any other action.
    pub escalation: Option<Escalation>,
    /// The policy that decided, or `failsafe`.
    pub by: String,
    /// The reason that the policy gave.
    pub reason: String,
    /// The policies that failed, were overruled or were clamped before this decision.
    pub overruled: Option<String>,
}
