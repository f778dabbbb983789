//! What this part of the host writes down for the next one, beside what the supervisor does: the config in force, and the
//! plugins that commands have changed.
//!
//! | room | owns |
//! |---|---|
//! | `former` | what a former host has written down |
//! | `plugins` | the plugins that commands have changed, and whom they judge |
//! | `config` | the config in force |

mod config;
mod former;
mod plugins;

pub(super) use config::NotedConfig;
pub(super) use former::FormerHost;
pub(super) use plugins::{NotedPlugins, ToLoad};
