//! The web view at `/`: its files are public, and everything that they show is asked of the API with a token.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use provost_control::{Caller, Mount, Mounted};

/// The files of the web view.
#[derive(Clone, Copy, Debug)]
struct Web;

/// Returns the web view at its path.
pub(super) fn mount() -> Mount {
    Mount { path: "/", scope: None, service: Arc::new(Web) }
}

impl Mounted for Web {
    fn answer(
        &self,
        request: Request<Body>,
        api: Caller,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        match provost_web::answer(request.method(), request.uri().path(), request.headers()) {
            Some(response) => Box::pin(ready(response.map(Body::from))),
            // The API says that there is nothing, in the form of its errors.
            None => Box::pin(async move { api.answer(request).await }),
        }
    }
}
