//! Makes it true. Floor 1 of the house: runs the processes and owns their state.
//!
//! | file | owns |
//! |---|---|
//! | `supervisor` | boots the runners, takes orders, brings everything down in order |
//! | `runner` | the task that owns one process: the only writer of its state |
//! | `spawn` | starting children and telling them things: the real one and the scripted one |
//! | `reaper` | orphans |
//! | `decider` | asks the policies under a deadline; the failsafe closes the chain |
//! | `fanout` | tells the consumers, each on a thread of its own |
//! | `probe` | readiness |
//! | `order` | dependencies: who goes first |
//! | `logs` | output: captured, rotated, followed |
//! | `publisher` | the registry with its bell |
//! | `clock` | the only place that reads a clock |
//! | `spec` | the wanted shape of a process |
//!
//! What is deliberately absent: wasmtime (policies and consumers are ports of `provost-state`), an HTTP
//! library (a readiness GET is a few lines over a socket), serde. No lock is held across I/O, a spawn, a
//! wait or a call of a plugin, and nothing polls: ends of children, commits and orders all wake who waits for them.

mod clock;
mod decider;
mod env_file;
mod fanout;
mod logs;
mod order;
mod probe;
mod publisher;
mod reaper;
mod runner;
mod spawn;
mod spec;
mod supervisor;
#[cfg(test)]
mod virtual_time;

pub use clock::Clock;
pub use logs::{LogItem, LogLine, LogStream, Logs};
pub use order::cycle;
#[cfg(any(test, feature = "scripted"))]
pub use spawn::scripted::{Act, Manner, Scripted};
pub use spec::{Check, CommandLine, Condition, Dependency, LogLimits, ProcessSpec, Readiness};
pub use supervisor::{BootError, Refusal, Settings, Supervisor};
