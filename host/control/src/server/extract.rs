//! Extracts bodies and queries from requests. A body is bounded in bytes and in time.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::IF_NONE_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answers::Tag;
use super::refused::Refused;
use crate::exact::exact_numbers;

/// The longest body, unless a route has its own limit.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// The longest body of an order to a plugin: its settings may have 8 MiB.
pub(super) const PLUGIN_BODY_BYTES_MAX: usize = 16 << 20;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A JSON body. An error in it is answered in JSON and names the field.
pub(super) struct Body<T>(pub(super) T);

impl<T, S> FromRequest<S> for Body<T>
where
    Json<T>: FromRequest<S, Rejection = JsonRejection>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let (head, body) = request.into_parts();
        let whole = Bytes::from_request(Request::from_parts(head.clone(), body), state);
        let bytes = match tokio::time::timeout(BODY_TIME, whole).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(Refused::too_large(rejection.body_text()));
            }
            Ok(Err(rejection)) => return Err(Refused::bad_request(rejection.body_text())),
            Err(_) => return Err(Refused::bad_request("the body did not arrive within 30 s".to_owned())),
        };
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            // Serde would take its items for the fields in their order.
            return Err(Refused::bad_request("the body is a list, and an object is expected".to_owned()));
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            exact_numbers(text).map_err(|error| Refused::bad_request(error.to_string()))?;
        }
        match Json::from_request(Request::from_parts(head, bytes.into()), state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Refused::bad_request(rejection.body_text())),
        }
    }
}

/// The tags of answers that the client has: the header `If-None-Match`.
pub(super) struct IfNoneMatch(Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get(IF_NONE_MATCH).cloned()))
    }
}

impl IfNoneMatch {
    /// Whether the client has none.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the client has the answer with this tag.
    pub(super) fn has(&self, tag: &Tag) -> bool {
        let Some(list) = self.0.as_ref().and_then(|value| value.to_str().ok()) else { return false };
        let mut tags = list.split(',').map(str::trim);
        tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag.as_str())
    }
}

/// The query of a request that selects processes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Select {
    /// Targets, separated by commas.
    #[serde(default)]
    #[schemars(required, length(min = 1))]
    pub(super) select: String,
}

/// Splits a comma-separated list of targets.
pub(super) fn targets(list: &str) -> Vec<String> {
    list.split(',').filter(|target| !target.is_empty()).map(str::to_owned).collect()
}

/// A switch in a query: `?follow=1`, `?follow=true` or just `?follow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(extend("enum" = ["1", "true", "", "0", "false"]))]
pub(super) enum Flag {
    #[serde(rename = "1", alias = "true", alias = "")]
    On,
    #[serde(rename = "0", alias = "false")]
    Off,
}

pub(super) fn is_on(flag: Option<Flag>) -> bool {
    flag == Some(Flag::On)
}

/// Reads a time of a query, in milliseconds since the Unix epoch.
pub(super) fn time_ms(key: &str, time: Option<&str>) -> Result<Option<u64>, Refused> {
    match time.map(str::parse::<jiff::Timestamp>) {
        None => Ok(None),
        Some(Ok(time)) => Ok(Some(u64::try_from(time.as_millisecond()).unwrap_or(0))),
        Some(Err(_)) => Err(Refused::bad_request(format!(
            "`{key}` is not an RFC 3339 time, such as 2026-11-25T14:05:30Z"
        ))),
    }
}
