//! One process with what only a request for it alone says: the names of its variables, and its checks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::Process;
use crate::words::words;

/// The answer to `GET /v1/processes/NAME`: all fields of the process, and what no list has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessDetail {
    /// The process.
    #[serde(flatten)]
    pub process: Process,
    /// The names of all variables that its child was started with, sorted; never their values. `null` while it has no child,
    /// because environment files are read, and start policies asked, at each start.
    #[serde(default)]
    pub environment: Option<Vec<String>>,
    /// Its checks.
    #[serde(default)]
    pub checks: Checks,
}

/// The checks of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Checks {
    /// The check of whether it is ready, tried from its start until it passes; without one it is ready at once.
    pub readiness: Option<Check>,
    /// The check of whether it still works, tried while it is ready.
    pub health: Option<Check>,
}

/// A check of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Check {
    /// How it checks.
    pub kind: CheckKind,
    /// What it checks: an address, a URL, a command or a text, as the config says it. Variables are not replaced. A command that is
    /// a list of words is a JSON array.
    pub target: String,
    /// The pause between two tries, in milliseconds; `null` if it waits for what the process says.
    pub every_ms: Option<u64>,
    /// How long one try may take, in milliseconds; `null` if it waits for what the process says.
    pub timeout_ms: Option<u64>,
    /// Of a health check: after how many failures in a row the process is restarted, unless a policy decides otherwise.
    pub failures: Option<u32>,
    /// Of a readiness check: how long the process may take to be ready, in milliseconds; `null` for no limit.
    pub within_ms: Option<u64>,
    /// The result of the last try of the present or the last incarnation; `null` if there was none.
    pub last: Option<CheckResult>,
}

/// The result of one try of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CheckResult {
    /// Whether it passed.
    pub passed: bool,
    /// What it found.
    pub found: String,
    /// When it ended.
    pub at: String,
}

words! {
    /// How a check checks.
    pub enum CheckKind {
        /// A TCP connection to the address is accepted.
        Tcp = "tcp",
        /// A GET of the URL answers with a status from 200 to 399.
        Http = "http",
        /// The command exits with code 0.
        Exec = "exec",
        /// A line of its output contains the text.
        Log = "log",
        /// It sends the text to its notification socket.
        Notify = "notify",
        /// It writes a line to the descriptor of this number.
        Fd = "fd",
    }
}
