//! The command line: what can be asked, and the help that explains it.

mod plugin;
mod when;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use provost_state::Backend;
use provost_state::Signal;

use crate::config::units;

pub(crate) use plugin::{LimitArgs, LoadArgs, NamedPlugin, PluginCommand};

const EXAMPLES: &str = "\
Examples:
  provost up                         run provost.toml here, in the foreground
  provost up --detach                the same, in the background
  provost status                     what is running, and why the rest is not
  provost restart web --wait         and return when it is ready again
  provost logs -f web                follow its output
  provost explain web                why is it in this state?
  provost down                       stop everything

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 not running.";

/// A process supervisor whose judgement is pluggable: WebAssembly policies decide every restart.
#[derive(Debug, Parser)]
#[command(name = "provost", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// The config; by default `provost.toml` here, or, for a running host, in the nearest directory above.
    #[arg(short = 'c', long = "config", global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The control socket of the running host; by default it is found through the config.
    #[arg(long, global = true, value_name = "PATH", env = "PROVOST_SOCKET", hide_env_values = true)]
    pub(crate) socket: Option<PathBuf>,

    /// When to use colours; NO_COLOR is respected.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host and all its processes.
    #[command(after_help = "\
In the foreground the output of all processes is shown; Ctrl-C stops them in reverse order of their
dependencies, a second Ctrl-C kills them at once.

Exit codes: 1 if something of the processes is left at the end; else the code that a policy shuts the
host down with; else that of `--exit-code-from`, or 1 if a process has failed by `--exit-when-done`;
else 0, also when it is told to stop.")]
    Up(UpArgs),
    /// Stop all processes and the host.
    Down(DownArgs),
    /// Show processes and plugins.
    #[command(after_help = "\
Examples:
  provost status                     everything
  provost status web 'workers:*'     one process and one group
  provost status -o json | jq .generation

Exits with 0 when it can show everything, whatever state that is in. With names it exits with 3 if one
of them is not running (stopped, waiting, in backoff, exited or fatal); a job that is done counts as
running.")]
    Status(StatusArgs),
    /// Start processes; forgets their failures.
    Start(ActArgs),
    /// Stop processes, and keep them down.
    Stop(ActArgs),
    /// Stop processes if they run, and start them.
    Restart(ActArgs),
    /// Send a signal to the process groups of processes.
    #[command(after_help = "Example: provost signal HUP web")]
    Signal(SignalArgs),
    /// Show the output of processes, or the host's own log.
    #[command(after_help = "\
Examples:
  provost logs web                   the last 100 lines
  provost logs -f -n 0 all           what everything prints from now on
  provost logs --since 10m web       all lines of the last ten minutes
  provost logs -n 5 --grep error all the last five lines of each with `error`
  provost logs --host                what the host itself said
  provost logs --plugin notify       what a plugin said

Without a running host the log files are read, and a note says so.")]
    Logs(LogsArgs),
    /// Show what happened: exits, decisions, starts.
    Events(EventsArgs),
    /// Say why a process is in its state: the chain of causes and decisions.
    Explain(ExplainArgs),
    /// Let a plugin render the state of the host.
    #[command(after_help = "Example: provost view prometheus metrics")]
    View(ViewArgs),
    /// Show the backends of the state core, or change the one in force, under way.
    #[command(after_help = "\
Examples:
  provost state                      which is in force, and what each has done
  provost state backend dual         run both, and compare every commit and read
  provost state rollout 10           atomic for 10 % of the processes, locked for the rest
  provost state backend locked       the emergency rollback

Nothing is restarted, and no change is lost.")]
    State(StateArgs),
    /// List, load, swap, inspect and build plugins.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Check a config and its plugins without running anything.
    Validate,
    /// Print completions for a shell.
    #[command(
        after_help = "Example: provost completions bash > ~/.local/share/bash-completion/completions/provost"
    )]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct UpArgs {
    /// Go to the background when everything is set up.
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// End the host when nothing runs any more and nothing will: all processes are stopped, have ended for good or are
    /// fatal. Exits with 1 if one of them has failed.
    #[arg(long)]
    pub(crate) exit_when_done: bool,
    /// End the host when this process has ended for good, and exit with its exit code (128 + N if signal N killed it).
    #[arg(long, value_name = "NAME")]
    pub(crate) exit_code_from: Option<String>,
    /// Set by `--detach` for the process in the background.
    #[arg(long, hide = true, conflicts_with = "detach")]
    pub(crate) background: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DownArgs {
    /// How long to wait for the end; the host goes on stopping afterwards.
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
}

/// How a reading command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// A table.
    Table,
    /// A table with more columns.
    Wide,
    /// JSON with documented, stable fields.
    Json,
}

/// How a command that prints lines prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Names, `GROUP:*` or `all` (default).
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// How to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: TableFormat,
}

#[derive(Args, Debug)]
pub(crate) struct ActArgs {
    /// Names, `GROUP:*` or `all`.
    #[arg(value_name = "TARGET", required = true)]
    pub(crate) targets: Vec<String>,
    /// Return when it is so: started and ready, a job: ended with a success, or stopped. Fails at once when it cannot
    /// come about any more.
    #[arg(short, long)]
    pub(crate) wait: bool,
    /// How long to wait with `--wait`.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
}

#[derive(Args, Debug)]
pub(crate) struct SignalArgs {
    /// A name such as HUP or SIGHUP, or a number.
    #[arg(value_name = "SIGNAL")]
    pub(crate) signal: Signal,
    /// Names, `GROUP:*` or `all`.
    #[arg(value_name = "TARGET", required = true)]
    pub(crate) targets: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct LogsArgs {
    /// Names, `GROUP:*` or `all`.
    #[arg(value_name = "TARGET", required_unless_present_any = ["host", "plugin"])]
    pub(crate) targets: Vec<String>,
    /// Show the host's own log instead.
    #[arg(long, conflicts_with_all = ["targets", "plugin"])]
    pub(crate) host: bool,
    /// Show what a plugin has said, from the host's own log.
    #[arg(long, value_name = "NAME", conflicts_with = "targets")]
    pub(crate) plugin: Option<String>,
    /// Go on with what is printed from now on.
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// How many of the last lines of each process. By default 100, or all of them with --since.
    #[arg(short = 'n', long = "lines", value_name = "N")]
    pub(crate) lines: Option<usize>,
    /// Only lines of this time or later: 10m (ago), 14:05, 2026-11-25, 2026-11-25T14:05:30Z.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms)]
    pub(crate) since: Option<u64>,
    /// Only lines of before this time.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms, conflicts_with = "follow")]
    pub(crate) until: Option<u64>,
    /// Only lines in which this regular expression is found.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub(crate) grep: Option<String>,
    /// With the time of each line and its offset from UTC.
    #[arg(short, long)]
    pub(crate) timestamps: bool,
    /// Print the bytes of the lines as they are, also those that a terminal obeys.
    #[arg(long, conflicts_with_all = ["timestamps", "output"])]
    pub(crate) raw: bool,
    /// How to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct EventsArgs {
    /// Names, `GROUP:*` or `all` (default).
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Go on with what happens from now on.
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// How to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The process.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// How to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    pub(crate) change: Option<StateChange>,
    /// How to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum StateChange {
    /// Put another backend in force: atomic, locked or dual.
    Backend {
        /// atomic, locked or dual.
        #[arg(value_name = "BACKEND")]
        backend: Backend,
    },
    /// How many percent of the processes are on atomic.
    Rollout {
        /// 0 to 100.
        #[arg(value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
        percent: u64,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ViewArgs {
    /// The plugin.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// What to render, as the plugin understands it; may have a `?query`.
    #[arg(value_name = "PATH", default_value = "")]
    pub(crate) path: String,
    /// How to print it; text on a terminal and raw elsewhere, unless it is said.
    #[arg(short, long, value_name = "FORMAT", value_enum)]
    pub(crate) output: Option<ViewFormat>,
}

/// How a view is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewFormat {
    /// Without anything that a terminal would obey.
    Text,
    /// The bytes as the plugin rendered them.
    Raw,
}

/// A regular expression that the host will take.
fn pattern(text: &str) -> Result<String, String> {
    match provost_supervisor::LogPattern::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn duration_ms(text: &str) -> Result<u64, String> {
    units::duration_ms(text).ok_or_else(|| units::DURATION_HINT.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn f_means_follow_and_never_a_file() {
        let logs = Cli::try_parse_from(["provost", "logs", "-f", "-n", "0", "web"]).unwrap();
        assert!(matches!(logs.command, Command::Logs(LogsArgs { follow: true, lines: Some(0), .. })));
        assert!(Cli::try_parse_from(["provost", "up", "-f", "x.toml"]).is_err());
    }

    #[test]
    fn a_bad_duration_or_signal_is_refused() {
        assert!(Cli::try_parse_from(["provost", "down", "--timeout", "soon"]).is_err());
        assert!(Cli::try_parse_from(["provost", "signal", "NOPE", "web"]).is_err());
        assert!(Cli::try_parse_from(["provost", "signal", "sigusr1", "web"]).is_ok());
    }

    #[test]
    fn c_names_the_config_of_every_command_and_stands_anywhere() {
        for line in [
            "provost -c x.toml up",
            "provost up -c x.toml",
            "provost up --config x.toml",
            "provost validate -c x.toml",
            "provost logs -f -c x.toml web",
            "provost events -fc x.toml",
            "provost state backend dual -c x.toml",
            "provost state -c x.toml backend dual",
            "provost plugin list -c x.toml",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.config.as_deref(), Some(Path::new("x.toml")), "{line}");
        }
    }

    #[test]
    fn settings_are_a_json_object() {
        let load =
            |settings| Cli::try_parse_from(["provost", "plugin", "load", "a", "b", "--settings", settings]);
        assert!(load("{\"tries\": 3}").is_ok());
        let told = load("[1]").unwrap_err().to_string();
        assert!(told.contains("settings are a JSON object"), "{told}");
    }
}
