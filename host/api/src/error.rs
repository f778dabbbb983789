//! The body of every answer with a status of 400 or more.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// What went wrong, as a stable word.
    pub enum ErrorCode {
        /// The request itself is at fault.
        BadRequest = "bad_request",
        /// There is nothing at this path.
        UnknownPath = "unknown_path",
        /// The path does not take this method.
        MethodNotAllowed = "method_not_allowed",
        /// There is no such action.
        UnknownAction = "unknown_action",
        /// There is no such process.
        UnknownProcess = "unknown_process",
        /// There is no such group.
        UnknownGroup = "unknown_group",
        /// There is no such plugin.
        UnknownPlugin = "unknown_plugin",
        /// There is no plugin of this name that renders a view.
        UnknownView = "unknown_view",
        /// The plugin has not failed.
        NoFault = "no_fault",
        /// More than is taken at once.
        TooLarge = "too_large",
        /// Too many requests follow or wait, or there are too many connections.
        Busy = "busy",
        /// A plugin failed to answer.
        PluginFailed = "plugin_failed",
        /// The name of the plugin is taken.
        NameTaken = "name_taken",
        /// The plugin judges processes.
        InUse = "in_use",
        /// The component cannot be loaded.
        BadComponent = "bad_component",
        /// A check of the plugin failed.
        CheckFailed = "check_failed",
        /// The new version of a plugin asks for more than the active one.
        AsksForMore = "asks_for_more",
        /// There is no version to go back to.
        NoFormerVersion = "no_former_version",
        /// The process does not run.
        NotRunning = "not_running",
        /// The host is stopping.
        ShuttingDown = "shutting_down",
        /// The order was lost.
        Lost = "lost",
        /// The kernel refused the signal.
        SignalFailed = "signal_failed",
        /// A log still holds what it was to be rid of.
        NotCleared = "not_cleared",
        /// What was asked for has not come about in time.
        Timeout = "timeout",
        /// A start waits for a process that has to be started first.
        WaitsInVain = "waits_in_vain",
        /// What was asked for will not come about.
        NotReached = "not_reached",
        /// A defect of the host.
        Internal = "internal",
    }
}

/// The body of every answer with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// A stable word.
    pub code: ErrorCode,
    /// In words.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}
