//! Makes it true. Floor 1 of the house: runs the processes and owns their state.
//!
//! What is deliberately absent: wasmtime, an HTTP library, serde.

#![forbid(unsafe_code)]

mod spec;

pub use spec::{Check, CommandLine, Condition, Dependency, LogLimits, ProcessSpec, Readiness};
