//! Plugins in two steps, for a config that is reloaded: a plugin is first made and tried beside those in force, which changes
//! nothing, and then put in force by one pointer swap. So a whole config can be checked before anything of it is applied.

use std::sync::Arc;

use provost_state::{PluginReport, Policy, Snapshot};

use crate::component::{LoadError, Nowhere, Source, digest};
use crate::host::{PluginHost, PluginSpec};
use crate::limits::Limits;
use crate::plugin::{Plugin, PluginPolicy, Prepared, Trial, Version};
use crate::role::Role;

/// A plugin as it is in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// What it was made from. Its limits are rounded as they are applied.
    pub spec: PluginSpec,
    /// The SHA-256 of its component, in hex.
    pub digest: Arc<str>,
    /// The number of its version, counted from 1.
    pub number: u64,
}

/// A plugin as another host would have to go on with it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The version in force.
    pub active: InForce,
    /// The version before that, which is kept loaded.
    pub former: Option<InForce>,
    /// Why it is quarantined, if it is.
    pub quarantined: Option<Arc<str>>,
    /// Whether it is still being compiled: then the rest is not known yet.
    pub is_compiling: bool,
}

/// Why a plugin cannot be put in force. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// There is no usable component.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It was not admitted.
    #[error("the plugin `{name}` is refused: {reason}")]
    Refused {
        /// The plugin.
        name: Arc<str>,
        /// The reason.
        reason: Arc<str>,
    },
    /// It failed a trial call.
    #[error("the plugin `{name}`: {reason}")]
    Failed {
        /// The plugin.
        name: Arc<str>,
        /// What it failed in.
        reason: String,
    },
    /// It plays fewer roles than the version in force, which may be in use in each of them.
    #[error("the plugin `{name}`: the new component does not export {role}, which the one in force does")]
    LacksRole {
        /// The plugin.
        name: Arc<str>,
        /// The role.
        role: Role,
    },
}

/// A plugin that was made and tried, and is not in force yet.
pub struct Ready {
    version: Arc<Version>,
    /// The plugin that it will be a version of.
    plugin: Arc<Plugin>,
    is_new: bool,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("version", &self.version).field("is_new", &self.is_new).finish()
    }
}

impl Ready {
    /// Returns the name of the plugin.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.plugin.name
    }

    /// Whether there is no plugin of this name yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Returns the policy that it will be; `None` if it judges nothing.
    #[must_use]
    pub fn policy(&self) -> Option<Arc<dyn Policy>> {
        let judges = self.version.is_policy();
        judges.then(|| Arc::new(PluginPolicy::new(self.plugin.clone())) as Arc<dyn Policy>)
    }
}

impl PluginHost {
    /// Returns the plugins in force, in their order.
    #[must_use]
    pub fn in_force(&self) -> Vec<InForce> {
        self.plugins().iter().map(|plugin| in_force(&plugin.versions().active)).collect()
    }

    /// Returns what another host has to know of a plugin; `None` if there is none of this name.
    #[must_use]
    pub fn kept(&self, name: &str) -> Option<Kept> {
        let plugin = self.plugin(name)?;
        let versions = plugin.versions();
        Some(Kept {
            active: in_force(&versions.active),
            former: versions.former.as_ref().map(|former| in_force(former)),
            quarantined: plugin.quarantined().map(|why| why.as_str().into()),
            is_compiling: versions.active.is_compiling(),
        })
    }

    /// Whether a plugin was refused for a reason that lasts until the config or its component is changed, such as its settings. Other
    /// reasons depend on the machine and the moment.
    #[must_use]
    pub fn is_refused_for_good(&self, name: &str) -> bool {
        let refusal = self.plugin(name).and_then(|plugin| plugin.versions().active.refusal().cloned());
        refusal.is_some_and(|refusal| refusal.is_lasting)
    }

    /// Makes a version of a plugin, which may be loaded already or not, and tries it on `world`. It takes as long as a
    /// compilation, and holds no lock meanwhile.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn rehearse(&self, spec: PluginSpec, world: &Arc<Snapshot>) -> Result<Ready, Unfit> {
        let name = spec.name.clone();
        let recipe = self.recipe_for(spec)?;
        let candidate = self.loader().read(&recipe)?;
        let Prepared { version, trial } = self.loader().prepare(&candidate, recipe, world)?;
        match trial {
            Trial::Refused(reason) => return Err(Unfit::Refused { name, reason }),
            Trial::Failed(failed) => return Err(Unfit::Failed { name, reason: failed.to_string() }),
            Trial::Passed(_) => {}
        }
        let there = self.plugin(&name);
        if let Some(plugin) = &there {
            let active = plugin.versions().active.clone();
            if let Some(role) = active.lost_in(&version) {
                return Err(Unfit::LacksRole { name, role });
            }
        }
        let is_new = there.is_none();
        let plugin = there.unwrap_or_else(|| Arc::new(Plugin::new(version.clone())));
        Ok(Ready { version, plugin, is_new })
    }

    /// Puts a plugin in force: appends it, or makes it the next version. Returns its report.
    ///
    /// # Errors
    /// [`LoadError::NameTaken`] if somebody has loaded, or unloaded, a plugin of this name meanwhile; nothing is changed then.
    pub fn enact(&self, ready: &Ready) -> Result<PluginReport, LoadError> {
        let mut change = self.change();
        let Ready { version, plugin, is_new } = ready;
        let there = self.plugin(&plugin.name);
        let unchanged = match &there {
            Some(there) => !is_new && Arc::ptr_eq(there, plugin),
            None => *is_new,
        };
        if !unchanged {
            return Err(LoadError::NameTaken { name: plugin.name.clone() });
        }
        let number = change.number(version);
        match is_new {
            true => self.catalog().append(plugin.clone()),
            false => plugin.put_in_force(plugin.versions().followed_by(version.clone())),
        }
        tracing::info!(plugin = &*plugin.name, version = number, "plugin in force");
        Ok(plugin.report())
    }

    /// Sets the order of the plugins. Those that are not named come last.
    pub fn arrange(&self, names: &[Arc<str>]) {
        let _change = self.change();
        self.catalog().arrange(|name| names.iter().position(|one| **one == *name).unwrap_or(names.len()));
    }
}

fn in_force(version: &Version) -> InForce {
    let context = &version.context;
    InForce {
        spec: PluginSpec {
            name: context.name().clone(),
            source: version.source.clone(),
            settings_json: context.settings.to_string(),
            limits: Limits::clone(&context.limits),
            sha256: context.common.pin.clone(),
            grants: (*context.common.grants).clone(),
        },
        digest: version.digest.clone(),
        number: version.number(),
    }
}

impl Source {
    /// Reads the component, and returns its SHA-256 in hex.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be read, or is elsewhere.
    pub fn digest(&self) -> Result<Arc<str>, LoadError> {
        self.read(&Nowhere).map(|bytes| digest(&bytes))
    }
}
