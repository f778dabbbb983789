//! The bytes that any HTTP client sees, without the client of the crate.

use provost_api as api;
use provost_state::Cause;
use provost_supervisor::{Condition, Dependency, ProcessSpec};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::harness::{FOREVER, Host, shell};

/// The parts of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Returns the value of a header; its letters are small.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Returns the error in the body, which every answer with a status of 400 or more must have.
    pub(crate) fn error(&self) -> api::Error {
        assert!(self.head.contains("content-type: application/problem+json"), "{}\n{}", self.head, self.body);
        let problem: api::Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        problem.into()
    }
}

pub(crate) async fn ask(host: &Host, method: &str, path: &str, body: &str) -> Answer {
    ask_with(host, "", method, path, body).await
}

/// Sends a request with more headers, each of which ends with a line break.
pub(crate) async fn ask_with(host: &Host, headers: &str, method: &str, path: &str, body: &str) -> Answer {
    let socket = UnixStream::connect(&host.socket).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    exchange(socket, &request).await
}

/// Sends the text of a request on a connection, and reads the answer to the end of the connection.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S, request: &str) -> Answer {
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

#[tokio::test]
async fn status_is_one_json_object_with_every_field_of_the_schema() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    let answer = ask(&host, "GET", "/v1/status", "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let status: Value = serde_json::from_str(&answer.body).unwrap();
    for field in ["generation", "taken_at", "processes", "plugins", "host"] {
        assert!(!status[field].is_null(), "{field} in {status}");
    }
    let process = status["processes"][0].as_object().unwrap();
    for field in ["group", "pid", "exit", "decision", "started_at", "ended_at", "next_action_at"] {
        assert!(process.contains_key(field), "{field} in {process:?}");
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn every_refusal_is_json_and_names_the_field() {
    let host = Host::start(vec![]);
    for (method, path, body, status, named) in [
        ("GET", "/v1/nowhere", "", 404, "/v1/nowhere"),
        ("DELETE", "/v1/status", "", 405, "DELETE"),
        ("GET", "/v1/shutdown", "", 405, "/v1/shutdown"),
        ("POST", "/v1/processes/dance", "", 404, "dance"),
        ("POST", "/v1/plugins/painter/dance", "", 404, "dance"),
        ("GET", "/v1/logs?n=many", "", 400, "n"),
        ("GET", "/v1/logs?folow=1", "", 400, "folow"),
        ("DELETE", "/v1/logs", "", 400, "select"),
        ("DELETE", "/v1/logs?select=web&n=3", "", 400, "n"),
        ("DELETE", "/v1/logs?select=web", "", 404, "web"),
        ("GET", "/v1/events?since=yesterday", "", 400, "since"),
        ("GET", "/v1/events?follow=maybe", "", 400, "follow"),
        ("GET", "/v1/status?selekt=web", "", 400, "selekt"),
        ("GET", "/v1/status?fields=name,pidd", "", 400, "pidd"),
        ("GET", "/v1/status?parts=process", "", 400, "it has processes, replicas, plugins, host"),
        ("GET", "/v1/status?since=yesterday", "", 400, "since"),
        ("GET", "/v1/processes/%FF/explain", "", 400, "name"),
        ("POST", "/v1/processes/start", r#"{"select": "web"}"#, 400, "select"),
        ("POST", "/v1/processes/start", r#"{"select": ["all"], "wiat": true}"#, 400, "wiat"),
        ("POST", "/v1/processes/start", r#"{"select": ["all"], "cause": "me"}"#, 400, "cause"),
        ("POST", "/v1/processes/start", r#"{"select": ["all"], "timeout_ms": -1}"#, 400, "timeout_ms"),
        ("POST", "/v1/processes/signal", r#"{"select": ["all"], "signal": []}"#, 400, "signal"),
        ("POST", "/v1/processes/signal", r#"{"select": ["all"]}"#, 400, "signal"),
        ("POST", "/v1/processes/start", "{", 400, "JSON"),
    ] {
        let answer = ask(&host, method, path, body).await;
        let error = answer.error();
        assert_eq!(answer.status, status, "{method} {path}: {error:?}");
        assert!(status != 405 || answer.head.contains("\r\nallow: "), "{}", answer.head);
        assert!(
            !error.code.as_str().is_empty() && error.message.contains(named),
            "{method} {path}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_view_with_an_impossible_content_type_is_the_fault_of_its_plugin() {
    let host = Host::start(vec![]);
    let answer = ask(&host, "GET", "/v1/views/painter/odd", "").await;
    assert_eq!((answer.status, answer.error().code), (502, api::ErrorCode::PluginFailed));
    let slashed = ask(&host, "GET", "/v1/views/painter/", "").await;
    assert_eq!(slashed.status, 200, "{}", slashed.body);
}

/// Returns a process that waits for ever for another.
fn waiting_for_ever() -> Vec<ProcessSpec> {
    let never = Dependency { name: "gate".into(), condition: Condition::Completed };
    let gate = ProcessSpec { autostart: false, ..shell("gate", "", FOREVER) };
    let held = ProcessSpec { autostart: false, depends_on: vec![never], ..shell("held", "", FOREVER) };
    vec![gate, held]
}

/// Starts and stops that process until `generation` is reached.
async fn churn(host: &Host, generation: u64) {
    let id = host.supervisor.reader().snapshot().id("held").unwrap();
    while host.supervisor.reader().snapshot().generation().0 < generation {
        host.supervisor.start(id, Cause::Api).await.unwrap();
        host.supervisor.stop(id, Cause::Api).await.unwrap();
    }
}

#[tokio::test]
async fn forgotten_changes_are_one_line_of_two_fields() {
    let host = Host::start(waiting_for_ever());
    churn(&host, 9_000).await;
    let generation = host.supervisor.reader().look().generation().0;
    let answer = ask(&host, "GET", "/v1/events", "").await;
    let missed = format!("{{\"kind\":\"missed\",\"count\":{}}}", generation - 8_192);
    assert_eq!(answer.body.lines().find(|line| line.contains("missed")), Some(&*missed));
    crate::golden::events_are_like(&answer.body);
    // The client reads the same line.
    let first = host.client.events(0, false).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!((first.kind.as_str(), first.count), ("missed", Some(generation - 8_192)));
    // An explanation says how many changes it leaves out.
    let explanation = host.client.explain("held").await.unwrap();
    let shown = u64::try_from(explanation.history.len()).unwrap();
    assert_eq!(explanation.forgotten + shown, generation);
}

#[tokio::test]
async fn a_slow_reader_receives_every_change_before_the_end() {
    let mut host = Host::start(waiting_for_ever());
    let mut events = host.client.events(0, true).await.unwrap();
    churn(&host, 6_000).await;
    host.stop.take().unwrap().send(()).unwrap();
    let mut last = 0;
    while let Some(event) = events.next().await.unwrap() {
        assert_eq!(event.generation, last + 1, "no gap");
        last = event.generation;
    }
    assert_eq!(last, host.supervisor.reader().look().generation().0);
    host.served.await.unwrap();
}
