//! A stream of server-sent events, as a client has it.

use std::collections::BTreeSet;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// A stream of the events.
pub(crate) struct Stream {
    socket: UnixStream,
    /// What was received and does not end with a whole line.
    rest: Vec<u8>,
    /// The generations of the events that were received.
    seen: BTreeSet<u64>,
}

impl Stream {
    /// Opens a stream of the events that a query chooses, and reads the head of the answer alone.
    pub(crate) async fn open(path: &Path, query: &str) -> Self {
        let mut socket = UnixStream::connect(path).await.unwrap();
        let request = format!(
            "GET /v1/events?follow=1&{query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        Self { socket, rest: Vec::new(), seen: BTreeSet::new() }
    }

    /// Reads until the event of this generation. Returns the generations of all events.
    pub(crate) async fn until(&mut self, last: u64) -> BTreeSet<u64> {
        while !self.seen.contains(&last) {
            let mut bytes = [0; 16 << 10];
            let read = self.socket.read(&mut bytes).await.unwrap();
            assert!(read > 0, "the stream has ended after {:?}", self.seen.last());
            self.rest.extend_from_slice(&bytes[..read]);
            self.take_lines();
        }
        self.seen.clone()
    }

    /// Takes the ids of whole lines. A chunk of the body has whole lines, so its size is between two of them.
    fn take_lines(&mut self) {
        let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = String::from_utf8(self.rest.drain(..end).collect()).unwrap();
        let ids = lines.lines().filter_map(|line| line.strip_prefix("id: ")?.split_once('.'));
        self.seen.extend(ids.map(|(_, generation)| generation.parse::<u64>().unwrap()));
    }
}
