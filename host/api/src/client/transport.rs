//! The port through which a client reaches a host: its socket, or the host in the same process.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{Request, Response};

use super::error::ClientError;
use super::reach::Silent;

/// The body of a response, which arrives piece by piece.
pub type Body = UnsyncBoxBody<Bytes, ClientError>;

/// The answer of the port.
pub type Carried<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries requests to a host.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a request, and resolves when the head of the response has arrived, whatever its status is.
    ///
    /// # Errors
    /// If there is no response, or if it is not HTTP.
    fn send(&self, request: Request<Bytes>) -> Carried<'_, Result<Response<Body>, ClientError>>;

    /// Resolves when the host has stopped answering. It never does by default.
    fn until_silent(&self) -> Carried<'_, Silent> {
        Box::pin(std::future::pending())
    }
}
