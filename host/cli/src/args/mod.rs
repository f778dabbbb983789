//! The command line: the commands, their options, and the help that explains them.
//!
//! | room | owns |
//! |---|---|
//! | `cli` | the commands and their options |
//! | `top` | the options of `provost top` |
//! | `explain` | the options of `provost explain` |
//! | `pictures` | the commands that draw: `graph`, `analyze`, `timeline` |
//! | `plugin` | the commands of `provost plugin` |
//! | `dev` | the options of `provost plugin dev` |
//! | `simulate` | the options of `provost plugin simulate` |
//! | `trying` | the options of those commands of `provost plugin` that call a component without a host |
//! | `upgrade` | the options of `provost upgrade` |
//! | `token` | the commands of `provost token` |
//! | `journal` | the commands of `provost journal` |
//! | `registry` | the options of `provost plugin pull` and `push` |
//! | `given` | what a plugin is given: settings, limits, and what its compilation may use |
//! | `format` | how commands print |
//! | `when` | durations and times as people write them |
//! | `word` | names, numbers and patterns |
//! | `advice` | hints for commands and options of other supervisors |

mod advice;
mod cli;
mod dev;
mod explain;
mod format;
mod given;
mod journal;
mod pictures;
mod plugin;
mod registry;
mod simulate;
#[cfg(test)]
mod tests;
mod token;
#[cfg(feature = "top")]
mod top;
mod trying;
mod upgrade;
mod when;
mod word;

pub(crate) use advice::advice;
#[cfg(feature = "mcp")]
pub(crate) use cli::McpArgs;
pub(crate) use cli::{
    AboutArgs, ActArgs, Cli, Command, DiffArgs, DownArgs, EventsArgs, LogsArgs, ReloadArgs, ScaleArgs,
    SignalArgs, StateArgs, StateChange, StatusArgs, UpArgs, ValidateArgs, ViewArgs,
};
pub(crate) use dev::DevArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use format::{GraphFormat, LineFormat, PictureFormat, TableFormat, ViewFormat};
pub(crate) use given::{CompileArgs, LimitArgs, Settings};
pub(crate) use journal::JournalCommand;
pub(crate) use pictures::{AnalyzeArgs, GraphArgs, TimelineArgs};
pub(crate) use plugin::{LoadArgs, NamedPlugin, NewArgs, PluginCommand};
pub(crate) use registry::{PullArgs, PushArgs};
pub(crate) use simulate::SimulateArgs;
pub(crate) use token::TokenCommand;
#[cfg(feature = "top")]
pub(crate) use top::{TopArgs, TopView};
pub(crate) use trying::{BenchArgs, RunArgs, SetupArgs, TestArgs};
pub(crate) use upgrade::UpgradeArgs;
