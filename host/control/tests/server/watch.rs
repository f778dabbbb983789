//! The stream of a status: what it sends, how it is resumed, and that a client that does not read it costs others nothing.

use std::sync::Arc;
use std::time::Duration;

use provost_api as api;
use provost_api::client::{Client, Known, StatusAsked};
use provost_control::{Access, Caller};
use provost_state::Cause;
use provost_supervisor::{Manner, ProcessSpec, Scripted, Settings};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};

use crate::access::routes;
use crate::harness::{FOREVER, Host, shell};
use crate::http::{ask, ask_with};

fn idle(name: &str, group: &str) -> ProcessSpec {
    ProcessSpec { autostart: false, ..shell(name, group, FOREVER) }
}

fn three() -> Host {
    Host::start(vec![idle("a", "g"), idle("b", "g"), idle("c", "")])
}

/// Asks for the processes as often as possible.
fn processes() -> StatusAsked {
    StatusAsked { parts: vec![api::StatusPart::Processes], every_ms: Some(50), ..StatusAsked::default() }
}

fn names(status: &api::Status) -> Vec<&str> {
    status.processes.iter().map(|process| process.name.as_str()).collect()
}

/// Gives a process its `count` next commits, each of which starts or stops it, one after the other.
async fn commits(host: &Host, name: &str, count: usize) {
    let id = host.supervisor.reader().snapshot().id(name).unwrap();
    for _ in 0..count {
        host.supervisor.start(id, Cause::Api).await.unwrap();
        host.supervisor.stop(id, Cause::Api).await.unwrap();
    }
}

async fn remove(host: &Host, name: &str) {
    let id = host.supervisor.reader().snapshot().id(name).unwrap();
    host.supervisor.remove(id, "a test removes it".into()).await.unwrap();
}

/// A stream of server-sent events, as its bytes are.
pub(crate) struct Sse(BufReader<UnixStream>);

impl Sse {
    /// Opens a stream. HTTP/1.0 has no chunks.
    pub(crate) async fn open(host: &Host, path: &str, headers: &str) -> Self {
        let mut socket = UnixStream::connect(&host.socket).await.unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nAccept: text/event-stream\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self(BufReader::new(socket));
        let mut head = Vec::new();
        loop {
            match stream.line().await {
                line if line.is_empty() => break,
                line => head.push(line.to_ascii_lowercase()),
            }
        }
        assert!(
            head[0].contains(" 200 ") && head.contains(&"content-type: text/event-stream".into()),
            "{head:?}"
        );
        stream
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).await.unwrap() > 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    /// Returns the id, if it has one, and the data of the next message.
    pub(crate) async fn message(&mut self) -> (Option<String>, String) {
        let first = self.line().await;
        let id = first.strip_prefix("id: ").map(str::to_owned);
        let data = if id.is_some() { self.line().await } else { first };
        assert_eq!(self.line().await, "");
        (id, data.strip_prefix("data: ").unwrap().to_owned())
    }

    async fn next(&mut self) -> (String, api::Status) {
        let (id, data) = self.message().await;
        (id.unwrap(), serde_json::from_str(&data).unwrap())
    }
}

#[tokio::test]
async fn a_stream_begins_whole_and_then_has_only_what_has_changed() {
    let host = three();
    let mut stream = host.client.watch_status(&processes()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!((first.whole, names(&first)), (Some(true), vec!["a", "b", "c"]));
    assert_eq!(first.parts, Some(vec![api::StatusPart::Processes]));
    let mut seen = first.clone();
    host.order("start", &["b"]).await.unwrap();
    while seen.processes[1].phase != api::Phase::Running {
        let message = stream.next().await.unwrap().unwrap();
        assert_eq!((message.whole, names(&message)), (Some(false), vec!["b"]));
        assert!(message.generation > seen.generation && message.boot == seen.boot);
        seen.update(message);
    }
    let now = host.client.status(&[]).await.unwrap();
    assert_eq!((seen.processes, seen.generation), (now.processes, now.generation));
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn many_commits_are_few_messages() {
    let host = three();
    let asked = StatusAsked { every_ms: Some(200), ..processes() };
    let mut stream = host.client.watch_status(&asked).await.unwrap();
    let mut seen = stream.next().await.unwrap().unwrap();
    let before = seen.generation;
    commits(&host, "a", 200).await;
    host.order("start", &["c"]).await.unwrap();
    let mut messages = 0;
    while seen.processes[2].phase != api::Phase::Running {
        seen.update(stream.next().await.unwrap().unwrap());
        messages += 1;
    }
    let commits = seen.generation - before;
    assert!(commits > 400 && messages < commits / 4, "{messages} messages of {commits} commits");
    host.supervisor.shutdown(Cause::Shutdown).await;
}

/// In virtual time, in which the interval of the stream takes no time.
#[tokio::test(start_paused = true)]
async fn after_a_silence_a_commit_is_sent_at_once_also_among_parts_that_are_looked_at() {
    let host = three();
    let (routes, _ending) = routes(&host);
    let client = Client::over(Arc::new(Caller::new(routes, Access::ADMIN)));
    let asked = StatusAsked { every_ms: Some(400), ..StatusAsked::default() };
    let mut stream = client.watch_status(&asked).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!((names(&first), first.host.pid), (vec!["a", "b", "c"], 1));
    let next = tokio::spawn(async move { stream.next().await.unwrap().unwrap() });
    // The look after 400 ms finds nothing, and the next one would be after 800. The clock on the wall stands still meanwhile, and
    // after half a second that would count as a clock that was set.
    sleep(Duration::from_millis(450)).await;
    let before = Instant::now();
    host.supervisor.add(vec![idle("d", "")]).unwrap();
    assert_eq!(names(&next.await.unwrap()), ["d"]);
    let late = before.elapsed();
    assert!(late < Duration::from_millis(200), "{late:?}");
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn what_is_removed_is_named_and_what_is_added_later_is_matched() {
    let host = three();
    let asked =
        StatusAsked { select: vec!["g:*".to_owned()], fields: vec!["phase".to_owned()], ..processes() };
    let mut stream = host.client.watch_status(&asked).await.unwrap();
    let mut seen = stream.next().await.unwrap().unwrap();
    assert_eq!((names(&seen), &seen.processes[0].reason[..]), (vec!["a", "b"], ""));
    commits(&host, "c", 3).await;
    remove(&host, "a").await;
    let message = stream.next().await.unwrap().unwrap();
    assert_eq!(
        (message.removed.clone(), names(&message)),
        (Some(vec!["a".to_owned()]), vec![]),
        "not of `c`"
    );
    seen.update(message);
    host.supervisor.add(vec![idle("d", "g"), idle("e", "")]).unwrap();
    seen.update(stream.next().await.unwrap().unwrap());
    assert_eq!(names(&seen), ["b", "d"]);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_stream_is_resumed_by_the_id_of_its_last_message() {
    let host = three();
    let path = "/v1/status?parts=processes&every_ms=50";
    let (id, first) = Sse::open(&host, path, "").await.next().await;
    assert_eq!(id, format!("{}.{}", first.boot, first.generation));
    commits(&host, "b", 1).await;
    remove(&host, "a").await;
    let resume = format!("Last-Event-ID: {id}\r\n");
    let (_, message) = Sse::open(&host, path, &resume).await.next().await;
    assert_eq!((message.whole, names(&message)), (Some(false), vec!["b"]));
    assert_eq!(message.removed, Some(vec!["a".to_owned()]));
    // The same with a generation, by which clients of lines resume.
    let since = Some(Known { generation: first.generation, boot: first.boot.clone() });
    let mut lines = host.client.watch_status(&StatusAsked { since, ..processes() }).await.unwrap();
    assert_eq!(names(&lines.next().await.unwrap().unwrap()), ["b"]);
    for id in
        ["0123456789abcdef.1", "garbage", &format!("{}.99999", first.boot), &format!("{}.x", first.boot)]
    {
        let resume = format!("Last-Event-ID: {id}\r\n");
        let (_, message) = Sse::open(&host, path, &resume).await.next().await;
        assert_eq!((message.whole, names(&message)), (Some(true), vec!["b", "c"]), "{id}");
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn other_parts_are_sent_when_they_change_and_the_order_of_the_config_with_the_host() {
    let host = three();
    let asked = StatusAsked { every_ms: Some(50), ..StatusAsked::default() };
    let mut stream = host.client.watch_status(&asked).await.unwrap();
    let mut seen = stream.next().await.unwrap().unwrap();
    assert_eq!(seen.parts, Some(["processes", "replicas", "plugins", "host"].map(Into::into).to_vec()));
    host.supervisor.degraded().set("patience", "a test says so");
    let message = stream.next().await.unwrap().unwrap();
    assert_eq!(message.parts, Some(vec![api::StatusPart::Processes, api::StatusPart::Host]));
    assert_eq!((message.host.degraded.len(), names(&message)), (1, vec![]));
    seen.update(message);
    assert_eq!((seen.plugins.len(), names(&seen)), (1, vec!["a", "b", "c"]));
    for order in [["c", "a", "b"], ["a", "b", "c"]] {
        host.supervisor.arrange(&order.map(Into::into));
        seen.update(stream.next().await.unwrap().unwrap());
        assert_eq!(names(&seen), order);
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_bad_request_for_a_stream_is_refused() {
    let host = three();
    for (accept, query, named) in [
        ("text/event-stream", "every_ms=49", "`every_ms` is 49; it must be between 50 and 60000"),
        ("application/x-ndjson", "every_ms=60001", "60000"),
        ("application/x-ndjson", "select=nobody", "nobody"),
        ("application/json", "every_ms=100", "Accept: text/event-stream"),
    ] {
        let path = format!("/v1/status?{query}");
        let answer = ask_with(&host, &format!("Accept: {accept}\r\n"), "GET", &path, "").await;
        assert!((400..500).contains(&answer.status) && answer.body.contains(named), "{}", answer.body);
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_gets_the_latest_state_later_and_delays_nobody() {
    const COUNT: usize = 400;
    let children = Scripted::default();
    let specs: Vec<ProcessSpec> =
        (0..COUNT).map(|number| shell(&format!("p{number}"), "", FOREVER)).collect();
    specs.iter().for_each(|spec| children.cast(&spec.name, Manner::Obedient));
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path().join("logs"));
    let mut host = Host::serving(children.boot(settings, specs, Vec::new(), Vec::new()).unwrap(), dir);
    let mut stuck = host.client.watch_status(&processes()).await.unwrap();
    let mut other = host.client.watch_status(&processes()).await.unwrap();
    let mut seen = other.next().await.unwrap().unwrap();
    // Many times what the socket and the server keep for a client.
    let mut sent = 0;
    while sent < 3 << 20 {
        host.order("restart", &["all"]).await.unwrap();
        let now = host.client.status(&[]).await.unwrap();
        while seen.generation < now.generation {
            let message = other.next().await.unwrap().unwrap();
            sent += serde_json::to_vec(&message).unwrap().len();
            seen.update(message);
        }
        assert_eq!(seen.processes, now.processes);
    }
    assert_eq!(ask(&host, "GET", "/v1/ping", "").await.status, 200);
    let (mut late, mut bytes) = (api::Status::default(), 0);
    while late.generation < seen.generation {
        let message = stuck.next().await.unwrap().unwrap();
        bytes += serde_json::to_vec(&message).unwrap().len();
        late.update(message);
    }
    assert_eq!(late.processes, seen.processes);
    assert!(bytes < sent / 2, "{bytes} bytes were kept for it of {sent}");
    host.stop.take().unwrap().send(()).unwrap();
    while stuck.next().await.unwrap().is_some() {}
    host.served.await.unwrap();
}
