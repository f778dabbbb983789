//! Figures: what processes use, and the state core.

use provost_api::{ProcessUsage, StateCore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Nothing;
use super::entry::{About, ToolEntry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::page;

/// Arguments of `usage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Names of processes, `NAME:*` for a group; all processes and the host itself if it is left out.
    #[serde(default)]
    names: Vec<String>,
    /// Whether to return the last hour of each process as well.
    #[serde(default)]
    history: bool,
    /// The most processes of the result: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page.
    #[serde(default)]
    cursor: Option<String>,
}

/// The result of `usage`.
#[derive(Debug, Serialize, JsonSchema)]
struct Used {
    /// What each process with its descendants uses; the host itself is called `provost`. A process without a child is missing.
    usage: Vec<ProcessUsage>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
}

async fn usage(caller: Caller, asked: Asked) -> Result<Used, Fault> {
    let mut usage = caller.client.usage(&asked.names, asked.history).await?.usage;
    page::resume(&mut usage, asked.cursor.as_deref(), cursor_of)?;
    let page = page::first(usage, page::limit(asked.limit)?);
    let next_cursor = page.next_cursor(cursor_of);
    Ok(Used { usage: page.items, next_cursor })
}

/// Returns the cursor after a row. That of the host is no name, because a process may have any name.
fn cursor_of(usage: &ProcessUsage) -> &str {
    if usage.host { "/" } else { &usage.process }
}

async fn state_figures(caller: Caller, _: Nothing) -> Result<StateCore, Fault> {
    Ok(caller.client.state_core().await?)
}

pub(super) fn entries() -> [ToolEntry; 2] {
    [
        ToolEntry::new(
            About::reading(
                "usage",
                "What processes use",
                "Returns the CPU, memory, file descriptors and threads that processes use with their descendants, at the last look or over the last hour.",
            ),
            usage,
        ),
        ToolEntry::new(
            About::reading(
                "state_figures",
                "Figures of the state core",
                "Returns the backend of the state core, the numbers of commits and refused commits, and latencies of reads and commits.",
            ),
            state_figures,
        ),
    ]
}
