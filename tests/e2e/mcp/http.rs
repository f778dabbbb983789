//! The service at `/mcp`, over the socket of the host.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use provost_tests::Host;
use serde_json::{Value, json};

use crate::PROVOST;

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

/// Sends a request and reads the head of its answer.
fn exchange<S: Read + Write>(mut stream: S, method: &str, headers: &str, body: &str) -> Answer<S> {
    let length = body.len();
    write!(
        stream,
        "{method} /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
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
    Answer { status, headers, body }
}

impl<S: Read> Answer<S> {
    fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(known, _)| known == name);
        assert!(found.is_some(), "{name} is not among {:?}", self.headers);
        found.unwrap().1.clone()
    }

    /// Returns the body of an answer that is not streamed.
    fn json(mut self) -> Value {
        let mut text = String::new();
        self.body.read_to_string(&mut text).unwrap();
        assert_eq!(self.status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
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

/// Returns the headers of a request of the newer era.
fn headers(method: &str, name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!("Mcp-Name: {name}\r\n"));
    format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{name}")
}

/// Returns the body of a request of the newer era.
fn body(method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

/// Sends a request of the newer era.
fn alone(host: &Host, method: &str, name: Option<&str>, params: Value) -> Answer<UnixStream> {
    ask(host, "POST", &headers(method, name), &body(method, params))
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
    let hello = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    });
    let mut answer = ask(&host, "POST", "", &hello.to_string());
    let headers = format!(
        "Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n",
        answer.header("mcp-session-id")
    );
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
    let host = Host::up(PROVOST, &format!("[api]\nlisten = \"127.0.0.1:0\"\n{CONFIG}"));
    let url = host.status()["host"]["listen"][0].as_str().unwrap().to_owned();
    let address = url.split_once("://").unwrap().1;
    let ask = |token: &str, method: &str, name: Option<&str>, params: Value| {
        let stream = TcpStream::connect(address).unwrap();
        exchange(
            stream,
            "POST",
            &format!("{}Authorization: Bearer {token}\r\n", headers(method, name)),
            &body(method, params),
        )
    };
    let call = |token: &str, name: &str, arguments: Value| {
        let params = json!({"name": name, "arguments": arguments});
        ask(token, "tools/call", Some(name), params).json()["result"].clone()
    };
    let mut listed = Vec::new();
    for scope in ["read", "operate", "admin"] {
        let token = host.ok(&["token", "new", scope, "--scope", scope]).trim().to_owned();
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
fn the_number_of_sessions_is_bounded() {
    let host = Host::up(PROVOST, CONFIG);
    let hello = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    })
    .to_string();
    let session = || ask(&host, "POST", "", &hello);
    let first = session();
    let first = format!("Mcp-Session-Id: {}\r\n", first.header("mcp-session-id"));
    for _ in 1..64 {
        assert_eq!(session().status, 200);
    }
    let mut refused = session();
    let mut text = String::new();
    refused.body.read_to_string(&mut text).unwrap();
    assert!(refused.status >= 500 && text.contains("64 sessions"), "{} {text}", refused.status);
    assert!(ask(&host, "DELETE", &first, "").status < 300);
    provost_tests::eventually("there is room again", || session().status, |status| *status == 200);
    host.down();
}
