//! Servers on this machine: one that answers each request as the test says, without encryption, and one with TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use provost_tests::{Ends, Setup};

use super::bench::certificate;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its method and path, such as `GET /v2/`.
    pub(super) request: String,
    /// Its header `authorization`.
    pub(super) authorization: Option<String>,
}

/// A server. Its threads end with the connections, and it accepts none after it was dropped.
pub(super) struct Server {
    /// Its address, with the port.
    pub(super) address: String,
    /// The requests so far.
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server. `answer` is called for each request with its method and path, such as `GET /v2/`.
    pub(super) fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::start_seeing(move |asked, stream| answer(&asked.request, stream))
    }

    /// Does the same with an `answer` that is given the whole request.
    pub(super) fn start_seeing(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (answer, seen) = (Arc::new(answer), Arc::downgrade(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(seen) = seen.upgrade() else { return };
                let (Ok(stream), answer) = (stream, answer.clone()) else { continue };
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { address, asked }
    }

    /// Returns the method and the path of the requests so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.seen().into_iter().map(|asked| asked.request).collect()
    }

    /// Returns the requests so far.
    pub(super) fn seen(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It wakes the thread that accepts, which then finds that nobody listens any more.
        let address = std::mem::take(&mut self.address);
        self.asked = Arc::default();
        let _ = TcpStream::connect(address);
    }
}

/// Reads one request with its body, and answers it.
fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, &mut TcpStream)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = reader.by_ref().lines();
    let Some(Ok(first)) = lines.next() else { return };
    let request = first.rsplit_once(' ').map_or(&*first, |(request, _)| request).to_owned();
    let (mut asked, mut body) = (Asked { request, authorization: None }, 0);
    // The head ends with an empty line.
    while let Some(Ok(line)) = lines.next().filter(|line| line.as_ref().is_ok_and(|line| !line.is_empty())) {
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                asked.authorization = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                body = value.parse().unwrap()
            }
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(body), &mut std::io::sink()).unwrap_or_default();
    seen.lock().unwrap().push(asked.clone());
    answer(&asked, &mut stream);
    let _ = stream.shutdown(Shutdown::Both);
}

/// Answers with a status, headers that each end in a line break, and a body.
pub(super) fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    // The client may have left.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// Begins to answer, and never ends: it sends zeros until the client leaves.
pub(super) fn reply_endlessly(stream: &mut TcpStream) {
    let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let zeros = vec![b'0'; 1 << 20];
    let mut sent = stream.write_all(head);
    while sent.is_ok() {
        sent = stream.write_all(&zeros);
    }
}

/// Begins to answer, and sends one byte of a hundred; then it waits until the client leaves.
pub(super) fn reply_hanging(stream: &mut TcpStream) {
    let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\n0";
    if stream.write_all(head).is_ok() {
        let _ = stream.read(&mut [0]);
    }
}

/// Serves the directory of a setup over TLS with Python, on the port that is returned, or redirects all requests that are not for
/// `/v2/` to `elsewhere`, if that is not empty. `None` if there is no Python.
pub(super) fn tls(setup: &Setup, elsewhere: &str) -> Option<(Ends, u16)> {
    const SERVE: &str = "\
import http.server, ssl, sys
class Serve(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not sys.argv[3]:
            return super().do_GET()
        self.send_response(200 if self.path == '/v2/' else 302)
        self.send_header('location', sys.argv[3])
        self.send_header('content-length', '0')
        self.end_headers()
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Serve)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
";
    let mut command = Command::new("python3");
    command
        .args(["-c", SERVE])
        .arg(certificate("localhost.crt"))
        .arg(certificate("localhost.key"))
        .arg(elsewhere);
    command.current_dir(setup.dir()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Ends(command.spawn().ok()?);
    let mut port = String::new();
    BufReader::new(running.0.stdout.take()?).read_line(&mut port).unwrap();
    Some((running, port.trim().parse().unwrap()))
}
