//! `provost plugin simulate`.

use std::path::PathBuf;

use clap::Args;

use super::format::LineFormat;
use super::given::{CompileArgs, Settings, settings};
use super::when::some_time_ms;
use crate::config::units::DURATION_MS_MAX;

/// The command.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  provost plugin simulate bundled:backoff
  provost plugin simulate ./patience.wasm --settings '{\"tries\": 3}'
  provost plugin simulate ./patience.wasm --scenario storm.toml --days 30
  provost plugin simulate ./new.wasm --against ./old.wasm --scenario storm.toml
  provost plugin simulate ./new.wasm --scenario storm.toml --svg storm.svg

The supervisor itself is played, in virtual time, with processes that are not
started: nothing on this machine is touched. A scenario is a file with
processes, faults and what is expected (docs/simulation.md). If an
expectation does not hold, the smallest scenario that still breaks it is
printed, and the exit code is 1. An expectation that nothing in a scenario has
tested is `untested`; only with --strict is the exit code 1 then.")]
pub(crate) struct SimulateArgs {
    /// A .wasm file or `bundled:NAME`: the policy that judges the processes of the scenario.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: String,
    /// The file of a scenario, or `bundled:NAME`; may be repeated. By default all scenarios that come with this program.
    #[arg(short, long = "scenario", value_name = "FILE")]
    pub(crate) scenarios: Vec<String>,
    /// Its settings as JSON, or @FILE with them.
    #[arg(long, value_name = "JSON", value_parser = settings)]
    pub(crate) settings: Option<Settings>,
    /// The seed of everything that is random. By default that of the scenario.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// How many days are played, at most 36500. By default as long as the scenario says.
    #[arg(long = "days", value_name = "NUMBER", conflicts_with = "lasts", value_parser = days)]
    pub(crate) days_ms: Option<u64>,
    /// How long is played, such as 90m; at most 36500d.
    #[arg(long = "for", value_name = "TIME", value_parser = some_time_ms)]
    pub(crate) lasts: Option<u64>,
    /// Another component that is played in the same scenarios, to compare the two.
    #[arg(long, value_name = "COMPONENT")]
    pub(crate) against: Option<String>,
    /// The settings of the other component, as JSON or @FILE. By default those of the first one.
    #[arg(long, value_name = "JSON", value_parser = settings, requires = "against")]
    pub(crate) against_settings: Option<Settings>,
    /// Write a picture of the lives and delays to this file; for one scenario.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Also exit with code 1 if an expectation is untested.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Do not look for a smaller scenario that still breaks the expectation.
    #[arg(long)]
    pub(crate) no_shrink: bool,
    #[command(flatten)]
    pub(crate) compile: CompileArgs,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}

/// The length of a day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// The most days that are played: as long as any duration may be.
const DAYS_MAX: u64 = DURATION_MS_MAX / DAY_MS;

/// Parses a number of days into milliseconds.
fn days(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    number
        .map(|days: u64| days * DAY_MS)
        .ok_or_else(|| format!("write a number of days, from 1 to {DAYS_MAX} (a hundred years)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_days_is_bounded_by_the_longest_duration() {
        assert_eq!((days("1"), days("36500")), (Ok(DAY_MS), Ok(DURATION_MS_MAX)));
        for wrong in ["0", "36501", "4294967295", "-1", "1d", ""] {
            let told = days(wrong).unwrap_err();
            assert_eq!(told, "write a number of days, from 1 to 36500 (a hundred years)", "{wrong}");
        }
    }
}
