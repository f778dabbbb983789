//! Refusals in the form that the API has for them. The library that serves the protocol writes plain text.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use provost_api::{Error, ErrorCode, PROBLEM_TYPE, Problem};

use super::seats::Full as NoSeat;
use super::sessions::Failed;

/// The code of a request of a session that there is not, or not any more.
const UNKNOWN_SESSION: &str = "unknown_session";

/// The code of a request that does not accept what it is answered with.
const NOT_ACCEPTABLE: &str = "not_acceptable";

/// The longest sentence, in bytes. It may quote a request.
const DETAIL_BYTES_MAX: usize = 4 << 10;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Refuses a request of a session that there is not, or that another caller has.
pub(super) fn unknown_session() -> Answer {
    let detail = "there is no such session, or it has ended".to_owned();
    problem(StatusCode::NOT_FOUND, ErrorCode::from(UNKNOWN_SESSION), detail, Some(BEGIN))
}

/// Refuses a request that ended before its body did.
pub(super) fn cut_off() -> Answer {
    let detail = "the request ended before its body did".to_owned();
    problem(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, detail, None)
}

const BEGIN: &str = "begin another one with `initialize`";

fn busy(full: NoSeat) -> Answer {
    let hint = "end some of them, or their streams and requests";
    problem(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Busy, full.to_string(), Some(hint))
}

/// Returns a refusal of the library as a problem, and any other answer as it is. An error in JSON is a message of the protocol.
pub(super) async fn of_refusal(answer: Answer, failed: Option<Failed>) -> Answer {
    let status = answer.status();
    let is_json = |value: &HeaderValue| value.as_bytes().starts_with(b"application/json");
    if status.as_u16() < 400 || answer.headers().get(CONTENT_TYPE).is_some_and(is_json) {
        return answer;
    }
    match failed {
        Some(Failed::Full(full)) => return busy(full),
        Some(Failed::Ended) => return unknown_session(),
        None => {}
    }
    let allow = answer.headers().get(ALLOW).cloned();
    let Ok(body) = answer.into_body().collect().await;
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let (code, hint) = meaning(status);
    let mut refused = match status {
        StatusCode::NOT_FOUND => unknown_session(),
        _ => problem(status, code, sentence(status, &text), hint),
    };
    if let Some(allow) = allow {
        refused.headers_mut().insert(ALLOW, allow);
    }
    refused
}

/// Returns the code of a status, and what to do about it.
fn meaning(status: StatusCode) -> (ErrorCode, Option<&'static str>) {
    match status {
        StatusCode::NOT_ACCEPTABLE => {
            let hint = "send `Accept: application/json, text/event-stream`";
            (ErrorCode::from(NOT_ACCEPTABLE), Some(hint))
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let hint = "send one message of the protocol with `Content-Type: application/json`";
            (ErrorCode::BadRequest, Some(hint))
        }
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::TooLarge, Some("send a shorter message")),
        StatusCode::METHOD_NOT_ALLOWED => (ErrorCode::MethodNotAllowed, None),
        _ if status.is_client_error() => (ErrorCode::BadRequest, None),
        _ => {
            (ErrorCode::Internal, Some("this is a defect of the host: please report it with the host's log"))
        }
    }
}

/// Returns the text of the library without the words of the status before it.
fn sentence(status: StatusCode, text: &str) -> String {
    let words = status.canonical_reason().unwrap_or_default();
    let text = text.strip_prefix(words).unwrap_or(text).trim_start_matches([':', ' ']);
    let cut = &text[..text.floor_char_boundary(DETAIL_BYTES_MAX)];
    match (cut.is_empty(), cut.len() < text.len()) {
        (true, _) => words.to_owned(),
        (false, true) => format!("{cut}…"),
        (false, false) => cut.to_owned(),
    }
}

fn problem(status: StatusCode, code: ErrorCode, detail: String, hint: Option<&str>) -> Answer {
    let problem = Problem::new(status, Error { code, message: detail, hint: hint.map(str::to_owned) });
    // No type of the API has a map key that JSON cannot represent.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = Response::new(Full::from(body).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, const { HeaderValue::from_static(PROBLEM_TYPE) });
    answer
}
