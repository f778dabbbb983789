//! Opens one connection for each request, and gives up on a host that stops answering during the wait.

use std::future::Future;
use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;

use super::error::{ClientError, broken, protocol};
use super::reach::{self, Silent};
use crate::VIEW_HEADER;
use crate::error::Failure;

/// Opens a connection to the socket of a host for each request.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) socket: PathBuf,
}

impl Connector {
    /// Sends a request and returns the response if its status is a success, or if a view has rendered it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Incoming>, ClientError> {
        let stream = reach::connect(&self.socket).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(HOST, "localhost");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default())).map_err(protocol)?;
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status().is_success() || response.headers().contains_key(VIEW_HEADER) {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => Err(ClientError::Refused { status, error: failure.error }),
            Err(_) => Err(protocol(format!("status {status}: {}", String::from_utf8_lossy(&body)))),
        }
    }

    /// Waits for `answered` without a deadline, but fails when the host stops answering pings.
    pub(super) async fn while_it_answers<T>(
        &self,
        answered: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            answered = answered => answered,
            silent = self.until_silent() => Err(silent.into()),
        }
    }

    /// Pings the host repeatedly and returns when a ping gets no answer.
    async fn until_silent(&self) -> Silent {
        loop {
            tokio::time::sleep(reach::SOON).await;
            // A refused ping or connection is no sign of silence: the request itself reports it.
            if tokio::time::timeout(reach::PATIENCE, self.send(Method::GET, "/v1/ping", None)).await.is_err()
            {
                return Silent::of(&self.socket).await;
            }
        }
    }
}
