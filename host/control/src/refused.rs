//! Errors as people and programs get them: a status, a stable word, a sentence, and what to do next.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use provost_supervisor::Refusal;

use crate::wire;

/// A request that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    error: wire::Error,
}

impl Refused {
    fn new(status: StatusCode, code: &str, message: String, hint: Option<String>) -> Self {
        Self { status, error: wire::Error { code: code.to_owned(), message: cut(message), hint } }
    }

    /// More than is taken at once.
    pub(crate) fn too_large(message: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message, None)
    }

    pub(crate) fn busy() -> Self {
        let hint = "end some of those that follow or wait".to_owned();
        let message = "too many requests follow or wait already".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message, Some(hint))
    }

    pub(crate) fn not_found(code: &str, message: String, hint: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, Some(hint))
    }

    /// The request itself is at fault; `message` names the field.
    pub(crate) fn bad_request(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message, None)
    }

    /// One process was wanted, and the target names another number of them.
    pub(crate) fn not_one(message: String, hint: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message, Some(hint))
    }

    pub(crate) fn method_not_allowed(message: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message, None)
    }

    pub(crate) fn plugin_failed(message: String) -> Self {
        let hint = "`provost plugin list` shows its faults".to_owned();
        Self::new(StatusCode::BAD_GATEWAY, "plugin_failed", message, Some(hint))
    }

    /// The request conflicts with the current state.
    pub(crate) fn conflict(code: &str, message: String, hint: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, Some(hint))
    }

    /// The request is well-formed, and what it names is not good enough.
    pub(crate) fn unprocessable(code: &str, message: String, hint: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, Some(hint))
    }

    pub(crate) fn internal(message: String) -> Self {
        let hint = "this is a defect of the host: please report it with the host's log".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message, Some(hint))
    }

    /// A log still holds what it was to be rid of.
    pub(crate) fn not_cleared(message: String) -> Self {
        let hint = "`provost logs --host` may say more; what was not deleted can still be read".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "not_cleared", message, Some(hint))
    }

    pub(crate) fn timed_out(message: String, name: &str) -> Self {
        let hint = format!("`provost explain {name}` says what led there; `--timeout` allows for more time");
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message, Some(hint))
    }

    /// A start waits for what will not come about unless `root` is started.
    pub(crate) fn waits_in_vain(message: String, root: &str) -> Self {
        let hint = format!("`provost explain {root}` says why; `provost start {root}` tries again");
        Self::new(StatusCode::CONFLICT, "waits_in_vain", message, Some(hint))
    }

    pub(crate) fn not_reached(message: String) -> Self {
        Self::new(StatusCode::CONFLICT, "not_reached", message, None)
    }

    /// The error without its status, for one process of several.
    pub(crate) fn into_error(self) -> wire::Error {
        self.error
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> String {
        match &self.error.hint {
            Some(hint) => format!("{}; {hint}", self.error.message),
            None => self.error.message.clone(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match refusal {
            Refusal::NotRunning => (StatusCode::CONFLICT, "not_running"),
            Refusal::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
            Refusal::Lost => (StatusCode::SERVICE_UNAVAILABLE, "lost"),
            Refusal::SignalFailed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "signal_failed"),
        };
        Self::new(status, code, refusal.to_string(), None)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(wire::Failure { error: self.error })).into_response()
    }
}

/// The longest message: a name or a field in it may be of any length.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
    message
}

/// Longer texts of refusals are none that we know.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Refusals of the router itself, such as that of a bad query, in the same form as all others.
pub(crate) async fn in_json(response: Response) -> Response {
    let status = response.status();
    let json = HeaderValue::from_static("application/json");
    if status.as_u16() < 400 || response.headers().get(CONTENT_TYPE) == Some(&json) {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), TEXT_BYTES_MAX).await.unwrap_or_default();
    let code = if status.is_client_error() { "bad_request" } else { "internal" };
    Refused::new(status, code, String::from_utf8_lossy(&text).into_owned(), None).into_response()
}
