//! The config: what a reload would change, and reloading.

use provost_api::{
    Difference, ItemDifference, KeyDifference, ReloadOrder, ReloadStep, ReloadSummary, Unchanged,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, Effect, ToolEntry};
use crate::caller::{Caller, Grant};
use crate::fault::Fault;
use crate::page::{self, Page};

/// Arguments of a tool that takes none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// The result of `config_diff`.
#[derive(Debug, Serialize, JsonSchema)]
struct Differences {
    /// The path of the config that was compared with what runs.
    config: String,
    /// Whether a reload would change anything.
    differs: bool,
    /// The processes that differ. Values of variables are hidden.
    processes: Vec<ItemDifference>,
    /// The plugins that differ.
    plugins: Vec<ItemDifference>,
    /// The settings of the host that differ.
    host: Vec<KeyDifference>,
    /// The number of differences that are left out because there are too many.
    left_out: usize,
    /// How much stays as it is.
    unchanged: Unchanged,
}

async fn config_diff(caller: Caller, _: Nothing) -> Result<Differences, Fault> {
    let Difference { config, processes, plugins, host, unchanged } = caller.client.difference(None).await?;
    let total = processes.len() + plugins.len() + host.len();
    let Page { items: processes, .. } = page::first(processes, page::ITEMS_MAX);
    let Page { items: plugins, .. } = page::first(plugins, page::ITEMS_MAX);
    let Page { items: host, .. } = page::first(host, page::ITEMS_MAX);
    let left_out = total - processes.len() - plugins.len() - host.len();
    Ok(Differences { config, differs: total > 0, processes, plugins, host, left_out, unchanged })
}

/// Arguments of `config_reload`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reload {
    /// Whether processes that a change would restart keep their old values until their next start.
    #[serde(default)]
    no_restart: bool,
}

/// The result of `config_reload`.
#[derive(Debug, Serialize, JsonSchema)]
struct Reloaded {
    /// What was done in all; it is missing if the host ended meanwhile.
    summary: Option<ReloadSummary>,
    /// What was done, step by step, the failed steps first.
    steps: Vec<ReloadStep>,
    /// The number of steps that are left out because there are too many.
    left_out: usize,
}

/// The most steps that are kept.
const STEPS_MAX: usize = 10_000;

async fn config_reload(caller: Caller, asked: Reload) -> Result<Reloaded, Fault> {
    let order = ReloadOrder { no_restart: asked.no_restart, ..ReloadOrder::default() };
    let mut lines = caller.client.reload(&order).await?;
    let (mut steps, mut total, mut summary) = (Vec::new(), 0, None);
    while let Some(step) = lines.next().await? {
        if step.summary.is_some() {
            summary = step.summary;
        } else {
            total += 1;
            if steps.len() < STEPS_MAX || step.error.is_some() {
                steps.push(step);
            }
        }
    }
    steps.sort_by_key(|step| step.error.is_none());
    let Page { items: steps, .. } = page::first(steps, page::ITEMS_MAX);
    Ok(Reloaded { summary, left_out: total - steps.len(), steps })
}

pub(super) fn entries() -> [ToolEntry; 2] {
    [
        ToolEntry::new(
            About::reading(
                "config_diff",
                "Changes of the config",
                "Says what a reload of the config would change: processes, plugins and settings of the host, key by key.",
            ),
            config_diff,
        ),
        ToolEntry::new(
            About::new(
                "config_reload",
                "Reload the config",
                "Applies what differs between the config and what runs. A config with errors changes nothing. `config_diff` says before what would change.",
                Grant::Admin,
                Effect::Destroys { idempotent: true },
            ),
            config_reload,
        ),
    ]
}
