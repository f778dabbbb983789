//! What is taken out of requests: bodies, and queries that choose processes. A body has a bound in bytes and in time.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::refused::Refused;

/// The longest body, unless a route says otherwise.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// The longest body of an order to a plugin: its settings may have 8 MiB.
pub(super) const PLUGIN_BODY_BYTES_MAX: usize = 16 << 20;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// A JSON body whose errors name the field and are answered in JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Body<T>
where
    Json<T>: FromRequest<S, Rejection = JsonRejection>,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        match tokio::time::timeout(BODY_TIME, Json::from_request(request, state)).await {
            Ok(Ok(Json(body))) => Ok(Self(body)),
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Refused::too_large(rejection.body_text()))
            }
            Ok(Err(rejection)) => Err(Refused::bad_request(rejection.body_text())),
            Err(_) => Err(Refused::bad_request("the body did not arrive within 30 s".to_owned())),
        }
    }
}

/// The query of requests that choose processes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Select {
    /// Targets, separated by commas.
    #[serde(default)]
    pub(super) select: String,
}

/// The targets of a comma-separated list.
pub(crate) fn targets(list: &str) -> Vec<String> {
    list.split(',').filter(|target| !target.is_empty()).map(str::to_owned).collect()
}
