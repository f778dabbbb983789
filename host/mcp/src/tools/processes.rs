//! Processes as they are: a short list, and everything about some of them.

use provost_api::{Checks, Process};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, ToolEntry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::{page, reading, time};

/// Arguments of `process_status`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusAsked {
    /// Names of processes, `NAME:*` for a group; all processes if it is left out.
    #[serde(default)]
    pub(super) names: Vec<String>,
    /// The most processes of the result: 1 to 500, by default 100.
    #[serde(default)]
    pub(super) limit: Option<u32>,
    /// The `next_cursor` of the former page.
    #[serde(default)]
    pub(super) cursor: Option<String>,
    /// Whether to add the names of the variables and the checks of a process; for one name only.
    #[serde(default)]
    pub(super) details: bool,
}

/// Arguments of `process_list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Processes {
    /// Names of processes, `NAME:*` for a group; all processes if it is left out.
    #[serde(default)]
    names: Vec<String>,
    /// The most processes of the result: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page.
    #[serde(default)]
    cursor: Option<String>,
}

/// A process in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ProcessRow {
    /// Its name.
    pub(crate) name: String,
    /// `stopped`, `waiting`, `starting`, `running`, `stopping`, `backoff`, `exited` or `fatal`.
    phase: String,
    /// The requested state: `up` or `down`.
    desired: String,
    /// Whether it is ready; a job is ready when it has succeeded.
    ready: bool,
    /// The finding of its health checks: `unknown`, `healthy`, `degraded` or `unhealthy`.
    health: String,
    /// `service` or `job`.
    #[serde(rename = "type")]
    process_type: String,
    /// Its group, if it is in one.
    group: Option<String>,
    /// The process id, while it runs.
    pid: Option<u32>,
    /// The number of restarts that policies decided.
    restarts: u64,
    /// How long its current incarnation has been running, in seconds.
    uptime_s: Option<u64>,
    /// Why it is in its phase.
    reason: String,
}

/// The short form of a process.
pub(crate) fn row(process: Process, now: jiff::Timestamp) -> ProcessRow {
    let started = process.started_at.as_deref().filter(|_| process.pid.is_some());
    ProcessRow {
        phase: process.phase.to_string(),
        desired: process.desired.to_string(),
        ready: process.ready,
        health: process.health.to_string(),
        process_type: process.process_type.to_string(),
        uptime_s: started.and_then(|started| time::seconds_since(started, now)),
        name: process.name,
        group: process.group,
        pid: process.pid,
        restarts: process.restarts,
        reason: process.reason,
    }
}

/// The result of `process_list`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProcessList {
    /// The generation of the host's state that this is.
    generation: u64,
    /// The number of processes that were asked for, on all pages.
    total: usize,
    /// The processes, in the order of the config.
    processes: Vec<ProcessRow>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
}

/// The result of `process_status`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProcessStatus {
    /// The generation of the host's state that this is.
    generation: u64,
    /// The number of processes that were asked for, on all pages.
    total: usize,
    /// The processes, in the order of the config.
    processes: Vec<Process>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
    /// With `details`, if the process has a child: the names of all variables that its child was started with, never their values.
    environment: Option<Vec<String>>,
    /// With `details`: the checks of the process, each with the result of its last try.
    checks: Option<Checks>,
}

/// The processes that were asked for, from the cursor on.
struct Chosen {
    generation: u64,
    total: usize,
    rest: Vec<Process>,
}

async fn chosen(caller: &Caller, names: &[String], cursor: Option<&str>) -> Result<Chosen, Fault> {
    let mut status = reading::processes::read(&caller.client, names).await?;
    let total = status.processes.len();
    page::resume(&mut status.processes, cursor, |process| &process.name)?;
    Ok(Chosen { generation: status.generation, total, rest: status.processes })
}

pub(super) async fn process_list(caller: Caller, asked: Processes) -> Result<ProcessList, Fault> {
    let Chosen { generation, total, rest } = chosen(&caller, &asked.names, asked.cursor.as_deref()).await?;
    let now = time::now();
    let rows = rest.into_iter().map(|process| row(process, now));
    let page = page::first(rows, page::limit(asked.limit)?);
    let next_cursor = page.next_cursor(|row| &row.name);
    Ok(ProcessList { generation, total, processes: page.items, next_cursor })
}

pub(super) async fn process_status(caller: Caller, asked: StatusAsked) -> Result<ProcessStatus, Fault> {
    let of = match (asked.details, &asked.names[..]) {
        (false, _) => None,
        (true, [name]) => Some(name),
        (true, _) => {
            let message = "`details` are those of one process, and `names` has another number of names";
            return Err(Fault::bad_request(message, "name one process, or leave `details` out"));
        }
    };
    let detail = async {
        match of {
            Some(name) => Ok(Some(caller.client.process(name).await?)),
            None => Ok(None),
        }
    };
    let chosen = chosen(&caller, &asked.names, asked.cursor.as_deref());
    let (detail, Chosen { generation, total, rest }) = tokio::try_join!(detail, chosen)?;
    let (environment, checks) = detail.map_or((None, None), |one| (one.environment, Some(one.checks)));
    let page = page::first(rest, page::limit(asked.limit)?);
    let next_cursor = page.next_cursor(|process| &process.name);
    Ok(ProcessStatus { generation, total, processes: page.items, next_cursor, environment, checks })
}

pub(super) fn entries() -> [ToolEntry; 2] {
    [
        ToolEntry::new(
            About::reading(
                "process_list",
                "List processes",
                "Lists supervised processes with phase, readiness, health, restarts, uptime and reason, in the order of the config.",
            ),
            process_list,
        ),
        ToolEntry::new(
            About::reading(
                "process_status",
                "Status of processes",
                "Returns everything that is known of processes: phase, cause and reason, last exit, failing check, last decision of a policy; with `details` also the names of the variables and the checks of one process.",
            ),
            process_status,
        ),
    ]
}
