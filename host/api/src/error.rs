//! The body of every answer with a status of 400 or more, and the errors within answers.

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// A stable word for what went wrong.
    pub enum ErrorCode {
        /// The request is malformed.
        BadRequest = "bad_request",
        /// The request needs a token.
        Unauthorized = "unauthorized",
        /// The token does not allow this request.
        Forbidden = "forbidden",
        /// The API has no such path.
        UnknownPath = "unknown_path",
        /// The path does not accept this method.
        MethodNotAllowed = "method_not_allowed",
        /// The request calls the host by a name that it does not have.
        Misdirected = "misdirected",
        /// The sender has sent more requests than it may.
        TooManyRequests = "too_many_requests",
        /// There is no such action.
        UnknownAction = "unknown_action",
        /// There is no such process.
        UnknownProcess = "unknown_process",
        /// There is no such group.
        UnknownGroup = "unknown_group",
        /// There is no such plugin.
        UnknownPlugin = "unknown_plugin",
        /// No active plugin of this name renders a view.
        UnknownView = "unknown_view",
        /// No call of the plugin has failed.
        NoFault = "no_fault",
        /// The request exceeds a size limit.
        TooLarge = "too_large",
        /// There are too many connections, or too many requests that follow or wait.
        Busy = "busy",
        /// A plugin failed to answer.
        PluginFailed = "plugin_failed",
        /// Another plugin has this name.
        NameTaken = "name_taken",
        /// The plugin is in the policy chain of a process.
        InUse = "in_use",
        /// The component cannot be loaded.
        BadComponent = "bad_component",
        /// A check of the plugin failed.
        CheckFailed = "check_failed",
        /// The new version of the plugin asks for more than the active one.
        AsksForMore = "asks_for_more",
        /// The plugin has no former version to roll back to.
        NoFormerVersion = "no_former_version",
        /// The process is not running.
        NotRunning = "not_running",
        /// The host is stopping.
        ShuttingDown = "shutting_down",
        /// The order was lost inside the host.
        Lost = "lost",
        /// The kernel refused the signal.
        SignalFailed = "signal_failed",
        /// A log still contains lines that were to be deleted.
        NotCleared = "not_cleared",
        /// The order did not take effect in time.
        Timeout = "timeout",
        /// The start waits for a process that will not come up unless it is started.
        WaitsInVain = "waits_in_vain",
        /// The order will not take effect.
        NotReached = "not_reached",
        /// The config cannot be read or has errors; the message is the report about all of them.
        BadConfig = "bad_config",
        /// The config changes what cannot change while the host runs; the message is the report about it.
        NeedsNewHost = "needs_new_host",
        /// There is no such process, or it has no replicas.
        NotScalable = "not_scalable",
        /// The program cannot take the place of the host.
        BadProgram = "bad_program",
        /// The host has no keeper, which an upgrade needs.
        NoKeeper = "no_keeper",
        /// The host is itself a new program that is not in service yet.
        OnTrial = "on_trial",
        /// A defect of the host.
        Internal = "internal",
    }
}

/// The body of every answer of the API with a status of 400 or more, as problem details of RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The words of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The error as a stable word.
    pub code: ErrorCode,
    /// The error as a sentence.
    pub detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

impl Problem {
    /// Returns the body of an answer with this status.
    #[must_use]
    pub fn new(status: StatusCode, error: Error) -> Self {
        let Error { code, message, hint } = error;
        Self {
            problem_type: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code,
            detail: message,
            hint,
        }
    }
}

/// The media type of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let Problem { code, detail, hint, .. } = problem;
        Self { code, message: detail, hint }
    }
}

/// An error of one process or one step among several, in an answer to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// The error as a stable word.
    pub code: ErrorCode,
    /// The error as a sentence.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}
