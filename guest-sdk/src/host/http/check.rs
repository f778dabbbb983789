//! The check of a request before it is sent. It is the same in a host and in native tests, so that a test finds a request that no host
//! would send.

use super::message::{HttpError, Request};
use super::url::Destination;

/// The headers of the connection, which only the host sets (those of WASI), and the length, which is that of the body.
const OF_THE_HOST: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Returns where a request goes.
///
/// # Errors
/// Returns what is wrong with its URL, its method or a header.
pub(super) fn check(request: &Request) -> Result<Destination<'_>, HttpError> {
    let failed = |what: &str, why: &str| Err(HttpError::Failed([what, why].concat()));
    let destination = Destination::of(&request.url).ok_or_else(|| HttpError::Url(request.url.clone()))?;
    if !is_token(&request.method) {
        return failed(&request.method, ": this is not a method of HTTP");
    }
    for (name, value) in &request.headers {
        if !is_token(name) {
            return failed(name, ": this is not the name of a header");
        }
        if OF_THE_HOST.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return failed(name, ": only the host sets this header");
        }
        if value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control()) {
            return failed(name, ": the value of this header has a control character");
        }
    }
    Ok(destination)
}

/// Whether a text is a token of RFC 9110, of which methods and the names of headers consist.
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}
