//! `provost journal`: the commands about the journal as a whole.

use clap::Subcommand;

use super::format::LineFormat;
use super::when;

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Read every byte of the journal, and show what is wrong with it.
    #[command(after_help = "\
Gaps that the journal itself records, as after a full disk, are shown and are
not errors. Exits with 1 if a block is damaged or a file is missing.")]
    Verify {
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: LineFormat,
    },
    /// Print all records as lines of JSON.
    #[command(after_help = "\
Examples:
  provost journal export > all.ndjson
  provost journal export --since 1h | jq 'select(.kind == \"decision\")'")]
    Export {
        /// Only records of this time or later: 10m (ago), 14:05, 2026-11-25, 2026-11-25T14:05:30Z.
        #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true)]
        since: Option<u64>,
        /// Only records before this time.
        #[arg(long, value_name = "TIME", value_parser = when::unix_ms, allow_hyphen_values = true)]
        until: Option<u64>,
    },
    /// Show how many records of each kind there are, and how much space they take.
    Stats {
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: LineFormat,
    },
}
