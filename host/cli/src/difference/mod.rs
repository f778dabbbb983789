//! The difference between what a config asks for and what runs: what is added, removed and changed, key by key. Pure functions;
//! the host calls them with what it runs, and carries out what they return.
//!
//! | room | owns |
//! |---|---|
//! | `wire` | a difference as the API sends it |
//! | `plan` | comparing two shapes |
//! | `wanted` | the shape of a config |
//! | `process` | the keys of a process, and which of them need a restart: the only table of that |
//! | `setup` | the keys of what a process is set to |
//! | `plugin` | the keys of a plugin |
//! | `host` | the keys of the host, and which of them need another host |
//! | `shape` | processes, plugins and settings of the host, key by key |
//! | `words` | values in the words of the config |
//! | `contents` | digests of the files that a config names |

mod contents;
mod host;
mod plan;
mod plugin;
mod process;
mod setup;
mod shape;
#[cfg(test)]
mod tests;
mod wanted;
mod wire;
mod words;

#[cfg(test)]
pub(crate) use contents::Contents;
pub(crate) use contents::{Read, Unread};
pub(crate) use host::HostKeys;
pub(crate) use plan::{Changed, Plan, keys_between};
pub(crate) use plugin::plugin_settings;
pub(crate) use process::{AS_NOW, process_settings, replica_settings, started_with};
pub(crate) use shape::{Effect, Member, PluginShape, ProcessShape, Setting, Shape};
pub(crate) use wanted::{host_keys, wanted};
pub(crate) use wire::difference;
