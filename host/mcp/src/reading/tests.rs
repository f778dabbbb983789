//! Searches of a host whose processes take a time to be searched.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use provost_api::client::{Body, Carried, Client, ClientError, LogsOf, Transport};
use serde_json::{Value, json};

use super::lines::LogLine;
use super::ranking::Words;
use super::search::{LogsFound, LogsWanted, read};

/// A process: how long its output takes to be searched, and its lines: the second of each, and its text.
type Log = (Duration, Vec<(u32, &'static str)>);

/// A host.
#[derive(Debug, Default)]
struct Slow {
    logs: BTreeMap<&'static str, Log>,
    /// The processes of each request for lines.
    asked: Mutex<Vec<Vec<String>>>,
}

fn at(second: u32) -> String {
    format!("2026-11-26T11:{:02}:{:02}.000Z", second / 60, second % 60)
}

impl Slow {
    fn lines(&self, names: &[String], last: usize, until: Option<&str>) -> String {
        let mut lines: Vec<(String, Value)> = Vec::new();
        for name in names {
            let there = self.logs[name.as_str()].1.iter().map(|(second, text)| (at(*second), text));
            let there: Vec<_> =
                there.filter(|(at, _)| until.is_none_or(|until| at.as_str() < until)).collect();
            lines.extend(there[there.len().saturating_sub(last)..].iter().map(|(at, text)| {
                let line = json!({"process": name, "stream": "stdout", "at": at, "text": text});
                (at.clone(), line)
            }));
        }
        lines.sort_by(|(one, _), (other, _)| one.cmp(other));
        lines.into_iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

impl Transport for Slow {
    fn send(&self, request: Request<Bytes>) -> Carried<'_, Result<Response<Body>, ClientError>> {
        let query = request.uri().query().unwrap_or_default().replace("%2C", ",").replace("%3A", ":");
        let value = |key: &str| {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            found.map(str::to_owned)
        };
        let select = value("select").unwrap_or_default();
        let names: Vec<String> =
            select.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let (last, until) = (value("n"), value("until"));
        Box::pin(async move {
            let body = if request.uri().path() == "/v1/status" {
                let processes: Vec<_> = self.logs.keys().map(|name| json!({"name": name})).collect();
                json!({"generation": 1, "taken_at": at(0), "processes": processes}).to_string()
            } else {
                self.asked.lock().unwrap().push(names.clone());
                tokio::time::sleep(names.iter().map(|name| self.logs[name.as_str()].0).sum()).await;
                self.lines(&names, last.unwrap().parse().unwrap(), until.as_deref())
            };
            Ok(Response::new(Full::from(body).map_err(|never| match never {}).boxed_unsync()))
        })
    }
}

fn wanted(limit: usize, cursor: Option<String>) -> LogsWanted {
    let of = LogsOf::Processes(Vec::new());
    LogsWanted { of, since: None, pattern: None, ranked_by: None, limit, cursor }
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

fn host(logs: impl IntoIterator<Item = (&'static str, Log)>) -> (Arc<Slow>, Client) {
    let host = Arc::new(Slow { logs: logs.into_iter().collect(), ..Slow::default() });
    (host.clone(), Client::over(host))
}

#[tokio::test(start_paused = true)]
async fn a_search_that_runs_out_of_time_goes_on_where_it_stopped() {
    let slow = Duration::from_secs(4);
    let (host, client) = host([
        ("a", (slow, vec![(1, "a1"), (5, "a5"), (9, "a9")])),
        ("b", (slow, vec![(2, "b2"), (5, "b5"), (5, "b5 again")])),
        ("c", (slow, vec![(8, "c8")])),
        ("d", (slow, vec![])),
    ]);
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let LogsFound { lines, next_cursor, complete, .. } = read(&client, wanted(2, cursor)).await.unwrap();
        assert_eq!(complete, pages.len() == 3, "only the page with the last processes is complete");
        pages.push(texts(&lines).join(" "));
        cursor = next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, ["a9 b5 again", "b5 a5", "b2 a1", "c8"]);
    let asked = host.asked.lock().unwrap();
    assert!(asked.iter().all(|names| names.len() == 1), "each took longer than a request should: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn many_processes_take_few_requests() {
    let names: Vec<&'static str> = (0..500).map(|number| &*format!("p{number:03}").leak()).collect();
    let (host, client) = host(names.iter().map(|name| (*name, (Duration::from_micros(100), vec![(1, "x")]))));
    let found = read(&client, wanted(500, None)).await.unwrap();
    assert_eq!((found.lines.len(), found.complete, found.next_cursor), (500, true, None));
    let asked = host.asked.lock().unwrap();
    assert_eq!(asked.iter().map(Vec::len).sum::<usize>(), 500);
    assert!(asked.len() < 10, "{}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_takes_too_long_is_named() {
    let (_, client) = host([("huge", (Duration::from_secs(100), vec![]))]);
    let fault = read(&client, wanted(2, None)).await.unwrap_err().0;
    assert_eq!(fault.message, "the output of `huge` was not searched within 45 seconds");
    assert_eq!(fault.code.as_str(), "timeout");
}

#[tokio::test(start_paused = true)]
async fn the_newest_matches_are_ranked_and_the_older_ones_are_on_the_next_page() {
    let many: Vec<(u32, &'static str)> = (0..2_100).map(|second| (second, "disk ok")).collect();
    let best = [(2_200, "disk full"), (2_201, "disk ok and more words")];
    let lines = [(0, "disk full: the oldest")].into_iter().chain(many).chain(best).collect();
    let (_, client) = host([("a", (Duration::ZERO, lines))]);
    let ranked =
        |cursor| LogsWanted { ranked_by: Some(Words::of("disk full", false).unwrap()), ..wanted(2, cursor) };
    let first = read(&client, ranked(None)).await.unwrap();
    assert_eq!(texts(&first.lines), ["disk full", "disk ok"]);
    assert_eq!((first.ranked, first.complete), (Some(2_000), false));
    let second = read(&client, ranked(first.next_cursor)).await.unwrap();
    assert_eq!(texts(&second.lines), ["disk full: the oldest", "disk ok"]);
    assert_eq!((second.ranked, second.complete, second.next_cursor), (Some(103), true, None));
}
