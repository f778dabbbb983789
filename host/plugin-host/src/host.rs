//! The plugins of a host by name: loading them, and handing out what they do in their roles.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use provost_state::{Consumer, PluginReport, PluginStatus, Plugins, Policy, View};
use wasmtime::component::Linker;

use crate::admission::{self, Role, Surface};
use crate::cache::{Cache, CacheCounts, CompileError};
use crate::component::{LoadError, Source, digest, recognise};
use crate::consumer::PluginConsumer;
use crate::engine::{EngineError, MEMORY_BYTES_CEILING, TimedEngine, flat};
use crate::limits::Limits;
use crate::log::Lines;
use crate::plugin::{Guest, Plugin, Tally};
use crate::policy::PluginPolicy;
use crate::view::PluginView;

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
}

/// All plugins of the host. Clones share them.
#[derive(Clone)]
pub struct PluginHost {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<TimedEngine>,
    linker: Linker<Guest>,
    cache: Cache,
    /// In the order of the config. Published whole at each addition: whoever lists them takes no lock, because
    /// status does.
    plugins: ArcSwap<Vec<Arc<Plugin>>>,
}

/// There is no policy of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyLookupError {
    /// There is no plugin of this name at all.
    #[error("there is no plugin called `{0}`")]
    NoSuchPlugin(String),
    /// There is one, and it does something else.
    #[error("plugin `{name}` is no policy: it does not export restart-policy, but {roles}")]
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
    /// A host without plugins, whose compiled code is kept in `cache_dir` (created, and of this user alone) or
    /// nowhere.
    ///
    /// # Errors
    /// [`EngineError`] if WebAssembly cannot be run on this machine.
    pub fn new(cache_dir: Option<PathBuf>) -> Result<Self, EngineError> {
        let engine = TimedEngine::new()?;
        let linker = admission::linker(engine.engine()).map_err(|error| EngineError(flat(&error)))?;
        let cache = Cache::new(cache_dir);
        let plugins = ArcSwap::default();
        Ok(Self { shared: Arc::new(Shared { engine: Arc::new(engine), linker, cache, plugins }) })
    }

    /// Loads a plugin and adds it behind the others. A component that is not let in is added, too, as
    /// refused: see [`PluginReport::status`].
    ///
    /// # Errors
    /// [`LoadError`] if there is no component to be had; nothing is added then.
    pub fn load(&self, spec: PluginSpec) -> Result<(), LoadError> {
        if self.plugin(&spec.name).is_some() {
            return Err(LoadError::NameTaken { name: spec.name });
        }
        let wanted = spec.limits.memory_bytes_max;
        if wanted > MEMORY_BYTES_CEILING {
            return Err(LoadError::LimitTooHigh { wanted, most: MEMORY_BYTES_CEILING });
        }
        let plugin = Arc::new(self.shared.plugin(spec)?);
        match &plugin.admitted {
            Ok(_) => tracing::info!(plugin = &*plugin.name, source = &*plugin.source, "plugin loaded"),
            Err(reason) => tracing::warn!(plugin = &*plugin.name, "plugin refused: {reason}"),
        }
        self.shared.plugins.rcu(|plugins| plugins.iter().chain([&plugin]).cloned().collect::<Vec<_>>());
        Ok(())
    }

    /// The policy called `name`. A plugin that was refused is one, too: it answers every trigger with why.
    ///
    /// # Errors
    /// [`PolicyLookupError`] says whether there is no such plugin, or one that is no policy.
    pub fn policy(&self, name: &str) -> Result<Arc<dyn Policy>, PolicyLookupError> {
        let plugin = self.plugin(name).ok_or_else(|| PolicyLookupError::NoSuchPlugin(name.to_owned()))?;
        if plugin.admitted.is_ok() && !plugin.roles.contains(&Role::RestartPolicy) {
            let roles: Vec<&str> = plugin.roles.iter().map(|role| role.as_str()).collect();
            return Err(PolicyLookupError::NotAPolicy { name: name.to_owned(), roles: roles.join(", ") });
        }
        Ok(Arc::new(PluginPolicy(plugin)))
    }

    /// A new consumer of each plugin that is one and was let in, in the order of the config. Each has an
    /// instance of its own: call this once.
    #[must_use]
    pub fn consumers(&self) -> Vec<Box<dyn Consumer>> {
        let consumes =
            |plugin: &Arc<Plugin>| plugin.admitted.as_ref().is_ok_and(|admitted| admitted.consumer.is_some());
        let consumer = |plugin| Box::new(PluginConsumer::new(plugin)) as Box<dyn Consumer>;
        self.plugins().iter().filter(|plugin| consumes(plugin)).cloned().map(consumer).collect()
    }

    /// How often compiled code was found in the cache.
    #[must_use]
    pub fn cache_counts(&self) -> CacheCounts {
        self.shared.cache.counts()
    }

    /// All of them at one instant, wait-free.
    fn plugins(&self) -> Arc<Vec<Arc<Plugin>>> {
        self.shared.plugins.load_full()
    }

    fn plugin(&self, name: &str) -> Option<Arc<Plugin>> {
        self.plugins().iter().find(|plugin| &*plugin.name == name).cloned()
    }
}

impl Shared {
    /// Reads, compiles and judges a component.
    fn plugin(&self, spec: PluginSpec) -> Result<Plugin, LoadError> {
        let source = spec.source.to_string();
        let bytes = spec.source.read()?;
        let not_one = |problem| LoadError::Component { component: source.clone(), problem };
        recognise(&bytes).map_err(not_one)?;
        let engine = self.engine.engine();
        let (roles, admitted) = match self.cache.compiled(engine, &bytes) {
            Ok(component) => {
                let surface = Surface::of(&component, engine);
                let admitted = admission::admit(&component, &surface, &self.linker, &spec.limits);
                (surface.roles(), admitted)
            }
            Err(CompileError::Invalid(problem)) => return Err(not_one(problem)),
            Err(CompileError::Unfit(why)) => {
                (Vec::new(), Err(format!("it wants more than a plugin can have: {why}").into()))
            }
        };
        Ok(Plugin {
            name: spec.name,
            source: source.into(),
            digest: digest(&bytes),
            roles,
            limits: spec.limits,
            settings: spec.settings_json.into(),
            engine: self.engine.clone(),
            admitted,
            lines: Lines::default(),
            tally: Tally::default(),
        })
    }
}

impl Plugins for PluginHost {
    fn reports(&self) -> Vec<PluginReport> {
        self.plugins().iter().map(|plugin| plugin.report()).collect()
    }

    fn view(&self, name: &str) -> Option<Arc<dyn View>> {
        let plugin = self.plugin(name)?;
        let refused = matches!(plugin.report().status, PluginStatus::Refused(_));
        let renders = refused || plugin.roles.contains(&Role::StatusView);
        renders.then(|| Arc::new(PluginView(plugin)) as Arc<dyn View>)
    }
}
