//! Extracts bodies and queries from requests. A body is bounded in bytes and in time.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::Deserialize;

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
        if let Ok(text) = std::str::from_utf8(&bytes) {
            exact_numbers(text).map_err(|error| Refused::bad_request(error.to_string()))?;
        }
        match Json::from_request(Request::from_parts(head, bytes.into()), state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Refused::bad_request(rejection.body_text())),
        }
    }
}

/// The query of a request that selects processes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Select {
    /// Targets, separated by commas.
    #[serde(default)]
    pub(super) select: String,
}

/// Splits a comma-separated list of targets.
pub(super) fn targets(list: &str) -> Vec<String> {
    list.split(',').filter(|target| !target.is_empty()).map(str::to_owned).collect()
}
