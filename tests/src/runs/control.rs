//! A robust client of the control socket: nothing that the host does makes it panic, and every step has a time limit.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

/// The time limit of each read and write.
pub const IO_TIMEOUT: Duration = Duration::from_secs(30);

/// A client with a connection that is reused while it works.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    stream: Option<UnixStream>,
}

/// An answer: its HTTP status and its body.
pub type Answer = (u16, Vec<u8>);

impl Control {
    /// Makes a client of the host that listens at this path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), stream: None }
    }

    /// Sends a GET and returns the answer.
    ///
    /// # Errors
    /// There was no whole answer.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    /// Sends a POST with a JSON body and returns the answer.
    ///
    /// # Errors
    /// There was no whole answer, and it is not known whether the request was carried out.
    pub fn post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        let body = body.to_string();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Returns the status of the host and all processes.
    ///
    /// # Errors
    /// There was no whole answer, or it was a refusal.
    pub fn status(&mut self) -> Result<Value, String> {
        match self.get("/v1/status") {
            Ok((200, body)) => serde_json::from_slice(&body).map_err(|error| error.to_string()),
            Ok((code, body)) => Err(format!("{code}: {}", String::from_utf8_lossy(&body))),
            Err(error) => Err(error.to_string()),
        }
    }

    fn ask(&mut self, request: &str) -> io::Result<Answer> {
        if let Some(mut stream) = self.stream.take() {
            // The host closes connections that were idle for long; such a request was not processed and is sent again.
            let sent = stream.write_all(request.as_bytes());
            let mut first = [0];
            if sent.is_ok() && stream.read(&mut first).is_ok_and(|read| read == 1) {
                return self.answer(stream, first.to_vec());
            }
        }
        let mut stream = UnixStream::connect(&self.path)?;
        stream.set_read_timeout(Some(IO_TIMEOUT))?;
        stream.set_write_timeout(Some(IO_TIMEOUT))?;
        stream.write_all(request.as_bytes())?;
        self.answer(stream, Vec::new())
    }

    fn answer(&mut self, mut stream: UnixStream, mut bytes: Vec<u8>) -> io::Result<Answer> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some((status, start, length)) = head(&bytes)
                && bytes.len() >= start + length
            {
                self.stream = Some(stream);
                return Ok((status, bytes[start..start + length].to_vec()));
            }
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend_from_slice(&buffer[..read]);
        }
    }
}

/// Returns the status, the offset of the body and its length, once the head is complete.
fn head(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some((status, end + 4, length.parse().ok()?))
}
