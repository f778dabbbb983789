//! How a stream of lines is resumed by the id of its last message, and how a gap is reported.

use std::io::Write;

use provost_api as api;
use provost_state::Cause;
use provost_supervisor::{HostLog, LogLimits, ProcessSpec, Settings, Supervisor};

use crate::harness::{Host, shell};
use crate::watch::Sse;

/// A process that writes `count` lines and stays.
fn talker(name: &str, count: usize, files_max: usize) -> ProcessSpec {
    let script = format!("i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done; exec sleep 1000");
    let log = LogLimits { file_bytes_max: 4 << 10, files_max };
    ProcessSpec { log, ..shell(name, "", &script) }
}

fn item(data: &str) -> api::LogItem {
    serde_json::from_str(data).unwrap()
}

/// Returns the text of a line with the name of its process.
fn text(data: &str) -> (String, String) {
    let text = match item(data) {
        api::LogItem::Text { process, text, .. } => Some((process, text)),
        _ => None,
    };
    text.unwrap()
}

/// Reads `count` lines, each of which has an id, and returns the last id.
async fn lines(stream: &mut Sse, count: usize, to: &mut Vec<(String, String)>) -> String {
    let mut last = String::new();
    for _ in 0..count {
        let (id, data) = stream.message().await;
        last = id.unwrap();
        to.push(text(&data));
    }
    last
}

fn after(id: &str) -> String {
    format!("Last-Event-ID: {id}\r\n")
}

#[tokio::test]
async fn a_stream_of_logs_is_resumed_by_the_id_of_its_last_message_across_rotations() {
    const COUNT: usize = 1_000;
    let host = Host::start(vec![talker("a", COUNT, 100), talker("b", COUNT, 100)]);
    let path = "/v1/logs?n=100000&follow=1";
    let mut received = Vec::new();
    let mut id = lines(&mut Sse::open(&host, path, "").await, 3, &mut received).await;
    for count in [1, 400, 7, 700, 2 * COUNT - 3 - 1 - 400 - 7 - 700] {
        // `n` is about new streams only: a resumed one has everything since.
        let path = "/v1/logs?n=1&follow=1";
        id = lines(&mut Sse::open(&host, path, &after(&id)).await, count, &mut received).await;
    }
    let expected: Vec<String> = (0..COUNT).map(|number| format!("line {number}")).collect();
    for name in ["a", "b"] {
        let of_one: Vec<_> =
            received.iter().filter(|(process, _)| process == name).map(|(_, text)| text.clone()).collect();
        assert_eq!(of_one, expected, "{name}");
    }
    // Of a stream that begins with nothing, too.
    let mut new = Sse::open(&host, "/v1/logs?n=0&follow=1", "").await;
    host.order("restart", &["a"]).await.unwrap();
    let mut again = Vec::new();
    let id = lines(&mut new, 1, &mut again).await;
    host.order("restart", &["b"]).await.unwrap();
    lines(&mut Sse::open(&host, path, &after(&id)).await, 2 * COUNT - 1, &mut again).await;
    again.sort_unstable();
    received.sort_unstable();
    assert_eq!(again, received);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn lines_that_are_gone_or_an_id_that_is_not_known_are_a_gap() {
    let host = Host::start(vec![talker("a", 400, 2)]);
    let path = "/v1/logs?select=a&n=1000&follow=1";
    let mut received = Vec::new();
    let mut stream = Sse::open(&host, path, "").await;
    let id = lines(&mut stream, 1, &mut received).await;
    while received.last().unwrap().1 != "line 399" {
        lines(&mut stream, 1, &mut received).await;
    }
    // The lines of the second life push the others out.
    host.order("restart", &["a"]).await.unwrap();
    received.clear();
    while received.last().is_none_or(|(_, text)| text != "line 399") {
        lines(&mut stream, 1, &mut received).await;
    }
    let gap = (None, "{\"process\":\"a\",\"missed\":null}".to_owned());
    let mut resumed = Sse::open(&host, path, &after(&id)).await;
    assert_eq!(resumed.message().await, gap);
    let (first, data) = resumed.message().await;
    assert!(first.is_some() && received.contains(&text(&data)), "{data}");
    // An id of something else: the gap, and the stream begins anew.
    let path = "/v1/logs?select=a&n=2&follow=1";
    for id in ["0123456789abcdef.7", "garbage", ""] {
        let mut anew = Sse::open(&host, path, &after(id)).await;
        assert_eq!(anew.message().await, gap, "{id}");
        let mut last = Vec::new();
        lines(&mut anew, 2, &mut last).await;
        assert_eq!((&*last[0].1, &*last[1].1), ("line 398", "line 399"));
    }
    host.client.clear_logs(&["a".to_owned()]).await.unwrap();
    assert!(stream.message().await.1.contains("\"cleared\":true"));
    let id = format!("a={}", id.split_once('=').unwrap().1);
    let mut cleared = Sse::open(&host, path, &after(&id)).await;
    assert_eq!(cleared.message().await, gap);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_stream_of_many_processes_has_no_ids() {
    let many = (0..17).map(|number| talker(&format!("p{number}"), 1, 2)).collect();
    let host = Host::start(many);
    let mut stream = Sse::open(&host, "/v1/logs?follow=1", "").await;
    for _ in 0..17 {
        assert_eq!(stream.message().await.0, None);
    }
    let mut resumed = Sse::open(&host, "/v1/logs?follow=1", &after("p0=1.2.0.0.3")).await;
    for _ in 0..17 {
        assert!(matches!(item(&resumed.message().await.1), api::LogItem::Missed { missed: None, .. }));
    }
    let sixteen: Vec<String> = (0..16).map(|number| format!("p{number}")).collect();
    let path = format!("/v1/logs?select={}", sixteen.join(","));
    let mut received = Vec::new();
    lines(&mut Sse::open(&host, &path, "").await, 16, &mut received).await;
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn the_log_of_the_host_is_resumed_by_ids_as_those_of_processes_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("provost.log");
    let (bell, written) = tokio::sync::watch::channel(0);
    let write = |author: &str, text: &str| {
        let mut file = std::fs::File::options().append(true).create(true).open(&path).unwrap();
        file.write_all(format!("2026-11-23T05:41:23.123Z {author} ◆ {text}\n").as_bytes()).unwrap();
        bell.send_modify(|count| *count += 1);
    };
    let host_log = Some(HostLog { path: path.clone(), written });
    let settings = Settings { host_log, ..Settings::new(dir.path().join("logs")) };
    let host = Host::serving(Supervisor::boot(settings, vec![], vec![], vec![]).unwrap(), dir);
    write("provost", "one");
    write("notify", "two");
    let mut received = Vec::new();
    let mut stream = Sse::open(&host, "/v1/logs?host=1&follow=1", "").await;
    let id = lines(&mut stream, 1, &mut received).await;
    lines(&mut stream, 1, &mut received).await;
    write("provost", "three");
    lines(&mut stream, 1, &mut received).await;
    let mut resumed = Sse::open(&host, "/v1/logs?host=1&follow=1&n=1", &after(&id)).await;
    let mut again = Vec::new();
    lines(&mut resumed, 2, &mut again).await;
    assert_eq!(again, received[1..]);
    let mut of_plugin = Sse::open(&host, "/v1/logs?plugin=notify&follow=1", &after(&id)).await;
    let mut two = Vec::new();
    lines(&mut of_plugin, 1, &mut two).await;
    assert_eq!(two, received[1..2]);
    // The place in the log of a process is none in this one.
    let mut anew = Sse::open(&host, "/v1/logs?host=1&n=1", &after("web=1.2.0.0.3")).await;
    assert_eq!(anew.message().await, (None, "{\"process\":\"provost\",\"missed\":null}".to_owned()));
    lines(&mut anew, 1, &mut two).await;
    assert_eq!(two[1].1, "three");
    host.supervisor.shutdown(Cause::Shutdown).await;
}
