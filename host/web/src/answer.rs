//! The answer to a request for a file of the page, with the headers that keep the page to itself.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY as POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::asset::Asset;
use crate::files::FILES;

/// What the page may do: run its own script and style, ask the host that it came from, and nothing else. No other page may show it
/// in a frame, where a click could be led to a button of it.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (POLICY, CONTENT_SECURITY_POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How long a browser may use a file without asking: the page itself never, a file whose name is made from its content always.
const ASK: &str = "no-cache";
const KEEP: &str = "public, max-age=31536000, immutable";

/// Answers a request for the page (`/`) or for one of its files. Returns `None` if there is no file of this name.
///
/// The answer needs no token, because it is the same for all hosts of a version: what the page shows comes from the API.
#[must_use]
pub fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Option<Response<Bytes>> {
    let name = match path {
        "/" => "index.html",
        _ => path.strip_prefix('/')?,
    };
    let asset = FILES.iter().find(|asset| asset.name == name)?;
    let mut response = Response::new(Bytes::new());
    if method == Method::GET || method == Method::HEAD {
        describe(asset, response.headers_mut());
        if is_known(asset, headers) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            // The server leaves the body of an answer to HEAD away.
            *response.body_mut() = Bytes::from_static(asset.content);
        }
    } else {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, const { HeaderValue::from_static("GET, HEAD") });
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

fn describe(asset: &Asset, headers: &mut HeaderMap) {
    let keep = if asset.is_immutable { KEEP } else { ASK };
    for (name, value) in [(CONTENT_TYPE, asset.media_type), (ETAG, asset.tag), (CACHE_CONTROL, keep)] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether the browser has this content already.
fn is_known(asset: &Asset, headers: &HeaderMap) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // A proxy that compresses an answer makes its tag a weak one.
    tags.flat_map(|tags| tags.split(','))
        .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == asset.tag)
}
