//! The API over TCP, with tokens of the command line.
//!
//! | room | owns |
//! |---|---|
//! | `prometheus` | a real Prometheus that scrapes the host, and the dashboard of its metrics |
//! | `requests` | the config, tokens, and who is refused |
//! | `web` | the web view |

mod prometheus;
mod requests;
mod web;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use provost_tests::Host;

/// Returns the address on which a host listens, as `HOST:PORT`.
pub(crate) fn address(host: &Host) -> String {
    let url = host.status()["host"]["listen"][0].as_str().unwrap().to_owned();
    url.split_once("://").unwrap().1.to_owned()
}

/// Makes a token and returns its secret.
pub(crate) fn token(host: &Host, name: &str, scope: &str) -> String {
    host.ok(&["token", "new", name, "--scope", scope]).trim().to_owned()
}

/// Sends a request to `address` with more headers, each of which ends with a line break. Returns the status and the body.
fn ask(address: &str, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn get(address: &str, path: &str, secret: &str) -> (u16, String) {
    ask(address, "GET", path, &format!("Authorization: Bearer {secret}\r\n"))
}
