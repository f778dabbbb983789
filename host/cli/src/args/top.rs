//! The options of `provost top`.

use clap::{Args, ValueEnum};

use super::when::duration_ms;
use super::word;

/// The examples in the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  provost top                        everything; `?` shows the keys, `q` leaves
  provost top 'workers:*' --tree     one group
  provost top --once                 print one frame and return
  ssh -NL /tmp/far.sock:/srv/app/.provost/provost.sock far &
  provost top --socket /tmp/far.sock a host on another machine

Leaving or suspending the view changes nothing about what runs.";

/// The options of `provost top`.
#[derive(Args, Debug)]
pub(crate) struct TopArgs {
    /// Names, `GROUP:*` or `all` (default).
    #[arg(value_name = "TARGET", value_parser = word::name)]
    pub(crate) targets: Vec<String>,
    /// The first view.
    #[arg(long, value_name = "VIEW", default_value = "processes")]
    pub(crate) view: TopView,
    /// Show the groups as a tree.
    #[arg(long)]
    pub(crate) tree: bool,
    /// The shortest pause between two changes on the screen.
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = every)]
    pub(crate) every: u64,
    /// Print one frame, without keys and colours, and return. Its width is that of COLUMNS or of the terminal, or else 80.
    #[arg(long, conflicts_with = "every")]
    pub(crate) once: bool,
    /// The number of lines of that frame. By default as many as there are processes.
    #[arg(long, value_name = "LINES", requires = "once", value_parser = clap::value_parser!(u16).range(3..=1000))]
    pub(crate) height: Option<u16>,
}

/// A view of `provost top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopView {
    /// The processes.
    Processes,
    /// The plugins with their figures.
    Plugins,
    /// The figures of the state core.
    State,
    /// What happened.
    Events,
}

/// Parses a pause that a stream of the host allows.
fn every(text: &str) -> Result<u64, String> {
    match duration_ms(text)? {
        ms @ 50..=60_000 => Ok(ms),
        _ => Err("a pause is 50ms to 60s".to_owned()),
    }
}
