//! Clients that ask too much, for too long, too often or all at once, or that do not read the answer.

use std::sync::Arc;

use provost_api::client::ClientError;
use provost_api::{Backend as ApiBackend, PluginOrder, ProcessOrder, StateChange};
use provost_state::{Backend, Routing};
use provost_supervisor::{ProcessSpec, Scripted, Settings, Supervisor};
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};

use crate::harness::{FOREVER, Host, shell};
use crate::http::ask;

/// Returns the status, the code and the message of a refusal.
fn refused(error: ClientError) -> (u16, String, String) {
    match error {
        ClientError::Refused { status, error } => (status, error.code.to_string(), error.message),
        other => (0, String::new(), other.to_string()),
    }
}

fn idle(name: &str) -> ProcessSpec {
    ProcessSpec { autostart: false, ..shell(name, "", FOREVER) }
}

/// Starts a host with a limit on connections.
fn with_connections(connections_max: usize, specs: Vec<ProcessSpec>) -> Host {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path().join("logs"));
    let supervisor = Supervisor::boot(settings, specs, Vec::new(), Vec::new()).unwrap();
    Host::with_connections(supervisor, dir, connections_max)
}

#[tokio::test]
async fn an_unknown_name_of_any_length_is_refused_and_shown_cut() {
    let dir = tempfile::tempdir().unwrap();
    let children = Scripted::default();
    let specs = (0..2_000).map(|number| idle(&format!("worker-{number}"))).collect();
    let booted = children.boot(Settings::new(dir.path().join("logs")), specs, Vec::new(), Vec::new());
    let host = Host::serving(booted.unwrap(), dir);
    let long = "w".repeat(900_000);
    let (status, code, message) = refused(host.order("start", &[&long]).await.unwrap_err());
    assert_eq!((status, &*code), (404, "unknown_process"));
    assert_eq!(message, format!("there is no process called `{}…`", "w".repeat(100)));
    let group = format!("{long}:*");
    let (.., message) = refused(host.order("start", &[&group]).await.unwrap_err());
    assert!(message.len() < 200, "{message}");
    // Among many names of ordinary length, the nearest is still found.
    let refusal = host.client.status(&["worker-19999".to_owned()]).await.unwrap_err();
    let ClientError::Refused { error, .. } = refusal else { panic!("{refusal}") };
    assert_eq!(error.hint.as_deref(), Some("did you mean `worker-1999`?"));
    let loaded = PluginOrder { component: Some("bundled:calm".to_owned()), ..PluginOrder::default() };
    let name = "n".repeat(10_000);
    let (.., message) = refused(host.client.change_plugin(&name, "swap", &loaded).await.unwrap_err());
    assert!(message.len() < 1_000, "{message}");
}

#[tokio::test]
async fn an_order_beyond_its_bound_in_bytes_or_targets_is_refused() {
    let host = Host::start(vec![idle("web")]);
    let many = ProcessOrder { select: vec!["all".to_owned(); 10_001], ..ProcessOrder::default() };
    let (status, code, message) = refused(host.client.order("stop", &many).await.unwrap_err());
    assert_eq!((status, &*code), (413, "too_large"));
    assert_eq!(message, "`select` has 10001 targets; at most 10000 are allowed");
    let big = ProcessOrder { select: vec!["x".repeat(1_100_000)], ..ProcessOrder::default() };
    let (status, code, _) = refused(host.client.order("stop", &big).await.unwrap_err());
    assert_eq!((status, &*code), (413, "too_large"));
    // The name of a field is cut, too.
    let mut odd = serde_json::Map::new();
    odd.insert("o".repeat(500_000), true.into());
    let body = serde_json::Value::Object(odd).to_string();
    let answer = ask(&host, "POST", "/v1/plugins/x/load", &body).await;
    assert!(answer.status == 400 && answer.body.len() < 5_000, "{}: {}", answer.status, answer.body.len());
}

#[tokio::test]
async fn settings_of_eight_mebibytes_are_taken() {
    let host = Host::start(vec![]);
    let mut settings = serde_json::Map::new();
    settings.insert("text".to_owned(), "x".repeat(8 << 20).into());
    let order = PluginOrder {
        component: Some("bundled:calm".to_owned()),
        settings: Some(settings),
        ..PluginOrder::default()
    };
    host.client.change_plugin("calm", "load", &order).await.unwrap();
}

#[tokio::test]
async fn idle_connections_give_way_to_new_ones() {
    let host = with_connections(4, vec![]);
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(UnixStream::connect(&host.socket).await.unwrap());
    }
    host.client.ping().await.unwrap();
    assert_eq!(idle[0].read(&mut [0]).await.unwrap(), 0, "the first was closed");
    for _ in 0..20 {
        host.client.ping().await.unwrap();
    }
}

#[tokio::test]
async fn followers_leave_connections_for_other_requests() {
    let host = with_connections(8, vec![idle("web")]);
    let mut streams = Vec::new();
    for _ in 0..7 {
        streams.push(host.client.events(0, true).await.unwrap());
    }
    let Err(refusal) = host.client.events(0, true).await else { panic!("one too many") };
    assert_eq!(refused(refusal).1, "busy");
    let waits = ProcessOrder { select: vec!["web".to_owned()], wait: true, ..ProcessOrder::default() };
    assert_eq!(refused(host.client.order("stop", &waits).await.unwrap_err()).1, "busy");
    host.client.ping().await.unwrap();
    drop(streams);
    // The permits come back when the host notices that the clients are gone.
    while host.client.events(0, true).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_view_that_hangs_delays_only_other_views() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    let gate = host.dir.path().join("gate");
    let listening = UnixListener::bind(&gate).unwrap();
    let client = Arc::new(host.client.clone());
    let path = format!("slow?{}", gate.display());
    let rendering: Vec<_> = (0..100)
        .map(|_| {
            let (client, path) = (client.clone(), path.clone());
            tokio::spawn(async move { client.view("painter", &path).await })
        })
        .collect();
    let (held, _) = listening.accept().await.unwrap();
    host.order("restart", &["web"]).await.unwrap();
    let loaded = PluginOrder { component: Some("bundled:calm".to_owned()), ..PluginOrder::default() };
    host.client.change_plugin("calm", "load", &loaded).await.unwrap();
    drop((held, listening));
    std::fs::remove_file(&gate).unwrap();
    for one in rendering {
        // Each request ends, whether it was still connected or found the gate gone.
        let _ = one.await.unwrap();
    }
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn a_panic_ends_only_its_own_request() {
    let host = Host::start(vec![]);
    let (status, code, _) = refused(host.client.view("defect", "").await.unwrap_err());
    assert_eq!((status, &*code), (500, "internal"));
    host.client.ping().await.unwrap();
}

#[tokio::test]
async fn concurrent_plugin_changes_all_take_effect() {
    let host = Host::start(vec![idle("web"), idle("db")]);
    let order = PluginOrder {
        component: Some("bundled:calm".to_owned()),
        judges: vec!["all".to_owned()],
        ..PluginOrder::default()
    };
    let loading: Vec<_> = (0..40)
        .map(|number| {
            let (client, order) = (host.client.clone(), order.clone());
            tokio::spawn(async move { client.change_plugin(&format!("p{number}"), "load", &order).await })
        })
        .collect();
    for one in loading {
        one.await.unwrap().unwrap();
    }
    let world = host.supervisor.reader().snapshot();
    for state in world.iter() {
        let mut names: Vec<_> =
            host.supervisor.policies_of(state.id).iter().map(|it| it.name().to_string()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 40, "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_of_the_state_core_all_take_effect() {
    let host = Host::start(vec![idle("web")]);
    for round in 0..100 {
        host.supervisor.reroute(|_| Routing::default());
        let backend = StateChange { backend: Some(ApiBackend::Locked), rollout: None };
        let rollout = StateChange { backend: None, rollout: Some(10) };
        let (one, other) =
            tokio::join!(host.client.change_state_core(&backend), host.client.change_state_core(&rollout));
        one.unwrap();
        other.unwrap();
        let routing = host.supervisor.reader().routing();
        assert_eq!((routing.backend, routing.rollout.percent()), (Backend::Locked, 10), "round {round}");
    }
}

#[tokio::test]
async fn status_shows_what_the_host_lacks() {
    let host = Host::start(vec![]);
    host.supervisor.degraded().set("descriptors", "none is left");
    let degraded = host.client.status(&[]).await.unwrap().host.degraded;
    assert_eq!(
        (degraded.len(), &*degraded[0].what, &*degraded[0].reason),
        (1, "descriptors", "none is left")
    );
    host.supervisor.degraded().clear("descriptors");
    assert_eq!(host.client.status(&[]).await.unwrap().host.degraded, []);
}
