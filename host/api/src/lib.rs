//! The API of a Provost host as its clients see it. Floor 1 of the house: the documented, stable JSON schema, and a client
//! that uses it over the host's Unix socket.
//!
//! Times are RFC 3339 in UTC with milliseconds. Fields are only ever added. A client ignores unknown fields and keeps unknown
//! words. A field without a value is present and `null`.
//!
//! | room | owns |
//! |---|---|
//! | `client` | requests, streams, and why a host cannot be reached |
//! | `status` | processes, replicas and plugins at one generation |
//! | `blame` | the last failure of a plugin |
//! | `explain` | why a process is in its state |
//! | `reproduction` | all that a call of a plugin was given |
//! | `usage` | the resources that processes use |
//! | `groups` | groups of processes |
//! | `events` | changes of processes |
//! | `dependencies` | what processes wait for before they are started |
//! | `difference` | what a reload would change |
//! | `reload` | reloading the config, and scaling |
//! | `orders` | start, stop, restart and signal, and their outcomes |
//! | `probes` | whether the host is alive and its processes are ready |
//! | `checks` | one process with the names of its variables and its checks |
//! | `process` | one process, its phases and its exits |
//! | `decision` | decisions about processes |
//! | `host` | the host itself, and its end |
//! | `logs` | lines of output |
//! | `plugins` | the state of plugins, and changes of them |
//! | `state_core` | the backends of the state core, and latencies |
//! | `error` | the body of every answer with a status of 400 or more, and the codes in it |
//! | `schema` | what the JSON Schemas of several types have in common |
//! | `columns` | text in columns of a terminal, for clients that print |
//! | `words` | enums of words, which keep the unknown words of a newer host |
//!
//! What is deliberately absent: any other crate of the project. Client programs depend on this crate alone.

#![forbid(unsafe_code)]

mod blame;
mod checks;
pub mod client;
pub mod columns;
mod decision;
mod dependencies;
mod difference;
mod error;
mod events;
mod explain;
mod groups;
mod host;
mod logs;
mod orders;
mod plugins;
mod probes;
mod process;
mod reload;
mod reproduction;
mod schema;
mod state_core;
mod status;
mod usage;
mod words;

pub use blame::{Blame, Replayed};
pub use checks::{Check, CheckKind, CheckResult, Checks, ProcessDetail};
pub use decision::{Action, Decision, Escalation, Scope};
pub use dependencies::{Condition, Dependencies, Dependency, Dependent};
pub use difference::{Difference, ItemChange, ItemDifference, KeyDifference, KeyEffect, Unchanged};
pub use error::{Error, ErrorCode, PROBLEM_TYPE, Problem};
pub use events::{Event, EventKind, EventList};
pub use explain::Explanation;
pub use groups::{Group, GroupList};
pub use host::{
    Ended, Host, HostEnding, KeeperUpgraded, Lack, LastEnd, Left, Ping, Shutdown, UpgradeOrder, Upgrading,
};
pub use logs::{LogItem, LogList, LogStream};
pub use orders::{OrderCause, Outcome, ProcessOrder, ProcessOutcome, Signal};
pub use plugins::{
    Fault, FaultKind, Plugin, PluginChanged, PluginList, PluginOrder, PluginRole, PluginStatus,
    PluginVersion, Quarantine, ViewLink, ViewList,
};
pub use probes::{Liveness, NotReady, Readiness};
pub use process::{Cause, Desired, Exit, Failing, Health, Phase, Process, ProcessType};
pub use reload::{ReloadOrder, ReloadStep, ReloadStepKind, ReloadSummary, ScaleOrder, ScaleOutcome, Scaled};
pub use reproduction::{
    Death, MemoryValue, PluginEvent, PluginInput, PluginSnapshot, Reproduction, SnapshotProcess,
};
pub use state_core::{Backend, BackendFigures, Latency, StateChange, StateCore};
pub use status::{Replicas, Status, StatusPart, VIEW_HEADER};
pub use usage::{ProcessUsage, UsageList, UsagePoint};
