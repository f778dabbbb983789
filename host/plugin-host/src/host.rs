//! The plugins of a host by name: loading them as the host starts, and handing out what they are in their roles.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use provost_state::{Consumer, Plugins, Policy};

use crate::cache::{Cache, CacheCounts};
use crate::component::{LoadError, Source};
use crate::grants::Grants;
use crate::lacks::Lacks;
use crate::limits::Limits;
use crate::log::Lines;
use crate::making::{Maker, Recipe};
use crate::memory::{self, Keeper, Memory};
use crate::plugin::{Plugin, Versions};
use crate::roll::Roll;
use crate::trust::Trust;
use crate::version::{Common, Version};

/// What the config says of one plugin.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// Its name.
    pub name: Arc<str>,
    /// Where its component comes from.
    pub source: Source,
    /// Its own settings, as the text of a JSON object; `{}` if there are none.
    pub settings_json: String,
    /// What it may use.
    pub limits: Limits,
    /// The only SHA-256 that its component may have, in hex. It holds for whatever is swapped in, too.
    pub sha256: Option<String>,
    /// What of the outside it may use.
    pub grants: Grants,
}

/// Where a host keeps what outlives it, and whom it trusts.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Compiled code. Created, and of this user alone; `None`: components are compiled every time.
    pub cache_dir: Option<PathBuf>,
    /// What plugins remember. Created, and of this user alone; `None`: it ends with the host.
    pub memory_dir: Option<PathBuf>,
    /// Whose components are let in.
    pub trust: Trust,
    /// Where it is entered what is lacking.
    pub lacks: Lacks,
}

/// All plugins of the host. Clones share them.
#[derive(Clone)]
pub struct PluginHost {
    shared: Arc<Shared>,
}

struct Shared {
    maker: Maker,
    roll: Arc<Roll>,
    /// Orders changes. No call and no status takes it.
    changes: Mutex<Traces>,
    /// Dropped at last, so that all that plugins have written is in their files.
    keeper: Option<Keeper>,
}

/// What is left of every plugin that there was.
type Traces = BTreeMap<Arc<str>, Trace>;

/// What is left of a plugin when it is unloaded: should it be loaded again, it counts on, and remembers.
#[derive(Debug, Default)]
struct Trace {
    /// Of its last version.
    number: u64,
    /// For as long as somebody writes it.
    memory: Weak<Memory>,
}

/// The right to change plugins. One has it at a time.
pub(crate) struct Change<'a>(MutexGuard<'a, Traces>);

impl Change<'_> {
    /// The number of the next version of this plugin.
    pub(crate) fn next_number(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |trace| trace.number).saturating_add(1)
    }

    fn memory(&self, name: &str, keeper: Option<&Keeper>) -> Arc<Memory> {
        let left = self.0.get(name).and_then(|trace| trace.memory.upgrade());
        left.unwrap_or_else(|| Memory::open(name, keeper))
    }

    /// This version is in force now.
    pub(crate) fn made(&mut self, version: &Version) {
        let trace = Trace { number: version.number, memory: Arc::downgrade(&version.memory) };
        self.0.insert(version.name.clone(), trace);
    }
}

/// There is no policy of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLookupError {
    /// There is no plugin of this name at all.
    #[error("there is no plugin called `{0}`")]
    NoSuchPlugin(String),
    /// There is one, and it does something else.
    #[error("plugin `{name}` is no policy: it exports {roles} and judges nothing")]
    NotAPolicy {
        /// The plugin.
        name: String,
        /// What it exports.
        roles: String,
    },
}

impl fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginHost").field("plugins", &self.plugins()).finish_non_exhaustive()
    }
}

impl PluginHost {
    /// A host without plugins. The first one that is loaded starts an engine.
    #[must_use]
    pub fn new(options: HostOptions) -> Self {
        let maker = Maker::new(Cache::new(options.cache_dir), options.trust);
        let keeper = memory::keeper(options.memory_dir.as_deref(), &options.lacks);
        let shared = Shared { maker, roll: Arc::default(), changes: Mutex::default(), keeper };
        Self { shared: Arc::new(shared) }
    }

    /// Loads a plugin and adds it behind the others, as the host starts. A component that is not let in is added, too,
    /// as refused: see [`PluginReport::status`](provost_state::PluginReport::status).
    ///
    /// # Errors
    /// [`LoadError`] if there is no component to be had; nothing is added then.
    pub fn load(&self, spec: PluginSpec) -> Result<(), LoadError> {
        let mut change = self.change();
        let version = self.make(&change, spec)?;
        self.add(&mut change, version);
        Ok(())
    }

    /// The policy called `name`. A plugin that was refused is one, too: it answers every trigger with why.
    ///
    /// # Errors
    /// [`PolicyLookupError`] says whether there is no such plugin, or one that is no policy.
    pub fn policy(&self, name: &str) -> Result<Arc<dyn Policy>, PolicyLookupError> {
        let plugin = self.plugin(name).ok_or_else(|| PolicyLookupError::NoSuchPlugin(name.to_owned()))?;
        Plugins::policy(self, name).ok_or_else(|| {
            let roles = plugin.versions().active.surface.roles();
            let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            PolicyLookupError::NotAPolicy { name: name.to_owned(), roles: roles.join(", ") }
        })
    }

    /// A new consumer of each plugin that is one and was let in, in the order of the config. Each has an
    /// instance of its own: call this once.
    #[must_use]
    pub fn consumers(&self) -> Vec<Box<dyn Consumer>> {
        self.plugins().iter().filter_map(|plugin| self.consumer(&plugin.name)).collect()
    }

    /// How often compiled code was found in the cache.
    #[must_use]
    pub fn cache_counts(&self) -> CacheCounts {
        self.shared.maker.cache().counts()
    }

    pub(crate) fn maker(&self) -> &Maker {
        &self.shared.maker
    }

    /// The right to change plugins.
    pub(crate) fn change(&self) -> Change<'_> {
        Change(self.shared.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All that are loaded at one instant, wait-free.
    pub(crate) fn plugins(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.shared.roll.loaded()
    }

    pub(crate) fn plugin(&self, name: &str) -> Option<Arc<Plugin>> {
        self.shared.roll.get(name)
    }

    /// The first version of a plugin that is not loaded.
    pub(crate) fn make(&self, change: &Change<'_>, spec: PluginSpec) -> Result<Arc<Version>, LoadError> {
        provost_state::naming::check_plugin(&spec.name)?;
        if self.plugin(&spec.name).is_some() {
            return Err(LoadError::NameTaken { name: spec.name });
        }
        let number = change.next_number(&spec.name);
        let common = Common {
            memory: change.memory(&spec.name, self.shared.keeper.as_ref()),
            name: spec.name,
            limits: Arc::new(spec.limits),
            lines: Arc::new(Lines::default()),
            pin: spec.sha256.map(Arc::from),
            grants: Arc::new(spec.grants),
            waiting: Arc::default(),
            roll: Arc::downgrade(&self.shared.roll),
        };
        let (source, settings) = (spec.source, spec.settings_json.into());
        self.shared.maker.make(Recipe { common, number, source, settings })
    }

    /// Adds a plugin behind the others.
    pub(crate) fn add(&self, change: &mut Change<'_>, version: Arc<Version>) -> Arc<Plugin> {
        match &version.admitted {
            Ok(_) => tracing::info!(plugin = &*version.name, source = %version.source, "plugin loaded"),
            Err(reason) => tracing::warn!(plugin = &*version.name, "plugin refused: {reason}"),
        }
        change.made(&version);
        let plugin = Arc::new(Plugin::new(version));
        self.shared.roll.append(plugin.clone());
        plugin
    }

    /// Takes a plugin out. Whoever holds it finds it gone.
    pub(crate) fn remove(&self, _: &Change<'_>, plugin: &Arc<Plugin>) {
        plugin.put_in_force(Versions { gone: true, ..Versions::clone(&plugin.versions()) });
        self.shared.roll.remove(plugin);
    }
}
