//! What was decided about a process, by whom and why.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// What will be done about the end of a life.
    pub enum Action {
        /// The process is started again.
        Restart = "restart",
        /// It is left down: it is done.
        StayDown = "stay-down",
        /// It is given up.
        GiveUp = "give-up",
    }
}

words! {
    /// The processes that are started again.
    pub enum Scope {
        /// The process alone.
        Itself = "itself",
        /// All of its group.
        Group = "group",
        /// The process, and those of its group that come after it.
        Rest = "rest",
    }
}

words! {
    /// What else follows when a process is given up.
    pub enum Escalation {
        /// Nothing.
        Nothing = "nothing",
        /// All that depend on it are stopped.
        StopDependents = "stop-dependents",
        /// All of its group is stopped and given up.
        GiveUpGroup = "give-up-group",
        /// The host stops everything, and ends.
        ShutDown = "shut-down",
    }
}

/// A decision about a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What will be done.
    pub action: Action,
    /// The delay of a restart, in milliseconds.
    pub delay_ms: Option<u64>,
    /// The processes that are restarted; `null` if none is.
    pub scope: Option<Scope>,
    /// What follows when it is given up; else `null`.
    pub escalation: Option<Escalation>,
    /// The policy that decided, or `failsafe`.
    pub by: String,
    /// Why, in its words.
    pub reason: String,
    /// The policies that failed, were overruled or clamped on the way to it.
    pub overruled: Option<String>,
}
