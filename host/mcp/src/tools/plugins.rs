//! Plugins, and changes of them.

use provost_api::{ErrorCode, Plugin, PluginOrder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, Effect, ToolEntry};
use crate::caller::{Caller, Grant};
use crate::fault::Fault;
use crate::page::{self, Page};

/// Arguments of `plugin_list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The most plugins of the result: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page.
    #[serde(default)]
    cursor: Option<String>,
}

/// A plugin in a list.
#[derive(Debug, Serialize, JsonSchema)]
struct PluginRow {
    /// Its name.
    name: String,
    /// `active`, `compiling`, `refused` or `quarantined`.
    status: String,
    /// Why it is refused or quarantined.
    reason: Option<String>,
    /// Its roles, such as `restart-policy`.
    roles: Vec<String>,
    /// The number of its active version.
    version: u64,
    /// `bundled:NAME` or a path.
    source: String,
    /// The number of calls.
    calls: u64,
    /// The number of failed calls.
    faults: u64,
    /// The median duration of a call in nanoseconds.
    p50_ns: u64,
    /// The 99th percentile of the duration of a call in nanoseconds.
    p99_ns: u64,
    /// Whether there is a former version to roll back to.
    can_roll_back: bool,
}

impl From<Plugin> for PluginRow {
    fn from(plugin: Plugin) -> Self {
        let Plugin { name, status, reason, active, former } = plugin;
        Self {
            name,
            status: status.to_string(),
            reason,
            roles: active.roles.iter().map(ToString::to_string).collect(),
            version: active.version,
            source: active.source,
            calls: active.calls,
            faults: active.faults,
            p50_ns: active.call.p50_ns,
            p99_ns: active.call.p99_ns,
            can_roll_back: former.is_some(),
        }
    }
}

/// The result of `plugin_list`.
#[derive(Debug, Serialize, JsonSchema)]
struct PluginRows {
    /// The plugins, in the order of the config.
    plugins: Vec<PluginRow>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
}

/// Arguments of `plugin_inspect` and `plugin_rollback`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Name {
    /// The name of the plugin.
    name: String,
}

/// The result of `plugin_inspect`.
#[derive(Debug, Serialize, JsonSchema)]
struct Inspected {
    /// The plugin, with its active and its former version.
    plugin: Plugin,
}

/// Arguments of `plugin_swap`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Swap {
    /// The name of the plugin.
    name: String,
    /// `bundled:NAME`, an absolute path on the machine of the host, or `oci://…` or `https://…` with a digest.
    component: String,
    /// Its settings; by default those of the active version.
    #[serde(default)]
    settings: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The result of a change of a plugin.
#[derive(Debug, Serialize, JsonSchema)]
struct Changed {
    /// The plugin after the change.
    plugin: Option<PluginRow>,
    /// The checks and changes that were made.
    notes: Vec<String>,
}

async fn plugin_list(caller: Caller, asked: Asked) -> Result<PluginRows, Fault> {
    let mut plugins = caller.client.plugins().await?.plugins;
    page::resume(&mut plugins, asked.cursor.as_deref(), |plugin| &plugin.name)?;
    let rows = plugins.into_iter().map(PluginRow::from);
    let page = page::first(rows, page::limit(asked.limit)?);
    let next_cursor = page.next_cursor(|row| &row.name);
    Ok(PluginRows { plugins: page.items, next_cursor })
}

async fn plugin_inspect(caller: Caller, asked: Name) -> Result<Inspected, Fault> {
    let mut plugins = caller.client.plugins().await?.plugins.into_iter();
    match plugins.find(|plugin| plugin.name == asked.name) {
        Some(plugin) => Ok(Inspected { plugin }),
        None => {
            let message = format!("there is no plugin called `{}`", page::shown(&asked.name));
            Err(Fault::unknown(ErrorCode::UnknownPlugin, message, "`plugin_list` names them all"))
        }
    }
}

async fn plugin_swap(caller: Caller, asked: Swap) -> Result<Changed, Fault> {
    let component = Some(asked.component);
    let order = PluginOrder { component, settings: asked.settings, ..PluginOrder::default() };
    change(caller, &asked.name, "swap", order).await
}

async fn plugin_rollback(caller: Caller, asked: Name) -> Result<Changed, Fault> {
    change(caller, &asked.name, "rollback", PluginOrder::default()).await
}

async fn change(caller: Caller, name: &str, action: &str, order: PluginOrder) -> Result<Changed, Fault> {
    let changed = caller.client.change_plugin(name, action, &order).await?;
    let Page { items: notes, .. } = page::first(changed.notes, page::ITEMS_MAX);
    Ok(Changed { plugin: changed.plugin.map(PluginRow::from), notes })
}

pub(super) fn entries() -> [ToolEntry; 4] {
    [
        ToolEntry::new(
            About::reading(
                "plugin_list",
                "List plugins",
                "Lists the WebAssembly plugins that decide about processes, with status, version, calls, faults and latencies.",
            ),
            plugin_list,
        ),
        ToolEntry::new(
            About::reading(
                "plugin_inspect",
                "Inspect a plugin",
                "Returns everything that is known of a plugin: digest, grants, limits, faults by kind, last fault, former version.",
            ),
            plugin_inspect,
        ),
        ToolEntry::new(
            About::new(
                "plugin_swap",
                "Swap a plugin",
                "Replaces the component of a plugin while everything runs. It is checked before; one that asks for more than the active version is refused.",
                Grant::Admin,
                Effect::Destroys { idempotent: false },
            ),
            plugin_swap,
        ),
        ToolEntry::new(
            About::new(
                "plugin_rollback",
                "Roll back a plugin",
                "Activates the former version of a plugin, which is still loaded.",
                Grant::Admin,
                Effect::Destroys { idempotent: false },
            ),
            plugin_rollback,
        ),
    ]
}
