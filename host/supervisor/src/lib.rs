//! Makes it true. Floor 1 of the house: runs the processes and owns their state.
//!
//! | room | owns |
//! |---|---|
//! | `fuzzing` | entrances for the fuzzers |
//! | `completion` | when everything has ended |
//! | `outlook` | what processes that wait can expect |
//! | `supervisor` | boots the runners, takes orders, brings everything down in order |
//! | `settings` | what holds for all processes, with its defaults; why a supervisor cannot be booted |
//! | `runner` | the task that owns one process: the only writer of its state |
//! | `shared` | what all runners share |
//! | `groups` | what concerns more than one process: order of starting, groups, replicas, chains of policies |
//! | `mailbox` | what is asked of a runner, and why it may be refused |
//! | `publish` | commits, and the consumers that are told of them, each on a thread of its own |
//! | `decider` | asks the policies under a deadline, and bounds their answers; the failsafe closes the chain |
//! | `logs` | output: captured, rotated, followed |
//! | `children` | operating-system processes: starting them and sending signals (the real spawner and the scripted one), orphans, environment files, checks |
//! | `jobs` | the threads for work that blocks |
//! | `slots` | a semaphore that says whether somebody waits for it |
//! | `panics` | panics of tasks, caught |
//! | `degraded` | what the host lacks at the moment |
//! | `spec` | the wanted shape of a process |
//! | `clock` | the only place that reads a clock |
//!
//! What is deliberately absent: wasmtime (policies and consumers are ports of `provost-state`), an HTTP
//! library (a readiness GET is a few lines over a socket), serde. No lock is held across I/O, a spawn, a
//! wait or a call of a plugin, and nothing polls: ends of children, commits and orders all wake who waits for them.

mod children;
mod clock;
mod completion;
mod decider;
mod degraded;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod groups;
mod jobs;
mod logs;
mod mailbox;
mod outlook;
mod panics;
mod publish;
mod runner;
mod settings;
mod shared;
mod slots;
mod spec;
mod supervisor;

pub use children::leftovers::Leftover;
pub use children::obstacles::{Obstacle, obstacles};
pub use children::posix::hangup_is_ignored;
#[cfg(any(test, feature = "scripted"))]
pub use children::scripted::{Act, Manner, Scripted};
pub use children::stage::{STAGE_NAME, run_if_stage};
pub use children::variables::{VariableError, fill};
pub use clock::{Clock, rfc3339};
pub use completion::Completion;
pub use decider::RestartBudget;
pub use degraded::{Degraded, Trouble};
pub use groups::ReplicaCount;
pub use jobs::{Jobs, Lane, Lost};
pub use logs::{
    BadPattern, HostLog, LogItem, LogLine, LogPattern, LogQuery, LogReader, LogStream, Logs, NotCleared,
    StoredFiles, StoredLines,
};
pub use mailbox::Refusal;
pub use outlook::Outlook;
pub use settings::{BootError, Settings};
pub use spec::{
    Check, CommandLine, Condition, Dependency, Escaped, HealthCheck, LogLimits, ProcessSpec, Readiness,
    ReplicaSet, Stderr, Stdin, StopTo,
};
pub use supervisor::{Prepared, Supervisor};
