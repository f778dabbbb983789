//! A plugin that is in place before it is ready: at boot, processes do not wait for a compilation. Meanwhile the other
//! policies in the chains that it belongs to, and the failsafe, decide. A plugin that is ready is put in force in the
//! same way as one that is loaded later: it is compiled, admitted, checks its settings, and is tried.

use std::sync::{Arc, Weak};

use provost_state::{Consumer, Snapshot};

use crate::component::LoadError;
use crate::host::{PluginHost, PluginSpec, Shared};
use crate::plugin::{
    Absent, Candidate, Failed, Loader, Plugin, PluginConsumer, Prepared, Recipe, Refusal, Trial, Version,
    Versions,
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
    /// answers every call with the fault that it is not ready.
    ///
    /// # Errors
    /// [`LoadError`] if there is no usable component; nothing is added then.
    pub fn begin(&self, spec: PluginSpec) -> Result<Pending, LoadError> {
        self.begin_after(spec, Before::default())
    }

    /// Does what [`begin`](Self::begin) does for a plugin that a former host had: it has the same number, and when it is
    /// finished it has the same former version and is quarantined again.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn begin_after(&self, spec: PluginSpec, before: Before) -> Result<Pending, LoadError> {
        let recipe = self.recipe(spec)?;
        let candidate = self.loader().read(&recipe)?;
        self.count_before(&recipe, before.number);
        // After a rollback the former version has the higher number.
        let former = before.former.as_ref().map_or(0, |(_, number)| *number);
        let pending = Pending::begin(self, (candidate, recipe), before)?;
        self.change().count_after(pending.name(), former);
        Ok(pending)
    }

    /// Appends a plugin of a former host of which there is no usable component any more. It is refused for this reason: the
    /// others in its chains and the failsafe decide, until it is swapped for one that can be loaded.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be a plugin at all: because of its name, or because the engine cannot be started.
    pub fn begin_without(&self, spec: PluginSpec, number: u64, why: &LoadError) -> Result<(), LoadError> {
        let recipe = self.recipe(spec)?;
        self.count_before(&recipe, number);
        let absent = Absent::Refused(Refusal::for_now(why.to_string()));
        let refused = self.loader().placeholder(&Candidate::missing(why), recipe, absent)?;
        tracing::warn!(plugin = &**refused.context.name(), "plugin refused: {why}");
        self.add(&mut self.change(), Arc::new(refused)).map(drop)
    }

    /// Makes the next version of a plugin have this number; 0 for the next one in any case.
    fn count_before(&self, recipe: &Recipe, number: u64) {
        if let Some(last) = number.checked_sub(1) {
            self.change().count_after(&recipe.common.name, last);
        }
    }
}

/// What a former host had of a plugin.
#[derive(Debug, Default)]
pub struct Before {
    /// The number of the version in force; 0 if it is not known.
    pub number: u64,
    /// The version before that, with its number.
    pub former: Option<(PluginSpec, u64)>,
    /// Why the version in force was quarantined, if it was, and the digest of its component. Another component is not
    /// quarantined for that.
    pub quarantined: Option<(Arc<str>, Arc<str>)>,
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
    before: Before,
}

impl Pending {
    fn begin(
        host: &PluginHost,
        (candidate, recipe): (Candidate, Recipe),
        before: Before,
    ) -> Result<Self, LoadError> {
        let what = format!(
            "it is not ready: its component ({}) is compiled, its settings are checked, and it is tried",
            amount(candidate.bytes.len())
        );
        let absent = Absent::Compiling(what.into());
        let loader = host.loader().clone();
        let placeholder = Arc::new(loader.placeholder(&candidate, recipe.clone(), absent)?);
        let plugin = host.add(&mut host.change(), placeholder.clone())?;
        Ok(Self { host: host.downgrade(), loader, plugin, placeholder, candidate, recipe, before })
    }

    /// Returns the name of the plugin.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.plugin.name
    }

    /// Returns the SHA-256 of its component, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.candidate.digest()
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
        if !self.put_in_force(version, failed) {
            return Ok(None);
        }
        self.keep_former(world);
        Ok(PluginConsumer::of(&self.plugin))
    }

    /// Makes the version that a former host kept beside the one in force, and keeps it again.
    fn keep_former(&self, world: &Arc<Snapshot>) {
        let Some((spec, number)) = self.before.former.clone() else { return };
        let name = spec.name.clone();
        let recipe = PluginHost::upgrade(&self.host).map(|host| host.recipe_for(spec));
        let made = match recipe {
            None => return,
            Some(Err(error)) => Err(error),
            Some(Ok(recipe)) => {
                let read = self.loader.read(&recipe);
                read.and_then(|candidate| self.loader.prepare(&candidate, recipe, world))
            }
        };
        let why = match made {
            Ok(Prepared { version, trial: Trial::Passed(_) }) => {
                let Some(host) = PluginHost::upgrade(&self.host) else { return };
                let _change = host.change();
                // It is set only once: nobody else has this version.
                let _ = version.number.set(number);
                self.plugin.keep_former(version);
                return;
            }
            Ok(Prepared { trial: Trial::Refused(why), .. }) => why.to_string(),
            Ok(Prepared { trial: Trial::Failed(failed), .. }) => failed.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(plugin = &*name, version = number, "the former version is not kept any more: {why}");
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
            Some(Refusal { why, .. }) => {
                tracing::warn!(plugin = &**made.context.name(), "plugin refused: {why}");
            }
        }
        self.plugin.put_in_force(Versions { active: made, former: None, gone: false });
        if let Some(failed) = failed {
            self.plugin.quarantine(failed.to_string());
        } else if let Some((why, digest)) = &self.before.quarantined
            && **digest == *self.candidate.digest()
        {
            self.plugin.quarantine(why.to_string());
        }
        true
    }

    fn refuse(&self, why: &str) {
        let absent = Absent::Refused(Refusal::for_now(why));
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
