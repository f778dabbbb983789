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
//! | room | owns |
//! |---|---|
//! | [`naming`] | what processes, groups and plugins can be called |
//! | `ports` | what policies, consumers, views and plugins are to the rest of the host, and the failsafe |
//! | `registry` | how states are published: the right to write, the guarded commit, the readers |
//! | [`process`] | what is true of one process, and the only list of edges |
//! | `sync` | the atomic types, so that a model checker can stand in for them |
//! | [`text`] | foreign text as it may be shown |
//! | `words` | what `strum` lists of an enum, as a constant array |
//! | [`span`] | spans of time as people write them |
//!
//! What is deliberately absent: tokio, wasmtime, files, clocks, randomness. Time is an argument
//! ([`Moment`]). There is no setter: [`Registry::commit`] is the only way to change anything, and only
//! the holder of the [`Registry`] has it; everybody else is handed a [`Reader`].

#![forbid(unsafe_code)]

pub mod naming;
mod ports;
pub mod process;
mod registry;
pub mod span;
mod sync;
pub mod text;
mod words;

pub use ports::{
    Batch, Blame, Consumer, Decision, Demand, Ended, Fault, FaultKind, HealthAction, Intensity, Judgement,
    LimitsWanted, Observation, Plan, PluginChange, PluginFigures, PluginRefusal, PluginRefusalKind,
    PluginReport, PluginStatus, PluginVersion, PluginWanted, Plugins, Policy, Replacement, StartAction, View,
    ViewRequest, ViewResponse, failsafe,
};
pub use process::{
    Cause, Death, Desired, Escalation, Event, EventKind, Exit, Failing, Generation, Health, Identity,
    Illegal, Incarnation, Moment, NoSuchSignal, Phase, PhaseKind, ProcessId, ProcessState, ProcessType,
    Ruling, RulingAction, Scope, Signal, Status, Verdict, Version,
};
pub use registry::{
    At, Backend, BackendFigures, BadRollout, Change, ChangeKind, Changes, Counters, Counts, Difference,
    Handle, Latency, Look, NameTaken, NoSuchBackend, Poller, Reader, Registry, Rejected, Rollout, Routing,
    Snapshot, changes, meter, registry,
};
