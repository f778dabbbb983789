//! The state of all processes, and the rules by which it changes. This is floor 0: every other crate of the host may
//! depend on this one, and it depends on none of them.
//!
//! ```text
//!            start                 spawned            ready
//!  Stopped ---------> Waiting ---------------> Starting -----> Running
//!     ^                 ^ |                       | exited        | exited
//!     |            due  | | spawn failed          v               v
//!     |<-- stop --- Backoff <---- restart ----- Exited <----------'
//!     |                                           | give up, or refused from any phase without a child
//!     |                                           `--------> Fatal -- start --> Waiting
//!     `---- exited ---- Stopping <---- stop, from any live phase; or not ready in time, and then Exited
//! ```
//!
//! | room | owns |
//! |---|---|
//! | [`naming`] | the rules for the names of processes, groups and plugins, and what a misspelt name may mean |
//! | `ports` | the traits and records of policies, consumers, views, plugins and the recorder, and the failsafe |
//! | `registry` | the publication of states: the right to write, the guarded commit, the readers |
//! | [`process`] | the state of one process, and the only list of edges |
//! | `sync` | the atomic types, so that a model checker can replace them |
//! | [`text`] | the sanitizing of foreign text before it is shown |
//! | `words` | the variants of an enum as a constant array |
//! | [`span`] | spans of time as people write them |
//! | [`hash`] | hashes that are the same for ever |
//!
//! The crate deliberately has no tokio, wasmtime, files, clocks or randomness. Time is an argument
//! ([`Moment`]). There is no setter: [`Registry::commit`] is the only way to change a state, and only
//! the holder of the [`Registry`] can call it; everybody else gets a [`Reader`].

#![forbid(unsafe_code)]

pub mod hash;
pub mod naming;
mod ports;
pub mod process;
mod registry;
pub mod span;
mod sync;
pub mod text;
mod words;

pub use ports::{
    Answer, Asked, Basis, Batch, Blame, Consumer, Decision, Demand, Ended, Fault, FaultKind, HealthAction,
    Intensity, Judged, JudgedAction, Judgement, LimitsWanted, MemoryChange, MemoryWrite, Note, Noted,
    Observation, Ordered, Plan, PluginChange, PluginFetch, PluginFigures, PluginInput, PluginNote,
    PluginRefusal, PluginRefusalKind, PluginReport, PluginStatus, PluginVersion, PluginWanted, Plugins,
    Policy, PolicySource, Recorder, Replacement, Reproduction, Sample, Settled, StartAction, Trigger,
    UsageAction, View, ViewRequest, ViewResponse, ViewUsage, failsafe,
};
pub use process::{
    Cause, DEATHS_KEPT, Death, Deaths, Desired, Escalation, Event, EventKind, Exit, Failing, Generation,
    Health, Identity, Illegal, Incarnation, Moment, NoSuchSignal, Phase, PhaseKind, ProcessId, ProcessState,
    ProcessType, Ruling, RulingAction, Scope, Signal, Status, Usage, Verdict, Version,
};
pub use registry::{
    At, Backend, BackendFigures, BadRollout, Change, ChangeKind, Changes, Counters, Counts, Difference,
    Handle, Latency, Look, NameTaken, NoSuchBackend, NotRemoved, Poller, Reader, Registry, Rejected, Removed,
    Rollout, Routing, Snapshot, Watch, changes, meter, registry, removals, restored,
};
