//! What a policy, a consumer and a view are to the rest of the host. The supervisor drives these ports,
//! the plugin host fills them, the command line plugs them together; none of them knows another.

use std::fmt;
use std::sync::Arc;

use crate::changes::Change;
use crate::process::{Exit, Incarnation, Moment};
use crate::snapshot::Snapshot;

/// The trigger of a restart policy: a life ended and nobody had asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Whose.
    pub name: Arc<str>,
    /// Its group; empty if it is in none.
    pub group: Arc<str>,
    /// Which life.
    pub incarnation: Incarnation,
    /// How it ended.
    pub exit: Exit,
    /// How long it had lived, in milliseconds.
    pub uptime_ms: u64,
    /// Had it become ready?
    pub was_ready: bool,
    /// Consecutive failures, this one included.
    pub failures: u32,
    /// Restarts so far.
    pub restarts: u64,
    /// The time of the trigger, for a judge that has no clock.
    pub now: Moment,
    /// For a judge that has no randomness; the same for the same trigger.
    pub seed: u64,
}

/// What a policy wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start it again after this many milliseconds.
    Restart {
        /// The delay, counted from the end of the life.
        delay_ms: u64,
    },
    /// Leave it down: it is done.
    StayDown,
    /// Give up on it.
    GiveUp,
    /// Let the next policy in the chain decide.
    Pass,
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it wants done.
    pub action: Action,
    /// Why, in words for people.
    pub reason: Arc<str>,
}

/// What sort of thing went wrong with a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// It was never let in.
    Refused,
    /// It trapped (panicked, ran out of stack, …).
    Trap,
    /// It took too long.
    Deadline,
    /// It wanted more memory than it may have.
    Memory,
    /// It answered with something that cannot be used.
    Answer,
}

impl FaultKind {
    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Answer => "answer",
        }
    }
}

/// A plugin failed at one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What sort of thing.
    pub kind: FaultKind,
    /// What exactly, with the limit that was hit.
    pub message: Arc<str>,
}

/// Answers a trigger with a decision. Called on a thread of the decider, never on one that runs tasks; it
/// may be slow, wrong or stuck, and the decider answers for it then.
pub trait Policy: Send + Sync + fmt::Debug {
    /// The name in the config.
    fn name(&self) -> &Arc<str>;

    /// A life ended unasked: what now?
    ///
    /// # Errors
    /// [`Fault`] if the policy could not answer.
    fn on_exit(&self, ended: &Ended, world: &Arc<Snapshot>) -> Result<Decision, Fault>;
}

/// The changes since a consumer was last told.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Oldest first.
    pub changes: Vec<Arc<Change>>,
    /// How many are not among them, because the consumer was too slow.
    pub missed: u64,
}

/// Is told of changes, on a thread of its own.
pub trait Consumer: Send + fmt::Debug {
    /// The name in the config.
    fn name(&self) -> &Arc<str>;

    /// This happened since the last call; `world` contains all of it.
    ///
    /// # Errors
    /// [`Fault`] if it could not take the batch; the batch is not repeated.
    fn on_change(&mut self, batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault>;
}

/// What somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewRequest {
    /// The path behind the view's name, without a leading slash.
    pub path: String,
    /// The query behind it, without the question mark.
    pub query: String,
}

/// What a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewResponse {
    /// A media type.
    pub content_type: String,
    /// The rendered bytes.
    pub body: Vec<u8>,
}

/// Renders the world on request. Called on a blocking thread.
pub trait View: Send + Sync + fmt::Debug {
    /// The name in the config.
    fn name(&self) -> &Arc<str>;

    /// Renders `world`.
    ///
    /// # Errors
    /// [`Fault`] if it could not.
    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault>;
}

/// Is a plugin in use?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginStatus {
    /// It was let in and is called.
    Active,
    /// It was not let in; why. The failsafe stands in for it.
    Refused(Arc<str>),
}

/// What is known of one plugin, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginReport {
    /// The name in the config.
    pub name: Arc<str>,
    /// Where it came from: `bundled:NAME` or a path.
    pub source: Arc<str>,
    /// SHA-256 of the component, in hex.
    pub digest: Arc<str>,
    /// The interfaces that it exports to the host, such as `restart-policy`.
    pub roles: Vec<Arc<str>>,
    /// Is it in use?
    pub status: PluginStatus,
    /// Calls made.
    pub calls: u64,
    /// Calls that failed.
    pub faults: u64,
    /// The last of them.
    pub last_fault: Option<Fault>,
}

/// All plugins of the host, for those who list them and ask them for views.
pub trait Plugins: Send + Sync + fmt::Debug {
    /// One report a plugin, in the order of the config.
    fn reports(&self) -> Vec<PluginReport>;

    /// The view called `name`, if there is such a plugin and it renders.
    fn view(&self, name: &str) -> Option<Arc<dyn View>>;
}
