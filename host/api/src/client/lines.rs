//! A stream of JSON objects, one per line.

use std::collections::VecDeque;

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::Response;
use serde::de::DeserializeOwned;

use super::error::{ClientError, protocol};
use super::host::Host;
use super::transport::Body;

/// A stream of JSON objects, one per line.
#[derive(Debug)]
pub struct Lines<T> {
    body: Body,
    /// The host to ping while waiting for a frame; `None` for a stream that follows, where silence is normal.
    host: Option<Host>,
    pending: BytesMut,
    /// The number of bytes of `pending` that are known to contain no newline.
    scanned: usize,
    ready: VecDeque<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn of(response: Response<Body>, host: Option<Host>) -> Self {
        let body = response.into_body();
        Self { body, host, pending: BytesMut::new(), scanned: 0, ready: VecDeque::new() }
    }

    /// Returns the next object, or `None` when the stream has ended or the host is gone.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if a line is not such an object, [`ClientError::Silent`] if the host stops answering
    /// in a stream that does not follow.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            // A killed host cuts the stream: this counts as the end, not as a protocol error.
            let frame = match &self.host {
                Some(host) => host.while_it_answers(async { Ok(self.body.frame().await) }).await?,
                None => self.body.frame().await,
            };
            let Some(Ok(frame)) = frame else { return Ok(None) };
            if let Some(bytes) = frame.data_ref() {
                self.pending.extend_from_slice(bytes);
                self.split()?;
            }
        }
    }

    fn split(&mut self) -> Result<(), ClientError> {
        while let Some(at) = self.pending[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let line = self.pending.split_to(self.scanned + at + 1);
            self.scanned = 0;
            self.ready.push_back(serde_json::from_slice(&line).map_err(protocol)?);
        }
        self.scanned = self.pending.len();
        Ok(())
    }
}
