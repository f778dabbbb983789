//! The tools: what each is called, what it takes and returns, who may use it, and what it does.
//!
//! | room | owns |
//! |---|---|
//! | `list` | all tools |
//! | `scripts` | other names of some tools, which clients of other servers know |
//! | `orders` | starting, stopping, restarting and signalling processes |
//! | `processes` | processes as they are |
//! | `logs` | searching and reading output |
//! | `events` | changes, and why a process is in its state |
//! | `figures` | what processes use, and the state core |
//! | `config` | the config: differences and reloading |
//! | `plugins` | plugins and changes of them |
//! | `entry` | a tool |
//! | `schema` | schemas of arguments and results |

mod config;
mod entry;
mod events;
mod figures;
mod list;
mod logs;
mod orders;
mod plugins;
mod processes;
mod schema;
mod scripts;

pub(crate) use entry::ToolEntry;
pub(crate) use list::{all, named};
pub(crate) use processes::row;
