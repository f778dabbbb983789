//! The messages: requests, responses, and errors.

/// The maximum number of bytes that are read of a response's body.
///
/// ```
/// assert_eq!(provost_guest::http::BODY_BYTES_MAX, 1_048_576);
/// ```
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// An HTTP request.
///
/// ```
/// use provost_guest::http::Request;
///
/// let request = Request::get("http://127.0.0.1:8080/status").with_header("accept", "application/json");
/// assert_eq!((request.method.as_str(), request.headers.len()), ("GET", 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, such as `GET` or `POST`.
    pub method: String,
    /// The URL: `http://` or `https://`, a host, and optionally a port, a path and a query.
    pub url: String,
    /// The names and values of the headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

/// An HTTP response of any status.
///
/// ```
/// use provost_guest::http::{Request, Response, testing};
///
/// testing::answer_with(Ok(Response { status: 404, body: b"no such page".to_vec() }));
/// let response = Request::get("http://127.0.0.1:8080/nothing").send()?;
/// assert_eq!((response.status, response.body.len()), (404, 12));
/// # Ok::<(), provost_guest::http::HttpError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// The body, cut at [`BODY_BYTES_MAX`].
    pub body: Vec<u8>,
}

/// Why there is no response.
///
/// ```
/// use provost_guest::http::{HttpError, Request};
///
/// let error = Request::get("example.org").send().unwrap_err();
/// assert_eq!(error, HttpError::Url("example.org".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// This is not a URL that a request can be sent to.
    Url(String),
    /// The operator has not granted requests to this destination.
    Denied,
    /// The request or its response failed; the reason, in words for people.
    Failed(String),
}

impl std::fmt::Display for HttpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(url) => {
                write!(
                    f,
                    "`{url}` is not a URL for a request: write http://HOST:PORT/PATH or https://HOST/PATH"
                )
            }
            Self::Denied => f.write_str("the operator has not granted it: allow = [\"http-out:HOST:PORT\"]"),
            Self::Failed(how) => f.write_str(how),
        }
    }
}

impl std::error::Error for HttpError {}

impl Request {
    /// Creates a `GET` request for this URL.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// Creates a `POST` request with this body.
    #[must_use]
    pub fn post(url: &str, content_type: &str, body: &[u8]) -> Self {
        let request = Self { method: "POST".to_owned(), body: body.to_vec(), ..Self::get(url) };
        request.with_header("content-type", content_type)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
