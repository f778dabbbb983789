//! The port to the config of the host: comparing it with what runs, reloading it, and scaling replica sets. The server calls it,
//! and the crate that reads the config implements it.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;

use provost_api as api;
use provost_state::{Cause, Incarnation, ProcessId, Version};
use tokio::sync::mpsc;

/// The answer of the port, which may take as long as compiling a plugin.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A report about what is wrong with a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigReport {
    /// The whole report, as `provost validate` prints it.
    pub whole: String,
    /// The same without the lines of the file that it quotes: places and sentences alone.
    pub without_lines: String,
}

/// Why a request about the config is refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigRefusal {
    /// The config cannot be read or has errors.
    BadConfig(ConfigReport),
    /// The config changes what cannot change while the host runs.
    NeedsNewHost(ConfigReport),
    /// There is no such process, or it has no replicas, or not that many can be had.
    NotScalable {
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// The request itself is malformed.
    BadRequest(String),
    /// The host is stopping.
    ShuttingDown,
    /// A defect of the host.
    Internal(String),
}

impl ConfigRefusal {
    /// Returns the refusal for a caller that may not read the file of the config.
    pub(crate) fn without_lines(self) -> Self {
        let cut = |report: ConfigReport| ConfigReport { whole: report.without_lines.clone(), ..report };
        match self {
            Self::BadConfig(report) => Self::BadConfig(cut(report)),
            Self::NeedsNewHost(report) => Self::NeedsNewHost(cut(report)),
            other => other,
        }
    }
}

/// The file of the config, compared with what was read from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its path.
    pub path: String,
    /// When it was read for the last time and put in force.
    pub loaded_at: String,
    /// Whether it has another content now, or is gone; `None` if that cannot be told in time.
    pub changed: Option<bool>,
}

/// A process whose start is to be waited for, as it was before the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The process.
    pub id: ProcessId,
    /// Its incarnation before the order.
    pub incarnation: Incarnation,
    /// Its version before the order.
    pub version: Version,
}

/// One step of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is shown of it.
    pub step: api::ReloadStep,
    /// The process that was started by it.
    pub awaited: Option<Awaited>,
}

/// The number of replicas before and after scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// The number that was wanted before.
    pub before: u32,
    /// The number that is wanted now.
    pub wanted: u32,
}

/// The config of the host.
pub trait LiveConfig: Send + Sync + fmt::Debug {
    /// Compares what runs with the config, or with the one at the absolute path `config`.
    fn difference(&self, config: Option<PathBuf>) -> Answer<'_, Result<api::Difference, ConfigRefusal>>;

    /// Reloads the config. Waits for another reload to end, checks everything, and returns the steps as they are done; their
    /// number is bounded by that of the processes and plugins. The reload goes on if the receiver is dropped. The last step
    /// is of the kind `done`.
    fn reload(
        &self,
        order: api::ReloadOrder,
    ) -> Answer<'_, Result<mpsc::UnboundedReceiver<Step>, ConfigRefusal>>;

    /// Sets the number of replicas of a process until the next reload.
    fn scale(&self, name: String, count: u32, cause: Cause) -> Answer<'_, Result<Scaling, ConfigRefusal>>;

    /// Says that a command has changed a plugin of this name. The command is answered when this resolves.
    fn plugin_changed(&self, name: String) -> Answer<'_, ()>;

    /// Returns what is known of the file. Looks at it at most once in a second, and waits for that only for some milliseconds.
    fn file(&self) -> Answer<'_, ConfigFile>;
}
