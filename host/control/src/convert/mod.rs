//! The state as values of the API, and nothing the other way. Every word is matched, so that a new one does not compile until
//! the API has it.
//!
//! | room | owns |
//! |---|---|
//! | `events` | changes |
//! | `process` | a process, its exit, and a decision about it |
//! | `host` | what the host lacks, what is left, and replicas |
//! | `plugins` | plugins, their figures and faults |
//! | `logs` | lines of output |
//! | `figures` | how long something took, and backends |
//! | `time` | times by a clock that may have been set |

mod events;
mod figures;
mod host;
mod logs;
mod plugins;
mod process;
mod time;

#[cfg(test)]
mod tests;

pub(crate) use events::{event, missed};
pub(crate) use figures::{backend, latency};
pub(crate) use host::{lack, left, replicas};
pub use logs::log_item;
pub(crate) use plugins::{blame, plugin};
pub use process::decision;
pub(crate) use process::{phase, process};
pub(crate) use time::time_at;
