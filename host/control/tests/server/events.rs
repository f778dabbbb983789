//! The choice of events, and how a stream of them is resumed.

use provost_api as api;
use provost_state::Cause;
use provost_supervisor::ProcessSpec;

use crate::harness::{FOREVER, Host, shell};
use crate::http::{ask, ask_with};

fn idle(name: &str, group: &str) -> ProcessSpec {
    ProcessSpec { autostart: false, ..shell(name, group, FOREVER) }
}

async fn list(host: &Host, query: &str) -> Vec<api::Event> {
    let path = format!("/v1/events?{query}");
    let answer = ask_with(host, "Accept: application/json\r\n", "GET", &path, "").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json")),
        "{}",
        answer.body
    );
    serde_json::from_str::<api::EventList>(&dechunked(&answer.body)).unwrap().events
}

/// Joins the chunks of a body.
fn dechunked(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    whole
}

async fn start_and_stop(host: &Host, names: &[&str]) {
    for name in names {
        host.order("start", &[name]).await.unwrap();
        host.order("stop", &[name]).await.unwrap();
    }
}

#[tokio::test]
async fn events_are_chosen_by_process_time_and_number() {
    let host = Host::start(vec![idle("a", "g"), idle("b", "g"), idle("c", "")]);
    start_and_stop(&host, &["a", "b", "c", "a"]).await;
    let all = list(&host, "").await;
    assert_eq!(all.last().unwrap().generation, u64::try_from(all.len()).unwrap(), "one for each generation");
    let of = |names: &[&str]| -> Vec<api::Event> {
        all.iter().filter(|event| names.contains(&event.process.as_str())).cloned().collect()
    };
    assert_eq!(list(&host, "select=g:*").await, of(&["a", "b"]));
    let of_a = of(&["a"]);
    assert_eq!(list(&host, "select=a&limit=3").await, of_a[of_a.len() - 3..]);
    assert_eq!(list(&host, "select=a&limit=1000").await, of_a);
    assert_eq!(list(&host, "limit=0").await, []);
    assert_eq!(list(&host, &format!("select=a&since={}", of_a[2].generation)).await, of_a[3..]);
    let from = &of_a[of_a.len() - 1].at;
    let later: Vec<api::Event> = all.iter().filter(|event| event.at >= *from).cloned().collect();
    assert_eq!(list(&host, &format!("from={from}")).await, later);
    // Of a process that was removed, too.
    let id = host.supervisor.reader().snapshot().id("b").unwrap();
    host.supervisor.remove(id, "a test removes it".into()).await.unwrap();
    assert_eq!(list(&host, "select=b&limit=1").await[0].kind, api::EventKind::Removed);
    for (query, status) in
        [("select=nobody", 404), ("from=yesterday", 400), ("follow=1", 400), ("limit=-1", 400)]
    {
        let path = format!("/v1/events?{query}");
        let refused = ask_with(&host, "Accept: application/json\r\n", "GET", &path, "").await;
        assert_eq!(refused.status, status, "{query}: {}", refused.body);
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_stream_of_events_is_resumed_by_the_id_of_the_last_one_and_a_gap_is_told() {
    let host = Host::start(vec![idle("a", "")]);
    start_and_stop(&host, &["a"]).await;
    let sse = async |last: &str| {
        let headers = format!("Accept: text/event-stream\r\n{last}");
        dechunked(&ask_with(&host, &headers, "GET", "/v1/events", "").await.body)
    };
    let all = sse("").await;
    let messages: Vec<&str> = all.split_terminator("\n\n").collect();
    let id = |message: &str| message.lines().next().unwrap().strip_prefix("id: ").unwrap().to_owned();
    let resumed = sse(&format!("Last-Event-ID: {}\r\n", id(messages[2]))).await;
    assert_eq!(resumed.split_terminator("\n\n").collect::<Vec<_>>(), messages[3..]);
    let of_another_host = sse("Last-Event-ID: 0123456789abcdef.2\r\n").await;
    let gap = "data: {\"kind\":\"missed\",\"count\":null}\n\n";
    assert_eq!(of_another_host, format!("{gap}{all}"));
    let lines = ask(&host, "GET", "/v1/events?since=2&boot=0123456789abcdef", "").await;
    assert!(dechunked(&lines.body).starts_with("{\"kind\":\"missed\",\"count\":null}\n{\"generation\":1,"));
    host.supervisor.shutdown(Cause::Shutdown).await;
}
