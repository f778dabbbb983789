//! Floor 1: runs the processes and owns their state.
//!
//! | room | owns |
//! |---|---|
//! | `fuzzing` | entry points for the fuzzers |
//! | `completion` | waiting until everything, or one process, has ended for good |
//! | `outlook` | whether waiting processes can still start, and why not |
//! | `supervisor` | boots the runners, passes orders on, changes what is supervised, shuts everything down in order |
//! | `judges` | asking policies without a supervisor, for a benchmark |
//! | `settings` | the settings for all processes, with their defaults; the errors of a boot |
//! | `runner` | the task that owns one process: the only writer of its state |
//! | `shared` | what all runners share |
//! | `groups` | what concerns more than one process: start order, groups, replica sets, policy chains |
//! | `mailbox` | orders to a runner, and why one may be refused |
//! | `decider` | asks the policies under a deadline, and bounds their answers; the failsafe closes the chain |
//! | `publish` | commits, the consumers that are notified of them, each on its own thread, and notes for the recorder |
//! | `usage` | the resources that processes use: the last samples, their history, the task that takes them |
//! | `logs` | output: captured, rotated, followed |
//! | `children` | operating-system processes: starting and signalling them (the real spawner and the scripted one), orphans, environment files, checks |
//! | `adoption` | what a host finds of the one before it |
//! | `stash` | what another host needs to go on, written down as it changes |
//! | `disk_copy` | a file on a disk that follows what is in memory |
//! | `jobs` | the threads for blocking work |
//! | `slots` | a semaphore that knows whether a task waits for it |
//! | `panics` | catching panics of tasks |
//! | `degraded` | what the host is short of at the moment |
//! | `gave` | what is kept of the variables that environment files gave |
//! | `spec` | the requested configuration of a process |
//! | `activation` | the sockets that are opened for a process before it starts |
//! | `setup` | what a process is set to before its program is executed |
//! | `digest` | a number that stands for a value |
//! | `clock` | the only place that reads the clocks of `std` |
//! | `steps` | the steps at which a test may end the host |
//!
//! Deliberately absent: wasmtime (policies and consumers are ports of `provost-state`), an HTTP library (a readiness
//! GET is a few lines over a socket) and serde. No lock is held across I/O, a spawn, a wait or a call of a plugin. An
//! exit, a commit and an order each wake the tasks that wait for it; descendants that the host cannot watch are polled
//! (`children/life.rs`).

mod activation;
mod adoption;
mod children;
mod clock;
mod completion;
mod decider;
mod degraded;
mod digest;
mod disk_copy;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gave;
mod groups;
mod jobs;
mod judges;
mod logs;
mod mailbox;
mod outlook;
mod panics;
mod publish;
mod runner;
mod settings;
mod setup;
mod shared;
mod slots;
mod spec;
mod stash;
mod steps;
mod supervisor;
mod usage;

pub use activation::{SocketAddress, SocketKind, SocketSpec};
pub use adoption::{Adopted, Held, HeldEnd};
pub use children::cgroups::CgroupPlace;
pub use children::family::RUNTIME_DIR_VARIABLE;
pub use children::keeper::{
    Farewell, Greeting, HandedOver, Holding, HostEnding, Keeper, LastEnd, LastWords, NotGreeted,
    NotHandedOver, PROTOCOL_VERSIONS, Recovered, RunningKeeper, Served, TABLE_VERSIONS, Unfit,
};
pub use children::leftovers::Leftover;
pub use children::obstacles::{Obstacle, obstacles};
#[cfg(any(test, feature = "scripted"))]
pub use children::scripted::{Act, Director, Ending, Manner, Part, Scripted};
pub use children::spawned_with::SpawnedWith;
pub use children::stage::StageProgram;
pub use children::variables::{VariableError, fill};
pub use clock::{Clock, Stamp, boot_id, rfc3339};
pub use completion::Completion;
pub use decider::RestartBudget;
pub use degraded::{Degraded, Trouble};
pub use groups::{Listing, ReplicaCount, Tried};
pub use jobs::{Jobs, Lane, Lost};
pub use judges::Judges;
pub use logs::{
    BadPattern, HOST_LOG, HostLog, LogItem, LogLine, LogPattern, LogQuery, LogReader, LogStream, Logs, Mark,
    NoPositions, NotCleared, POSITIONS_MAX, Positions, StoredFiles, StoredLines,
};
pub use mailbox::{Motive, Refusal};
pub use outlook::Outlook;
pub use panics::unpanicked;
pub use provost_keeper::HOST_VARIABLE as KEEPER_VARIABLE;
pub use provost_keeper::stage::{STAGE_NAME, run_if_stage};
pub use provost_posix::{bound_heaps, hangup_is_ignored, peer_of, trim_heaps};
pub use publish::Commits;
pub use settings::{BootError, Settings};
pub use setup::{CapabilitySets, CgroupSpec, IoPriority, Limit, Limited, Setup};
pub use spec::{
    Check, CommandLine, Condition, Dependency, Escaped, HealthCheck, LogLimits, ProcessSpec, Readiness,
    ReplicaSet, Stderr, Stdin, StopTo,
};
#[cfg(any(test, feature = "scripted"))]
pub use stash::Gate;
pub use stash::{FormerStash, STASH_VERSIONS, Stash, StashKeeper, StashKept};
#[cfg(any(test, feature = "scripted"))]
pub use supervisor::Census;
pub use supervisor::{Changing, NotAdded, NotScaled, Prepared, Supervisor};
pub use usage::{ProcessUsage, UsagePoint, Usages};
