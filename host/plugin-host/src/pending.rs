//! A plugin that is in place before it is ready: at boot, processes do not wait for a compilation. Meanwhile the other
//! policies in the chains that it belongs to, and the failsafe, decide. A plugin that is ready is put in force in the
//! same way as one that is loaded later: it is compiled, admitted, checks its settings, and is tried.

use std::sync::{Arc, Weak};

use provost_state::{Consumer, Snapshot};

use crate::component::LoadError;
use crate::host::{PluginHost, PluginSpec, Shared};
use crate::plugin::{
    Absent, Candidate, Failed, Loader, Plugin, PluginConsumer, Prepared, Recipe, Trial, Version, Versions,
};
use crate::text::size;

impl PluginHost {
    /// Loads a plugin and appends it: [`begin`](Self::begin) and [`Pending::finish`] in one, tried on a made-up world.
    ///
    /// # Errors
    /// [`LoadError`] if there is no usable component; nothing is added then.
    pub fn load(&self, spec: PluginSpec) -> Result<(), LoadError> {
        self.load_in(spec, &Arc::default())
    }

    /// Loads a plugin as [`load`](Self::load) does, and tries it on this world.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_in(&self, spec: PluginSpec, world: &Arc<Snapshot>) -> Result<(), LoadError> {
        let pending = self.begin(spec)?;
        let plugin = pending.plugin.clone();
        let finished = pending.finish(world);
        finished.map(drop).inspect_err(|_| self.remove(&self.change(), &plugin))
    }

    /// Appends a plugin at boot, with everything that is known of it without compiling it. Until it is finished it
    /// answers every call with the fault that it is being compiled.
    ///
    /// # Errors
    /// [`LoadError`] if there is no usable component; nothing is added then.
    pub fn begin(&self, spec: PluginSpec) -> Result<Pending, LoadError> {
        let recipe = self.recipe(spec)?;
        let candidate = self.loader().read(&recipe)?;
        Pending::begin(self, candidate, recipe)
    }
}

/// A plugin that is in place but not ready. It is refused if this is dropped unfinished.
pub struct Pending {
    /// Weak, so that a compilation does not keep the host from ending, which writes the memory of its plugins.
    host: Weak<Shared>,
    loader: Arc<Loader>,
    plugin: Arc<Plugin>,
    /// The version that stands in for it.
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

    /// Returns the name of the plugin.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.plugin.name
    }

    /// Returns the size of its component, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.candidate.bytes.len()
    }

    /// Returns the size of its component as people write it.
    #[must_use]
    pub fn size(&self) -> String {
        amount(self.size_bytes())
    }

    /// Compiles it, has it check its settings, tries it on `world`, and puts it in force. This takes as long as the
    /// compilation. A plugin that is not admitted is refused from then on, and one that fails its trial other than by a
    /// deadline is quarantined: its status says why, and [`revive`](provost_state::Plugins::revive) ends the
    /// quarantine. Returns the consumer to notify of changes, if it is one.
    ///
    /// # Errors
    /// [`LoadError`] if it is not a valid component after all. The plugin is then refused as well.
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
            // A machine that is booting is busy, so a missed deadline says nothing about the plugin.
            Trial::Failed(failed) if failed.is_for_want_of_time() => {
                tracing::warn!(
                    plugin = &**version.context.name(),
                    "it is put in force nevertheless: {failed}"
                );
                None
            }
            Trial::Failed(failed) => Some(failed),
            Trial::Refused(_) | Trial::Passed(_) => None,
        };
        // Another version that is in force instead has its consumer already.
        Ok(self.put_in_force(version, failed).then(|| PluginConsumer::of(&self.plugin)).flatten())
    }

    /// Returns whether the version is in force now.
    fn put_in_force(&self, made: Arc<Version>, failed: Option<Failed>) -> bool {
        let Some(host) = PluginHost::upgrade(&self.host) else { return false };
        let _change = host.change();
        let versions = self.plugin.versions();
        if versions.gone || !Arc::ptr_eq(&versions.active, &self.placeholder) {
            // It was unloaded, or replaced by a reload, meanwhile.
            return false;
        }
        // It is the version for which the place was kept.
        let _ = made.number.set(self.placeholder.number());
        match made.refusal() {
            None => tracing::info!(plugin = &**made.context.name(), source = %made.source, "plugin loaded"),
            Some(reason) => tracing::warn!(plugin = &**made.context.name(), "plugin refused: {reason}"),
        }
        self.plugin.put_in_force(Versions { active: made, former: None, gone: false });
        if let Some(failed) = failed {
            self.plugin.quarantine(failed.to_string());
        }
        true
    }

    fn refuse(&self, why: &str) {
        let absent = Absent::Refused(why.into());
        // This fails only for want of an engine, and the placeholder already holds the one that is needed.
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

/// Formats a number of bytes roughly.
fn amount(bytes: usize) -> String {
    const MB: usize = 1_000_000;
    match bytes {
        MB.. => format!("{} MB", bytes.div_ceil(MB)),
        1_000.. => format!("{} kB", bytes.div_ceil(1_000)),
        _ => size(bytes),
    }
}
