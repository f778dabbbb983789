//! The options of `provost explain`.

use clap::Args;
use provost_state::{Exit, Signal};

use super::format::LineFormat;
use super::given::{Settings, settings};
use super::when::{duration_ms, some_time_ms, unix_ms};
use super::word::name;
use crate::trying::exit;

/// How long a forecast lasts that does not say it, in milliseconds.
const FORECAST_MS: u64 = 3_600_000;

pub(super) const EXPLAIN: &str = "\
Examples:
  provost explain web
  provost explain web --at 14:05     then, with the inputs of the decisions
  provost explain web --what-if bundled:supervisord
  provost explain web --what-if ./patience.wasm --settings '{\"tries\": 3}'

With --what-if, the next ends of the process are simulated from its present
state, once by the policy POLICY alone and once by the policies that judge it
now. A process that runs is assumed to end now; one that has ended is judged
again from its last end. Nothing in the host is changed
(docs/simulation.md).";

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The process.
    #[arg(value_name = "PROCESS", value_parser = name)]
    pub(crate) name: String,
    /// Explain its state at this time, from the journal: 10m (ago), 14:05, 2026-11-25, 2026-11-25T14:05:30Z.
    #[arg(long, value_name = "TIME", value_parser = unix_ms, allow_hyphen_values = true, conflicts_with = "what_if")]
    pub(crate) at: Option<u64>,
    /// Simulate what this policy would decide: a .wasm file, `bundled:NAME`, or a plugin of the host.
    #[arg(long, value_name = "COMPONENT|PLUGIN")]
    pub(crate) what_if: Option<String>,
    #[command(flatten)]
    pub(crate) wish: WishArgs,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

/// What is simulated by `--what-if`.
#[derive(Args, Debug)]
pub(crate) struct WishArgs {
    /// The settings of the policy as JSON, or @FILE. By default none, or those that the plugin has in the config.
    #[arg(long, value_name = "JSON", value_parser = settings, requires = "what_if")]
    pub(crate) settings: Option<Settings>,
    /// How it ends: a code, a signal, not-ready, not-spawned or unobserved. By default as it last ended.
    #[arg(long, value_name = "EXIT", value_parser = exit, allow_hyphen_values = true, requires = "what_if")]
    pub(crate) exit: Option<Exit>,
    /// The signal that ends it.
    #[arg(long, value_name = "SIGNAL", requires = "what_if", conflicts_with = "exit")]
    pub(crate) signal: Option<Signal>,
    /// How long each of its later lives lasts. By default as long as its last one.
    #[arg(long, value_name = "TIME", value_parser = duration_ms, requires = "what_if")]
    pub(crate) uptime: Option<u64>,
    /// How much time is simulated. By default 1h.
    #[arg(long = "for", value_name = "TIME", value_parser = some_time_ms, requires = "what_if")]
    pub(crate) lasts: Option<u64>,
}

impl WishArgs {
    /// Returns how the process is to end, if that is given.
    pub(crate) fn end(&self) -> Option<Exit> {
        self.exit.clone().or_else(|| self.signal.map(|signal| Exit::Signal(signal.number())))
    }

    /// Returns how long is simulated, in milliseconds.
    pub(crate) fn lasts_ms(&self) -> u64 {
        self.lasts.unwrap_or(FORECAST_MS)
    }
}
