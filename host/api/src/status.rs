//! The state of everything at one generation, as `GET /v1/status` answers.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::plugins::Plugin;
use crate::process::Process;
use crate::schema::optional_from;
use crate::usage::ProcessUsage;
use crate::words::words;

/// The header of an answer that a view has rendered, also if its status is that of an error; the value is the name of the
/// plugin. An answer without it is from the host itself.
pub const VIEW_HEADER: &str = "provost-view";

words! {
    /// A part of a status.
    pub enum StatusPart {
        /// The processes.
        Processes = "processes",
        /// The replica counts.
        Replicas = "replicas",
        /// The plugins.
        Plugins = "plugins",
        /// The host itself, and the order of the processes.
        Host = "host",
        /// What the processes and the host use; only if it is asked for.
        Usage = "usage",
    }
}

/// The answer to `GET /v1/status`: the state of everything at one generation. A part that was not requested is empty here and
/// absent in JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = parts_are_optional)]
pub struct Status {
    /// The generation of the last change.
    pub generation: u64,
    /// The life of the host in which that generation is counted: it differs after every start of a host.
    #[serde(default)]
    pub boot: String,
    /// When that change was made.
    pub taken_at: String,
    /// Only in an answer to `?since`: whether `processes` holds all requested processes, as without `since`, because the
    /// changes since that generation are not known any more, or because it is a generation of another host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<bool>,
    /// Only in an answer to `?since`: the names of the processes that were removed since that generation. Another process may
    /// have the name now, and is in `processes` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<String>>,
    /// Only in a message of a stream: the parts that it has. The others have not changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<StatusPart>>,
    /// The requested processes, in the order of the config, except that one which was added by a reload may have the place of
    /// a removed one (then there is an `order`); in an answer to `?since` only those that have changed, unless it is `whole`.
    #[serde(default)]
    pub processes: Vec<Process>,
    /// The replica counts of each replicated process among the requested ones, in the order of the config.
    #[serde(default)]
    pub replicas: Vec<Replicas>,
    /// All plugins, in the order of the config.
    #[serde(default)]
    pub plugins: Vec<Plugin>,
    /// The host itself.
    #[serde(default)]
    pub host: Host,
    /// Only if asked for (`?usage=1`, or `usage` among `parts`): what the host, unless processes were selected, and each
    /// requested process with a child use. It changes without a change of the generation, and is always whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Vec<ProcessUsage>>,
    /// Only with `host`, and only if `processes` has another order: the names of all processes in the order of the config. In a
    /// stream, it stays in force until the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
}

fn parts_are_optional(schema: &mut schemars::Schema) {
    optional_from(schema, "processes");
}

impl Status {
    /// Takes over a message of a stream: the processes that have changed or were removed, and the other parts that it has. A whole
    /// one replaces everything. If there is an `order`, the processes have it afterwards.
    pub fn update(&mut self, message: Self) {
        if message.whole != Some(false) {
            *self = message;
            self.sort();
            return;
        }
        let Self {
            generation,
            boot,
            taken_at,
            removed,
            parts,
            processes,
            replicas,
            plugins,
            host,
            usage,
            order,
            ..
        } = message;
        (self.generation, self.boot, self.taken_at) = (generation, boot, taken_at);
        let is_longer = self.take_over(processes, &removed.unwrap_or_default());
        let parts = parts.unwrap_or_default();
        if parts.contains(&StatusPart::Replicas) {
            self.replicas = replicas;
        }
        if parts.contains(&StatusPart::Plugins) {
            self.plugins = plugins;
        }
        if parts.contains(&StatusPart::Host) {
            self.host = host;
        }
        if parts.contains(&StatusPart::Usage) {
            self.usage = usage;
        }
        let is_arranged = order.is_some();
        self.order = order.or_else(|| self.order.take());
        if is_longer || is_arranged {
            self.sort();
        }
    }

    /// Removes processes, and then puts changed ones into their places and new ones at the end. Returns true if there are new ones.
    fn take_over(&mut self, changed: Vec<Process>, removed: &[String]) -> bool {
        if !removed.is_empty() {
            let removed: HashSet<&str> = removed.iter().map(String::as_str).collect();
            self.processes.retain(|process| !removed.contains(&*process.name));
        }
        if changed.is_empty() {
            return false;
        }
        let places: HashMap<String, usize> =
            changed.iter().map(|process| process.name.clone()).zip(0..).collect();
        let mut changed: Vec<Option<Process>> = changed.into_iter().map(Some).collect();
        for known in &mut self.processes {
            let new = places.get(&known.name).and_then(|at| changed.get_mut(*at)?.take());
            if let Some(new) = new {
                *known = new;
            }
        }
        let before = self.processes.len();
        self.processes.extend(changed.into_iter().flatten());
        self.processes.len() > before
    }

    /// Puts the processes into the order of the config, if they have another one.
    fn sort(&mut self) {
        let Some(order) = &self.order else { return };
        let places: HashMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
        // One that was added just now is not in it.
        self.processes.sort_by_key(|process| places.get(&*process.name).copied().unwrap_or(usize::MAX));
    }

    /// Puts the processes into the order of the config, and takes `order` away, which has no use afterwards.
    pub fn arrange(&mut self) {
        self.sort();
        self.order = None;
    }
}

/// The replica counts of a process. Its replicas are the processes `NAME.1`, `NAME.2`, and so on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replicas {
    /// The name in the config, without a number.
    pub name: String,
    /// The requested number; the replicas numbered 1 to this are wanted.
    pub wanted: u32,
    /// The number that are `running`.
    pub running: u32,
    /// The minimum of `wanted`.
    pub least: u32,
    /// The maximum of `wanted`.
    pub most: u32,
}
