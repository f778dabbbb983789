//! The options of `provost upgrade`.

use std::path::PathBuf;

use clap::Args;

use super::format::LineFormat;
use super::when::duration_ms;

/// The help after the options.
pub(super) const EXAMPLES: &str = "\
Examples:
  /usr/local/bin/provost upgrade     the version of this command
  provost upgrade ./provost-1.3      another one

The new program is checked first: it has to be a provost that understands what
this host leaves, and that accepts the config. Then the host ends, and the new
one takes over all processes: none is restarted, and no output is lost. If it is
not in service in time, the former one is started again.

Exits with 1 if the upgrade was refused or rolled back. It requires a host with
a keeper (`keeper = true` in [host]).";

#[derive(Args, Debug)]
pub(crate) struct UpgradeArgs {
    /// The new program. By default the one of this command.
    #[arg(value_name = "BINARY")]
    pub(crate) binary: Option<PathBuf>,
    /// Afterwards also replace the program of the keeper, the parent of all processes, with the one that the new program carries.
    #[arg(long)]
    pub(crate) keeper: bool,
    /// How long the new program may take until it is in service. Then the former one is started again.
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) timeout: u64,
    /// The output format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: LineFormat,
}
