//! HTTP requests of a view or a consumer that the operator granted `http-out:HOST:PORT`; to any other place they are
//! denied, logged and counted. Needs the feature `wasi` of this crate.
//!
//! ```
//! use provost_guest::http::{Request, testing};
//!
//! let request = Request::post("http://127.0.0.1:8080/hook", "application/json", br#"{"up":true}"#);
//! let response = request.with_header("authorization", "Bearer abc").send().expect("a native test is answered with 200");
//! assert_eq!(response.status, 200);
//! assert_eq!(testing::sent()[0].url, "http://127.0.0.1:8080/hook");
//! ```
//! A request is waited for, but no longer than the call of the plugin may take: `limits = { call_time = "5s" }` gives a
//! slow server time. In native tests nothing is sent: see [`testing`].

/// The largest body of a response that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// `http://` or `https://`, a host, and what follows.
    pub url: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// May be empty.
    pub body: Vec<u8>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// At most [`BODY_BYTES_MAX`] of it.
    pub body: Vec<u8>,
}

/// Nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// It is no URL that a request can be sent to.
    Url(String),
    /// The operator did not grant it.
    Denied,
    /// The request, or the answer, got lost; how, in words for people.
    Failed(String),
}

impl std::fmt::Display for HttpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(url) => {
                write!(f, "`{url}` is no URL for a request: write http://HOST:PORT/PATH or https://HOST/PATH")
            }
            Self::Denied => f.write_str("the operator has not granted it: allow = [\"http-out:HOST:PORT\"]"),
            Self::Failed(how) => f.write_str(how),
        }
    }
}

impl std::error::Error for HttpError {}

impl Request {
    /// A `GET` of this URL.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `POST` of this body to this URL.
    #[must_use]
    pub fn post(url: &str, content_type: &str, body: &[u8]) -> Self {
        let request = Self { method: "POST".to_owned(), body: body.to_vec(), ..Self::get(url) };
        request.with_header("content-type", content_type)
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends it and waits for the response.
    ///
    /// # Errors
    /// [`HttpError`] if there is none.
    pub fn send(&self) -> Result<Response, HttpError> {
        let goal = Goal::of(&self.url).ok_or_else(|| HttpError::Url(self.url.clone()))?;
        wire::send(self, &goal)
    }
}

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
struct Goal<'a> {
    tls: bool,
    authority: &'a str,
    path: &'a str,
}

impl<'a> Goal<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        (!authority.is_empty()).then_some(Self { tls, authority, path })
    }
}

/// The URL of a request as a setting: refused when the settings are read, not when it is too late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Url {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let url = String::deserialize(deserializer)?;
        match Goal::of(&url) {
            Some(_) => Ok(Self(url)),
            None => Err(serde::de::Error::custom(HttpError::Url(url))),
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod wire {
    use wasip2::http::outgoing_handler;
    use wasip2::http::types::{
        ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme,
    };
    use wasip2::io::streams::StreamError;

    use super::{BODY_BYTES_MAX, Goal, HttpError, Request, Response};

    /// What the contract of `blocking-write-and-flush` allows at once, in bytes.
    const WRITE_BYTES_MAX: usize = 4096;

    fn failed(what: &str) -> HttpError {
        HttpError::Failed(what.to_owned())
    }

    fn lost(code: &ErrorCode) -> HttpError {
        match code {
            ErrorCode::HttpRequestDenied => HttpError::Denied,
            other => HttpError::Failed(words(&format!("{other:?}"))),
        }
    }

    /// `ErrorCode::ConnectionRefused` as people say it: `connection refused`.
    fn words(code: &str) -> String {
        let mut words = String::new();
        for letter in code.trim_start_matches("ErrorCode::").chars() {
            if letter.is_ascii_uppercase() && words.ends_with(|c: char| c.is_ascii_lowercase()) {
                words.push(' ');
            }
            words.push(letter.to_ascii_lowercase());
        }
        words
    }

    pub(super) fn send(request: &Request, goal: &Goal<'_>) -> Result<Response, HttpError> {
        let outgoing = outgoing(request, goal)?;
        let body = outgoing.body().map_err(|()| failed("it has no body"))?;
        let coming = outgoing_handler::handle(outgoing, None).map_err(|code| lost(&code))?;
        // What comes back says better than a broken pipe what went wrong.
        let written = write(body, &request.body);
        coming.subscribe().block();
        let response = coming.get().and_then(Result::ok).ok_or_else(|| failed("there was no response"))?;
        let response = response.map_err(|code| lost(&code))?;
        written?;
        let status = response.status();
        let body = response.consume().map_err(|()| failed("the response has no body"))?;
        Ok(Response { status, body: read(&body)? })
    }

    fn outgoing(request: &Request, goal: &Goal<'_>) -> Result<OutgoingRequest, HttpError> {
        let length = ("content-length".to_owned(), request.body.len().to_string());
        let headers: Vec<(String, Vec<u8>)> = request
            .headers
            .iter()
            .chain([&length])
            .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
            .collect();
        let headers = Fields::from_list(&headers)
            .map_err(|error| HttpError::Failed(format!("a header is not possible: {error:?}")))?;
        let outgoing = OutgoingRequest::new(headers);
        let method = match request.method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            other => Method::Other(other.to_owned()),
        };
        let scheme = if goal.tls { Scheme::Https } else { Scheme::Http };
        let path = if goal.path.is_empty() { "/" } else { goal.path };
        outgoing
            .set_method(&method)
            .and_then(|()| outgoing.set_scheme(Some(&scheme)))
            .and_then(|()| outgoing.set_authority(Some(goal.authority)))
            .and_then(|()| outgoing.set_path_with_query(Some(path)))
            .map_err(|()| HttpError::Url(request.url.clone()))?;
        Ok(outgoing)
    }

    fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), HttpError> {
        let stream = body.write().map_err(|()| failed("the body cannot be written"))?;
        for part in bytes.chunks(WRITE_BYTES_MAX) {
            stream.blocking_write_and_flush(part).map_err(|_| failed("the body was not taken"))?;
        }
        // The stream belongs to the body: it must be gone before that is finished.
        drop(stream);
        OutgoingBody::finish(body, None).map_err(|code| lost(&code))
    }

    fn read(body: &IncomingBody) -> Result<Vec<u8>, HttpError> {
        let stream = body.stream().map_err(|()| failed("the response cannot be read"))?;
        let mut bytes = Vec::new();
        loop {
            let room = BODY_BYTES_MAX.saturating_sub(bytes.len()) as u64;
            match stream.blocking_read(room.clamp(1, 64 << 10)) {
                Ok(_) if room == 0 => return Ok(bytes),
                Ok(part) => bytes.extend(part),
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(_)) => return Err(failed("the response broke off")),
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod wire {
    use super::{Goal, HttpError, Request, Response, testing};

    pub(super) fn send(request: &Request, _goal: &Goal<'_>) -> Result<Response, HttpError> {
        testing::answer(request)
    }
}

/// Requests of native tests: kept instead of sent.
pub mod testing {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::{HttpError, Request, Response};

    std::thread_local! {
        static SENT: RefCell<Vec<Request>> = const { RefCell::new(Vec::new()) };
        static ANSWERS: RefCell<VecDeque<Result<Response, HttpError>>> = const { RefCell::new(VecDeque::new()) };
    }

    /// What the next request of this thread is answered with; without that, status 200 and no body.
    pub fn answer_with(answer: Result<Response, HttpError>) {
        ANSWERS.with_borrow_mut(|answers| answers.push_back(answer));
    }

    /// What this thread has sent since it was last asked.
    #[must_use]
    pub fn sent() -> Vec<Request> {
        SENT.take()
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn answer(request: &Request) -> Result<Response, HttpError> {
        SENT.with_borrow_mut(|sent| sent.push(request.clone()));
        let answer = ANSWERS.with_borrow_mut(VecDeque::pop_front);
        answer.unwrap_or(Ok(Response { status: 200, body: Vec::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let goal = |tls, authority, path| Some(Goal { tls, authority, path });
        assert_eq!(Goal::of("http://127.0.0.1:80/a?b#c"), goal(false, "127.0.0.1:80", "/a?b"));
        assert_eq!(Goal::of("https://example.org"), goal(true, "example.org", ""));
        assert_eq!(Goal::of("https://example.org?x"), goal(true, "example.org", "?x"));
        for no_url in ["example.org", "ftp://example.org", "http:///path", ""] {
            assert_eq!(Goal::of(no_url), None, "{no_url}");
            assert_eq!(Request::get(no_url).send(), Err(HttpError::Url(no_url.to_owned())));
        }
    }

    #[test]
    fn a_native_test_sees_what_is_sent_and_says_what_comes_back() {
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
    fn a_setting_that_is_no_url_is_refused_as_it_is_read() {
        assert!(serde_json::from_str::<Url>("\"http://a:1/\"").is_ok());
        let error =
            serde_json::from_str::<Url>("\"a:1\"").map(|url| url.0).unwrap_or_else(|error| error.to_string());
        assert!(error.starts_with("`a:1` is no URL for a request"), "{error}");
    }
}
