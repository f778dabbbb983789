//! A client of the Model Context Protocol that writes and reads the lines itself.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use provost_tests::{Ends, Setup};
use serde_json::{Value, json};

/// The longest wait for a message, far beyond what any takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// An era of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// 2025-11-25: with `initialize` and a session.
    Session,
    /// 2026-07-28: each request stands alone.
    Alone,
}

/// Returns the parameters of the first request of a client of the older era.
pub(super) fn introduction() -> Value {
    let me = json!({"name": "test", "version": "1"});
    json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me})
}

/// Returns what each request of the newer era says of its client.
pub(super) fn standing_alone() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

pub(super) const ERAS: [Era; 2] = [Era::Session, Era::Alone];

/// A client that has started a server.
pub(super) struct Client {
    era: Era,
    server: Ends,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Messages that were read while another one was awaited.
    kept: Vec<Value>,
    requests: u64,
}

impl Client {
    /// Starts `provost mcp` in the directory of a host, and introduces itself.
    pub(super) fn start(setup: &Setup, era: Era, arguments: &[&str]) -> Self {
        let mut command = setup.command(&[&["mcp"], arguments].concat());
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (server.stdin.take(), server.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let message = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut client = Self { era, server: Ends(server), input, messages, kept: Vec::new(), requests: 0 };
        match era {
            Era::Session => {
                let answer = client.ask("initialize", introduction());
                assert_eq!(answer["protocolVersion"], "2025-11-25", "{answer}");
                client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
            }
            Era::Alone => {
                let answer = client.ask("server/discover", json!({}));
                let versions = answer["supportedVersions"].as_array().unwrap();
                assert!(versions.contains(&json!("2026-07-28")), "{answer}");
            }
        }
        client
    }

    fn send(&mut self, message: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{message}").unwrap();
        input.flush().unwrap();
    }

    /// Sends a request and returns its id.
    pub(super) fn request(&mut self, method: &str, mut params: Value) -> u64 {
        self.requests += 1;
        if self.era == Era::Alone {
            params["_meta"] = standing_alone();
        }
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Waits for a message that `is_it` accepts, and keeps the others.
    pub(super) fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at);
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            assert!(message.is_ok(), "never: {what}: {message:?}; {:?}", self.kept);
            let message = message.unwrap();
            if is_it(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    /// Drops the messages that nobody waited for.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }

    /// Waits for the answer to a request: its result or its error.
    pub(super) fn answer(&mut self, id: u64) -> Value {
        self.until("the answer", |message| message["id"] == id && message.get("method").is_none())
    }

    /// Sends a request that must succeed, and returns its result.
    pub(super) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Sends a request that must fail, and returns its error.
    pub(super) fn refused(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id);
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].clone()
    }

    /// Calls a tool that must succeed, and returns its structured result, which is also there as text.
    pub(super) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_ne!(result["isError"], true, "{tool}: {result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        let structured = result["structuredContent"].clone();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), structured);
        structured
    }

    /// Calls a tool that must fail, and returns the error of the API that it gives.
    pub(super) fn call_in_vain(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        assert_eq!(result["isError"], true, "{tool}: {result}");
        serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
    }

    /// Waits until it is notified that a resource has changed.
    pub(super) fn until_updated(&mut self, uri: &str) -> Value {
        self.until(uri, |message| {
            message["method"] == "notifications/resources/updated" && message["params"]["uri"] == uri
        })
    }

    /// Waits until it is notified that the list of resources has changed.
    pub(super) fn until_list_changed(&mut self) -> Value {
        self.until("the list has changed", |message| {
            message["method"] == "notifications/resources/list_changed"
        })
    }

    /// Closes the connection and returns whether the server has ended with success.
    pub(super) fn end(mut self) -> bool {
        drop(self.input.take());
        self.server.0.wait().unwrap().success()
    }
}
