//! A client that only counts the bytes of answers, and a bare loop that writes the same bytes to it.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A client with one persistent connection. It reads each answer into the same buffer and keeps nothing of it.
pub(crate) struct Counting {
    stream: UnixStream,
    buffer: Box<[u8]>,
    /// The number of bytes that the first read of the last answer returned.
    first: usize,
    /// The length of the head of the last answer.
    head: usize,
}

/// What is known of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) status: u16,
    pub(crate) body_bytes: usize,
}

impl Counting {
    pub(crate) fn connect(path: &Path) -> Self {
        let buffer = vec![0; 1 << 20].into_boxed_slice();
        Self { stream: UnixStream::connect(path).unwrap(), buffer, first: 0, head: 0 }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Counted {
        self.stream.write_all(request).unwrap();
        self.first = 0;
        let end = loop {
            let read = self.stream.read(&mut self.buffer[self.first..]).unwrap();
            assert!(read > 0, "the connection was closed");
            self.first += read;
            let shown = &self.buffer[..self.first.min(2_048)];
            if let Some(end) = shown.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
        };
        self.head = end;
        let status = number(&self.buffer[b"HTTP/1.1 ".len()..end]);
        let length = b"content-length: ";
        let at = self.buffer[..end].windows(length.len()).position(|bytes| bytes == length);
        let body_bytes = at.map_or(0, |at| number(&self.buffer[at + length.len()..end]));
        let mut rest = (end + body_bytes).checked_sub(self.first).unwrap();
        while rest > 0 {
            let kept = self.first.min(self.buffer.len() / 2);
            let read = self.stream.read(&mut self.buffer[kept..]).unwrap();
            assert!(read > 0, "the connection was closed");
            rest = rest.checked_sub(read).unwrap();
        }
        Counted { status: u16::try_from(status).unwrap(), body_bytes }
    }

    /// Returns the head of the last answer.
    pub(crate) fn head(&self) -> &str {
        std::str::from_utf8(&self.buffer[..self.head]).unwrap()
    }

    /// Returns the first bytes of the body of the last answer.
    pub(crate) fn body_begins(&self) -> &[u8] {
        &self.buffer[self.head..self.first]
    }

    /// Returns the value of a header of the last answer.
    pub(crate) fn header(&self, name: &str) -> String {
        let line = self.head().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap().to_owned()
    }
}

fn number(text: &[u8]) -> usize {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

/// A loop that reads requests of at most 4 KiB and writes the same answer to each.
pub(crate) struct Bare {
    _dir: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

impl Bare {
    /// Asks a host once, and serves as many bytes with the same head.
    pub(crate) fn recorded(path: &Path, request: &[u8]) -> Self {
        let mut client = Counting::connect(path);
        let answer = client.ask(request);
        let mut bytes = client.head().as_bytes().to_vec();
        bytes.resize(bytes.len() + answer.body_bytes, b'x');
        Self::serve(bytes)
    }

    /// Serves `answer` on a socket, with one thread for each connection, until the connections are closed.
    fn serve(answer: Vec<u8>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bare.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let answer: Arc<[u8]> = answer.into();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, answer) = (stream.unwrap(), answer.clone());
                std::thread::spawn(move || {
                    let mut request = [0; 4 << 10];
                    while stream.read(&mut request).is_ok_and(|read| read > 0) {
                        if stream.write_all(&answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { _dir: dir, path }
    }
}
