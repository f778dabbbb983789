//! A plugin that is in its place before it is ready: as the host starts, processes do not wait for a compilation. The others in the
//! chains of those that it judges, and the failsafe, decide meanwhile. What is ready comes into force through the same door as what is loaded
//! later: it is compiled, admitted, it checks its settings, and it is tried.

use std::sync::{Arc, Weak};

use provost_state::{Consumer, Snapshot};

use crate::component::LoadError;
use crate::host::{PluginHost, PluginSpec, Shared};
use crate::plugin::{
    Absent, Candidate, Failed, Loader, Plugin, PluginConsumer, Prepared, Recipe, Trial, Version, Versions,
};
use crate::text::size;

impl PluginHost {
    /// Loads a plugin and adds it behind the others: [`begin`](Self::begin) and [`Pending::finish`] in one, in a made-up world.
    ///
    /// # Errors
    /// [`LoadError`] if there is no component to be had; nothing is added then.
    pub fn load(&self, spec: PluginSpec) -> Result<(), LoadError> {
        self.load_in(spec, &Arc::default())
    }

    /// The same, tried on this world.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_in(&self, spec: PluginSpec, world: &Arc<Snapshot>) -> Result<(), LoadError> {
        let pending = self.begin(spec)?;
        let plugin = pending.plugin.clone();
        let finished = pending.finish(world);
        finished.map(drop).inspect_err(|_| self.remove(&self.change(), &plugin))
    }

    /// Adds a plugin behind the others, as the host starts, with all that can be known of it without compiling it. Until it
    /// is finished it answers every call with the fault that it is being compiled.
    ///
    /// # Errors
    /// [`LoadError`] if there is no component to be had; nothing is added then.
    pub fn begin(&self, spec: PluginSpec) -> Result<Pending, LoadError> {
        let recipe = self.recipe(spec)?;
        let candidate = self.loader().read(&recipe)?;
        Pending::begin(self, candidate, recipe)
    }
}

/// A plugin that is in its place and is not ready. Dropped without being finished, it is refused.
pub struct Pending {
    /// A compilation keeps no host from ending: what its plugins remember is written as it does.
    host: Weak<Shared>,
    loader: Arc<Loader>,
    plugin: Arc<Plugin>,
    /// What stands in its place.
    placeholder: Arc<Version>,
    candidate: Candidate,
    recipe: Recipe,
}

impl Pending {
    fn begin(host: &PluginHost, candidate: Candidate, recipe: Recipe) -> Result<Self, LoadError> {
        let what = format!("it is being compiled ({})", amount(candidate.bytes.len()));
        let absent = Absent::Compiling(what.into());
        let loader = host.loader().clone();
        let placeholder = Arc::new(loader.placeholder(&candidate, recipe.clone(), absent)?);
        let plugin = host.add(&mut host.change(), placeholder.clone())?;
        Ok(Self { host: host.downgrade(), loader, plugin, placeholder, candidate, recipe })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.plugin.name
    }

    /// The size of its component, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.candidate.bytes.len()
    }

    /// The same as people write it.
    #[must_use]
    pub fn size(&self) -> String {
        amount(self.size_bytes())
    }

    /// Compiles it, has it check its settings, tries it on `world`, and puts it in force. It may take as long as a compilation may. One
    /// that is not let in is refused from then on, and one that fails its trial other than by a deadline is quarantined: its status says why, and
    /// [`revive`](provost_state::Plugins::revive) has it asked all the same. Returns what is to be told of changes, if it is a consumer.
    ///
    /// # Errors
    /// [`LoadError`] if there is no valid component after all. It is refused then, too.
    pub fn finish(self, world: &Arc<Snapshot>) -> Result<Option<Box<dyn Consumer>>, LoadError> {
        let Prepared { version, trial } =
            match self.loader.prepare(&self.candidate, self.recipe.clone(), world) {
                Ok(prepared) => prepared,
                Err(error) => {
                    self.refuse(&error.to_string());
                    return Err(error);
                }
            };
        let failed = match trial {
            // A machine that is starting is busy, which says nothing of the plugin.
            Trial::Failed(failed) if failed.is_for_want_of_time() => {
                tracing::warn!(plugin = &**version.context.name(), "it is asked all the same: {failed}");
                None
            }
            Trial::Failed(failed) => Some(failed),
            Trial::Refused(_) | Trial::Passed(_) => None,
        };
        self.put_in_force(version, failed);
        Ok(PluginConsumer::of(&self.plugin))
    }

    fn put_in_force(&self, made: Arc<Version>, failed: Option<Failed>) {
        let Some(host) = PluginHost::upgrade(&self.host) else { return };
        let mut change = host.change();
        let versions = self.plugin.versions();
        if versions.gone || !Arc::ptr_eq(&versions.active, &self.placeholder) {
            // Somebody unloaded it meanwhile.
            return;
        }
        // It is the version that its place was kept for.
        let _ = made.number.set(self.placeholder.number());
        match made.refusal() {
            None => tracing::info!(plugin = &**made.context.name(), source = %made.source, "plugin loaded"),
            Some(reason) => tracing::warn!(plugin = &**made.context.name(), "plugin refused: {reason}"),
        }
        change.made(&made);
        self.plugin.put_in_force(Versions { active: made, former: None, gone: false });
        if let Some(failed) = failed {
            self.plugin.quarantine(failed.to_string());
        }
    }

    fn refuse(&self, why: &str) {
        let absent = Absent::Refused(why.into());
        // The engine is that of the placeholder, and the only thing that could be wanting.
        if let Ok(refused) = self.loader.placeholder(&self.candidate, self.recipe.clone(), absent) {
            self.put_in_force(Arc::new(refused), None);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let versions = self.plugin.versions();
        if !versions.gone && Arc::ptr_eq(&versions.active, &self.placeholder) {
            self.refuse("the host could not prepare it: its log says why");
        }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}

/// A number of bytes, roughly.
fn amount(bytes: usize) -> String {
    const MB: usize = 1_000_000;
    match bytes {
        MB.. => format!("{} MB", bytes.div_ceil(MB)),
        1_000.. => format!("{} kB", bytes.div_ceil(1_000)),
        _ => size(bytes),
    }
}
