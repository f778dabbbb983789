//! The commands and their options, and the help that explains them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use provost_state::Backend;
use provost_state::Signal;

use super::explain::{self, ExplainArgs};
use super::format::{LineFormat, TableFormat, ViewFormat};
use super::journal::JournalCommand;
use super::pictures::{self, AnalyzeArgs, GraphArgs, TimelineArgs};
use super::plugin::PluginCommand;
use super::token::TokenCommand;
use super::upgrade::UpgradeArgs;
use super::when::{self, duration_ms};
use super::word::{self, pattern};
use crate::past::WantedKind;
use crate::render::style::ColorWhen;

const EXAMPLES: &str = "\
Examples:
  provost up                         run provost.toml here, in the foreground
  provost up --detach --wait         in the background, until all is up
  provost status                     what is running, and why the rest is not
  provost restart web --wait         and return when it is ready again
  provost logs -f web                follow its output
  provost explain web                why is it in this state?
  provost reload                     apply what has changed in provost.toml
  provost down                       stop everything

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 not running.";

/// The heading of the options that every command takes.
const GLOBAL: &str = "Options of all commands";

const ORDERS: &str = "\
Examples:
  provost restart web 'workers:*'    one process and one group
  provost restart web --wait         and return when it is ready again

Without --wait the command returns as soon as the host has accepted the order.
Exits with 1 if any part of the order failed.";

/// A process supervisor whose judgement is pluggable: WebAssembly policies decide every restart.
#[derive(Debug, Parser)]
#[command(name = "provost", version, after_help = EXAMPLES, max_term_width = 80)]
pub(crate) struct Cli {
    /// The config. By default `provost.toml` in this directory or, for a running host, in the nearest one above it.
    #[arg(short = 'c', long = "config", global = true, value_name = "CONFIG", help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,

    /// The socket of the running host. By default it is found through the config.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "PROVOST_SOCKET",
        hide_env_values = true,
        help_heading = GLOBAL
    )]
    pub(crate) socket: Option<PathBuf>,

    /// When to use colours. NO_COLOR is respected.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = GLOBAL)]
    pub(crate) color: ColorWhen,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host and all its processes.
    #[command(after_help = "\
In the foreground the output of all processes is shown. Ctrl-C stops them in
reverse order of their dependencies; a second Ctrl-C kills them at once.

Exit codes: 1 if a process is left running at the end; else the code with which
a policy shut the host down; else that of `--exit-code-from`, or with
`--exit-when-done` 1 if a process failed; else 0, also when the host is asked to
stop.")]
    Up(UpArgs),
    /// Stop all processes and the host.
    Down(DownArgs),
    /// Show processes and plugins.
    #[command(after_help = "\
Examples:
  provost status                     everything
  provost status web 'workers:*'     one process and one group
  provost status -o json | jq .generation

Exits with 0 when it can show everything, whatever state that is in. With names
it exits with 3 if one of them is not running (stopped, waiting, in backoff,
exited or fatal); a job that is done counts as running.")]
    Status(StatusArgs),
    /// Start processes. Their failures are forgotten.
    #[command(after_help = ORDERS)]
    Start(ActArgs),
    /// Stop processes, and keep them stopped.
    #[command(after_help = ORDERS)]
    Stop(ActArgs),
    /// Stop processes if they run, and start them.
    #[command(after_help = ORDERS)]
    Restart(ActArgs),
    /// Send a signal to the process groups of processes.
    #[command(after_help = "\
Example:
  provost signal HUP web

Exits with 3 if none of the processes that were named is running.")]
    Signal(SignalArgs),
    /// Show what a reload would change.
    #[command(after_help = "\
Compares what runs with the config, or with the one that `-c` names: processes,
plugins and settings of the host, key by key. What was changed at run time, such
as a plugin that was swapped or a number of replicas, is included. Values of
variables are compared, but not shown.

Exits like diff: 0 if nothing differs, 1 if something does, 2 if the config has
errors or the host cannot find out, and 3 if no host is running.")]
    Diff(DiffArgs),
    /// Apply the config to the running host: what differs, and nothing else.
    #[command(after_help = "\
Examples:
  provost reload --dry-run           what would change?
  provost reload --wait              and return when everything is up
  provost reload --no-restart        restart nothing: old values until then

Everything is checked first; a reload that is refused changes nothing. If a step
fails, the others go on, and another reload does what remains. SIGHUP reloads,
too. docs/processes.md says which keys need a restart.

Exits with 1 if a step has failed, and with 2 if the config was refused. With
--dry-run it is the command `diff`.")]
    Reload(ReloadArgs),
    /// Replace the running host by another version of provost; all processes go on.
    #[command(after_help = super::upgrade::EXAMPLES)]
    Upgrade(UpgradeArgs),
    /// Say what this program is, for a host that is to be replaced by it.
    #[command(hide = true)]
    About(AboutArgs),
    /// Set the number of replicas of processes until the next reload.
    #[command(after_help = "\
Example:
  provost scale web=3 worker=0

The number may be outside of the bounds of the config, and no policy changes it.
`provost diff` shows it with the line of the config that would keep it.")]
    Scale(ScaleArgs),
    /// Watch everything live in the terminal: processes, logs, plugins, events.
    #[cfg(feature = "top")]
    #[command(after_help = super::top::EXAMPLES)]
    Top(super::top::TopArgs),
    /// Show the output of processes, or the host's own log.
    #[command(after_help = "\
Examples:
  provost logs web                   the last 100 lines
  provost logs -f -n 0 all           what everything prints from now on
  provost logs --since 10m web       all lines of the last ten minutes
  provost logs -n 5 --grep error all the last five lines of each with `error`
  provost logs --host                what the host itself logged
  provost logs --plugin notify       what a plugin logged

Without a running host the log files are read, and a note says so.")]
    Logs(LogsArgs),
    /// Show what happened: exits, decisions, starts.
    #[command(after_help = "\
Examples:
  provost events                     what the running host remembers
  provost events --since 1h web      from the journal, also of earlier hosts
  provost events --kind exited --since 2026-11-25

Without a running host the journal is read, and a note says so.")]
    Events(EventsArgs),
    /// Explain why a process is in its state: the chain of causes and decisions.
    #[command(after_help = explain::EXPLAIN)]
    Explain(ExplainArgs),
    /// Check, export and count the journal: what happened, on the disk.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Serve a client of the Model Context Protocol on standard input and output.
    #[cfg(feature = "mcp")]
    #[command(after_help = "\
Clients start this command themselves; docs/mcp.md says how each is configured,
what the tools are, and what to consider before changes are allowed.

It continues when the host ends, and works again when a host is back.")]
    Mcp(McpArgs),
    /// Draw which process waits for which before it is started.
    #[command(after_help = pictures::GRAPH)]
    Graph(GraphArgs),
    /// Show how long the start of the host took, and who waited for whom.
    #[command(after_help = pictures::ANALYZE)]
    Analyze(AnalyzeArgs),
    /// Show the incarnations of a process, its decisions, readiness and health over time.
    #[command(after_help = pictures::TIMELINE)]
    Timeline(TimelineArgs),
    /// Show the state of the host as a plugin renders it.
    #[command(after_help = "\
Example:
  provost view prometheus metrics")]
    View(ViewArgs),
    /// Show the backends of the state core, or change the active one at run time.
    #[command(after_help = "\
Examples:
  provost state                      the active one, and what each has done
  provost state backend dual         run both, and compare their results
  provost state rollout 10           atomic for 10 % of the processes
  provost state backend locked       the emergency rollback

Nothing is restarted, and no change is lost.")]
    State(StateArgs),
    /// List, load, swap, inspect and build plugins.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Make, list and revoke the tokens of the API over TCP.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Check a config and its plugins without starting or changing anything.
    #[command(after_help = "\
Whatever keeps the host from starting is an error. A missing program, directory
or environment file is a warning: the processes may run on another machine, or
it may exist by the time they start.

Exits with 2 if there are errors, or with --strict also if there are warnings.")]
    Validate(ValidateArgs),
    /// Print the JSON Schema of a config, with which editors complete and check it.
    #[command(after_help = "\
Examples:
  provost schema > provost.schema.json
  provost schema -c provost.toml > provost.schema.json

With -c, the settings of each plugin of that config are described as its
component describes them. The first line of a config names the file for editors:

  #:schema ./provost.schema.json")]
    Schema,
    /// Print the script that completes commands and names in a shell.
    #[command(after_help = "\
Examples:
  source <(provost completions bash)        in ~/.bashrc
  source <(provost completions zsh)         in ~/.zshrc
  provost completions fish | source         in ~/.config/fish/config.fish

The names are those of the running host, or else of the config.")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    /// Go to the background once everything is set up.
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// With --detach: return when all processes that the host starts are ready and all jobs are done. Fails as soon as the
    /// remaining ones can no longer come up; the host goes on either way.
    #[arg(short, long, requires = "detach")]
    pub(crate) wait: bool,
    /// How long to wait with `--wait`.
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
    /// End the host when nothing runs and nothing will run again: all processes are stopped, have ended for good or are
    /// fatal. Exits with 1 if one of them has failed.
    #[arg(long)]
    pub(crate) exit_when_done: bool,
    /// End the host when this process has ended for good, and exit with its exit code (128 + N if signal N killed it).
    #[arg(long, value_name = "PROCESS", value_parser = word::name)]
    pub(crate) exit_code_from: Option<String>,
    /// An internal option, which `--detach` sets for the process in the background.
    #[arg(long, hide = true, conflicts_with = "detach")]
    pub(crate) background: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DownArgs {
    /// How long to wait for the host to end. It continues to stop afterwards.
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// Treat warnings as errors.
    #[arg(long)]
    pub(crate) strict: bool,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Names, `GROUP:*` or `all` (default).
    #[arg(value_name = "TARGET", value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: TableFormat,
}

#[derive(Args, Debug)]
pub(crate) struct ActArgs {
    /// Names, `GROUP:*` or `all`.
    #[arg(value_name = "TARGET", required = true, value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// Return when they are started and ready, or stopped; jobs, when they have succeeded. Fails as soon as that is
    /// impossible.
    #[arg(short, long)]
    pub(crate) wait: bool,
    /// How long to wait with `--wait`.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: TableFormat,
}

#[derive(Args, Debug)]
pub(crate) struct ReloadArgs {
    /// Only show what would change.
    #[arg(long, conflicts_with_all = ["no_restart", "wait"])]
    pub(crate) dry_run: bool,
    /// Restart nothing: processes that a change would restart keep their old values until their next start.
    #[arg(long)]
    pub(crate) no_restart: bool,
    /// Return when everything that was started is up. Fails if a process cannot come up.
    #[arg(short, long)]
    pub(crate) wait: bool,
    /// How long to wait with `--wait`.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
    /// The output format; as JSON, each step is a line.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct AboutArgs {
    /// Write the program of the keeper that this program carries to standard output instead.
    #[arg(long)]
    pub(crate) keeper: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ScaleArgs {
    /// A process with replicas and their number, such as web=3.
    #[arg(value_name = "PROCESS=COUNT", required = true, value_parser = word::replicas)]
    pub(crate) replicas: Vec<(String, u32)>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct SignalArgs {
    /// A name such as HUP or SIGHUP, or a number.
    #[arg(value_name = "SIGNAL")]
    pub(crate) signal: Signal,
    /// Names, `GROUP:*` or `all`.
    #[arg(value_name = "TARGET", required = true, value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// Names, `GROUP:*` or `all`.
    #[arg(value_name = "TARGET", required_unless_present_any = ["host", "plugin"], value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// Show the host's own log instead.
    #[arg(long, conflicts_with_all = ["targets", "plugin"])]
    pub(crate) host: bool,
    /// Show what a plugin has logged, from the host's own log.
    #[arg(long, value_name = "NAME", conflicts_with = "targets", value_parser = word::name)]
    pub(crate) plugin: Option<String>,
    /// Keep printing new lines as they come.
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// How many of the last lines of each process to show. By default 100, or all of them with --since.
    #[arg(short = 'n', long = "lines", value_name = "N", value_parser = word::lines, allow_hyphen_values = true)]
    pub(crate) lines: Option<usize>,
    /// Show only lines of this time or later: 10m (ago), 14:05, 2026-11-25, 2026-11-25T14:05:30Z.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true)]
    pub(crate) since: Option<u64>,
    /// Show only lines before this time.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true, conflicts_with = "follow")]
    pub(crate) until: Option<u64>,
    /// Show only lines that match this regular expression.
    #[arg(long, value_name = "PATTERN", value_parser = pattern, allow_hyphen_values = true)]
    pub(crate) grep: Option<String>,
    /// Delete what the logs of the processes hold, instead of showing it. New output is kept as before.
    #[arg(long, conflicts_with_all = [
        "host", "plugin", "follow", "lines", "since", "until", "grep", "timestamps", "raw",
    ])]
    pub(crate) clear: bool,
    /// Show the time of each line with its offset from UTC.
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// Print the bytes of the lines as they are, including terminal control sequences.
    #[arg(long, conflicts_with_all = ["timestamps", "output"])]
    pub(crate) raw: bool,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[cfg(feature = "mcp")]
#[derive(Args, Debug)]
pub(crate) struct McpArgs {
    /// Offer the tools that start, stop, restart and signal processes, reload the config and change plugins.
    #[arg(long)]
    pub(crate) allow_changes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EventsArgs {
    /// Names, `GROUP:*` or `all` (default).
    #[arg(value_name = "TARGET", value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// Keep printing new events as they come.
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// Show events of this time or later, from the journal: 10m (ago), 14:05, 2026-11-25, 2026-11-25T14:05:30Z.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true)]
    pub(crate) since: Option<u64>,
    /// Show events before this time, from the journal.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true, conflicts_with = "follow")]
    pub(crate) until: Option<u64>,
    /// Show only events of processes with this name, which may be of the past; may be repeated.
    #[arg(long = "name", value_name = "PROCESS", value_parser = word::name)]
    pub(crate) names: Vec<String>,
    /// Show only events of this kind, such as exited, decision or order; may be repeated.
    #[arg(long = "kind", value_name = "KIND")]
    pub(crate) kinds: Vec<WantedKind>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    pub(crate) change: Option<StateChange>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum StateChange {
    /// Activate another backend: atomic, locked or dual.
    Backend {
        /// atomic, locked or dual.
        #[arg(value_name = "BACKEND")]
        backend: Backend,
    },
    /// Set the percentage of the processes that are on atomic.
    Rollout {
        /// 0 to 100.
        #[arg(value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
        percent: u64,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ViewArgs {
    /// The plugin.
    #[arg(value_name = "PLUGIN", value_parser = word::name)]
    pub(crate) plugin: String,
    /// What to render, as the plugin understands it; may have a `?query`.
    #[arg(value_name = "PATH", default_value = "", value_hint = clap::ValueHint::Other)]
    pub(crate) path: String,
    /// The output format. By default text on a terminal and raw elsewhere.
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    pub(crate) output: Option<ViewFormat>,
}
