//! The API for services in the same process: the client of the API uses it like a socket.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Request, Response};
use provost_api::client::{self, Carried, ClientError, Transport};

use super::guarded::Caller;

impl Transport for Caller {
    fn send(&self, request: Request<Bytes>) -> Carried<'_, Result<Response<client::Body>, ClientError>> {
        Box::pin(async {
            let response = self.answer(request.map(Body::from)).await;
            // A body of the API fails only if the host has a defect, which ends the answer.
            Ok(response.map(|body| body.map_err(|_| ClientError::Broken).boxed_unsync()))
        })
    }
}
