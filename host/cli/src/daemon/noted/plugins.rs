//! The plugins that commands have changed since the config was put in force, and whom they judge; versions and quarantines of
//! all plugins. A reload makes the plugins those of the config again, and ends what is written down here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_plugin_host::{Before, Grants, InForce, Kept, Limit, Limits, PluginHost, PluginSpec, Source};
use provost_state::{Intensity, Judgement, Plugins, Policy};
use provost_supervisor::Supervisor;
use serde::{Deserialize, Serialize};

use crate::config::Processes;

/// What is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::daemon) struct NotedPlugins {
    /// The plugins that commands have loaded or swapped, in their order.
    changed: Vec<Changed>,
    /// The plugins that commands have unloaded.
    unloaded: BTreeSet<String>,
    /// The names of the policies of all processes, if a command has changed anything.
    chains: BTreeMap<String, Vec<String>>,
    /// The same of all replica sets.
    sets: BTreeMap<String, Vec<String>>,
    /// Why plugins are quarantined, each with the digest of its component.
    quarantined: BTreeMap<String, (String, String)>,
    /// The numbers of the versions in force.
    numbers: BTreeMap<String, u64>,
}

/// A plugin that commands have loaded or swapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Changed {
    name: String,
    active: Version,
    former: Option<Version>,
}

/// One version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    number: u64,
    component: String,
    digest: String,
    settings: String,
    limits: BTreeMap<String, u64>,
    /// The number of faults, and within how many milliseconds.
    quarantine: (u32, u64),
    sha256: Option<String>,
    allow: Vec<String>,
}

impl Version {
    fn of(InForce { spec, digest, number }: &InForce) -> Self {
        let PluginSpec { name: _, source, settings_json, limits, sha256, grants } = spec;
        let figures = Limit::ALL.into_iter().filter_map(|limit| Some((limit.name(), limits.get(limit)?)));
        Self {
            number: *number,
            component: source.to_string(),
            digest: digest.to_string(),
            settings: settings_json.clone(),
            limits: figures.map(|(name, figure)| (name.to_owned(), figure)).collect(),
            quarantine: (limits.quarantine.faults, limits.quarantine.per_ms),
            sha256: sha256.clone(),
            allow: grants.words(),
        }
    }

    /// Returns the spec of a plugin of this version. What this program does not know is left out, and said.
    fn spec(&self, name: &str) -> PluginSpec {
        let (faults, per_ms) = self.quarantine;
        let mut limits = Limits { quarantine: Intensity { faults, per_ms }, ..Limits::default() };
        for (word, figure) in &self.limits {
            match Limit::named(word) {
                Ok(limit) => limits.set(limit, *figure),
                Err(error) => tracing::warn!(plugin = name, "{error}"),
            }
        }
        let grants = Grants::parse(&self.allow).unwrap_or_else(|error| {
            tracing::warn!(plugin = name, "it is granted nothing: {error}");
            Grants::default()
        });
        PluginSpec {
            name: name.into(),
            source: Source::parse(&self.component),
            settings_json: self.settings.clone(),
            limits,
            sha256: self.sha256.clone(),
            grants,
        }
    }
}

/// A plugin to load, with what a former host had of it.
#[derive(Debug)]
pub(in crate::daemon) struct ToLoad {
    pub(in crate::daemon) spec: PluginSpec,
    pub(in crate::daemon) before: Before,
    /// The digest that its component had.
    pub(in crate::daemon) digest: Option<String>,
}

impl NotedPlugins {
    /// The key of the note.
    pub(in crate::daemon) const KEY: &str = "plugins";

    pub(super) fn read(note: Option<&[u8]>) -> Self {
        let read = |note: &[u8]| serde_json::from_slice(note);
        note.filter(|note| !note.is_empty()).map_or_else(|| Ok(Self::default()), read).unwrap_or_else(
            |error| {
                tracing::warn!("the plugins of the former host cannot be read: {error}");
                Self::default()
            },
        )
    }

    /// Returns what there is now, where commands have changed the plugins of these names. What is still being compiled is as
    /// it was `before`.
    pub(in crate::daemon) fn now(
        supervisor: &Supervisor,
        plugins: &PluginHost,
        touched: &BTreeSet<String>,
        before: &Self,
    ) -> Self {
        let mut noted = Self::default();
        for InForce { spec, .. } in plugins.in_force() {
            let name = spec.name.to_string();
            let Some(Kept { active, former, quarantined, is_compiling }) = plugins.kept(&name) else {
                continue;
            };
            if active.number > 1 {
                noted.numbers.insert(name.clone(), active.number);
            }
            if is_compiling && let Some(why) = before.quarantined.get(&name) {
                noted.quarantined.insert(name.clone(), why.clone());
            } else if let Some(why) = quarantined {
                noted.quarantined.insert(name.clone(), (why.to_string(), active.digest.to_string()));
            }
            let former_entry = || before.changed.iter().find(|changed| changed.name == name).cloned();
            if let Some(changed) = is_compiling.then(former_entry).flatten() {
                noted.changed.push(changed);
            } else if touched.contains(&name) {
                let (active, former) = (Version::of(&active), former.as_ref().map(Version::of));
                noted.changed.push(Changed { name, active, former });
            }
        }
        let is_there = |name: &&String| noted.changed.iter().any(|changed| changed.name == **name);
        noted.unloaded = touched.iter().filter(|name| !is_there(name)).cloned().collect();
        if !touched.is_empty() {
            let names = |chain: Vec<Arc<dyn Policy>>| -> Vec<String> {
                chain.iter().map(|policy| policy.name().to_string()).collect()
            };
            for state in supervisor.reader().snapshot().iter() {
                let chain = names(supervisor.policies_of(state.id));
                noted.chains.insert(state.name().to_string(), chain);
            }
            for set in supervisor.replica_sets() {
                noted.sets.insert(set.name.to_string(), names(supervisor.policies_of_set(&set.name)));
            }
        }
        noted
    }

    /// Returns it as it is written down; no bytes if there is nothing.
    pub(in crate::daemon) fn bytes(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        // Cannot fail: all keys are texts.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the names of the plugins that commands have changed.
    pub(in crate::daemon) fn touched(&self) -> BTreeSet<String> {
        self.changed.iter().map(|changed| changed.name.clone()).chain(self.unloaded.iter().cloned()).collect()
    }

    /// Returns the plugins to load where the config has these.
    pub(in crate::daemon) fn to_load(&self, config: impl Iterator<Item = PluginSpec>) -> Vec<ToLoad> {
        let changed = |name: &str| self.changed.iter().find(|changed| changed.name == name);
        let mut all: Vec<ToLoad> = config
            .filter(|spec| !self.unloaded.contains(&*spec.name))
            .map(|spec| match changed(&spec.name) {
                Some(changed) => self.of_changed(changed),
                None => self.of_config(spec),
            })
            .collect();
        for changed in &self.changed {
            if all.iter().all(|one| *one.spec.name != *changed.name) {
                all.push(self.of_changed(changed));
            }
        }
        all
    }

    fn of_config(&self, spec: PluginSpec) -> ToLoad {
        let before = Before {
            number: self.numbers.get(&*spec.name).copied().unwrap_or(0),
            former: None,
            quarantined: self.quarantined(&spec.name),
        };
        ToLoad { spec, before, digest: None }
    }

    fn of_changed(&self, Changed { name, active, former }: &Changed) -> ToLoad {
        let before = Before {
            number: active.number,
            former: former.as_ref().map(|former| (former.spec(name), former.number)),
            quarantined: self.quarantined(name),
        };
        ToLoad { spec: active.spec(name), before, digest: Some(active.digest.clone()) }
    }

    fn quarantined(&self, name: &str) -> Option<(Arc<str>, Arc<str>)> {
        self.quarantined.get(name).map(|(why, digest)| (why.as_str().into(), digest.as_str().into()))
    }

    /// Returns what stands in a chain for a plugin that a command has unloaded; `None` if none has.
    pub(in crate::daemon) fn unloaded(&self, name: &str) -> Option<Arc<dyn Policy>> {
        let name = self.unloaded.get(name)?.as_str().into();
        Some(Arc::new(Unloaded(name)))
    }

    /// Puts those policies into the chains that commands have put there, and takes out those that were unloaded.
    pub(in crate::daemon) fn put_chains(&self, processes: &mut Processes, plugins: &PluginHost) {
        let chain = |names: &Vec<String>| -> Vec<Arc<dyn Policy>> {
            names.iter().filter_map(|name| Plugins::policy(plugins, name)).collect()
        };
        let put = |noted: Option<&Vec<String>>, policies: &mut Vec<Arc<dyn Policy>>| match noted {
            Some(names) => *policies = chain(names),
            None => policies.retain(|policy| !self.unloaded.contains(&**policy.name())),
        };
        for spec in &mut processes.specs {
            put(self.chains.get(&*spec.name), &mut spec.policies);
        }
        for set in &mut processes.replica_sets {
            put(self.sets.get(&*set.name), &mut set.policies);
        }
    }
}

/// A policy that a command has unloaded, until it is taken out of the chains of the config.
#[derive(Debug)]
struct Unloaded(Arc<str>);

impl Policy for Unloaded {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, _: Judgement) -> bool {
        false
    }
}
