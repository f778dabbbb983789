//! What is sent and what comes back: requests, responses, and the errors of both.

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
}
