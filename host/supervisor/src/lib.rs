//! Makes it true. Floor 1 of the house: runs the processes and owns their state.
//!
//! | file | owns |
//! |---|---|
//! | `settings` | what holds for all processes, with its defaults; why a supervisor cannot be booted |
//! | `supervisor` | boots the runners, takes orders, brings everything down in order |
//! | `runner` | the task that owns one process: the only writer of its state |
//! | `children` | operating-system processes: starting them and sending signals (the real spawner and the scripted one), orphans, environment files, checks |
//! | `jobs` | the threads for work that blocks |
//! | `panics` | panics of tasks, caught |
//! | `degraded` | what the host lacks at the moment |
//! | `decider` | asks the policies under a deadline, and bounds their answers; the failsafe closes the chain |
//! | `roster` | who runs what: the mailbox and the chain of policies of each process |
//! | `dispatch` | gives orders to runners and waits for what comes of them |
//! | `group` | what concerns more than one: restarts of groups, escalation |
//! | `groups` | who judges whom, changed while processes run |
//! | `replicas` | how many replicas there are |
//! | `fanout` | tells the consumers, each on a thread of its own |
//! | `order` | dependencies: who goes first |
//! | `outlook` | what processes that wait can expect |
//! | `completion` | when it is all over |
//! | `logs` | output: captured, rotated, followed |
//! | `seed` | randomness for judges that have none |
//! | `publisher` | the registry with its bell |
//! | `clock` | the only place that reads a clock |
//! | `spec` | the wanted shape of a process |
//!
//! What is deliberately absent: wasmtime (policies and consumers are ports of `provost-state`), an HTTP
//! library (a readiness GET is a few lines over a socket), serde. No lock is held across I/O, a spawn, a
//! wait or a call of a plugin, and nothing polls: ends of children, commits and orders all wake who waits for them.

mod children;
mod clock;
mod completion;
mod decider;
mod degraded;
mod dispatch;
mod fanout;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod group;
mod groups;
mod jobs;
mod logs;
mod order;
mod outlook;
mod panics;
mod publisher;
mod replicas;
mod roster;
mod runner;
mod seed;
mod settings;
mod spec;
mod supervisor;
mod turns;
#[cfg(test)]
mod virtual_time;

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
pub use jobs::{Jobs, Lane, Lost};
pub use logs::{
    BadPattern, HostLog, LogItem, LogLine, LogPattern, LogQuery, LogReader, LogStream, Logs, NotCleared,
    StoredFiles, StoredLines,
};
pub use outlook::Outlook;
pub use replicas::ReplicaCount;
pub use settings::{BootError, Settings};
pub use spec::{
    Check, CommandLine, Condition, Dependency, Escaped, HealthCheck, LogLimits, ProcessSpec, Readiness,
    ReplicaSet, Stderr, Stdin, StopTo,
};
pub use supervisor::{Prepared, Refusal, Supervisor};
