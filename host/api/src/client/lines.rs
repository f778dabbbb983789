//! A stream of JSON objects, one a line.

use std::collections::VecDeque;

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::connection::Connector;
use super::error::{ClientError, protocol};

/// A stream of JSON objects, one a line.
#[derive(Debug)]
pub struct Lines<T> {
    body: Incoming,
    /// Whom to ask whether it still answers, while more must come.
    host: Option<Connector>,
    pending: BytesMut,
    /// How far `pending` is known to hold no end of a line.
    scanned: usize,
    ready: VecDeque<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn of(response: Response<Incoming>, host: Option<Connector>) -> Self {
        let body = response.into_body();
        Self { body, host, pending: BytesMut::new(), scanned: 0, ready: VecDeque::new() }
    }

    /// The next object; `None` when the host has no more or has gone.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if a line is no such object, [`ClientError::Silent`] if nothing comes that must come.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            // A host that is killed cuts the stream: that is its end, not an error of the protocol.
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
