//! The web view is there for everybody where the host listens on TCP, and only then.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use provost_tests::Host;

use super::{address, ask, get, token};
use crate::PROVOST;

const LOCAL: &str = "[api]\nlisten = \"127.0.0.1:0\"\n[process.web]\ncommand = \"exec sleep 1000\"\n";

/// Returns the answer to a request for the page on the Unix socket.
fn on_the_socket(host: &Host) -> String {
    let mut socket = UnixStream::connect(host.setup().dir().join(".provost/provost.sock")).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_web_view_is_public_and_what_it_shows_needs_a_token() {
    let host = Host::up(PROVOST, LOCAL);
    let address = address(&host);
    let (code, page) = ask(&address, "GET", "/", "");
    assert!(code == 200 && page.starts_with("<!doctype html>"), "{page}");
    for name in page.split('"').filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        let (code, content) = ask(&address, "GET", &format!("/{name}"), "");
        assert!(code == 200 && content.len() > 1_000, "{name}");
    }
    assert_eq!(ask(&address, "POST", "/", "Content-Length: 0\r\n").0, 405);
    assert_eq!(ask(&address, "GET", "/v1/status", "").0, 401);
    // What it has no file for is as it would be without it.
    let secret = token(&host, "reader", "read");
    assert_eq!(ask(&address, "GET", "/livez", "").0, 200);
    assert_eq!(ask(&address, "GET", "/nowhere", "").0, 401);
    let (code, body) = get(&address, "/nowhere", &secret);
    assert!(code == 404 && body.contains("unknown_path"), "{body}");
    assert_eq!(ask(&address, "GET", "/", "Host: elsewhere.example\r\n").0, 421, "it has two names");

    let answer = on_the_socket(&host);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("<!doctype html>"), "{answer}");
    host.down();
}

#[test]
fn a_host_that_does_not_listen_has_no_web_view() {
    let host = Host::up(PROVOST, "[process.web]\ncommand = \"exec sleep 1000\"\n");
    let answer = on_the_socket(&host);
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    host.down();
}
