//! What a consumer and a view are to the rest of the host, and what can go wrong with a plugin; what a policy is says
//! `policy`. The supervisor drives these ports, the plugin host fills them, the command line plugs them together; none
//! of them knows another.

use std::fmt;
use std::sync::Arc;

use crate::changes::Change;
use crate::process::Generation;
use crate::snapshot::Snapshot;

/// What sort of thing went wrong with a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// It was never let in.
    Refused,
    /// It is being compiled: it is not asked until it is ready.
    Compiling,
    /// It has failed too often of late: it is not asked for now.
    Quarantined,
    /// It was unloaded.
    Unloaded,
    /// It trapped (panicked, ran out of stack, …).
    Trap,
    /// It took too long.
    Deadline,
    /// It wanted more memory than it may have.
    Memory,
    /// It used more fuel than it may.
    Fuel,
    /// It answered with something that cannot be used.
    Answer,
    /// The host has too many calls under way for another one: no fault of the plugin's.
    Busy,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Refused,
        Self::Compiling,
        Self::Quarantined,
        Self::Unloaded,
        Self::Trap,
        Self::Deadline,
        Self::Memory,
        Self::Fuel,
        Self::Answer,
        Self::Busy,
    ];

    /// The word that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Compiling => "compiling",
            Self::Quarantined => "quarantined",
            Self::Unloaded => "unloaded",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Fuel => "fuel",
            Self::Answer => "answer",
            Self::Busy => "busy",
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

    /// Was it unloaded? Then it is told nothing any more, and its thread ends.
    fn is_gone(&self) -> bool {
        false
    }

    /// Has `wake` called once when it is unloaded, at once if it is already: whoever waits for something to tell it then
    /// stops waiting.
    fn when_gone(&self, _wake: Box<dyn FnOnce() + Send>) {}

    /// All that happened until this generation has been told, or is counted as missed: for its figures.
    fn told_until(&self, _generation: Generation) {}

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
