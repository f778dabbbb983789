//! The options of the commands of `provost plugin` that need no host and call a component: `run`, `test`, `bench`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use provost_plugin_host::{Grant, Limit, Role};
use provost_state::Exit;

use super::format::LineFormat;
use super::given::{CompileArgs, Settings, limit, settings};
use super::when::{duration_ms, unix_ms};
use super::word::name;
use crate::trying::{self, Stored};

/// The end of the help of `plugin run`.
pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  provost plugin run bundled:backoff --exit 7 --failures 3 --uptime 2s
  provost plugin run judge.wasm --settings @settings.json --snapshot status.json
  provost plugin run judge.wasm --input blame.json
  provost plugin run judge.wasm --memory count=3 --memory @memory.json
  provost plugin run pulse.wasm --role health-policy --set passed=false

Snapshots are printed by `provost status -o json`, inputs by `provost plugin
blame NAME -o json`. docs/plugin-tools.md lists what `--set` takes.

Exits with 1 if the component is refused or the call fails.";

/// The end of the help of `plugin test`.
pub(super) const TEST_EXAMPLES: &str = "\
Examples:
  provost plugin test                    the project in this folder
  provost plugin test plugins/backoff --no-native
  provost plugin test --component other.wasm

Vectors are in tests/vectors/*.toml; docs/plugin-tools.md describes them. Each
is asked three times, to see whether the component is pure. Scenarios are in
scenarios/*.toml; they are played as by `provost plugin simulate`.

Exits with 1 if a test or a vector fails, or a scenario is broken.";

/// The end of the help of `plugin bench`.
pub(super) const BENCH_EXAMPLES: &str = "\
Examples:
  provost plugin bench bundled:backoff
  provost plugin bench plugins/backoff   the vectors of the project

Every call has a fresh instance, as in production.";

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// A .wasm file or `bundled:NAME`.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: String,
    /// The role that is asked. By default the only one of the component.
    #[arg(long, value_name = "ROLE", value_parser = trying::role, conflicts_with = "input")]
    pub(crate) role: Option<Role>,
    #[command(flatten)]
    pub(crate) process: ProcessArgs,
    /// The time of the trigger. By default the beginning of 2026, or the last change of the snapshot.
    #[arg(long, value_name = "TIME", value_parser = unix_ms, conflicts_with = "input")]
    pub(crate) now: Option<u64>,
    /// The seed for jitter.
    #[arg(long, value_name = "N", conflicts_with = "input")]
    pub(crate) seed: Option<u64>,
    /// The path of the request to a view.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::Other, conflicts_with = "input")]
    pub(crate) path: Option<String>,
    /// The query of the request to a view.
    #[arg(long, value_name = "QUERY", conflicts_with = "input")]
    pub(crate) query: Option<String>,
    /// Any other field of a vector, such as `wanted=3` or `in_a_row=2`; may be repeated.
    #[arg(long, value_name = "FIELD=VALUE", conflicts_with = "input")]
    pub(crate) set: Vec<String>,
    /// The processes of the world: what `provost status -o json` prints. By default they are made up.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    pub(crate) snapshot: Option<PathBuf>,
    /// All that a call was given: what `provost plugin blame NAME -o json` prints.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
    #[command(flatten)]
    pub(crate) compile: CompileArgs,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

/// The process that a question is about.
#[derive(Args, Debug)]
pub(crate) struct ProcessArgs {
    /// Its name. By default `web`, or the only process of the snapshot.
    #[arg(long, value_name = "PROCESS", value_parser = name, conflicts_with = "input")]
    pub(crate) name: Option<String>,
    /// Its group. By default none.
    #[arg(long, value_name = "GROUP", value_parser = name, conflicts_with = "input")]
    pub(crate) group: Option<String>,
    /// How it ended: a code, a signal, not-ready, not-spawned or unobserved. By default 1.
    #[arg(long, value_name = "EXIT", value_parser = trying::exit, allow_hyphen_values = true, conflicts_with = "input")]
    pub(crate) exit: Option<Exit>,
    /// The number of consecutive failures; the made-up process has as many deaths. By default 1 if it has failed.
    #[arg(long, value_name = "N", conflicts_with = "input")]
    pub(crate) failures: Option<u32>,
    /// The number of restarts so far.
    #[arg(long, value_name = "N", conflicts_with = "input")]
    pub(crate) restarts: Option<u64>,
    /// How long each of its lives lasted. By default 1s.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, conflicts_with = "input")]
    pub(crate) uptime: Option<u64>,
}

/// What a component is given before it is called.
#[derive(Args, Debug)]
pub(crate) struct SetupArgs {
    /// Its settings as JSON, or @FILE with them. By default none, or those of the input.
    #[arg(long, value_name = "JSON", value_parser = settings)]
    pub(crate) settings: Option<Settings>,
    /// A limit by its name in `limits` in the config, such as `memory=64MiB`; may be repeated.
    #[arg(long = "limit", value_name = "NAME=FIGURE", value_parser = limit)]
    pub(crate) limits: Vec<(Limit, u64)>,
    /// A key of its memory, or @FILE with several as JSON; may be repeated. By default it is empty, or that of the input.
    #[arg(long, value_name = "KEY=VALUE", value_parser = trying::memory)]
    pub(crate) memory: Vec<Stored>,
    /// What it may use of the outside, as for `plugin load`; may be repeated.
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    pub(crate) allow: Vec<Grant>,
}

#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// The folder of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// The component. By default the one that `plugin build` writes into the folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<String>,
    /// Do not run the native tests of the project (`cargo test`).
    #[arg(long)]
    pub(crate) no_native: bool,
    #[command(flatten)]
    pub(crate) compile: CompileArgs,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// A .wasm file, `bundled:NAME`, or the folder of a project.
    #[arg(value_name = "COMPONENT|DIR")]
    pub(crate) target: String,
    /// A file of vectors to call it with; may be repeated. By default those of the project, or a typical call of each role.
    #[arg(long, value_name = "FILE")]
    pub(crate) vectors: Vec<PathBuf>,
    /// The number of calls of each case.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = calls)]
    pub(crate) calls: usize,
    #[command(flatten)]
    pub(crate) setup: SetupArgs,
    #[command(flatten)]
    pub(crate) compile: CompileArgs,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

fn grant(word: &str) -> Result<Grant, String> {
    word.parse().map_err(|error: provost_plugin_host::GrantError| error.to_string())
}

/// The largest number of calls of one case: each keeps what it did.
const CALLS_MAX: usize = 1_000_000;

fn calls(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|calls| (1..=CALLS_MAX).contains(calls));
    number.ok_or_else(|| format!("write a number of calls, from 1 to {CALLS_MAX}"))
}
