//! `provost token`: the commands for the tokens of the API over TCP.

use clap::Subcommand;
use provost_control::Scope;

use super::format::{LineFormat, TableFormat};
use super::when::duration_ms;
use super::word;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print its secret, which is shown only this once.
    #[command(after_help = "\
Examples:
  provost token new prometheus
  TOKEN=$(provost token new ci --scope operate --expires 30d)

The secret goes to standard output, and everything else to standard error. The
file of the token holds only a digest of it.")]
    New {
        /// The name of the token, by which it is listed and revoked.
        #[arg(value_name = "NAME", value_parser = word::name)]
        name: String,
        /// What its holder may do: read everything, also operate processes, or also change the host (admin).
        #[arg(long, value_name = "SCOPE", default_value = "read")]
        scope: Scope,
        /// The time after which it is refused. By default never.
        #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
        expires: Option<u64>,
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: LineFormat,
    },
    /// List the tokens, without their secrets.
    List {
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        output: TableFormat,
    },
    /// Revoke a token. A running host refuses it within a second.
    Revoke {
        /// The name of the token.
        #[arg(value_name = "NAME", value_parser = word::name)]
        name: String,
    },
}
