//! Why a request had no answer.

use super::reach::{Silent, Unconnected};

/// Why a request had no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket could not be connected to.
    #[error(transparent)]
    Unconnected(#[from] Unconnected),
    /// The host takes connections, and answers nothing.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// The host refused.
    #[error("{}", error.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, as it said.
        error: crate::Error,
    },
    /// The connection ended before there was a whole answer.
    #[error("the host closed the connection before it had answered")]
    Broken,
    /// The answer made no sense.
    #[error("the answer is not one of a Provost host: {0}")]
    Protocol(String),
}

/// An error of the connection.
pub(super) fn broken(error: hyper::Error) -> ClientError {
    match error.is_parse() || error.is_user() {
        true => protocol(error),
        false => ClientError::Broken,
    }
}

pub(super) fn protocol(error: impl std::fmt::Display) -> ClientError {
    ClientError::Protocol(error.to_string())
}
