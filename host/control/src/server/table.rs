//! A table of routes: each with its method, its path, the scope that it takes, and what answers it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};

use super::context::AppState;
use super::extract::BODY_BYTES_MAX;
use super::scopes::Scopes;
use crate::access::Scope;

/// A route of the API.
pub(super) struct Route {
    method: Method,
    /// A segment in braces stands for any text, and `{*path}` for the rest of the path.
    path: &'static str,
    scope: Scope,
    answered: MethodRouter<AppState>,
}

/// Returns a route for reading.
pub(super) fn get<H: Handler<T, AppState>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: Method::GET, path, scope: Scope::Read, answered: routing::get(handler) }
}

/// Returns a route that changes something.
pub(super) fn post<H: Handler<T, AppState>, T: 'static>(
    path: &'static str,
    scope: Scope,
    handler: H,
) -> Route {
    Route { method: Method::POST, path, scope, answered: routing::post(handler) }.taking(BODY_BYTES_MAX)
}

/// Returns a route that deletes something.
pub(super) fn delete<H: Handler<T, AppState>, T: 'static>(
    path: &'static str,
    scope: Scope,
    handler: H,
) -> Route {
    Route { method: Method::DELETE, path, scope, answered: routing::delete(handler) }.taking(BODY_BYTES_MAX)
}

impl Route {
    /// Sets the longest body, in bytes. Only routes with a body have such a layer, because a layer costs every request several
    /// allocations.
    pub(super) fn taking(self, bytes_max: usize) -> Self {
        Self { answered: self.answered.layer(DefaultBodyLimit::max(bytes_max)), ..self }
    }
}

/// Returns a router of all routes, and their scopes.
pub(super) fn routed(routes: Vec<Route>) -> (Router<AppState>, Scopes) {
    let mut scopes = Vec::with_capacity(routes.len());
    let mut router = Router::new();
    for Route { method, path, scope, answered } in routes {
        scopes.push((method, path, scope));
        router = router.route(path, answered);
    }
    (router, Scopes(scopes))
}
