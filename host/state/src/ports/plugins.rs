//! What is known of the plugins, and what can be done with them while processes run: the port between those who
//! ask (control) and those who keep them (the plugin host).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::consumer::Consumer;
use super::fault::{Fault, FaultKind};
use super::policy::Policy;
use super::view::View;
use crate::process::Generation;
use crate::registry::{Latency, Snapshot};

/// Is a plugin in use?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginStatus {
    /// It was let in and is called.
    Active,
    /// It was not let in; why. The next in the chain stands in for it.
    Refused(Arc<str>),
    /// It is being compiled as the host starts; what. The next in the chain stands in for it until it is ready.
    Compiling(Arc<str>),
    /// It failed too often of late; how. The next in the chain stands in for it until it is revived or swapped.
    Quarantined(Arc<str>),
}

/// What a version of a plugin did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginFigures {
    /// Calls made.
    pub calls: u64,
    /// Calls that failed, by what went wrong: those kinds that happened.
    pub faults: Vec<(FaultKind, u64)>,
    /// Answers that the host did not follow to the letter.
    pub clamps: u64,
    /// How long calls took.
    pub call: Latency,
    /// Fuel of the last call, about one unit an instruction.
    pub fuel_last: u64,
    /// Fuel of the call that used most.
    pub fuel_max: u64,
    /// The most memory that one of its instances had, in bytes.
    pub memory_bytes_max: u64,
    /// Bytes in its memory store.
    pub stored_bytes: u64,
    /// Changes that it was not told because it was too slow or failed.
    pub missed: u64,
    /// Lines of its that were dropped because they were too many.
    pub lines_dropped: u64,
    /// What it tried to reach of the outside without being granted that.
    pub denials: u64,
    /// The last fault.
    pub last_fault: Option<Fault>,
}

/// Calls the macro `$with` with the names of the fields of [`PluginFigures`] that are one number each and are counted while the
/// plugin runs. Code that counts or copies all of them uses this list.
#[macro_export]
macro_rules! plugin_counters {
    ($with:ident) => {
        $with! { calls, clamps, fuel_last, fuel_max, memory_bytes_max, missed, lines_dropped, denials }
    };
}

/// One version of a plugin: a component with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    /// Counts the versions of this plugin since the host started, from 1.
    pub number: u64,
    /// Where it came from: `bundled:NAME` or a path.
    pub source: Arc<str>,
    /// SHA-256 of the component, in hex.
    pub digest: Arc<str>,
    /// Whose key signed it, if it is signed; what is bundled is signed by this host.
    pub signed_by: Option<Arc<str>>,
    /// The interfaces that it exports to the host, such as `restart-policy`.
    pub roles: Vec<Arc<str>>,
    /// What of the outside it may use, in the words of `allow`.
    pub grants: Vec<Arc<str>>,
    /// What it may use, by the keys of `limits`: bytes, milliseconds, or how many. Where the default goes by the role, the
    /// largest of its roles.
    pub limits: BTreeMap<&'static str, u64>,
    /// How often it may fail before it is not asked any more; `None`: as often as it likes.
    pub quarantine: Option<Intensity>,
    /// What it did so far.
    pub figures: PluginFigures,
}

/// What is known of one plugin, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginReport {
    /// The name in the config.
    pub name: Arc<str>,
    /// Is it in use?
    pub status: PluginStatus,
    /// What answers.
    pub active: PluginVersion,
    /// What answered before it, still warm: what a rollback puts in force.
    pub former: Option<PluginVersion>,
    /// If it is a consumer: it has been told all that happened until then.
    pub told_until: Option<Generation>,
}

impl PluginReport {
    /// The changes that wait to be told to it at generation `now`; none if it is no consumer.
    #[must_use]
    pub fn queued(&self, now: Generation) -> u64 {
        self.told_until.map_or(0, |told| now.0.saturating_sub(told.0))
    }
}

/// A plugin that is to be loaded, in the words of the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginWanted {
    /// Its name.
    pub name: String,
    /// `bundled:NAME`, or an absolute path.
    pub component: String,
    /// Its settings, as the text of a JSON object.
    pub settings_json: String,
    /// What of the outside it may use, in the words of `allow`; nothing unless it is said.
    pub allow: Vec<String>,
    /// The only SHA-256 that its component may have, in hex.
    pub sha256: Option<String>,
    /// Limits that are not to be those that hold by default.
    pub limits: LimitsWanted,
    /// Is it to judge anything? Then it has to be a policy.
    pub judges: bool,
}

/// Limits, in the words of the config. What is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsWanted {
    /// By their keys in `limits`: bytes, milliseconds, or how many.
    pub figures: BTreeMap<String, u64>,
    /// When it is not asked any more.
    pub quarantine: Option<Intensity>,
}

/// How often a plugin may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// With this many faults it is quarantined; 0: never. 5 by default.
    pub faults: u32,
    /// Within this many milliseconds. 60000 by default.
    pub per_ms: u64,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { faults: 5, per_ms: 60_000 }
    }
}

impl fmt::Display for Intensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} faults in {} s", self.faults, self.per_ms.div_ceil(1_000))
    }
}

/// What is to take the place of the active version. What is not said stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacement {
    /// `bundled:NAME`, or an absolute path. Unless it is said, the file of the active version is read again.
    pub component: Option<String>,
    /// Its settings, as the text of a JSON object.
    pub settings_json: Option<String>,
    /// Limits that are not to be those of the active version.
    pub limits: LimitsWanted,
    /// Take it even if it asks for more than the active version does.
    pub accept_more: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginChange {
    /// The plugin after it; `None` if it is gone.
    pub after: Option<PluginReport>,
    /// What was checked or changed, in words for people, one line each.
    pub notes: Vec<String>,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PluginRefusal {
    /// What sort of thing.
    pub kind: PluginRefusalKind,
    /// What is wrong, in words for people.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// What sort of thing stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginRefusalKind {
    /// There is no such plugin.
    Unknown,
    /// There is one of this name.
    NameTaken,
    /// It is in use.
    InUse,
    /// There is no component to be had, or it is none.
    Component,
    /// It failed a check: imports, exports, settings, trust, or a trial call.
    Check,
    /// It asks for more than the active version does, and nobody has accepted that.
    AsksForMore,
    /// There is no former version.
    NoFormer,
}

/// The input that made a plugin fail, and what it does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// The plugin.
    pub name: Arc<str>,
    /// The number of the version that failed.
    pub version: u64,
    /// What it was asked, such as `restart-policy.on-exit`.
    pub call: Arc<str>,
    /// The trigger, as a text for people.
    pub input: String,
    /// The generation of the snapshot that it was shown.
    pub generation: u64,
    /// How it failed.
    pub fault: Fault,
    /// What the active version answers to the same input now: its answer or its fault, in words for people.
    pub now: Result<String, Fault>,
}

/// All plugins of the host, for those who list them, ask them for views and change them.
pub trait Plugins: Send + Sync + fmt::Debug {
    /// One report a plugin, in the order of the config. Takes no lock: status asks for it.
    fn reports(&self) -> Vec<PluginReport>;

    /// The view called `name`, if there is such a plugin and it renders.
    fn view(&self, name: &str) -> Option<Arc<dyn View>>;

    /// The policy called `name`, if there is such a plugin and it judges anything (or was refused: then it answers every
    /// trigger with why). It stays the same policy when its component is swapped.
    fn policy(&self, name: &str) -> Option<Arc<dyn Policy>>;

    /// A new consumer, if there is a plugin called `name` that is one. Each has an instance of its own.
    fn consumer(&self, name: &str) -> Option<Box<dyn Consumer>>;

    /// Loads a plugin and adds it behind the others. `world` is what its trial calls are shown.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn load(&self, wanted: &PluginWanted, world: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal>;

    /// Takes a plugin away. Calls under way end as they would have; from now on the next in each chain stands in.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn unload(&self, name: &str) -> Result<PluginChange, PluginRefusal>;

    /// Puts another version in force, once it has passed every check. The active one stays warm as the former.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn swap(
        &self,
        name: &str,
        by: &Replacement,
        world: &Arc<Snapshot>,
    ) -> Result<PluginChange, PluginRefusal>;

    /// Puts the former version in force again: one pointer swap.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn rollback(&self, name: &str) -> Result<PluginChange, PluginRefusal>;

    /// Ends the quarantine of a plugin.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn revive(&self, name: &str) -> Result<PluginChange, PluginRefusal>;

    /// The last input that made it fail, tried again; `None` if it never has failed.
    ///
    /// # Errors
    /// [`PluginRefusal`] if there is no such plugin.
    fn blame(&self, name: &str) -> Result<Option<Blame>, PluginRefusal>;
}
