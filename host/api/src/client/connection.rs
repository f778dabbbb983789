//! Opens one connection for each request, and notices a host that stops answering during the wait.

use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::error::{ClientError, broken};
use super::reach::{self, Silent};
use super::transport::{Body, Carried, Transport};

/// Opens a connection to the socket of a host for each request.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    pub(super) socket: PathBuf,
}

impl Connector {
    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Response<Body>, ClientError> {
        let stream = reach::connect(&self.socket).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        request.headers_mut().insert(HOST, const { HeaderValue::from_static("localhost") });
        let response = sender.send_request(request.map(Full::new)).await.map_err(broken)?;
        Ok(response.map(|body| body.map_err(broken).boxed_unsync()))
    }
}

impl Transport for Connector {
    fn send(&self, request: Request<Bytes>) -> Carried<'_, Result<Response<Body>, ClientError>> {
        Box::pin(self.exchange(request))
    }

    /// Pings the host repeatedly and returns when a ping gets no answer.
    fn until_silent(&self) -> Carried<'_, Silent> {
        Box::pin(async {
            loop {
                tokio::time::sleep(reach::SOON).await;
                let mut ping = Request::new(Bytes::new());
                *ping.uri_mut() = hyper::Uri::from_static("/v1/ping");
                // A refused ping or connection is no sign of silence: the request itself reports it.
                if tokio::time::timeout(reach::PATIENCE, self.exchange(ping)).await.is_err() {
                    return Silent::of(&self.socket).await;
                }
            }
        })
    }
}
