//! The command line: what can be asked, and the help that explains it.
//!
//! | room | owns |
//! |---|---|
//! | `cli` | the commands and their options |
//! | `plugin` | the commands of `provost plugin` |
//! | `format` | how commands print |
//! | `when` | durations and times as people write them |
//! | `word` | names, numbers and patterns |
//! | `advice` | what somebody may have meant who is used to another supervisor |

mod advice;
mod cli;
mod format;
mod plugin;
mod when;
mod word;

pub(crate) use advice::advice;
pub(crate) use cli::{
    ActArgs, Cli, Command, DownArgs, EventsArgs, ExplainArgs, LogsArgs, SignalArgs, StateArgs, StateChange,
    StatusArgs, UpArgs, ValidateArgs, ViewArgs,
};
pub(crate) use format::{LineFormat, TableFormat, ViewFormat};
pub(crate) use plugin::{LimitArgs, LoadArgs, NamedPlugin, PluginCommand};
