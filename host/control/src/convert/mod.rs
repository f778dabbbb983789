//! Converts the state to values of the API, and nothing back. Every word is matched, so that a new one does not compile until
//! the API has it.
//!
//! | room | owns |
//! |---|---|
//! | `reproduction` | all that a call of a plugin was given |
//! | `explained` | a whole process, its deaths, and a sentence about it |
//! | `events` | changes |
//! | `process` | the words of a process, its exit, and a decision about it |
//! | `checks` | the checks of a process and their last results |
//! | `host` | what the host lacks, what is left, and replicas |
//! | `usage` | the resources that processes use |
//! | `plugins` | plugins, their figures and faults |
//! | `logs` | lines of output |
//! | `figures` | latencies and backends |
//! | `time` | times, corrected for a clock that was set |

mod checks;
mod events;
mod explained;
mod figures;
mod host;
mod logs;
mod plugins;
mod process;
mod reproduction;
mod time;
mod usage;

#[cfg(test)]
mod tests;

pub(crate) use checks::checks;
pub use events::event_kind;
pub(crate) use events::{event, event_of, missed};
pub(crate) use explained::{death, process, sentence};
pub(crate) use figures::{backend, latency};
pub(crate) use host::{lack, left, replicas};
pub use logs::log_item;
pub(crate) use plugins::{blame, plugin};
pub(crate) use process::{cause, desired, exit, health, phase, process_type};
pub use process::{decision, dependency};
pub(crate) use reproduction::reproduction;
pub(crate) use time::{Anchor, Stamp, Wall, time_at};
pub(crate) use usage::{host_usage, process_usage, usage_point, usages};
