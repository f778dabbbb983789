//! Requests and variables: the guest sends the same requests from the host and from the stand-in, which is given the answers of the
//! server.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use provost_guest::env;
use provost_guest::http::{self, BODY_BYTES_MAX};
use provost_plugin_host::{Grants, InProcess, Reply, Setup, Source, Workbench};
use provost_state::{PluginInput, ViewRequest};
use provost_test_guest_outside::CASES;

use crate::guests;

/// A request as a server has received it, and the answer.
struct Exchange {
    method: String,
    target: String,
    /// The headers with small names, without those that the host adds.
    headers: BTreeMap<String, Vec<String>>,
    body: Vec<u8>,
    answer: http::Response,
}

/// A server that answers each request and tells what it has received.
fn server() -> (String, Receiver<Exchange>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, exchanges) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &sender);
        }
    });
    (address, exchanges)
}

fn serve(stream: TcpStream, exchanges: &Sender<Exchange>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = BTreeMap::<_, Vec<String>>::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.entry(name.to_lowercase()).or_default().push(value.trim().to_owned());
    }
    headers.remove("host");
    let length = headers.remove("content-length").unwrap_or_default();
    let mut body = vec![0; length.concat().parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let answer = answer(&target, &body);
    let head = format!(
        "HTTP/1.1 {} Word\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.body.len()
    );
    // A client that has read enough goes away.
    let stream = reader.get_mut();
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
    exchanges.send(Exchange { method, target, headers, body, answer }).unwrap();
}

fn answer(target: &str, body: &[u8]) -> http::Response {
    let (status, body) = match target {
        "/echo" => (201, body.to_vec()),
        "/nothing" => (404, b"there is no such page".to_vec()),
        "/empty" => (204, Vec::new()),
        "/large" => (200, vec![b'x'; BODY_BYTES_MAX + 10]),
        _ => (200, b"hi".to_vec()),
    };
    http::Response { status, body }
}

/// Checks that the stand-in has recorded what the server has received.
fn compare(name: &str, server: &str, recorded: &[http::Request], received: &[Exchange]) {
    assert_eq!(recorded.len(), received.len(), "{name}");
    for (recorded, received) in recorded.iter().zip(received) {
        let target = recorded.url.strip_prefix(server).unwrap().split('#').next().unwrap();
        let slash = if target.starts_with('/') { "" } else { "/" };
        assert_eq!(format!("{slash}{target}"), received.target, "{name}");
        let mut headers = BTreeMap::<_, Vec<String>>::new();
        for (name, value) in &recorded.headers {
            headers.entry(name.to_lowercase()).or_default().push(value.clone());
        }
        assert_eq!(
            (&recorded.method, headers, &recorded.body),
            (&received.method, received.headers.clone(), &received.body),
            "{name}"
        );
    }
}

#[test]
fn requests_and_variables_of_native_tests_are_those_of_the_host() {
    let (server, exchanges) = server();
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/outside/outside.wasm");
    let workbench = Workbench::open(Source::Path(component), Arc::new(InProcess)).unwrap();
    let here = format!("fs-read:{}", env!("CARGO_MANIFEST_DIR"));
    let there = format!("http-out:{}", server.trim_start_matches("http://"));
    let words = [here, there, "env:CARGO_PKG_NAME".into(), "clock".into(), "random".into()];
    let setup =
        Setup { limits: guests::patient(), grants: Grants::parse(&words).unwrap(), ..Setup::default() };
    let bench = workbench.set_up(&setup).unwrap();
    let (_registry, world) = guests::one_crash();
    env::set("CARGO_PKG_NAME", env!("CARGO_PKG_NAME"));
    for (name, ask) in CASES {
        let request =
            ViewRequest { path: format!("case/{name}"), query: server.clone(), ..ViewRequest::default() };
        let outcome = bench.ask(&PluginInput::Request(request), &world);
        let Ok(Reply::View(response)) = &outcome.reply else { panic!("{name}: {outcome:?}") };
        let received: Vec<Exchange> = exchanges.try_iter().collect();
        for exchange in &received {
            http::testing::answer_with(Ok(exchange.answer.clone()));
        }
        let answer = ask(&server);
        assert_eq!(answer, String::from_utf8_lossy(&response.body), "{name}");
        compare(name, &server, &http::testing::sent(), &received);
    }
}
