//! A table of routes: each with its method, its path, the scope that it takes, what answers it, and how it is described.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};
use schemars::JsonSchema;

use super::context::AppState;
use super::described::{Answer, Described, RequestBody, SchemaOf};
use super::extract::BODY_BYTES_MAX;
use super::scopes::Scopes;
use crate::access::Scope;

/// A route of the API.
pub(super) struct Route {
    described: Described,
    answered: MethodRouter<AppState>,
    /// The longest body, in bytes.
    bytes_max: Option<usize>,
}

impl Route {
    fn new(described: Described, answered: MethodRouter<AppState>) -> Self {
        Self { described, answered, bytes_max: None }
    }
}

/// Returns a route for reading.
pub(super) fn get<H: Handler<T, AppState>, T: 'static>(
    path: &'static str,
    handler: H,
    summary: &'static str,
) -> Route {
    Route::new(Described::of(Method::GET, path, Scope::Read, summary), routing::get(handler))
}

/// Returns a route that changes something.
pub(super) fn post<H: Handler<T, AppState>, T: 'static>(
    path: &'static str,
    scope: Scope,
    handler: H,
    summary: &'static str,
) -> Route {
    let described = Described::of(Method::POST, path, scope, summary);
    Route::new(described, routing::post(handler)).up_to(BODY_BYTES_MAX)
}

/// Returns a route that deletes something.
pub(super) fn delete<H: Handler<T, AppState>, T: 'static>(
    path: &'static str,
    scope: Scope,
    handler: H,
    summary: &'static str,
) -> Route {
    let described = Described::of(Method::DELETE, path, scope, summary);
    Route::new(described, routing::delete(handler)).up_to(BODY_BYTES_MAX)
}

impl Route {
    /// Sets the longest body, in bytes.
    pub(super) fn up_to(self, bytes_max: usize) -> Self {
        Self { bytes_max: Some(bytes_max), ..self }
    }

    /// Sets the type of the query.
    pub(super) fn query<T: JsonSchema>(self) -> Self {
        Self { described: Described { query: Some(SchemaOf::of::<T>()), ..self.described }, ..self }
    }

    /// Sets the type of the body of a request.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        let body = Some(RequestBody { of: SchemaOf::of::<T>(), is_required: true, fields: None, needs: &[] });
        Self { described: Described { body, ..self.described }, ..self }
    }

    /// Sets the type of the body of a request that may also have none.
    pub(super) fn takes_maybe<T: JsonSchema>(self) -> Self {
        let body =
            Some(RequestBody { of: SchemaOf::of::<T>(), is_required: false, fields: None, needs: &[] });
        Self { described: Described { body, ..self.described }, ..self }
    }

    /// Names the only fields of the body that the route takes, and those without which it does nothing.
    pub(super) fn fields(self, fields: &'static [&'static str], needs: &'static [&'static str]) -> Self {
        let body = self.described.body.map(|body| RequestBody { fields: Some(fields), needs, ..body });
        Self { described: Described { body, ..self.described }, ..self }
    }

    fn answers(self, answer: Answer) -> Self {
        Self { described: Described { answer, ..self.described }, ..self }
    }

    /// Sets the type of the answer.
    pub(super) fn gives<T: JsonSchema>(self) -> Self {
        self.answers(Answer::Json(SchemaOf::of::<T>()))
    }

    /// Sets the type of the answer, of which there may also be a stream.
    pub(super) fn gives_or_streams<T: JsonSchema>(self) -> Self {
        self.answers(Answer::JsonOrStream(SchemaOf::of::<T>()))
    }

    /// Sets the type of the messages of an answer that is a stream of lines.
    pub(super) fn streams<T: JsonSchema>(self) -> Self {
        self.answers(Answer::Stream { of: SchemaOf::of::<T>(), list: None })
    }

    /// Sets the type of the messages of a stream, of which there may also be one list.
    pub(super) fn lists_or_streams<L: JsonSchema, T: JsonSchema>(self) -> Self {
        self.answers(Answer::Stream { of: SchemaOf::of::<T>(), list: Some(SchemaOf::of::<L>()) })
    }

    /// Leaves the route out of the description, because it is the same as another one.
    pub(super) fn hidden(self) -> Self {
        Self { described: Described { is_hidden: true, ..self.described }, ..self }
    }
}

/// Returns a router of all routes, their scopes, and their descriptions.
pub(super) fn routed(routes: Vec<Route>) -> (Router<AppState>, Scopes, Vec<Described>) {
    let mut scopes = Vec::with_capacity(routes.len());
    let mut all = Vec::with_capacity(routes.len());
    let mut router = Router::new();
    for Route { described, answered, bytes_max } in routes {
        // Only routes with a body have such a layer, because a layer costs every request several allocations.
        let answered = match bytes_max {
            Some(bytes_max) => answered.layer(DefaultBodyLimit::max(bytes_max)),
            None => answered,
        };
        scopes.push((described.method.clone(), described.path, described.scope));
        router = router.route(described.path, answered);
        all.push(described);
    }
    (router, Scopes(scopes), all)
}
