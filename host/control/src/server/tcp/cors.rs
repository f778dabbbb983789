//! Which pages of other servers may send requests and read the answers (CORS). A browser says in `Origin` which page sends a
//! request; other clients send none.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::hosts::{Authority, sole};
use crate::server::rules::ApiRules;

/// The headers that a page may send.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, authorization, content-type, if-none-match, last-event-id, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name",
);

/// The methods of the API.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");

/// The headers of answers that a page may read.
const READABLE: HeaderValue =
    HeaderValue::from_static("etag, retry-after, www-authenticate, allow, mcp-session-id");

/// How long a browser remembers the answer, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// Which page sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// No page of another server.
    Own,
    /// A page of another server that the config allows.
    Allowed(HeaderValue),
}

impl Sender {
    /// Returns which page sends a request to a host that is called `host`, by `scheme`.
    ///
    /// # Errors
    /// The origin, if the config does not allow it.
    pub(super) fn of(head: &Parts, scheme: &str, host: &Authority, rules: &ApiRules) -> Result<Self, String> {
        let origin = match sole(&head.headers, header::ORIGIN) {
            Ok(None) => return Ok(Self::Own),
            Ok(Some(origin)) => origin,
            Err(()) => return Err("several origins".to_owned()),
        };
        let origin = origin.to_ascii_lowercase();
        if origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) == Some(&*host.text) {
            return Ok(Self::Own);
        }
        match HeaderValue::from_str(&origin) {
            Ok(value) if rules.origins.contains(&origin) => Ok(Self::Allowed(value)),
            _ => Err(provost_state::naming::shown(&origin)),
        }
    }

    /// Returns the answer to the question of a browser whether it may send a request; `None` if this is another request. The
    /// browser asks without a token.
    pub(super) fn preflight(&self, head: &Parts) -> Option<Response> {
        let asks = head.method == Method::OPTIONS
            && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
            && matches!(self, Self::Allowed(_));
        asks.then(|| {
            let headers = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
            ];
            (StatusCode::NO_CONTENT, headers, Body::empty()).into_response()
        })
    }

    /// Adds what lets the page read the answer.
    pub(super) fn allow(&self, headers: &mut HeaderMap) {
        if let Self::Allowed(origin) = self {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}
