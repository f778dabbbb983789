//! Clients of the peers' control sockets: XML-RPC over HTTP for supervisord, ZeroMQ's wire protocol for circus. Like the client of our
//! own socket, they keep one connection and parse nothing of an answer but its length.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// supervisord's answer to `getAllProcessInfo`. It keeps a connection open if it is asked to.
pub(crate) struct XmlRpc {
    path: PathBuf,
    stream: Option<UnixStream>,
    buffer: Vec<u8>,
}

const CALL: &str = "<?xml version='1.0'?><methodCall><methodName>supervisor.getAllProcessInfo</methodName><params/></methodCall>";

impl XmlRpc {
    pub(crate) fn connect(path: &Path) -> Self {
        Self { path: path.to_owned(), stream: None, buffer: Vec::new() }
    }

    /// Asks once and returns the length of the body.
    pub(crate) fn ask(&mut self) -> usize {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => UnixStream::connect(&self.path).unwrap(),
        };
        let request = format!(
            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n{CALL}",
            CALL.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        self.buffer.clear();
        let (start, length) = loop {
            read_some(&mut stream, &mut self.buffer);
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                assert!(head.starts_with("http/1.1 200") || head.starts_with("http/1.0 200"), "{head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let closes = head.contains("connection: close") || head.starts_with("http/1.0");
                if !closes {
                    self.stream = Some(stream.try_clone().unwrap());
                }
                break (end + 4, length.parse::<usize>().unwrap());
            }
        };
        while self.buffer.len() < start + length {
            read_some(&mut stream, &mut self.buffer);
        }
        length
    }
}

/// circus's answer to `status`, on a DEALER socket of ZMTP 3.0 without security.
pub(crate) struct Zmq {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Zmq {
    pub(crate) fn connect(path: &Path) -> Self {
        let mut stream = UnixStream::connect(path).unwrap();
        let mut greeting = [0; 64];
        (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
        greeting[12..16].copy_from_slice(b"NULL");
        stream.write_all(&greeting).unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
        let mut ready = b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0".to_vec();
        ready.splice(0..0, [4, u8::try_from(ready.len()).unwrap()]);
        stream.write_all(&ready).unwrap();
        let mut one = Self { stream, buffer: Vec::new() };
        one.frame();
        one
    }

    /// Reads one frame and returns its length.
    fn frame(&mut self) -> usize {
        let mut flags = [0];
        self.stream.read_exact(&mut flags).unwrap();
        let length = if flags[0] & 2 == 0 {
            let mut short = [0];
            self.stream.read_exact(&mut short).unwrap();
            usize::from(short[0])
        } else {
            let mut long = [0; 8];
            self.stream.read_exact(&mut long).unwrap();
            usize::try_from(u64::from_be_bytes(long)).unwrap()
        };
        self.buffer.resize(length, 0);
        self.stream.read_exact(&mut self.buffer).unwrap();
        length
    }

    /// Asks once and returns the length of the answer.
    pub(crate) fn ask(&mut self) -> usize {
        let call = br#"{"id":"1","command":"status","properties":{}}"#;
        let mut frame = vec![0, u8::try_from(call.len()).unwrap()];
        frame.extend_from_slice(call);
        self.stream.write_all(&frame).unwrap();
        let length = self.frame();
        assert!(
            self.buffer.windows(10).any(|bytes| bytes == b"\"statuses\""),
            "{:?}",
            &self.buffer[..length.min(200)]
        );
        length
    }

    /// Returns the last answer.
    pub(crate) fn answer(&self) -> &[u8] {
        &self.buffer
    }
}

fn read_some(stream: &mut UnixStream, buffer: &mut Vec<u8>) {
    let had = buffer.len();
    buffer.resize(had + (256 << 10), 0);
    let read = stream.read(&mut buffer[had..]).unwrap();
    assert!(read > 0, "the peer closed the connection");
    buffer.truncate(had + read);
}
