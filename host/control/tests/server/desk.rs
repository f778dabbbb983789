//! A host in miniature: the desk on a real socket with real processes and a plugin that is none.

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
        if request.path == "odd" {
            return Ok(ViewResponse { content_type: "text\nplain".to_owned(), body: Vec::new() });
        }
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

pub(crate) fn shell(name: &str, group: &str, line: &str) -> ProcessSpec {
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

pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) supervisor: Supervisor,
    pub(crate) told_to_stop: mpsc::Receiver<()>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: tokio::task::JoinHandle<std::io::Result<()>>,
    pub(crate) dir: tempfile::TempDir,
}

impl Host {
    pub(crate) fn start(specs: Vec<ProcessSpec>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            log_dir: dir.path().join("logs"),
            decision_deadline_ms: 1_000,
            restart_delay_ms_max: 3_600_000,
            routing: Default::default(),
        };
        Self::serving(Supervisor::boot(settings, specs, Vec::new()).unwrap(), dir)
    }

    /// The desk of a supervisor that is booted already.
    pub(crate) fn serving(supervisor: Supervisor, dir: tempfile::TempDir) -> Self {
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

    pub(crate) async fn order(&self, action: &str, select: &[&str]) -> Result<wire::Outcome, ClientError> {
        let select = select.iter().map(ToString::to_string).collect();
        let order =
            wire::Order { select, wait: action != "signal", timeout_ms: Some(20_000), ..Default::default() };
        self.client.order(action, &order).await
    }

    pub(crate) async fn until(&self, name: &str, holds: impl Fn(&wire::Process) -> bool) -> wire::Process {
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

/// A command that ends only when it is told to.
pub(crate) const FOREVER: &str = "exec sleep 1000";
