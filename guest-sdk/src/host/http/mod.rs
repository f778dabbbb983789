//! HTTP requests of a view or a consumer that the operator granted `http-out:HOST:PORT`; requests to other
//! destinations are denied, logged and counted. Needs the feature `wasi` of this crate.
//!
//! ```
//! use provost_guest::http::{Request, testing};
//!
//! let request = Request::post("http://127.0.0.1:8080/hook", "application/json", br#"{"up":true}"#);
//! let response = request.with_header("authorization", "Bearer abc").send().expect("a native test is answered with 200");
//! assert_eq!(response.status, 200);
//! assert_eq!(testing::sent()[0].url, "http://127.0.0.1:8080/hook");
//! ```
//! A request blocks until its response has arrived, at most until the deadline of the plugin's call:
//! `limits = { call_time = "5s" }` gives a slow server time. In native tests nothing is sent: see [`testing`].

mod check;
mod message;
pub mod testing;
mod url;
#[cfg(target_arch = "wasm32")]
mod wire;

#[cfg(not(target_arch = "wasm32"))]
use testing::answer as deliver;
#[cfg(target_arch = "wasm32")]
use wire::send as deliver;

pub use message::{BODY_BYTES_MAX, HttpError, Request, Response};
pub use url::Url;

impl Request {
    /// Sends the request and waits for the response.
    ///
    /// # Errors
    /// Returns an [`HttpError`] if there is no response, or if the request is none that can be sent: a wrong URL, method or header is
    /// an error in native tests as well.
    pub fn send(&self) -> Result<Response, HttpError> {
        deliver(self, &check::check(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::url::Destination;
    use super::*;

    #[test]
    fn a_url_is_split_into_its_parts() {
        let destination = |tls, authority, path| Some(Destination { tls, authority, path });
        assert_eq!(Destination::of("http://127.0.0.1:80/a?b#c"), destination(false, "127.0.0.1:80", "/a?b"));
        assert_eq!(Destination::of("https://example.org"), destination(true, "example.org", ""));
        assert_eq!(Destination::of("https://example.org?x"), destination(true, "example.org", "?x"));
        for no_url in [
            "example.org",
            "ftp://example.org",
            "http:///path",
            "",
            "http://a b/",
            "http://a/b c",
            "http://a/ü",
        ] {
            assert_eq!(Destination::of(no_url), None, "{no_url}");
            assert_eq!(Request::get(no_url).send(), Err(HttpError::Url(no_url.to_owned())));
        }
    }

    #[test]
    fn a_native_test_sees_the_requests_and_sets_the_responses() {
        testing::answer_with(Err(HttpError::Denied));
        assert_eq!(Request::get("http://a/").send(), Err(HttpError::Denied));
        assert_eq!(Request::get("http://b/").send().map(|response| response.status), Ok(200));
        let sent: Vec<String> = testing::sent().into_iter().map(|request| request.url).collect();
        assert_eq!(
            (sent, testing::sent()),
            (vec!["http://a/".to_owned(), "http://b/".to_owned()], Vec::new())
        );
    }

    #[test]
    fn a_setting_that_is_not_a_url_is_refused_when_it_is_read() {
        assert!(serde_json::from_str::<Url>("\"http://a:1/\"").is_ok());
        let error = serde_json::from_str::<Url>("\"a:1\"")
            .map(|url| url.as_str().to_owned())
            .unwrap_or_else(|error| error.to_string());
        assert!(error.starts_with("`a:1` is not a URL for a request"), "{error}");
    }
}
