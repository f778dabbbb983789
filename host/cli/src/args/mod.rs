//! The command line: the commands, their options, and the help that explains them.
//!
//! | room | owns |
//! |---|---|
//! | `cli` | the commands and their options |
//! | `plugin` | the commands of `provost plugin` |
//! | `token` | the commands of `provost token` |
//! | `format` | how commands print |
//! | `when` | durations and times as people write them |
//! | `word` | names, numbers and patterns |
//! | `advice` | hints for commands and options of other supervisors |

mod advice;
mod cli;
mod format;
mod plugin;
mod token;
mod when;
mod word;

pub(crate) use advice::advice;
pub(crate) use cli::{
    ActArgs, Cli, Command, DiffArgs, DownArgs, EventsArgs, ExplainArgs, LogsArgs, ReloadArgs, ScaleArgs,
    SignalArgs, StateArgs, StateChange, StatusArgs, UpArgs, ValidateArgs, ViewArgs,
};
pub(crate) use format::{LineFormat, TableFormat, ViewFormat};
pub(crate) use plugin::{LimitArgs, LoadArgs, NamedPlugin, PluginCommand};
pub(crate) use token::TokenCommand;
