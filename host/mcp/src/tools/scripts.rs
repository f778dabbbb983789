//! Other names of some tools, with the arguments that clients of other servers use.

use schemars::JsonSchema;
use serde::Deserialize;

use super::entry::{About, Effect, ToolEntry};
use super::orders::{Order, Ordered, carry_out};
use super::processes::{ProcessList, ProcessStatus, Processes, StatusAsked, process_list, process_status};
use crate::caller::{Caller, Grant};
use crate::fault::Fault;

/// Arguments of `scripts_run` and `scripts_stop`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Script {
    /// The name of the process. `processId` is another name of this argument.
    #[serde(alias = "processId")]
    name: String,
}

/// Arguments of `scripts_status`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MaybeScript {
    /// The name of the process; all processes if it is left out.
    #[serde(default)]
    name: Option<String>,
}

async fn scripts_list(caller: Caller, asked: Processes) -> Result<ProcessList, Fault> {
    process_list(caller, asked).await
}

async fn scripts_status(caller: Caller, asked: MaybeScript) -> Result<ProcessStatus, Fault> {
    let names = asked.name.into_iter().collect();
    process_status(caller, StatusAsked { names, ..StatusAsked::default() }).await
}

async fn scripts_run(caller: Caller, asked: Script) -> Result<Ordered, Fault> {
    carry_out(caller, "start", Order { names: vec![asked.name], wait: true, timeout_s: None }).await
}

async fn scripts_stop(caller: Caller, asked: Script) -> Result<Ordered, Fault> {
    carry_out(caller, "stop", Order { names: vec![asked.name], wait: true, timeout_s: None }).await
}

pub(super) fn entries() -> [ToolEntry; 4] {
    [
        ToolEntry::new(
            About::reading("scripts_list", "List processes", "Another name of `process_list`."),
            scripts_list,
        ),
        ToolEntry::new(
            About::reading(
                "scripts_status",
                "Status of processes",
                "Another name of `process_status`, for one process or all.",
            ),
            scripts_status,
        ),
        ToolEntry::new(
            About::new(
                "scripts_run",
                "Start a process",
                "Another name of `process_start`, for one process.",
                Grant::Operate,
                Effect::Adds { idempotent: true },
            ),
            scripts_run,
        ),
        ToolEntry::new(
            About::new(
                "scripts_stop",
                "Stop a process",
                "Another name of `process_stop`, for one process.",
                Grant::Operate,
                Effect::Destroys { idempotent: true },
            ),
            scripts_stop,
        ),
    ]
}
