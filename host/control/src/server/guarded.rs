//! The routes with what holds for all of them: every error is JSON, and a defect ends only the request in which it happens.
//! This is no layer of the router, because each layer costs every request several allocations.

use std::pin::pin;

use axum::body::Bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use hyper::body::Body;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use provost_state::naming::shown;
use provost_supervisor::unpanicked;

use super::refused::{Refused, in_json};

/// Answers requests, whatever carries them.
#[derive(Clone, Debug)]
pub struct Guarded(TowerToHyperService<Router>);

impl Guarded {
    pub(super) fn new(router: Router) -> Self {
        Self(TowerToHyperService::new(router))
    }

    /// Answers in JSON, and catches a panic.
    pub async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        // The router is called within, so that a panic there is caught, too.
        let answer = pin!(async { self.0.call(request).await });
        match unpanicked(answer).await {
            Ok(Ok(response)) => in_json(response).await,
            Err(said) => {
                let what = format!("{method} {}", shown(uri.path()));
                tracing::error!("a defect while answering {what}: {said}");
                Refused::internal(format!("a defect while answering {what}")).into_response()
            }
        }
    }
}
