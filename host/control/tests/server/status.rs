//! Parts, fields, tags and changes of a status.

use provost_api as api;
use provost_state::{Cause, Snapshot};
use serde_json::Value;

use crate::harness::{FOREVER, Host, shell};
use crate::http::{Answer, ask, ask_with};

/// Starts a host with three processes, of which `a` and `b` are in a group, and stops `c`.
async fn with_three() -> Host {
    let host = Host::start(vec![shell("a", "g", FOREVER), shell("b", "g", FOREVER), shell("c", "", FOREVER)]);
    host.order("start", &["all"]).await.unwrap();
    host.order("stop", &["c"]).await.unwrap();
    host
}

async fn get(host: &Host, path: &str) -> Value {
    let answer = ask(host, "GET", path, "").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json")),
        "{}",
        answer.body
    );
    serde_json::from_str(&answer.body).unwrap()
}

async fn with_tag(host: &Host, path: &str, tag: &str) -> Answer {
    ask_with(host, &format!("If-None-Match: {tag}\r\n"), "GET", path, "").await
}

fn keys(object: &Value) -> Vec<&str> {
    // Without `preserve_order`, the keys are sorted.
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn names(status: &Value) -> Vec<&str> {
    status["processes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_status_has_only_the_requested_parts_and_fields() {
    let host = with_three().await;
    let all = get(&host, "/v1/status").await;
    assert_eq!(keys(&all), ["boot", "generation", "host", "plugins", "processes", "replicas", "taken_at"]);
    assert_eq!(get(&host, "/v1/status?select=&fields=&parts=").await, all);
    let processes = get(&host, "/v1/status?parts=processes").await;
    assert_eq!(keys(&processes), ["boot", "generation", "processes", "taken_at"]);
    assert_eq!(processes["processes"], all["processes"]);
    let others = get(&host, "/v1/status?parts=host,replicas").await;
    assert_eq!(keys(&others), ["boot", "generation", "host", "replicas", "taken_at"]);
    assert_eq!(others["host"], all["host"]);
    let some = get(&host, "/v1/status?fields=pid,name,phase&select=g:*").await;
    assert_eq!((names(&some), keys(&some["processes"][0])), (vec!["a", "b"], vec!["name", "phase", "pid"]));
    assert_eq!(some["processes"][1]["pid"], all["processes"][1]["pid"]);
    // In the order of the schema, whatever the order of the request.
    let body = ask(&host, "GET", "/v1/status?fields=phase,name&select=c", "").await.body;
    assert!(body.contains(r#""processes":[{"name":"c","phase":"stopped"}],"replicas""#), "{body}");
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn an_answer_that_the_client_has_is_not_sent_again_until_something_changes() {
    let host = with_three().await;
    for path in ["/v1/status", "/v1/status?parts=processes", "/v1/status?fields=name&select=a"] {
        let first = ask(&host, "GET", path, "").await;
        let tag = first.header("etag").unwrap();
        for list in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let again = with_tag(&host, path, &list).await;
            assert_eq!((again.status, &*again.body, again.header("etag")), (304, "", Some(tag)), "{path}");
        }
        assert_eq!(with_tag(&host, path, "\"other\"").await.body, first.body);
        host.order("restart", &["b"]).await.unwrap();
        let changed = with_tag(&host, path, tag).await;
        assert_eq!(changed.status, 200, "{path}");
        assert_ne!(changed.header("etag"), Some(tag));
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn the_tag_of_everything_changes_without_a_commit_and_that_of_the_processes_does_not() {
    let host = with_three().await;
    let tags = async || {
        let tag = async |path| ask(&host, "GET", path, "").await.header("etag").unwrap().to_owned();
        [
            tag("/v1/status").await,
            tag("/v1/status?parts=processes").await,
            tag("/v1/status?parts=plugins").await,
        ]
    };
    let before = tags().await;
    assert_eq!(tags().await, before, "nothing has changed");
    host.supervisor.degraded().set("patience", "a test says so");
    let degraded = tags().await;
    assert_ne!(degraded[0], before[0]);
    assert_eq!(degraded[1..], before[1..]);
    let order = api::PluginOrder { component: Some("x".into()), ..Default::default() };
    host.client.change_plugin("new", "load", &order).await.unwrap();
    let loaded = tags().await;
    assert_ne!(loaded[0], degraded[0]);
    assert_eq!(loaded[1], before[1]);
    assert_ne!(loaded[2], before[2]);
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn changes_since_a_generation_are_those_that_the_snapshot_has() {
    let host = with_three().await;
    let first = get(&host, "/v1/status?parts=processes").await;
    assert!(first.get("whole").is_none() && first.get("removed").is_none());
    let (generation, boot) = (first["generation"].as_u64().unwrap(), first["boot"].as_str().unwrap());
    let since = |query: &str| format!("/v1/status?parts=processes&since={generation}{query}");
    let none = get(&host, &since("")).await;
    assert_eq!(
        (names(&none), &none["whole"], &none["removed"]),
        (vec![], &false.into(), &Value::Array(vec![]))
    );
    host.order("start", &["c"]).await.unwrap();
    host.order("restart", &["a"]).await.unwrap();
    let changed = get(&host, &since(&format!("&boot={boot}"))).await;
    assert_eq!(names(&changed), ["a", "c"]);
    assert!(changed["generation"].as_u64().unwrap() > generation);
    let all = get(&host, "/v1/status").await;
    assert_eq!(
        [&changed["processes"][0], &changed["processes"][1]],
        [&all["processes"][0], &all["processes"][2]]
    );
    let group = get(&host, &since("&select=g:*&fields=name")).await;
    assert_eq!(group["processes"], serde_json::json!([{"name": "a"}]));
    // It can be read by the client's types.
    let _: api::Status = serde_json::from_value(changed).unwrap();
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn a_generation_of_another_host_or_of_the_future_is_answered_with_everything() {
    let host = with_three().await;
    let generation = get(&host, "/v1/status").await["generation"].as_u64().unwrap();
    for query in [format!("since={generation}&boot=0123456789abcdef"), format!("since={}", generation + 1)] {
        let whole = get(&host, &format!("/v1/status?parts=processes&{query}")).await;
        assert_eq!((names(&whole), &whole["whole"]), (vec!["a", "b", "c"], &true.into()), "{query}");
    }
    let other = with_three().await;
    let path = "/v1/status?parts=processes";
    let tag = ask(&host, "GET", path, "").await.header("etag").unwrap().to_owned();
    let answer = with_tag(&other, path, &tag).await;
    assert_eq!(answer.status, 200, "the tag of one host is not that of another");
    for host in [host, other] {
        host.supervisor.shutdown(Cause::Shutdown).await;
    }
}

#[tokio::test]
async fn an_answer_equals_the_snapshot_of_its_generation_while_processes_change() {
    let host = with_three().await;
    let fresh = |world: &Snapshot| -> Vec<(String, u64, Option<u32>)> {
        world.iter().map(|state| (state.name().to_string(), state.version.0, state.pid())).collect()
    };
    for _ in 0..20 {
        host.order("restart", &["a"]).await.unwrap();
        let before = host.supervisor.reader().snapshot();
        let status = host.client.status(&[]).await.unwrap();
        let after = host.supervisor.reader().snapshot();
        if before.generation() != after.generation() {
            continue;
        }
        assert_eq!(status.generation, before.generation().0);
        let answered = status.processes.into_iter().map(|one| (one.name, one.version, one.pid));
        assert_eq!(answered.collect::<Vec<_>>(), fresh(&before));
    }
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test]
async fn the_order_of_the_config_is_given_when_the_processes_have_another_one() {
    let host = with_three().await;
    let first = ask(&host, "GET", "/v1/status", "").await;
    assert!(!first.body.contains("\"order\""));
    host.supervisor.arrange(&["c", "a", "b"].map(Into::into));
    let status = get(&host, "/v1/status").await;
    assert_eq!(status["order"], serde_json::json!(["c", "a", "b"]));
    assert_eq!(names(&status), ["a", "b", "c"]);
    assert_eq!(with_tag(&host, "/v1/status", first.header("etag").unwrap()).await.status, 200, "it counts");
    assert!(get(&host, "/v1/status?parts=processes").await.get("order").is_none(), "it is with the host");
    let mut status: api::Status = serde_json::from_value(status).unwrap();
    status.processes.push(api::Process { name: "new".to_owned(), ..api::Process::default() });
    status.arrange();
    let arranged: Vec<&str> = status.processes.iter().map(|one| one.name.as_str()).collect();
    assert_eq!((arranged, status.order), (vec!["c", "a", "b", "new"], None));
    host.supervisor.arrange(&["a", "b", "c"].map(Into::into));
    assert!(get(&host, "/v1/status").await.get("order").is_none());
    host.supervisor.shutdown(Cause::Shutdown).await;
}
