//! Why the view ends, or cannot begin.

use std::io;

use provost_api::client::ClientError;

/// Why the view ends, or cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TopError {
    /// Standard input or output is not a terminal.
    #[error("standard input and output have to be a terminal")]
    NoTerminal,
    /// The terminal cannot be read or written.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    /// The host could not be asked at the start. Later the view waits for it instead.
    #[error(transparent)]
    Host(#[from] ClientError),
}
