//! The whole API on a real socket with real processes, through the client.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod events;
mod golden;
mod harness;
mod http;
mod limits;
mod logs;
mod openapi;
mod plugins;
mod processes;
mod status;
mod storm;
mod tcp;
mod waits;
mod watch;

use std::os::unix::fs::PermissionsExt;

use provost_api as api;
use provost_api::client::{ClientError, LogsAsked, LogsOf, Unconnected};
use provost_control::Listening;
use provost_supervisor::ProcessSpec;

use harness::{FOREVER, Host, shell};

#[tokio::test]
async fn status_shows_one_generation_and_only_the_requested_processes() {
    let host = Host::start(vec![shell("a", "g", FOREVER), shell("b", "g", FOREVER), shell("c", "", FOREVER)]);
    host.order("start", &["all"]).await.unwrap();
    let all = host.client.status(&[]).await.unwrap();
    assert_eq!(all.processes.len(), 3);
    assert!(
        all.processes
            .iter()
            .all(|it| it.phase == api::Phase::Running && it.ready && it.generation <= all.generation)
    );
    assert_eq!(all.plugins[0].name, "painter");
    let group = host.client.status(&["g:*".to_owned()]).await.unwrap();
    assert_eq!(group.processes.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["a", "b"]);
    let ClientError::Refused { status, error } = host.client.status(&["aa".to_owned()]).await.unwrap_err()
    else {
        panic!("not refused")
    };
    assert_eq!((status, error.code.as_str()), (404, "unknown_process"));
    assert_eq!(error.hint.as_deref(), Some("did you mean `a`?"));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn orders_wait_for_their_effect() {
    let idle = ProcessSpec { autostart: false, ..shell("web", "", FOREVER) };
    let job = ProcessSpec { autostart: false, ..shell("job", "", "exit 0") };
    let host = Host::start(vec![idle, job]);
    let started = host.order("start", &["all"]).await.unwrap();
    assert!(started.results.iter().all(|result| result.ok), "{started:?}");
    let first = host.until("web", |it| it.phase == api::Phase::Running).await;
    host.order("restart", &["web"]).await.unwrap();
    let second = host.until("web", |it| it.phase == api::Phase::Running).await;
    assert_eq!(second.incarnation, first.incarnation + 1);
    assert_ne!(second.pid, first.pid);
    let stopped = host.order("stop", &["web"]).await.unwrap();
    assert_eq!((stopped.results[0].ok, &stopped.results[0].phase), (true, &api::Phase::Stopped));
    let signalled = api::ProcessOrder {
        select: vec!["web".to_owned()],
        signal: Some(api::Signal::Name("hup".to_owned())),
        ..Default::default()
    };
    let refused = host.client.order("signal", &signalled).await.unwrap();
    assert_eq!(refused.results[0].error.as_ref().unwrap().code, api::ErrorCode::NotRunning);
}

#[tokio::test]
async fn a_wait_that_times_out_names_the_current_phase() {
    let never = provost_supervisor::Readiness {
        check: provost_supervisor::Check::LogLine("never".to_owned()),
        every_ms: 100,
        timeout_ms: 100,
        within_ms: None,
        own_port: false,
    };
    let slow = ProcessSpec { autostart: false, ready: Some(never), ..shell("slow", "", FOREVER) };
    let host = Host::start(vec![slow]);
    let begin = api::ProcessOrder { select: vec!["slow".to_owned()], ..Default::default() };
    host.client.order("start", &begin).await.unwrap();
    host.until("slow", |it| it.phase == api::Phase::Starting).await;
    let order = api::ProcessOrder {
        select: vec!["slow".to_owned()],
        wait: true,
        timeout_ms: Some(50),
        ..Default::default()
    };
    let outcome = host.client.order("start", &order).await.unwrap();
    let error = outcome.results[0].error.as_ref().unwrap();
    assert_eq!(error.code, api::ErrorCode::Timeout);
    assert!(error.message.contains("slow is still starting after 50ms: "), "{}", error.message);
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn events_show_an_exit_and_its_consequences_in_order_and_continue() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    let pid = host.until("web", |it| it.phase == api::Phase::Running).await.pid.unwrap();
    let mut events = host.client.events(0, true).await.unwrap();
    let kill = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(kill, rustix::process::Signal::KILL).unwrap();
    let mut kinds = Vec::new();
    while kinds.iter().filter(|kind| **kind == api::EventKind::Ready).count() < 2 {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.process, "web");
        kinds.push(event.kind);
    }
    let words: Vec<_> = kinds.iter().map(api::EventKind::as_str).collect();
    assert_eq!(words, ["added", "start", "spawned", "ready", "exited", "decided", "spawned", "ready"]);
    let explanation = host.client.explain("web").await.unwrap();
    assert_eq!(explanation.history.len(), kinds.len());
    let decided = &explanation.history[5];
    assert_eq!(decided.decision.as_ref().unwrap().by, "failsafe");
    assert!(explanation.sentence.starts_with("web is running with pid"), "{}", explanation.sentence);
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn logs_include_past_lines_and_lines_that_are_not_utf8_are_base64() {
    let host = Host::start(vec![shell("talker", "", r"echo one; printf '\377\n'; exec sleep 1000")]);
    let of = LogsOf::Processes(vec!["talker".to_owned()]);
    let asked = LogsAsked { of, lines: 10, follow: true, since: None, until: None, grep: None };
    let mut lines = host.client.logs(&asked).await.unwrap();
    let first = lines.next().await.unwrap().unwrap();
    let second = lines.next().await.unwrap().unwrap();
    assert!(matches!(first, api::LogItem::Text { text, .. } if text == "one"));
    assert!(matches!(second, api::LogItem::Binary { base64, .. } if base64 == "/w=="));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn views_render_and_their_faults_are_reported() {
    let host = Host::start(vec![]);
    let rendered = host.client.view("painter", "/some/path?x=1").await.unwrap();
    assert_eq!((&*rendered.content_type, &rendered.body[..]), ("text/plain", &b"0 some/path?x=1"[..]));
    let faulty = host.client.view("painter", "broken").await.unwrap_err();
    assert!(faulty.to_string().contains("it trapped"), "{faulty}");
    assert!(host.client.view("nobody", "").await.unwrap_err().to_string().contains("nobody"));
}

#[tokio::test]
async fn a_bad_request_is_refused_with_the_field() {
    let host = Host::start(vec![]);
    let refused = |error: ClientError| match error {
        ClientError::Refused { status, error } => (status, error.message),
        other => panic!("{other}"),
    };
    let (status, message) = refused(host.order("start", &[]).await.unwrap_err());
    assert!(status == 400 && message.contains("`select`"), "{message}");
    let (status, message) = refused(host.order("dance", &["all"]).await.unwrap_err());
    assert!(status == 404 && message.contains("dance"), "{message}");
    let signal = api::ProcessOrder {
        select: vec!["all".to_owned()],
        signal: Some(api::Signal::Name("NOPE".to_owned())),
        ..Default::default()
    };
    let (status, message) = refused(host.client.order("signal", &signal).await.unwrap_err());
    assert!(status == 400 && message.contains("NOPE"), "{message}");
}

#[tokio::test]
async fn a_shutdown_with_wait_is_answered_with_the_final_report() {
    let mut host = Host::start(vec![shell("web", "", FOREVER)]);
    let waiting = tokio::spawn({
        let client = host.client.clone();
        async move { client.shutdown_and_wait().await }
    });
    host.stop_requested.recv().await.unwrap();
    assert!(!waiting.is_finished(), "nothing has ended yet");
    let left = api::Left { process: Some("web".to_owned()), pid: Some(7), reason: "it hangs".to_owned() };
    let report = api::Ended { pid: 1, code: 1, left: vec![left] };
    host.end.send_replace(Some(report.clone()));
    host.stop.take().unwrap().send(()).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), report);
    host.served.await.unwrap();
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn the_socket_is_private_and_is_removed_with_the_host() {
    let mut host = Host::start(vec![shell("web", "", FOREVER)]);
    let mode = std::fs::metadata(&host.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut endless = host.client.events(0, true).await.unwrap();
    host.client.shutdown().await.unwrap();
    host.stop_requested.recv().await.unwrap();
    host.stop.take().unwrap().send(()).unwrap();
    while endless.next().await.unwrap().is_some() {}
    host.served.await.unwrap();
    assert!(!host.socket.exists());
    assert!(matches!(
        host.client.ping().await.unwrap_err(),
        ClientError::Unconnected(Unconnected::Missing(_) | Unconnected::Abandoned(_))
    ));
    let long = host.dir.path().join("x".repeat(120));
    assert!(Listening::bind(&long).unwrap_err().to_string().contains("runtime_dir"));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}
