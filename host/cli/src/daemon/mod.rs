//! The host: `provost up`. There is one host per runtime directory, in the foreground or in the background. This is where the
//! crates are wired together; nothing is decided here.
//!
//! | room | owns |
//! |---|---|
//! | `up` | `provost up`: the foreground and the background |
//! | `serving` | the host while it runs |
//! | `service` | what a host has to do with the one before it, and with its keeper |
//! | `upgrading` | giving the place of the host to another program |
//! | `live` | the config while the host runs: differences, reloads, scaling |
//! | `described` | the host as `status` describes it |
//! | `boot` | the steps before anything is started |
//! | `loading` | loading the plugins at the start of the host |
//! | `plugins` | the wiring of the plugins |
//! | `noted` | what is written down for the next host, beside what the supervisor does |
//! | `ending` | the end of the host, one bounded sequence |
//! | `asked` | everything that can ask the host to stop |
//! | `done` | `--exit-when-done` and `--exit-code-from` |
//! | `keeper` | the keeper of the host |
//! | `service_manager` | what the service manager that has started the host is told |
//! | `keeping` | recreating what is removed from the runtime directory |
//! | `journal` | the journal: what it follows, what wakes it, its end |
//! | `mcp` | the service at `/mcp` |
//! | `web` | the web view at `/` |
//! | `runtime_dir` | the runtime directory, its lock and its socket |
//! | `claim` | the second lock of a host |
//! | `screen` | the output of `up` in the foreground |
//! | `host_log` | the host's own log |
//! | `last_words` | where the host says why it fails |
//! | `detach` | going to the background |
//! | `output` | writers that never block the host |
//! | `errors` | error texts that several of these share |
//! | `limits` | limits on open files and connections |
//! | `heaps` | how much memory the host keeps |
//! | `faults` | faults that tests inject |

mod asked;
mod boot;
mod claim;
mod described;
mod detach;
mod done;
mod ending;
mod errors;
pub(crate) mod faults;
mod heaps;
mod host_log;
mod journal;
mod keeper;
mod keeping;
mod last_words;
mod limits;
mod live;
mod loading;
#[cfg(feature = "mcp")]
mod mcp;
mod noted;
mod output;
pub(crate) mod plugins;
mod runtime_dir;
mod screen;
mod service;
mod service_manager;
mod serving;
mod up;
mod upgrading;
#[cfg(feature = "web")]
mod web;

pub(crate) use claim::{holder, wait_for_socket};
pub(crate) use detach::{Detached, spawn_tied};
pub(crate) use errors::not_listening_hint;
pub(crate) use host_log::HOST_LOG_NAME;
pub(crate) use keeper::{held_beside, keeper_of, keeper_program};
pub(crate) use up::{say_at_last, up};
