//! The errors of the API: an HTTP status, a stable code, a sentence and a hint.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use provost_api::{self as api, ErrorCode};
use provost_supervisor::Refusal;

/// A request that was refused.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    error: api::Error,
}

impl Refused {
    fn new(status: StatusCode, code: ErrorCode, message: String, hint: Option<String>) -> Self {
        Self { status, error: api::Error { code, message: cut(message, MESSAGE_BYTES_MAX), hint } }
    }

    /// Refuses a request that exceeds a size limit.
    pub(super) fn too_large(message: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, message, None)
    }

    pub(super) fn busy() -> Self {
        let hint = "end some of the requests that follow or wait".to_owned();
        let message = "too many requests are following or waiting already".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Busy, message, Some(hint))
    }

    /// Refuses a request of a caller that has not said who it is.
    pub(super) fn unauthorized(message: String) -> Self {
        let hint =
            "send a token as `Authorization: Bearer TOKEN`; `provost token new NAME` makes one".to_owned();
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message, Some(hint))
    }

    /// Refuses a request that takes more than the caller may do.
    pub(super) fn forbidden(message: String) -> Self {
        let hint = "use a token with that scope; `provost token new NAME --scope SCOPE` makes one".to_owned();
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message, Some(hint))
    }

    pub(super) fn not_found(code: ErrorCode, message: String, hint: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, Some(hint))
    }

    /// Refuses a malformed request; `message` names the field.
    pub(super) fn bad_request(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message, None)
    }

    /// Refuses a request for one process whose target names none or several.
    pub(super) fn not_one(message: String, hint: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message, Some(hint))
    }

    pub(super) fn method_not_allowed(message: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::MethodNotAllowed, message, None)
    }

    /// Refuses a request that calls the host by a name that it does not have.
    pub(super) fn misdirected(message: String) -> Self {
        let hint = "name it in `hosts` of [api] if it is this host".to_owned();
        Self::new(StatusCode::MISDIRECTED_REQUEST, ErrorCode::Misdirected, message, Some(hint))
    }

    /// Refuses a request that a page of another server sends.
    pub(super) fn foreign_page(origin: &str) -> Self {
        let message = format!("a page of `{origin}` may not send requests");
        let hint = "name it in `origins` of [api] if it may".to_owned();
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message, Some(hint))
    }

    /// Refuses a request beyond the rate of its sender.
    pub(super) fn too_many_requests() -> Self {
        let message = "there are too many requests of this token or address".to_owned();
        let hint = "send fewer, or raise `requests_per_second` of [api]; one stream replaces many requests";
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, message, Some(hint.to_owned()))
    }

    pub(super) fn plugin_failed(message: String) -> Self {
        let hint = "`provost plugin list` shows its faults".to_owned();
        Self::new(StatusCode::BAD_GATEWAY, ErrorCode::PluginFailed, message, Some(hint))
    }

    /// Refuses a request that conflicts with the current state.
    pub(super) fn conflict(code: ErrorCode, message: String, hint: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, message, Some(hint))
    }

    /// Refuses a well-formed request because the component that it names is not acceptable.
    pub(super) fn unprocessable(code: ErrorCode, message: String, hint: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, Some(hint))
    }

    pub(super) fn internal(message: String) -> Self {
        let hint = "this is a defect of the host: please report it with the host's log".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, message, Some(hint))
    }

    /// Reports that a log still contains lines that were to be deleted.
    pub(super) fn not_cleared(message: String) -> Self {
        let hint = "`provost logs --host` may say more; what was not deleted can still be read".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::NotCleared, message, Some(hint))
    }

    pub(super) fn timed_out(message: String, name: &str) -> Self {
        let hint = format!("`provost explain {name}` says what led there; `--timeout` allows for more time");
        Self::new(StatusCode::GATEWAY_TIMEOUT, ErrorCode::Timeout, message, Some(hint))
    }

    /// Refuses to wait for a start whose dependency will not be ready unless `root` is started.
    pub(super) fn waits_in_vain(message: String, root: &str) -> Self {
        let hint = format!("`provost explain {root}` says why; `provost start {root}` tries again");
        Self::new(StatusCode::CONFLICT, ErrorCode::WaitsInVain, message, Some(hint))
    }

    pub(super) fn not_reached(message: String) -> Self {
        Self::new(StatusCode::CONFLICT, ErrorCode::NotReached, message, None)
    }

    /// Refuses a config; the message is the whole report about it, with the file and the line of each problem.
    pub(super) fn of_config(code: ErrorCode, report: String) -> Self {
        let hint = "nothing was changed; correct the config and try again".to_owned();
        let message = cut(report, REPORT_BYTES_MAX);
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            error: api::Error { code, message, hint: Some(hint) },
        }
    }

    /// Returns the error without its status, for one process of several.
    pub(super) fn into_error(self) -> api::Error {
        self.error
    }

    #[cfg(test)]
    pub(super) fn message(&self) -> String {
        match &self.error.hint {
            Some(hint) => format!("{}; {hint}", self.error.message),
            None => self.error.message.clone(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match refusal {
            Refusal::NotRunning => (StatusCode::CONFLICT, ErrorCode::NotRunning),
            Refusal::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::ShuttingDown),
            Refusal::Lost => (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Lost),
            Refusal::SignalFailed(_) | Refusal::Stuck => {
                (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::SignalFailed)
            }
            Refusal::Removed | Refusal::OtherIdentity => (StatusCode::CONFLICT, ErrorCode::UnknownProcess),
        };
        Self::new(status, code, refusal.to_string(), None)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { status, error } = self;
        let problem = api::Problem::new(status, error);
        // No type of the API has a map key that JSON cannot represent.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        (status, [(CONTENT_TYPE, PROBLEM)], body).into_response()
    }
}

/// The media type of a refusal.
const PROBLEM: HeaderValue = HeaderValue::from_static(api::PROBLEM_TYPE);

/// The longest message. It may contain a name or a field of any length.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// The longest report about a config, which quotes its lines.
const REPORT_BYTES_MAX: usize = 128 << 10;

fn cut(mut message: String, most: usize) -> String {
    if message.len() > most {
        message.truncate(message.floor_char_boundary(most));
        message.push('…');
    }
    message
}

/// The header that names the view that an answer is from: its errors are not those of the API.
pub(super) const VIEW: HeaderName = HeaderName::from_static(api::VIEW_HEADER);

/// The longest text of the router's own refusals that is kept.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Converts a refusal of the router itself, such as that of a bad query, to the form of all others.
pub(super) async fn in_json(response: Response) -> Response {
    let status = response.status();
    if status.as_u16() < 400 {
        return response;
    }
    let json = const { HeaderValue::from_static("application/json") };
    let content_type = response.headers().get(CONTENT_TYPE);
    // The router's own refusals are plain text.
    if [&PROBLEM, &json].into_iter().any(|ours| content_type == Some(ours))
        || response.headers().contains_key(&VIEW)
    {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), TEXT_BYTES_MAX).await.unwrap_or_default();
    let code = if status.is_client_error() { ErrorCode::BadRequest } else { ErrorCode::Internal };
    Refused::new(status, code, String::from_utf8_lossy(&text).into_owned(), None).into_response()
}
