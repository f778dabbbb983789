//! The errors of a request.

use super::reach::{Silent, Unconnected};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client could not connect to the socket.
    #[error(transparent)]
    Unconnected(#[from] Unconnected),
    /// The host accepts connections but does not answer.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// The host refused the request.
    #[error("{}", error.message)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error in the body of the response.
        error: crate::Error,
    },
    /// The connection ended before the whole answer had arrived.
    #[error("the host closed the connection before it had answered")]
    Broken,
    /// The answer is not valid HTTP or not valid JSON of the API.
    #[error("this is not the answer of a Provost host: {0}")]
    Protocol(String),
}

/// Converts an error of the HTTP connection.
pub(super) fn broken(error: hyper::Error) -> ClientError {
    match error.is_parse() || error.is_user() {
        true => protocol(error),
        false => ClientError::Broken,
    }
}

pub(super) fn protocol(error: impl std::fmt::Display) -> ClientError {
    ClientError::Protocol(error.to_string())
}
