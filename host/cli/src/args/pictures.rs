//! The commands that draw: `graph`, `analyze` and `timeline`.

use clap::Args;

use super::format::{GraphFormat, PictureFormat};
use super::{when, word};

pub(super) const GRAPH: &str = "\
Examples:
  provost graph                      a tree: what each process waits for
  provost graph web                  only web, and what it needs
  provost graph -o svg > graph.svg   a picture, for a browser
  provost graph -o dot | dot -Tpng > graph.png

Shows what is in force in the running host, with the phases. Without a host the
config is drawn, without phases, and a note says so.";

pub(super) const ANALYZE: &str = "\
Examples:
  provost analyze                    for each process that no other waits for
  provost analyze web                the chain that web had to wait for
  provost analyze -o svg > boot.svg  everything over time

Times are counted from the start of the host. Of the things that a process
waited for, the chain follows the one that came last. If changes of the start
are no longer remembered, a note says so, and the status is used for what it
has.";

pub(super) const TIMELINE: &str = "\
Examples:
  provost timeline web               everything that the host remembers
  provost timeline web --since 1h    the last hour
  provost timeline web -o svg > web.svg";

#[derive(Args, Debug)]
pub(crate) struct GraphArgs {
    /// Names, `GROUP:*` or `all` (default). What they wait for is shown, too.
    #[arg(value_name = "TARGET", value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: GraphFormat,
}

#[derive(Args, Debug)]
pub(crate) struct AnalyzeArgs {
    /// Names, `GROUP:*` or `all`. By default those that no other process waits for.
    #[arg(value_name = "TARGET", value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: PictureFormat,
}

#[derive(Args, Debug)]
pub(crate) struct TimelineArgs {
    /// The process.
    #[arg(value_name = "PROCESS", value_parser = word::name)]
    pub(crate) name: String,
    /// Show only what happened at this time or later: 10m (ago), 14:05, 2026-11-25, 2026-11-25T14:05:30Z.
    #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true)]
    pub(crate) since: Option<u64>,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: PictureFormat,
}
