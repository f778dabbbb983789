//! The config file, in two stages: its text becomes typed sections (`sections`), and these become the settings
//! of the host ([`Config`], then specs). All problems are found before anything is done, and reported together.
//!
//! | room | owns |
//! |---|---|
//! | `surroundings` | what a config needs on the machine where it is checked |
//! | `played` | a scenario: what is played |
//! | `specs` | the second stage: what the supervisor runs |
//! | `resolved` | a checked config |
//! | `scenario` | the tables that only the file of a scenario has |
//! | `error` | the errors of reading a config |
//! | `check` | checks across sections |
//! | `cycles` | processes that wait for each other |
//! | `file` | the first stage: the whole file, and `[host]` and `[state]` |
//! | `api` | the first stage of `[api]` |
//! | `journal` | the first stage of `[journal]` |
//! | `process` | the first stage of `[process.NAME]` |
//! | `job` | the first stage of `type` |
//! | `sockets` | the first stage of `sockets` and `watchdog` |
//! | `probe` | the first stage of `ready` and `health` |
//! | `setup` | the first stage of what a process is set to: its user, its priorities |
//! | `limits` | the first stage of `limits` |
//! | `capabilities` | the names of capabilities |
//! | `cgroup` | the first stage of `cgroup` |
//! | `plugin` | the first stage of `[plugins]` |
//! | `command` | the first stage of commands |
//! | `sections` | the sections of the file, typed |
//! | `section` | one table of the file: known keys, and the types of values |
//! | `digest` | the digest of the text of a file |
//! | `outline` | the directories and names of a config that may be wrong |
//! | `find` | the locations of the config, the runtime directory, the logs and the cache |
//! | `read` | the text of a file |
//! | `dialect` | files that are not TOML |
//! | `foreign` | keys of other supervisors |
//! | `settings` | why a plugin refuses its settings |
//! | `places` | the places of keys |
//! | `report` | problems, and how they are shown |
//! | `units` | durations and sizes |

mod api;
pub(crate) mod capabilities;
mod cgroup;
mod check;
mod command;
mod cycles;
mod dialect;
mod digest;
mod error;
mod file;
mod find;
mod foreign;
mod job;
mod journal;
pub(crate) mod limits;
mod outline;
mod places;
mod played;
mod plugin;
mod probe;
mod process;
mod read;
mod report;
mod resolved;
mod scenario;
mod section;
mod sections;
mod settings;
mod setup;
mod sockets;
mod specs;
mod surroundings;
pub(crate) mod units;

pub use crate::compiling::CompileLimits;
pub(crate) use digest::{digest, digest_of_file};
pub use error::ConfigError;
pub(crate) use file::document;
pub(crate) use find::KEEPER_SOCKET_NAME;
pub use find::{CONFIG_NAME, NotFound, SOCKET_NAME, find_nearest};
pub(crate) use find::{absolute, cache_dir, usual_store};
pub(crate) use outline::{Names, Outline};
pub(crate) use played::ScenarioFile;
pub(crate) use plugin::{read_grants, read_limits, read_settings};
pub(crate) use report::{Collector, choices};
pub use report::{Place, Problem, Problems, SourceFile};
pub(crate) use resolved::ApiConfig;
pub use resolved::Config;
pub(crate) use scenario::SUBJECT;
pub(crate) use section::Section;
pub(crate) use specs::Draft;
pub use specs::Processes;
