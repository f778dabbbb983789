//! The plugins of a host by name, the options that a host is started with, and the lock for changing plugins, which has
//! one holder at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, MutexGuard};
use provost_files::Owners;
use provost_state::{MemoryChange, Plugins, Policy};

use crate::component::cache::{Cache, CacheBounds, CacheCounts};
use crate::component::{Compiler, InProcess, LoadError, Nowhere, Remote, Source, Trust};
use crate::guest::{Common, Encoded, Reports};
use crate::lacks::Lacks;
use crate::limits::Limits;
use crate::limits::grants::Grants;
use crate::memory::{Keeper, Memory};
use crate::notice::Notice;
use crate::plugin::{Catalog, Loader, Plugin, Recipe, Version, Versions};

/// The configuration of one plugin.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// Its name.
    pub name: Arc<str>,
    /// The source of its component.
    pub source: Source,
    /// Its own settings, as the text of a JSON object; `{}` if there are none.
    pub settings_json: String,
    /// The limits of its calls.
    pub limits: Limits,
    /// The only SHA-256 that its component may have, in hex. It also holds for components that are swapped in.
    pub sha256: Option<String>,
    /// The access to the outside that it was granted.
    pub grants: Grants,
}

/// Where a host keeps persistent data, whose components it trusts, and what compiles for it.
#[derive(Debug)]
pub struct HostOptions {
    /// The directory of compiled code, created for this user alone. `None`: components are compiled every time.
    pub cache_dir: Option<PathBuf>,
    /// Who may own the directories above that of compiled code.
    pub cache_owners: Owners,
    /// The bounds on the directory of compiled code.
    pub cache_bounds: CacheBounds,
    /// Compiles components: this process by default, without limits.
    pub compiler: Arc<dyn Compiler>,
    /// The directory of the plugins' memory, created for this user alone. `None`: it ends with the host.
    pub memory_dir: Option<PathBuf>,
    /// What a former host has written down of the memories, by changes that may not be in the files.
    pub memories: Vec<MemoryChange>,
    /// Decides whose components are admitted.
    pub trust: Trust,
    /// Finds components that are elsewhere. By default none are found.
    pub remote: Arc<dyn Remote>,
    /// Where missing resources are reported.
    pub lacks: Lacks,
    /// Notified when a plugin is quarantined.
    pub notice: Notice,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            cache_dir: None,
            cache_owners: Owners::default(),
            cache_bounds: CacheBounds::default(),
            compiler: Arc::new(InProcess),
            memory_dir: None,
            memories: Vec::new(),
            trust: Trust::default(),
            remote: Arc::new(Nowhere),
            lacks: Lacks::default(),
            notice: Notice::default(),
        }
    }
}

/// The plugin host. Clones share its plugins.
#[derive(Clone)]
pub struct PluginHost {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    loader: Arc<Loader>,
    catalog: Arc<Catalog>,
    encoded: Arc<Encoded>,
    /// Serializes changes. No call and no status takes this lock.
    changes: Mutex<Traces>,
    notice: Notice,
    /// What a former host has written down of the memory of each plugin.
    former: BTreeMap<Arc<str>, Vec<MemoryChange>>,
    /// Dropped last, so that everything that plugins have written is in their files.
    keeper: Option<Keeper>,
}

/// The traces of all plugins that were ever loaded.
type Traces = BTreeMap<Arc<str>, Trace>;

/// What remains of an unloaded plugin, so that its numbering and its memory continue if it is loaded again.
#[derive(Debug, Default)]
struct Trace {
    /// The number of its last version; 0 if none was ever in force.
    number: u64,
    /// Its memory, for as long as something still writes it.
    memory: Weak<Memory>,
}

/// The exclusive right to change plugins.
pub(crate) struct Change<'a>(MutexGuard<'a, Traces>);

impl Change<'_> {
    /// Gives a version the next number of its plugin, and records that it is now in force. Returns the number.
    pub(crate) fn number(&mut self, version: &Version) -> u64 {
        let name = version.context.name();
        let number = self.0.get(name).map_or(0, |trace| trace.number).saturating_add(1);
        // It is set only once: nobody else has this version.
        let _ = version.number.set(number);
        let memory = Arc::downgrade(&version.context.common.memory);
        self.0.insert(name.clone(), Trace { number, memory });
        number
    }

    /// Goes on counting the versions of a plugin after this number, if it has none that is as high.
    pub(crate) fn count_after(&mut self, name: &Arc<str>, number: u64) {
        let trace = self.0.entry(name.clone()).or_default();
        trace.number = trace.number.max(number);
    }

    /// Returns the memory of a plugin, if something still holds it.
    fn memory(&self, name: &str) -> Option<Arc<Memory>> {
        self.0.get(name)?.memory.upgrade()
    }

    /// Makes `opened` the memory of a plugin, unless it has another one by now, and returns the one that it has.
    fn keep_memory(&mut self, name: &Arc<str>, opened: Arc<Memory>) -> Arc<Memory> {
        if let Some(kept) = self.memory(name) {
            return kept;
        }
        // A plugin that was never in force leaves nothing behind.
        self.0.retain(|_, trace| trace.number > 0 || trace.memory.strong_count() > 0);
        self.0.entry(name.clone()).or_default().memory = Arc::downgrade(&opened);
        opened
    }
}

/// The lookup of a policy by name failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLookupError {
    /// There is no plugin of this name.
    #[error("there is no plugin called `{0}`")]
    NoSuchPlugin(String),
    /// The plugin plays other roles only.
    #[error("plugin `{name}` is not a policy: it exports {roles} and judges nothing")]
    NotAPolicy {
        /// The plugin.
        name: String,
        /// Its roles.
        roles: String,
    },
}

impl fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginHost").field("plugins", &self.plugins()).finish_non_exhaustive()
    }
}

impl PluginHost {
    /// Creates a host without plugins. The first plugin to be loaded starts an engine.
    #[must_use]
    pub fn new(options: HostOptions) -> Self {
        let HostOptions {
            cache_dir,
            cache_owners,
            cache_bounds,
            compiler,
            memory_dir,
            memories,
            trust,
            remote,
            lacks,
            notice,
        } = options;
        let mut former: BTreeMap<Arc<str>, Vec<MemoryChange>> = BTreeMap::new();
        for change in memories {
            former.entry(change.plugin.clone()).or_default().push(change);
        }
        let cache = Cache::new(cache_dir, cache_owners, cache_bounds, compiler);
        let loader = Arc::new(Loader::new(cache, trust, remote));
        let keeper = Keeper::start(memory_dir.as_deref(), &lacks);
        let shared = Shared {
            loader,
            catalog: Arc::default(),
            encoded: Arc::default(),
            changes: Mutex::default(),
            former,
            notice,
            keeper,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the policy called `name`. A plugin that was refused is one, too: it answers every trigger with the
    /// reason.
    ///
    /// # Errors
    /// [`PolicyLookupError`] if there is no such plugin, or it is not a policy.
    pub fn policy(&self, name: &str) -> Result<Arc<dyn Policy>, PolicyLookupError> {
        let plugin = self.plugin(name).ok_or_else(|| PolicyLookupError::NoSuchPlugin(name.to_owned()))?;
        Plugins::policy(self, name).ok_or_else(|| {
            let roles = plugin.versions().active.surface.roles();
            let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            PolicyLookupError::NotAPolicy { name: name.to_owned(), roles: roles.join(", ") }
        })
    }

    /// Returns how often compiled code was found in the cache.
    #[must_use]
    pub fn cache_counts(&self) -> CacheCounts {
        self.shared.loader.cache().counts()
    }

    /// Returns what finds components that are elsewhere.
    #[must_use]
    pub fn remote(&self) -> &dyn Remote {
        &**self.loader().remote()
    }

    pub(crate) fn loader(&self) -> &Arc<Loader> {
        &self.shared.loader
    }

    /// Returns a reference that does not keep the host alive.
    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    pub(crate) fn upgrade(shared: &Weak<Shared>) -> Option<Self> {
        shared.upgrade().map(|shared| Self { shared })
    }

    /// Takes the right to change plugins, which waits for the current holder.
    pub(crate) fn change(&self) -> Change<'_> {
        Change(self.shared.changes.lock())
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.shared.catalog
    }

    /// Returns the plugins that are loaded at this instant, wait-free.
    pub(crate) fn plugins(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.shared.catalog.loaded()
    }

    pub(crate) fn plugin(&self, name: &str) -> Option<Arc<Plugin>> {
        self.shared.catalog.get(name)
    }

    /// Returns the recipe for the first version of a plugin that is not loaded yet.
    ///
    /// # Errors
    /// [`LoadError::BadName`] if the name is not allowed, [`LoadError::NameTaken`] if there is such a plugin.
    pub(crate) fn recipe(&self, spec: PluginSpec) -> Result<Recipe, LoadError> {
        if self.plugin(&spec.name).is_some() {
            return Err(LoadError::NameTaken { name: spec.name });
        }
        self.recipe_for(spec)
    }

    /// Returns the recipe for a version of a plugin, whether it is loaded or not.
    ///
    /// # Errors
    /// [`LoadError::BadName`] if the name is not allowed.
    pub(crate) fn recipe_for(&self, spec: PluginSpec) -> Result<Recipe, LoadError> {
        provost_state::naming::check_plugin(&spec.name)?;
        let catalog: Weak<Catalog> = Arc::downgrade(&self.shared.catalog);
        let there = self.plugin(&spec.name).map(|plugin| plugin.versions().active.context.common.clone());
        let (lines, waiting) = match there {
            Some(common) => (common.lines.clone(), common.waiting.clone()),
            None => Default::default(),
        };
        let common = Common {
            memory: self.memory(&spec.name),
            name: spec.name,
            lines,
            pin: spec.sha256,
            grants: Arc::new(spec.grants),
            waiting,
            notice: self.shared.notice.clone(),
            reports: catalog as Weak<dyn Reports>,
            encoded: self.shared.encoded.clone(),
        };
        Ok(Recipe {
            common: Arc::new(common),
            source: spec.source,
            settings: spec.settings_json.into(),
            limits: Arc::new(spec.limits.in_steps()),
        })
    }

    /// Returns the memory of a plugin. Its file is read without the right to change plugins.
    fn memory(&self, name: &Arc<str>) -> Arc<Memory> {
        let left = self.change().memory(name);
        left.unwrap_or_else(|| {
            let former = self.shared.former.get(name).map_or(&[][..], Vec::as_slice);
            let opened = Memory::open(name, self.shared.keeper.as_ref(), former);
            self.change().keep_memory(name, opened)
        })
    }

    /// Appends a plugin, unless its name has been taken meanwhile.
    ///
    /// # Errors
    /// [`LoadError::NameTaken`] if there is such a plugin.
    pub(crate) fn add(
        &self,
        change: &mut Change<'_>,
        version: Arc<Version>,
    ) -> Result<Arc<Plugin>, LoadError> {
        let name = version.context.name();
        if self.plugin(name).is_some() {
            return Err(LoadError::NameTaken { name: name.clone() });
        }
        change.number(&version);
        let plugin = Arc::new(Plugin::new(version));
        self.shared.catalog.append(plugin.clone());
        Ok(plugin)
    }

    /// Removes a plugin. Anything that still holds it sees that it is gone.
    pub(crate) fn remove(&self, _: &Change<'_>, plugin: &Arc<Plugin>) {
        plugin.put_in_force(Versions { gone: true, ..Versions::clone(&plugin.versions()) });
        self.shared.catalog.remove(plugin);
    }
}
