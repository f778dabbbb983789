//! The service at `/mcp`, over the socket of the host.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use provost_tests::Host;
use serde_json::{Value, json};

use super::client::{introduction, standing_alone};
use crate::PROVOST;
use crate::tcp::{address, token};

const CONFIG: &str = r#"
[process.web]
command = "exec sleep 1000"
[process.idle]
command = "exec sleep 1000"
autostart = false
"#;

/// An answer whose head was read.
struct Answer<S> {
    status: u16,
    headers: Vec<(String, String)>,
    body: BufReader<S>,
}

fn ask(host: &Host, method: &str, headers: &str, body: &str) -> Answer<UnixStream> {
    let socket = PathBuf::from(host.status()["host"]["socket"].as_str().unwrap());
    exchange(UnixStream::connect(socket).unwrap(), method, headers, body)
}

/// Sends a request for the service and reads the head of its answer.
fn exchange<S: Read + Write>(mut stream: S, method: &str, headers: &str, body: &str) -> Answer<S> {
    let length = body.len();
    write!(
        stream,
        "{method} /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    Answer::read(stream)
}

impl<S: Read> Answer<S> {
    /// Reads the head.
    fn read(stream: S) -> Self {
        let mut body = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            body.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let status = line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Self { status, headers, body }
    }

    fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(known, _)| known == name);
        assert!(found.is_some(), "{name} is not among {:?}", self.headers);
        found.unwrap().1.clone()
    }

    /// Returns the headers of further requests of the session that the answer begins.
    fn session(&self) -> String {
        format!("Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n", self.header("mcp-session-id"))
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        self.body.read_to_string(&mut text).unwrap();
        text
    }

    /// Returns the body of an answer that is not streamed.
    fn json(mut self) -> Value {
        let text = self.text();
        assert_eq!(self.status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Returns the status and the code of a refusal, which has the form of the API.
    fn refusal(mut self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let text = self.text();
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["status"], self.status, "{text}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{text}");
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }

    /// Returns the next message of a stream that `is_it` accepts. The chunks of the stream do not matter, because each of its
    /// messages is one line.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.body.read_line(&mut line).unwrap() > 0, "the stream has ended");
            let message =
                line.trim_end().strip_prefix("data: ").and_then(|line| serde_json::from_str(line).ok());
            if let Some(message) = message.filter(&is_it) {
                return message;
            }
        }
    }
}

/// Starts a host that listens on TCP as well.
fn listening() -> Host {
    Host::up(PROVOST, &format!("[api]\nlisten = \"127.0.0.1:0\"\n{CONFIG}"))
}

/// Sends a request with a token over TCP.
fn bear(address: &str, secret: &str, method: &str, headers: &str, body: &str) -> Answer<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    exchange(stream, method, &format!("{headers}Authorization: Bearer {secret}\r\n"), body)
}

/// Returns the first request of a client of the older era.
fn hello() -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": introduction()}).to_string()
}

/// Returns a request of the older era that is always answered.
fn ping() -> String {
    json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}).to_string()
}

/// Returns the headers of a request of the newer era.
fn headers(method: &str, name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!("Mcp-Name: {name}\r\n"));
    format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{name}")
}

/// Returns the body of a request of the newer era.
fn body(method: &str, mut params: Value) -> String {
    params["_meta"] = standing_alone();
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

/// Sends a request of the newer era.
fn alone(host: &Host, method: &str, name: Option<&str>, params: Value) -> Answer<UnixStream> {
    ask(host, "POST", &headers(method, name), &body(method, params))
}

/// Calls a tool, plainly or in a way that leaves the call to the library, and returns the answer.
fn called(host: &Host, tool: &str, arguments: &Value, plainly: bool) -> Value {
    let mut meta = standing_alone();
    if !plainly {
        meta["provost.test/unusual"] = json!(true);
    }
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": params}).to_string();
    ask(host, "POST", &headers("tools/call", Some(tool)), &body).json()
}

#[test]
fn plain_calls_are_answered_as_the_library_answers() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "running");
    for (tool, arguments) in [
        ("process_status", json!({"names": ["web"]})),
        ("process_status", json!({})),
        ("process_status", json!({"names": ["nobody"]})),
        ("process_status", json!({"name": "web"})),
        ("process_status", json!({"limit": 0})),
        ("events", json!({"limit": 3})),
        ("plugin_list", json!({})),
        ("config_diff", json!({})),
    ] {
        let mut answers =
            [true, false].map(|plainly| called(&host, tool, &arguments, plainly)["result"].take());
        // The text is the same JSON with another order of keys.
        for answer in &mut answers {
            let text = answer["content"][0]["text"].as_str().unwrap();
            answer["content"][0]["text"] = serde_json::from_str(text).unwrap();
        }
        assert!(answers[0]["isError"].is_boolean(), "{tool}: {}", answers[0]);
        assert_eq!(answers[0], answers[1], "{tool} {arguments}");
    }
}

#[test]
fn a_client_without_a_session_uses_tools_and_listens() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "running");
    let call = |name, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        alone(&host, "tools/call", Some(name), params).json()["result"]["structuredContent"].clone()
    };
    let status = call("process_status", json!({"names": ["web"]}));
    assert_eq!(status["processes"], json!([host.process("web")]));
    let tools = alone(&host, "tools/list", None, json!({})).json();
    assert!(
        tools["result"]["tools"].as_array().unwrap().len() > 20,
        "the user of the host may do everything"
    );
    assert_eq!(call("process_start", json!({"names": ["idle"]}))["succeeded"], 1);

    let filter = json!({"resourceSubscriptions": ["provost://processes/web"]});
    let mut stream = alone(&host, "subscriptions/listen", None, json!({"notifications": filter}));
    stream.until(|message| message["method"] == "notifications/subscriptions/acknowledged");
    host.ok(&["restart", "web"]);
    let updated = stream.until(|message| message["method"] == "notifications/resources/updated");
    assert_eq!(updated["params"]["uri"], "provost://processes/web");
    // The stream does not hold up the end of the host.
    host.down();
}

#[test]
fn a_client_with_a_session_uses_tools_and_is_notified() {
    let host = Host::up(PROVOST, CONFIG);
    host.until_phase("web", "running");
    let mut answer = ask(&host, "POST", "", &hello());
    let headers = answer.session();
    assert_eq!(answer.until(|message| message["id"] == 1)["result"]["protocolVersion"], "2025-11-25");
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(ask(&host, "POST", &headers, &initialized.to_string()).status, 202);

    let request = |id: u64, method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        ask(&host, "POST", &headers, &body.to_string()).until(|message| message["id"] == id)["result"].clone()
    };
    let called = request(2, "tools/call", json!({"name": "process_status", "arguments": {"names": ["web"]}}));
    assert_eq!(called["structuredContent"]["processes"], json!([host.process("web")]));
    let mut stream = ask(&host, "GET", &headers, "");
    request(3, "resources/subscribe", json!({"uri": "provost://processes/web"}));
    host.ok(&["restart", "web"]);
    stream.until(|message| message["method"] == "notifications/resources/updated");
    host.down();
}

#[test]
fn the_scope_of_a_token_decides_which_tools_there_are() {
    let host = listening();
    let address = address(&host);
    let ask = |secret: &str, method: &str, name: Option<&str>, params: Value| {
        bear(&address, secret, "POST", &headers(method, name), &body(method, params))
    };
    let call = |token: &str, name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        ask(token, "tools/call", Some(name), params).json()["result"].clone()
    };
    let mut listed = Vec::new();
    for scope in ["read", "operate", "admin"] {
        let token = token(&host, scope, scope);
        let tools =
            ask(&token, "tools/list", None, json!({})).json()["result"]["tools"].as_array().unwrap().len();
        let started = call(&token, "process_start", json!({"names": ["idle"]}));
        assert_eq!(started["isError"], scope == "read", "{started}");
        let reloaded = call(&token, "config_reload", json!({}));
        assert_eq!(reloaded["isError"], scope != "admin", "{reloaded}");
        if scope == "read" {
            let error: Value = serde_json::from_str(started["content"][0]["text"].as_str().unwrap()).unwrap();
            assert_eq!(error["code"], "forbidden", "{error}");
            assert!(error["hint"].as_str().unwrap().contains("token"), "{error}");
            assert_eq!(host.process("idle")["phase"], "stopped");
        }
        listed.push(tools);
    }
    assert!(listed.is_sorted_by(|fewer, more| fewer < more), "{listed:?}");
    assert_eq!(ask("wrong", "tools/list", None, json!({})).status, 401);
    host.down();
}

#[test]
fn the_sessions_of_a_caller_end_for_each_other_and_not_for_those_of_others() {
    let host = listening();
    let address = address(&host);
    let (greedy, other) = (token(&host, "greedy", "read"), token(&host, "other", "read"));
    let begin = |secret: &str| bear(&address, secret, "POST", "", &hello()).session();
    let is_there = |secret: &str, session: &str| {
        let answer = bear(&address, secret, "POST", session, &ping());
        match answer.status {
            200 => true,
            _ => {
                assert_eq!(answer.refusal(), (404, "unknown_session".to_owned()));
                false
            }
        }
    };
    let (others, of_socket) = (begin(&other), ask(&host, "POST", "", &hello()).session());
    let sessions: Vec<String> = (0..16).map(|_| begin(&greedy)).collect();
    // An open stream keeps the oldest one.
    let _stream = bear(&address, &greedy, "GET", &sessions[0], "");
    let next = begin(&greedy);
    let there: Vec<bool> = sessions.iter().map(|session| is_there(&greedy, session)).collect();
    assert_eq!(there.iter().position(|there| !there), Some(1), "{there:?}");
    assert_eq!(there.iter().filter(|there| **there).count(), 15, "{there:?}");
    assert!(is_there(&greedy, &next) && is_there(&other, &others));
    assert_eq!(ask(&host, "POST", &of_socket, &ping()).status, 200);

    // Nobody uses or ends the session of another.
    assert!(!is_there(&greedy, &others));
    let refused = bear(&address, &greedy, "DELETE", &others, "").refusal();
    assert_eq!(refused, (404, "unknown_session".to_owned()));
    assert!(is_there(&other, &others));
    assert!(bear(&address, &other, "DELETE", &others, "").status < 300);
    assert!(!is_there(&other, &others));
    host.down();
}

#[test]
fn a_caller_whose_sessions_are_all_in_use_gets_no_other_one() {
    let host = Host::up(PROVOST, CONFIG);
    let mut streams = Vec::new();
    for _ in 0..16 {
        let session = ask(&host, "POST", "", &hello()).session();
        streams.push(ask(&host, "GET", &session, ""));
    }
    assert_eq!(ask(&host, "POST", "", &hello()).refusal(), (503, "busy".to_owned()));
    streams.pop();
    provost_tests::eventually(
        "there is room again",
        || ask(&host, "POST", "", &hello()).status,
        |status| *status == 200,
    );
    host.down();
}

#[test]
fn a_refusal_has_the_form_of_the_api() {
    let host = Host::up(PROVOST, CONFIG);
    let socket = PathBuf::from(host.status()["host"]["socket"].as_str().unwrap());
    let send = |head: &str, body: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let length = body.len();
        let request = format!("{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        // A body that is too long is refused before all of it was read.
        let _ = stream.write_all(request.as_bytes());
        Answer::read(stream).refusal()
    };
    let json = "Content-Type: application/json\r\n";
    let both = "Accept: application/json, text/event-stream\r\n";
    let post = "POST /mcp HTTP/1.1\r\nHost: localhost\r\n";
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    let unknown = "Mcp-Session-Id: gone\r\n";
    for (head, body, status, code) in [
        (format!("{post}{json}Accept: text/html\r\n"), hello(), 406, "not_acceptable"),
        (format!("{post}{both}Content-Type: text/plain\r\n"), hello(), 415, "bad_request"),
        (format!("{post}{both}{json}"), "{".to_owned(), 415, "bad_request"),
        (format!("{post}{both}{json}"), large, 413, "too_large"),
        (format!("{post}{both}{json}{unknown}"), ping(), 404, "unknown_session"),
        (format!("{post}{both}{json}"), ping(), 400, "bad_request"),
        (format!("PUT /mcp HTTP/1.1\r\nHost: localhost\r\n{json}"), hello(), 405, "method_not_allowed"),
    ] {
        assert_eq!(send(&head, &body), (status, code.to_owned()), "{head}");
    }
    host.down();
}
