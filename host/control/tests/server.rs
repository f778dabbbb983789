//! The whole desk on a real socket with real processes, asked by the client.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use provost_control::client::{Client, ClientError};
use provost_control::{Desk, Listening, serve, wire};
use provost_state::{
    Fault, FaultKind, PluginReport, PluginStatus, Plugins, Snapshot, View, ViewRequest, ViewResponse,
};
use provost_supervisor::{CommandLine, LogLimits, ProcessSpec, Settings, Supervisor};
use tokio::sync::{mpsc, oneshot};

#[derive(Debug)]
struct Painter(Arc<str>);

impl View for Painter {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault> {
        if request.path == "broken" {
            return Err(Fault { kind: FaultKind::Trap, message: "it trapped".into() });
        }
        let body = format!("{} {}?{}", world.len(), request.path, request.query);
        Ok(ViewResponse { content_type: "text/plain".to_owned(), body: body.into_bytes() })
    }
}

#[derive(Debug)]
struct OnePlugin;

impl Plugins for OnePlugin {
    fn reports(&self) -> Vec<PluginReport> {
        vec![PluginReport {
            name: "painter".into(),
            source: "bundled:painter".into(),
            digest: "00".into(),
            roles: vec!["status-view".into()],
            status: PluginStatus::Active,
            calls: 1,
            faults: 0,
            last_fault: None,
        }]
    }

    fn view(&self, name: &str) -> Option<Arc<dyn View>> {
        (name == "painter").then(|| Arc::new(Painter("painter".into())) as Arc<dyn View>)
    }
}

fn shell(name: &str, group: &str, line: &str) -> ProcessSpec {
    ProcessSpec {
        name: name.into(),
        group: group.into(),
        command: CommandLine::Shell(line.to_owned()),
        cwd: None,
        env: Default::default(),
        env_files: Vec::new(),
        autostart: true,
        stop_signal: 15,
        stop_grace_ms: 5_000,
        policies: Vec::new(),
        depends_on: Vec::new(),
        ready: None,
        log: LogLimits::default(),
    }
}

struct Host {
    client: Client,
    supervisor: Supervisor,
    told_to_stop: mpsc::Receiver<()>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    dir: tempfile::TempDir,
}

impl Host {
    fn start(specs: Vec<ProcessSpec>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            log_dir: dir.path().join("logs"),
            decision_deadline_ms: 1_000,
            restart_delay_ms_max: 3_600_000,
        };
        let supervisor = Supervisor::boot(settings, specs, Vec::new()).unwrap();
        let socket = dir.path().join("provost.sock");
        let listening = Listening::bind(&socket).unwrap();
        let (shutdown, told_to_stop) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let host = wire::Host { pid: 1, version: "0".to_owned(), ..wire::Host::default() };
        let desk = Desk { supervisor: supervisor.clone(), plugins: Arc::new(OnePlugin), host, shutdown };
        let served = tokio::spawn(serve(listening, desk, async {
            let _ = stopped.await;
        }));
        Self { client: Client::new(socket), supervisor, told_to_stop, stop: Some(stop), served, dir }
    }

    async fn order(&self, action: &str, select: &[&str]) -> Result<wire::Outcome, ClientError> {
        let select = select.iter().map(ToString::to_string).collect();
        let order =
            wire::Order { select, wait: action != "signal", timeout_ms: Some(20_000), ..Default::default() };
        self.client.order(action, &order).await
    }

    async fn until(&self, name: &str, holds: impl Fn(&wire::Process) -> bool) -> wire::Process {
        let mut changed = self.supervisor.changed();
        loop {
            changed.mark_unchanged();
            let status = self.client.status(&[name.to_owned()]).await.unwrap();
            if holds(&status.processes[0]) {
                return status.processes[0].clone();
            }
            changed.changed().await.unwrap();
        }
    }
}

const FOREVER: &str = "exec sleep 1000";

#[tokio::test]
async fn status_shows_one_generation_and_only_what_was_asked_for() {
    let host = Host::start(vec![shell("a", "g", FOREVER), shell("b", "g", FOREVER), shell("c", "", FOREVER)]);
    host.order("start", &["all"]).await.unwrap();
    let all = host.client.status(&[]).await.unwrap();
    assert_eq!(all.processes.len(), 3);
    assert!(
        all.processes.iter().all(|it| it.phase == "running" && it.ready && it.generation <= all.generation)
    );
    assert_eq!(all.plugins[0].name, "painter");
    let group = host.client.status(&["g:*".to_owned()]).await.unwrap();
    assert_eq!(group.processes.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["a", "b"]);
    let ClientError::Refused { status, error } = host.client.status(&["aa".to_owned()]).await.unwrap_err()
    else {
        panic!("not refused")
    };
    assert_eq!((status, &*error.code), (404, "unknown_process"));
    assert_eq!(error.hint.as_deref(), Some("did you mean `a`?"));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn orders_wait_for_what_they_bring_about() {
    let idle = ProcessSpec { autostart: false, ..shell("web", "", FOREVER) };
    let job = ProcessSpec { autostart: false, ..shell("job", "", "exit 0") };
    let host = Host::start(vec![idle, job]);
    let started = host.order("start", &["all"]).await.unwrap();
    assert!(started.results.iter().all(|result| result.ok), "{started:?}");
    let first = host.until("web", |it| it.phase == "running").await;
    host.order("restart", &["web"]).await.unwrap();
    let second = host.until("web", |it| it.phase == "running").await;
    assert_eq!(second.incarnation, first.incarnation + 1);
    assert_ne!(second.pid, first.pid);
    let stopped = host.order("stop", &["web"]).await.unwrap();
    assert_eq!((stopped.results[0].ok, &*stopped.results[0].phase), (true, "stopped"));
    let signalled = wire::Order {
        select: vec!["web".to_owned()],
        signal: Some(wire::Signal::Name("hup".to_owned())),
        ..Default::default()
    };
    let refused = host.client.order("signal", &signalled).await.unwrap();
    assert_eq!(refused.results[0].error.as_ref().unwrap().code, "not_running");
}

#[tokio::test]
async fn a_wait_that_takes_too_long_says_where_it_stands() {
    let never = provost_supervisor::Readiness {
        check: provost_supervisor::Check::LogLine("never".to_owned()),
        every_ms: 100,
        timeout_ms: 100,
    };
    let slow = ProcessSpec { autostart: false, ready: Some(never), ..shell("slow", "", FOREVER) };
    let host = Host::start(vec![slow]);
    let order = wire::Order {
        select: vec!["slow".to_owned()],
        wait: true,
        timeout_ms: Some(50),
        ..Default::default()
    };
    let outcome = host.client.order("start", &order).await.unwrap();
    let error = outcome.results[0].error.as_ref().unwrap();
    assert_eq!(error.code, "timeout");
    assert!(error.message.contains("slow is starting"), "{}", error.message);
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn events_tell_the_way_of_a_fact_in_order_and_go_on() {
    let host = Host::start(vec![shell("web", "", FOREVER)]);
    let pid = host.until("web", |it| it.phase == "running").await.pid.unwrap();
    let mut events = host.client.events(0, true).await.unwrap();
    let kill = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(kill, rustix::process::Signal::KILL).unwrap();
    let mut kinds = Vec::new();
    while kinds.iter().filter(|kind| *kind == "ready").count() < 2 {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.process, "web");
        kinds.push(event.kind);
    }
    assert_eq!(kinds, ["added", "start", "spawned", "ready", "exited", "decided", "spawned", "ready"]);
    let explanation = host.client.explain("web").await.unwrap();
    assert_eq!(explanation.history.len(), kinds.len());
    let decided = &explanation.history[5];
    assert_eq!(decided.decision.as_ref().unwrap().by, "failsafe");
    assert!(explanation.sentence.starts_with("web is running with pid"), "{}", explanation.sentence);
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn logs_come_with_their_past_and_what_is_no_text_comes_as_base64() {
    let host = Host::start(vec![shell("talker", "", r"echo one; printf '\377\n'; exec sleep 1000")]);
    let mut lines = host.client.logs(&["talker".to_owned()], 10, true).await.unwrap();
    let first = lines.next().await.unwrap().unwrap();
    let second = lines.next().await.unwrap().unwrap();
    assert!(matches!(first, wire::LogItem::Text { text, .. } if text == "one"));
    assert!(matches!(second, wire::LogItem::Binary { base64, .. } if base64 == "/w=="));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}

#[tokio::test]
async fn views_render_and_their_faults_are_told() {
    let host = Host::start(vec![]);
    let rendered = host.client.view("painter", "/some/path?x=1").await.unwrap();
    assert_eq!((&*rendered.content_type, &rendered.body[..]), ("text/plain", &b"0 some/path?x=1"[..]));
    let faulty = host.client.view("painter", "broken").await.unwrap_err();
    assert!(faulty.to_string().contains("it trapped"), "{faulty}");
    assert!(host.client.view("nobody", "").await.unwrap_err().to_string().contains("nobody"));
}

#[tokio::test]
async fn bad_requests_are_answered_with_the_field() {
    let host = Host::start(vec![]);
    let refused = |error: ClientError| match error {
        ClientError::Refused { status, error } => (status, error.message),
        other => panic!("{other}"),
    };
    let (status, message) = refused(host.order("start", &[]).await.unwrap_err());
    assert!(status == 400 && message.contains("`select`"), "{message}");
    let (status, message) = refused(host.order("dance", &["all"]).await.unwrap_err());
    assert!(status == 404 && message.contains("dance"), "{message}");
    let signal = wire::Order {
        select: vec!["all".to_owned()],
        signal: Some(wire::Signal::Name("NOPE".to_owned())),
        ..Default::default()
    };
    let (status, message) = refused(host.client.order("signal", &signal).await.unwrap_err());
    assert!(status == 400 && message.contains("NOPE"), "{message}");
}

#[tokio::test]
async fn the_socket_is_private_and_goes_with_the_host() {
    let mut host = Host::start(vec![shell("web", "", FOREVER)]);
    let mode = std::fs::metadata(host.client.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut endless = host.client.events(0, true).await.unwrap();
    host.client.shutdown().await.unwrap();
    host.told_to_stop.recv().await.unwrap();
    host.stop.take().unwrap().send(()).unwrap();
    while endless.next().await.unwrap().is_some() {}
    host.served.await.unwrap().unwrap();
    assert!(!host.client.socket().exists());
    assert!(matches!(host.client.ping().await.unwrap_err(), ClientError::NoHost(_)));
    let long = host.dir.path().join("x".repeat(120));
    assert!(Listening::bind(&long).unwrap_err().to_string().contains("runtime_dir"));
    host.supervisor.shutdown(provost_state::Cause::Shutdown).await;
}
