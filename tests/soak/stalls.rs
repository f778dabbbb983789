//! Clients that stall: they connect and send nothing, send half a request, or ask for streams and do not read them.

use std::io::Write;
use std::os::unix::net::UnixStream;

use crate::shared::Soak;
use provost_tests::runs::Random;

/// The greatest number of stalling clients at a time.
const AT_ONCE: usize = 40;

/// The kinds of clients: the name in the figures, and the bytes that the client sends.
const KINDS: [(&str, &str); 6] = [
    ("client says nothing", ""),
    ("client says half", "GET /v1/sta"),
    (
        "client says half",
        "POST /v1/processes/start HTTP/1.1\r\nHost: l\r\nContent-Length: 1000\r\n\r\n{\"sel",
    ),
    ("client reads no logs", "GET /v1/logs?select=all&n=1000&follow=1 HTTP/1.1\r\nHost: l\r\n\r\n"),
    ("client reads no events", "GET /v1/events?follow=1 HTTP/1.1\r\nHost: l\r\n\r\n"),
    ("client leaves", "GET /v1/status HTTP/1.1\r\nHost: l\r\n\r\n"),
];

/// The connections of the clients that stall now.
#[derive(Debug, Default)]
pub(crate) struct Stalls(Vec<UnixStream>);

impl Stalls {
    /// Adds a client. Another one hangs up at random, and always if there are [`AT_ONCE`].
    pub(crate) fn one_more(&mut self, soak: &Soak, random: &mut Random) {
        if self.0.len() >= AT_ONCE || random.below(5) == 0 {
            let at = usize::try_from(random.below(self.0.len() as u64)).unwrap();
            if at < self.0.len() {
                self.0.swap_remove(at);
            }
        }
        let (what, sent) = random.pick(&KINDS);
        soak.tally.add(what);
        // The host may refuse the connection, because their number is limited.
        if let Ok(mut stream) = UnixStream::connect(&soak.machine.socket) {
            let _ = stream.write_all(sent.as_bytes());
            if *what != "client leaves" {
                self.0.push(stream);
            }
        }
    }
}
