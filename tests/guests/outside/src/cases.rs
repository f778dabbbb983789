//! Questions to the outside, each with its answer as text. A test asks them in the host, and natively the stand-ins of the SDK, and
//! compares.

use provost_guest::env;
use provost_guest::http::{Request, Response};

/// A question. It is given the address of a server, such as `http://127.0.0.1:8080`.
type Ask = fn(&str) -> String;

/// The questions by their names.
pub const CASES: [(&str, Ask); 11] = [
    ("a page", |server| sent(&Request::get(&format!("{server}/page?a=b&c")))),
    ("no path", |server| {
        sent(&Request::get(server)) + &sent(&Request::get(&format!("{server}?only=query#here")))
    }),
    ("a body", |server| {
        sent(&Request::post(&format!("{server}/echo"), "application/json", br#"{"up":true}"#))
    }),
    ("a large body", |server| {
        sent(&Request::post(&format!("{server}/page"), "text/plain", &[b'x'; 100_000]))
    }),
    ("a page that is not there", |server| sent(&Request::get(&format!("{server}/nothing")))),
    ("an empty answer", |server| sent(&Request::get(&format!("{server}/empty")))),
    ("a large answer", |server| sent(&Request::get(&format!("{server}/large")))),
    ("headers", |server| {
        let get = Request::get(&format!("{server}/page"));
        let headers = [
            ("x-one", "1"),
            ("X-Two", "a\tb"),
            ("x-empty", ""),
            ("x-umlaut", "ü"),
            ("a b", "x"),
            ("", "x"),
            ("ä", "x"),
            ("x-line", "a\nb"),
            ("x-zero", "\0"),
            ("Host", "elsewhere"),
            ("connection", "close"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
        ];
        each(headers, |(name, value)| sent(&get.clone().with_header(name, value)))
            + &sent(&get.clone().with_header("x-twice", "1").with_header("x-twice", "2"))
    }),
    ("methods", |server| {
        each(["PUT", "DELETE", "get", "BAD METHOD", "", "Ä"], |method| {
            sent(&Request { method: method.to_owned(), ..Request::get(&format!("{server}/page")) })
        })
    }),
    ("URLs", |_| {
        let urls = [
            "",
            "example.org",
            "ftp://a/",
            "http://",
            "http:///path",
            "http://a b/",
            "http://a\\b/",
            "http://ä/",
        ];
        let with_wrong_paths =
            ["http://a/b c", "http://a/ü", "http://a/\n", "http://a/<b>", "http://a/b^", "http://a/?b`"];
        each(urls.into_iter().chain(with_wrong_paths), |url| sent(&Request::get(url)))
    }),
    ("variables", |_| {
        format!("{:?}", ["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "NOBODY_HAS_SET_THIS", ""].map(env::var))
    }),
];

/// Returns the answer to the question of this name.
pub(crate) fn answer(name: &str, server: &str) -> Option<String> {
    let (_, ask) = CASES.iter().find(|(known, _)| *known == name)?;
    Some(ask(server))
}

/// Sends a request, and returns a line with what came.
fn sent(request: &Request) -> String {
    match request.send() {
        Ok(Response { status, body }) => {
            let begin = String::from_utf8_lossy(body.get(..20).unwrap_or(&body)).into_owned();
            format!("{status}: {} bytes, {begin:?}\n", body.len())
        }
        Err(error) => format!("{error:?}: {error}\n"),
    }
}

/// Returns the answers for each of these.
fn each<T>(of: impl IntoIterator<Item = T>, answer: impl Fn(T) -> String) -> String {
    of.into_iter().map(answer).collect()
}
