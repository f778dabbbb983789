//! Reports about the plugins, and the operations on them at run time: the port between the control server, which
//! calls it, and the plugin host, which implements it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::consumer::Consumer;
use super::fault::{Fault, FaultKind};
use super::policy::Policy;
use super::reproduction::Reproduction;
use super::view::View;
use crate::process::Generation;
use crate::registry::{Latency, Snapshot};

/// Whether a plugin is in use, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginStatus {
    /// It was admitted and is called.
    Active,
    /// It was not admitted, for this reason. The next in the chain replaces it.
    Refused(Arc<str>),
    /// It is compiled, its settings are checked, and it is tried while the host starts; the text says so. The next in the chain replaces
    /// it until it is ready.
    Compiling(Arc<str>),
    /// It failed too often recently; the text says how. The next in the chain replaces it until it is revived or
    /// swapped.
    Quarantined(Arc<str>),
}

/// The figures of a version of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginFigures {
    /// The number of calls.
    pub calls: u64,
    /// The number of failed calls by kind of fault, without the kinds that never occurred.
    pub faults: Vec<(FaultKind, u64)>,
    /// The number of answers that the host clamped.
    pub clamps: u64,
    /// How long calls took.
    pub call: Latency,
    /// The fuel used by the last call, about one unit per instruction.
    pub fuel_last: u64,
    /// The fuel of the call that used most.
    pub fuel_max: u64,
    /// The most memory that one of its instances had, in bytes.
    pub memory_bytes_max: u64,
    /// The number of bytes in its memory store.
    pub stored_bytes: u64,
    /// The number of changes that it was not sent because it was too slow or failed.
    pub missed: u64,
    /// The number of its log lines that were dropped because there were too many.
    pub lines_dropped: u64,
    /// The number of accesses to the outside that it tried without a grant.
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
    /// The number of the version: counts the versions of this plugin since the host started, from 1.
    pub number: u64,
    /// The source of the component: `bundled:NAME` or a path.
    pub source: Arc<str>,
    /// The SHA-256 of the component, in hex.
    pub digest: Arc<str>,
    /// The name of the key that signed it, if it is signed; bundled components are signed by this host.
    pub signed_by: Option<Arc<str>>,
    /// The interfaces that it exports to the host, such as `restart-policy`.
    pub roles: Vec<Arc<str>>,
    /// The parts of the outside that it may use, in the words of `allow`.
    pub grants: Vec<Arc<str>>,
    /// Its limits by their keys in `limits`, in bytes, milliseconds or a number. Where the default depends on the role,
    /// the largest default of its roles.
    pub limits: BTreeMap<&'static str, u64>,
    /// How often it may fail before it is quarantined; `None` if it is never quarantined.
    pub quarantine: Option<Intensity>,
    /// Its figures so far.
    pub figures: PluginFigures,
}

/// The report about one plugin, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginReport {
    /// The name in the config.
    pub name: Arc<str>,
    /// Whether it is in use.
    pub status: PluginStatus,
    /// The version that answers.
    pub active: PluginVersion,
    /// The version before it, still warm, which a rollback activates again.
    pub former: Option<PluginVersion>,
    /// For a consumer, the generation up to which all changes were delivered or counted as missed.
    pub told_until: Option<Generation>,
}

impl PluginReport {
    /// Returns the number of changes that are queued for it at generation `now`; 0 if it is not a consumer.
    #[must_use]
    pub fn queued(&self, now: Generation) -> u64 {
        self.told_until.map_or(0, |told| now.0.saturating_sub(told.0))
    }
}

/// A request to load a plugin, in the words of the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginWanted {
    /// The name of the plugin.
    pub name: String,
    /// The source of the component: `bundled:NAME`, or an absolute path.
    pub component: String,
    /// The settings, as the text of a JSON object.
    pub settings_json: String,
    /// The parts of the outside that it may use, in the words of `allow`; empty for none.
    pub allow: Vec<String>,
    /// The required SHA-256 of the component, in hex, if it is pinned.
    pub sha256: Option<String>,
    /// The limits that differ from the defaults.
    pub limits: LimitsWanted,
    /// Whether it is to judge anything. If so, it has to be a policy.
    pub judges: bool,
}

/// Limits, in the words of the config. Limits that are not given stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsWanted {
    /// The limits by their keys in `limits`, in bytes, milliseconds or a number.
    pub figures: BTreeMap<String, u64>,
    /// How often the plugin may fail before it is quarantined.
    pub quarantine: Option<Intensity>,
}

/// How often a plugin may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// The number of faults at which it is quarantined; 0 for never. The default is 5.
    pub faults: u32,
    /// The period in which the faults are counted, in milliseconds. The default is 60000.
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

/// A request to replace the active version. What is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacement {
    /// The source of the component: `bundled:NAME`, or an absolute path. If `None`, the file of the active version is
    /// read again.
    pub component: Option<String>,
    /// The settings, as the text of a JSON object.
    pub settings_json: Option<String>,
    /// The limits that differ from those of the active version.
    pub limits: LimitsWanted,
    /// Whether to accept a version that asks for more than the active one.
    pub accept_more: bool,
}

/// The result of a successful operation on a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginChange {
    /// The plugin after the operation; `None` if it was unloaded.
    pub after: Option<PluginReport>,
    /// What was checked or changed, in words for people, one line each.
    pub notes: Vec<String>,
}

/// Why an operation on a plugin was refused. Nothing is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PluginRefusal {
    /// The kind of the refusal.
    pub kind: PluginRefusalKind,
    /// What is wrong, in words for people.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// The kind of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginRefusalKind {
    /// There is no such plugin.
    Unknown,
    /// There already is a plugin with this name.
    NameTaken,
    /// The plugin is in use.
    InUse,
    /// The component cannot be read, or it is not a component.
    Component,
    /// The component failed a check: imports, exports, settings, trust, or a trial call.
    Check,
    /// The new version asks for more than the active one, and that was not accepted.
    AsksForMore,
    /// There is no former version.
    NoFormer,
}

/// The input that last made a plugin fail, and the result of the same call now.
#[derive(Clone, Debug)]
pub struct Blame {
    /// The name of the plugin.
    pub name: Arc<str>,
    /// The number of the version that failed.
    pub version: u64,
    /// The call that failed, such as `restart-policy.on-exit`.
    pub call: Arc<str>,
    /// The trigger, as a text for people.
    pub input: String,
    /// The generation of the snapshot that the call was given.
    pub generation: u64,
    /// How it failed.
    pub fault: Fault,
    /// The result of the same input with the active version: its answer in words for people, or its fault.
    pub now: Result<String, Fault>,
    /// All that the call was given.
    pub reproduction: Reproduction,
}

/// A component that has to be fetched before it can be read. Its time limit runs already.
pub struct PluginFetch {
    /// Fetches it, and blocks until then. As long as the result is held, the component stays on this machine.
    pub fetch: Box<dyn FnOnce() -> Result<Box<dyn Any + Send>, PluginRefusal> + Send>,
    /// Ends the fetch when it is dropped.
    pub wanted: Box<dyn Any + Send>,
}

impl fmt::Debug for PluginFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginFetch").finish_non_exhaustive()
    }
}

/// All plugins of the host, to list, call and change.
pub trait Plugins: Send + Sync + fmt::Debug {
    /// Returns one report for each plugin, in the order of the config. Takes no lock, because status requests call it.
    fn reports(&self) -> Vec<PluginReport>;

    /// Returns the view called `name`, if there is such a plugin and it is a view.
    fn view(&self, name: &str) -> Option<Arc<dyn View>>;

    /// Returns the policy called `name`, if there is such a plugin and it judges anything (or was refused: then it
    /// answers every trigger with the reason). It stays the same policy when its component is swapped.
    fn policy(&self, name: &str) -> Option<Arc<dyn Policy>>;

    /// Returns a new consumer, if there is a plugin called `name` that is one. Each has its own instance.
    fn consumer(&self, name: &str) -> Option<Box<dyn Consumer>>;

    /// Returns what fetches the component that a load or a swap of the plugin `name` needs, if that is elsewhere and not on this
    /// machine yet. Without a `component` it is that of the version in force. Reads files.
    fn fetch(&self, name: &str, component: Option<&str>) -> Option<PluginFetch> {
        let _ = (name, component);
        None
    }

    /// Loads a plugin and adds it after the others. Its trial calls are given `world`.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn load(&self, wanted: &PluginWanted, world: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal>;

    /// Unloads a plugin. Calls in progress run to their end; from now on the next in each chain replaces it.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn unload(&self, name: &str) -> Result<PluginChange, PluginRefusal>;

    /// Activates another version after it has passed every check. The active one stays warm as the former.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn swap(
        &self,
        name: &str,
        by: &Replacement,
        world: &Arc<Snapshot>,
    ) -> Result<PluginChange, PluginRefusal>;

    /// Activates the former version again, with one pointer swap.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn rollback(&self, name: &str) -> Result<PluginChange, PluginRefusal>;

    /// Ends the quarantine of a plugin.
    ///
    /// # Errors
    /// [`PluginRefusal`], and nothing is changed.
    fn revive(&self, name: &str) -> Result<PluginChange, PluginRefusal>;

    /// Repeats the call that last made the plugin fail; `None` if it has never failed.
    ///
    /// # Errors
    /// [`PluginRefusal`] if there is no such plugin.
    fn blame(&self, name: &str) -> Result<Option<Blame>, PluginRefusal>;
}
