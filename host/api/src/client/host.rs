//! Requests to a host, whatever carries them: a refusal becomes an error, and a host that stops answering is given up.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response};

use super::error::{ClientError, protocol};
use super::transport::{Body, Transport};
use crate::VIEW_HEADER;
use crate::error::Problem;

/// What a request accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// Anything, such as the output of a view.
    Anything,
    /// Lines of JSON.
    Lines,
}

/// A host.
#[derive(Clone, Debug)]
pub(super) struct Host(Arc<dyn Transport>);

impl Host {
    pub(super) fn over(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }

    /// Sends a request and returns the response if its status is a success.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        accept: Accept,
    ) -> Result<Response<Body>, ClientError> {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, const { HeaderValue::from_static("application/json") });
        }
        if accept == Accept::Lines {
            request = request.header(ACCEPT, const { HeaderValue::from_static("application/x-ndjson") });
        }
        let request = request.body(body.unwrap_or_default()).map_err(protocol)?;
        let response = self.0.send(request).await?;
        // A view may answer with the status of an error.
        if response.status().is_success() || response.headers().contains_key(VIEW_HEADER) {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(ClientError::Refused { status, error: problem.into() }),
            Err(_) => Err(protocol(format!("status {status}: {}", String::from_utf8_lossy(&body)))),
        }
    }

    /// Waits for `answered` without a deadline, but fails when the host stops answering.
    pub(super) async fn while_it_answers<T>(
        &self,
        answered: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        tokio::select! {
            biased;
            answered = answered => answered,
            silent = self.0.until_silent() => Err(silent.into()),
        }
    }
}
