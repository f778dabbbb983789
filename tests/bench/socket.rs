//! A client of the control socket with little overhead: one persistent connection, and no parsing of bodies.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

pub(crate) struct Socket {
    stream: UnixStream,
    answer: Vec<u8>,
}

impl Socket {
    pub(crate) fn connect(path: &Path) -> Self {
        Self { stream: UnixStream::connect(path).unwrap(), answer: Vec::with_capacity(1 << 20) }
    }

    /// Sends a GET and returns the body of the answer, which must be a success.
    pub(crate) fn get(&mut self, path: &str) -> &[u8] {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    /// Sends a POST with these further headers, each with its line end, and a JSON body, and returns the body of the answer, which
    /// must be a success.
    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &str) -> &[u8] {
        let length = body.len();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        ))
    }

    fn ask(&mut self, request: &str) -> &[u8] {
        self.stream.write_all(request.as_bytes()).unwrap();
        self.answer.clear();
        let mut body = None;
        while body.is_none_or(|(start, length): (usize, usize)| self.answer.len() < start + length) {
            self.read_some();
            body = body.or_else(|| measure(&self.answer));
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.answer));
        let (start, length) = body.unwrap();
        &self.answer[start..start + length]
    }

    fn read_some(&mut self) {
        let had = self.answer.len();
        self.answer.resize(had + (256 << 10), 0);
        let read = self.stream.read(&mut self.answer[had..]).unwrap();
        assert!(read > 0, "the host closed the connection");
        self.answer.truncate(had + read);
    }
}

/// Returns the offset of the body and its length, once the head is complete.
fn measure(answer: &[u8]) -> Option<(usize, usize)> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some((end + 4, length.unwrap().parse().unwrap()))
}
