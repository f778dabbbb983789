//! What is true. Floor 0 of the house: every other crate looks down on this one, and it knows none of them.
//!
//! ```text
//!            start                 spawned            ready
//!  Stopped ---------> Waiting ---------------> Starting -----> Running
//!     ^                 ^ |                       | exited        | exited
//!     |            due  | | spawn failed          v               v
//!     |<-- stop --- Backoff <---- restart ----- Exited <----------'
//!     |                                           | give up, or refused whatever is not live
//!     |                                           `--------> Fatal -- start --> Waiting
//!     `---- exited ---- Stopping <---- stop, from any live phase; or not ready in time, and then Exited
//! ```
//!
//! | file | owns |
//! |---|---|
//! | [`process`] | the immutable record of one process and the words it is made of |
//! | [`transition`] | the only list of edges: `(phase, event) -> phase` |
//! | [`mod@registry`] | the right to write, the guarded commit, the readers |
//! | [`snapshot`] | all states at one generation |
//! | [`changes`] | the last commits, by generation, for those who follow along |
//! | [`policy`] | what a policy is to the rest of the host: triggers and answers |
//! | [`ruling`] | what was decided about a death, after the host has bounded it |
//! | [`ports`] | what a consumer and a view are to the rest of the host |
//! | [`plugins`] | what is known of plugins, and what can be done with them |
//! | [`span`] | spans of time as people write them |
//! | [`failsafe`] | the native policy of last resort |
//! | [`text`] | foreign text as it may be shown |
//!
//! What is deliberately absent: tokio, wasmtime, files, clocks, randomness. Time is an argument
//! ([`Moment`]). There is no setter: [`Registry::commit`] is the only way to change anything, and only
//! the holder of the [`Registry`] has it; everybody else is handed a [`Reader`].

#![forbid(unsafe_code)]

mod backends;
pub mod changes;
mod differences;
pub mod failsafe;
mod handle;
mod locked;
pub mod meter;
mod names;
pub mod naming;
pub mod plugins;
pub mod policy;
pub mod ports;
pub mod process;
pub mod registry;
pub mod routing;
pub mod ruling;
pub mod snapshot;
pub mod span;
mod sync;
mod table;
pub mod text;
pub mod transition;

pub use changes::{Change, ChangeKind, Changes};
pub use differences::Difference;
pub use handle::{Handle, Status};
pub use meter::{BackendFigures, Latency};
pub use plugins::{
    Blame, Intensity, LimitsWanted, PluginChange, PluginFigures, PluginRefusal, PluginRefusalKind,
    PluginReport, PluginStatus, PluginVersion, PluginWanted, Plugins, Replacement,
};
pub use policy::{
    Action, Decision, Demand, Ended, HealthAction, Judgement, Observation, Plan, Policy, ScaleAction,
    StartAction,
};
pub use ports::{Batch, Consumer, Fault, FaultKind, View, ViewRequest, ViewResponse};
pub use process::{
    Cause, Death, Desired, Exit, Failing, Generation, Health, Identity, Incarnation, Moment, NoSuchSignal,
    Phase, PhaseKind, ProcessId, ProcessState, ProcessType, Signal, Version,
};
pub use registry::{At, Counters, Look, NameTaken, Poller, Reader, Registry, Rejected, registry};
pub use routing::{Backend, BadRollout, NoSuchBackend, Rollout, Routing};
pub use ruling::{Escalation, Ruling, RulingAction, Scope};
pub use snapshot::{Counts, Snapshot};
pub use transition::{Event, EventKind, Illegal};
