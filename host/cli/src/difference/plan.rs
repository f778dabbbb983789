//! Compares what a host runs with what a config asks for.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::shape::{Effect, Member, ProcessShape, Setting, Settings, Shape};
use super::{host, plugin, process};

/// One key whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyChange {
    pub(crate) key: String,
    /// The value in force; `None` if there is none.
    pub(crate) old: Option<Setting>,
    /// The value that the config asks for.
    pub(crate) new: Option<Setting>,
    pub(crate) effect: Effect,
    /// The members that have this old value, if not all of them have.
    pub(crate) members: Vec<String>,
    /// Whether the value in force is not that of the config that was loaded: it was changed at run time.
    pub(crate) changed_live: bool,
}

/// What becomes of one process or plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Added(
        /// What it is made of.
        Settings,
    ),
    Removed {
        /// Whether the config that was loaded does not have it: it was added at run time.
        added_live: bool,
        /// What it is made of.
        settings: Settings,
    },
    /// The keys that differ; never empty.
    Keys(Vec<KeyChange>),
}

/// The processes that differ, by their names in the config.
pub(crate) type ProcessChanges = Vec<(String, Changed)>;

/// The plugins that differ.
pub(crate) type PluginChanges = Vec<(String, Changed)>;

/// The difference between what runs and what a config asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The processes that are added or changed in the order of the config, and then those that are removed.
    pub(crate) processes: ProcessChanges,
    /// The plugins, in the same order.
    pub(crate) plugins: PluginChanges,
    /// The settings of the host that differ.
    pub(crate) host: Vec<KeyChange>,
    /// The number of processes that stay as they are.
    pub(crate) processes_unchanged: usize,
    /// The number of plugins that stay as they are.
    pub(crate) plugins_unchanged: usize,
}

impl Plan {
    /// Compares what runs with what a config asks for. `loaded` is the shape of the config that the host has loaded: where what
    /// runs differs from it, somebody has changed it at run time.
    pub(crate) fn between(running: &Shape, wanted: &Shape, loaded: &Shape) -> Self {
        let mut plan = Self::default();
        plan.compare_processes(running, wanted, loaded);
        plan.compare_plugins(running, wanted, loaded);
        plan.host = keys(&running.host, &wanted.host, &loaded.host, host::effect);
        plan
    }

    /// Returns the names of the processes of which a key differs that needs a restart.
    pub(crate) fn restarted(&self) -> HashSet<&str> {
        let needs_restart = |changed: &Changed| match changed {
            Changed::Keys(keys) => keys.iter().any(|key| key.effect == Effect::Restart),
            Changed::Added(_) | Changed::Removed { .. } => false,
        };
        let all = self.processes.iter().filter(|(_, changed)| needs_restart(changed));
        all.map(|(name, _)| name.as_str()).collect()
    }

    fn compare_processes(&mut self, running: &Shape, wanted: &Shape, loaded: &Shape) {
        let kind = |one: &ProcessShape| (one.name.clone(), one.replicated);
        let index = |shape: &Shape| -> HashMap<(String, bool), usize> {
            let staying = shape.processes.iter().enumerate().filter(|(_, one)| !one.leaving);
            staying.map(|(at, one)| (kind(one), at)).collect()
        };
        let (there, known, asked) = (index(running), index(loaded), index(wanted));
        for new in &wanted.processes {
            let Some(old) = there.get(&kind(new)).and_then(|at| running.processes.get(*at)) else {
                self.processes.push((new.name.clone(), Changed::Added(of_first(new))));
                continue;
            };
            let before = known.get(&kind(new)).and_then(|at| loaded.processes.get(*at));
            let changes = of_process(old, new, before);
            match changes.is_empty() {
                true => self.processes_unchanged += 1,
                false => self.processes.push((new.name.clone(), Changed::Keys(changes))),
            }
        }
        let gone = running.processes.iter().filter(|old| !asked.contains_key(&kind(old)));
        self.processes.extend(
            gone.map(|old| {
                (old.name.clone(), Changed::Removed { added_live: false, settings: of_first(old) })
            }),
        );
    }

    fn compare_plugins(&mut self, running: &Shape, wanted: &Shape, loaded: &Shape) {
        let find = |shape: &Shape, name: &str| {
            shape.plugins.iter().find(|one| one.name == name).map(|one| one.settings.clone())
        };
        for new in &wanted.plugins {
            let Some(old) = find(running, &new.name) else {
                self.plugins.push((new.name.clone(), Changed::Added(new.settings.clone())));
                continue;
            };
            let before = find(loaded, &new.name).unwrap_or_else(|| old.clone());
            let changes = keys(&old, &new.settings, &before, |_| Effect::Live);
            match changes.is_empty() {
                true => self.plugins_unchanged += 1,
                false => self.plugins.push((new.name.clone(), Changed::Keys(changes))),
            }
        }
        for old in running.plugins.iter().filter(|old| find(wanted, &old.name).is_none()) {
            let added_live = find(loaded, &old.name).is_none();
            let settings = plugin::without_defaults(old.settings.clone());
            self.plugins.push((old.name.clone(), Changed::Removed { added_live, settings }));
        }
    }
}

/// Returns the settings of the first member.
fn of_first(process: &ProcessShape) -> Settings {
    process.members.first().map(|member| member.settings.clone()).unwrap_or_default()
}

/// What the changes of members have in common that share one line.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    key: String,
    old: Option<String>,
    new: Option<String>,
}

/// Compares all members of a process with what the config asks for.
fn of_process(old: &ProcessShape, new: &ProcessShape, loaded: Option<&ProcessShape>) -> Vec<KeyChange> {
    let set_before = loaded.map_or(&old.set, |one| &one.set);
    let mut all = keys(&old.set, &new.set, set_before, process::effect);
    let Some(wanted) = new.members.first() else { return all };
    let before = loaded.and_then(|one| one.members.first()).map(|member| &member.settings);
    // The members that differ in the same way share one line.
    let mut same: BTreeMap<Alike, (KeyChange, Vec<String>)> = BTreeMap::new();
    for Member { name, settings } in &old.members {
        for change in keys(settings, &wanted.settings, before.unwrap_or(settings), process::effect) {
            let value = |setting: &Option<Setting>| setting.as_ref().map(|one| one.text.clone());
            let alike = Alike { key: change.key.clone(), old: value(&change.old), new: value(&change.new) };
            same.entry(alike).or_insert_with(|| (change, Vec::new())).1.push(name.clone());
        }
    }
    all.extend(same.into_values().map(|(change, members)| match members.len() == old.members.len() {
        true => change,
        false => KeyChange { members, ..change },
    }));
    all
}

/// Returns the keys of a process that differ, each with what its change takes.
pub(crate) fn keys_between(old: &Settings, new: &Settings) -> Vec<(String, Effect)> {
    let changes = keys(old, new, old, process::effect);
    changes.into_iter().map(|change| (change.key, change.effect)).collect()
}

/// Compares settings key by key.
fn keys(
    old: &Settings,
    new: &Settings,
    loaded: &Settings,
    effect: impl Fn(&str) -> Effect,
) -> Vec<KeyChange> {
    let gone = old.keys().filter(|key| !new.contains_key(*key));
    let mut all: Vec<&String> = new.keys().chain(gone).collect();
    all.sort();
    let differ = |one: Option<&Setting>, other: Option<&Setting>| match (one, other) {
        (Some(one), Some(other)) => !one.equals(other),
        (None, None) => false,
        _ => true,
    };
    all.into_iter()
        .filter(|key| differ(old.get(*key), new.get(*key)))
        .map(|key| KeyChange {
            key: key.clone(),
            old: old.get(key).cloned(),
            new: new.get(key).cloned(),
            effect: effect(key),
            members: Vec::new(),
            // Content changes on the disk, and not in the host.
            changed_live: old.get(key).map(|one| &one.text) != loaded.get(key).map(|one| &one.text),
        })
        .collect()
}
