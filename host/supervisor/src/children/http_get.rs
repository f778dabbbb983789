//! The GET of a check: over an open connection, with a bound on how much of the response is read. The caller bounds the
//! time.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long to wait for the rest of a response.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much of the rest of a response is read, in bytes.
const REST_BYTES_MAX: u64 = 256 << 10;

/// How many bytes are read until the final status is there: interim responses with their headers come before it.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// A parsed `http://` URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'u> {
    /// Host and port, as they are written.
    pub(crate) authority: &'u str,
    /// The host; an IPv6 address is in brackets.
    pub(crate) host: &'u str,
    pub(crate) port: u16,
    /// Path and query; empty, or with a `/` or a `?` at its beginning.
    path: &'u str,
}

impl<'u> Url<'u> {
    /// Reads `http://host[:port][/path][?query]`; `None` if it is anything else.
    pub(crate) fn parse(url: &'u str) -> Option<Self> {
        if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return None;
        }
        let rest = url.strip_prefix("http://")?;
        let rest = rest.split('#').next()?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
        let (host, port) = if has_port { endpoint(authority)? } else { (authority, 80) };
        (!host.is_empty() && !authority.contains('@')).then_some(Self { authority, host, port, path })
    }
}

/// Parses `host:port`, where an IPv6 address is in brackets.
pub(crate) fn endpoint(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty() && (bracketed || !host.contains(':'))).then_some((host, port))
}

/// Sends a GET and returns the final status; `None` if the peer does not speak HTTP.
pub(crate) async fn get<S>(mut stream: S, url: Url<'_>) -> Option<u16>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Url { authority, path, .. } = url;
    let slash = if path.starts_with('/') { "" } else { "/" };
    let request = format!(
        "GET {slash}{path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: provost\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let status = loop {
        match next_status(&answer) {
            Head::Final(status) => break Some(status),
            Head::NotHttp => break None,
            Head::Partial if answer.len() >= HEAD_BYTES_MAX => break None,
            Head::Partial => {}
        }
        if (&mut stream).take(4_096).read_buf(&mut answer).await.ok()? == 0 {
            break None;
        }
    };
    // Many servers complain about a connection that closes before the response is complete; a kept-alive one never
    // ends.
    tokio::spawn(tokio::time::timeout(FAREWELL, async move {
        let _ = tokio::io::copy(&mut stream.take(REST_BYTES_MAX), &mut tokio::io::sink()).await;
    }));
    status
}

/// What the beginning of a response says.
#[derive(Debug, PartialEq, Eq)]
enum Head {
    Final(u16),
    /// More has to be read.
    Partial,
    NotHttp,
}

/// Returns the first status that is not an interim one (RFC 9110, 15.2: any number of 1xx may come before the final
/// one). 101 is final: nothing else follows it.
fn next_status(answer: &[u8]) -> Head {
    let mut rest = answer;
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            let begins = rest.iter().zip(b"HTTP/").all(|(there, wanted)| there == wanted);
            return if begins && rest.len() < 1_024 { Head::Partial } else { Head::NotHttp };
        };
        match status_of(&rest[..end]) {
            None => return Head::NotHttp,
            Some(status) if !(100..200).contains(&status) || status == 101 => return Head::Final(status),
            Some(_) => match after_head(rest) {
                Some(after) => rest = after,
                None => return Head::Partial,
            },
        }
    }
}

/// Returns what follows the empty line that ends a head.
fn after_head(text: &[u8]) -> Option<&[u8]> {
    let ends = |at: &usize| {
        let after = &text[at + 1..];
        text[*at] == b'\n' && (after.starts_with(b"\n") || after.starts_with(b"\r\n"))
    };
    let end = (0..text.len()).find(ends)?;
    let blank = if text[end + 1..].starts_with(b"\r") { 2 } else { 1 };
    text.get(end + 1 + blank..)
}

fn status_of(line: &[u8]) -> Option<u16> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let parts = |url| Url::parse(url).map(|url| (url.host, url.port, url.path));
        assert_eq!(parts("http://127.0.0.1:8731/health?x=1"), Some(("127.0.0.1", 8731, "/health?x=1")));
        assert_eq!(parts("http://localhost"), Some(("localhost", 80, "")));
        assert_eq!(parts("http://[::1]:81?x=1#y"), Some(("[::1]", 81, "?x=1")));
        assert_eq!(parts("http://[::1]/"), Some(("[::1]", 80, "/")));
        for bad in [
            "https://localhost/",
            "http:///x",
            "http://a:0/",
            "http://u@h/",
            "http://a/ b",
            "http://a/\r\nX: y",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_a_port() {
        assert_eq!(endpoint("[::1]:80"), Some(("[::1]", 80)));
        assert_eq!(endpoint("db:5432"), Some(("db", 5432)));
        for bad in ["", "db", ":80", "db:0", "db:99999", "::1:80"] {
            assert_eq!(endpoint(bad), None, "{bad}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over_and_only_a_status_line_has_a_status() {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        for (answer, head) in [
            ("HTTP/1.0 204 No Content\r\n".to_owned(), Head::Final(204)),
            (format!("{hints}HTTP/1.1 100 Continue\n\nHTTP/1.1 503 No\r\n"), Head::Final(503)),
            (format!("{hints}HTTP/1.1 200"), Head::Partial),
            (hints[..30].to_owned(), Head::Partial),
            (format!("{hints}garbage\n"), Head::NotHttp),
            ("HTTP/1.1 101 Switching Protocols\r\n".to_owned(), Head::Final(101)),
            ("SSH-2.0-OpenSSH\r\n".to_owned(), Head::NotHttp),
            ("SSH".to_owned(), Head::NotHttp),
            (String::new(), Head::Partial),
            ("HTTP/".to_owned() + &"x".repeat(2_000), Head::NotHttp),
        ] {
            assert_eq!(next_status(answer.as_bytes()), head, "{answer}");
        }
    }

    #[tokio::test]
    async fn an_answer_of_interim_answers_only_is_given_up_after_a_bounded_amount() {
        let (ours, mut theirs) = tokio::io::duplex(4_096);
        let flood = tokio::spawn(async move {
            let mut sent = 0;
            while theirs.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {
                sent += 27;
            }
            sent
        });
        let url = Url::parse("http://a/").unwrap();
        assert_eq!(get(ours, url).await, None);
        let sent = flood.await.unwrap();
        assert!(sent < 2 * HEAD_BYTES_MAX + 2 * usize::try_from(REST_BYTES_MAX).unwrap(), "{sent}");
    }
}
