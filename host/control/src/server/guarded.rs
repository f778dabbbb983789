//! The routes with what holds for all of them: a caller may do only what its scope allows, every error is JSON, and a defect ends
//! only the request in which it happens. This is no layer of the router, because each layer costs every request several
//! allocations.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use provost_state::naming::shown;
use provost_supervisor::unpanicked;

use super::refused::{Refused, in_json};
use super::scopes::{Scopes, is_open, looks_at_access};
use crate::access::{Access, Scope};

/// Answers requests, whatever carries them.
#[derive(Clone, Debug)]
pub struct Guarded {
    router: TowerToHyperService<Router>,
    scopes: Arc<Scopes>,
    mounts: Arc<[Mount]>,
}

/// A service beside the API, at a path of its own.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The path, such as `/mcp`: the service gets requests for it and for everything below it. With `/`, it gets what neither the
    /// API nor another service has.
    pub path: &'static str,
    /// The scope that a caller needs to reach the service; `None` if anybody may.
    pub scope: Option<Scope>,
    /// The service.
    pub service: Arc<dyn Mounted>,
}

/// The name of the token of a request, which is among the extensions of a request for a service beside the API. A request over
/// the Unix socket has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(pub Arc<str>);

/// A service beside the API.
pub trait Mounted: fmt::Debug + Send + Sync {
    /// Answers a request. `api` answers requests to the API in the name of the caller.
    fn answer(
        &self,
        request: Request<Body>,
        api: Caller,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + '_>>;
}

/// The API as one caller may use it, without the services beside it.
#[derive(Clone, Debug)]
pub struct Caller {
    routes: Guarded,
    access: Access,
}

impl Caller {
    /// Returns the API for a caller with an access.
    #[must_use]
    pub fn new(routes: Guarded, access: Access) -> Self {
        Self { routes, access }
    }

    /// Returns what the caller may do.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Answers a request of the caller.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.routes.answer(request, self.access).await
    }
}

impl Guarded {
    pub(super) fn new(router: Router, scopes: Scopes, mounts: Vec<Mount>) -> Self {
        Self { router: TowerToHyperService::new(router), scopes: Arc::new(scopes), mounts: mounts.into() }
    }

    /// Answers a request of a caller with this access, and catches a panic.
    pub async fn answer<B>(&self, mut request: Request<B>, access: Access) -> Response
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mount = self.mount(uri.path());
        let scope = match mount {
            Some(mount) => mount.scope,
            // Nothing takes more than that, and most callers have it.
            None if access == Access::ADMIN || is_open(uri.path()) => None,
            None => Some(self.scopes.of(&method, uri.path())),
        };
        if let Some(refused) = scope.and_then(|scope| refused(access, scope, &method, &uri)) {
            return refused.into_response();
        }
        if looks_at_access(uri.path()) {
            request.extensions_mut().insert(access);
        }
        // The router is called within, so that a panic there is caught, too.
        let answer = pin!(async {
            match mount {
                None => in_json(self.router.call(request).await.unwrap_or_else(|never| match never {})).await,
                Some(mount) => {
                    // A service that leaves a request to the API must not receive it again.
                    let api = Caller::new(Self { mounts: Arc::default(), ..self.clone() }, access);
                    mount.service.answer(request.map(Body::new), api).await
                }
            }
        });
        unpanicked(answer).await.unwrap_or_else(|said| {
            let what = format!("{method} {}", shown(uri.path()));
            tracing::error!("a defect while answering {what}: {said}");
            Refused::internal(format!("a defect while answering {what}")).into_response()
        })
    }

    /// Whether a service beside the API has a path.
    pub(super) fn is_mounted(&self, path: &str) -> bool {
        self.mount(path).is_some()
    }

    /// Returns the service that has a path; `None` if it is one of the API.
    fn mount(&self, path: &str) -> Option<&Mount> {
        if self.mounts.is_empty() || path.starts_with("/v1/") {
            return None;
        }
        let has = |mount: &&Mount| match path.strip_prefix(mount.path) {
            Some(rest) if mount.path != "/" => rest.is_empty() || rest.starts_with('/'),
            _ => false,
        };
        let root = || self.mounts.iter().find(|mount| mount.path == "/").filter(|_| !self.scopes.has(path));
        self.mounts.iter().find(has).or_else(root)
    }
}

/// Refuses a request that takes more than the caller may do.
fn refused(access: Access, scope: Scope, method: &Method, uri: &Uri) -> Option<Refused> {
    let what = || format!("{method} {} takes the scope `{}`", shown(uri.path()), scope.as_str());
    match access.scope() {
        None => Some(Refused::unauthorized(what())),
        Some(has) if has < scope => {
            Some(Refused::forbidden(format!("{}, and this caller has `{}`", what(), has.as_str())))
        }
        Some(_) => None,
    }
}
