//! A small host: the API on a real socket, real processes, and native plugins in place of components.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use provost_api as api;
use provost_api::client::{Client, ClientError};
use provost_control::{
    Answer, ApiContext, ConfigFile, ConfigRefusal, ConfigReport, Listening, LiveConfig, RulesInForce,
    Scaling, Step, TcpListening, serve,
};
use provost_state::{
    Blame, Cause, Consumer, Fault, FaultKind, Intensity, Judgement, PluginChange, PluginFigures, PluginInput,
    PluginRefusal, PluginRefusalKind, PluginReport, PluginStatus, PluginVersion, PluginWanted, Plugins,
    Policy, Replacement, Reproduction, Snapshot, View, ViewRequest, ViewResponse,
};
use provost_supervisor::{CommandLine, ProcessSpec, Settings, Supervisor};
use tokio::sync::{mpsc, oneshot, watch};

#[derive(Debug)]
struct Painter(Arc<str>);

impl View for Painter {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn render(&self, request: &ViewRequest, world: &Arc<Snapshot>) -> Result<ViewResponse, Fault> {
        if request.path == "slow" {
            // This blocks as long as the test holds the other end.
            let _ = std::os::unix::net::UnixStream::connect(&request.query).unwrap().read(&mut [0]);
        }
        if request.path == "odd" {
            return Ok(ViewResponse {
                status: 200,
                content_type: "text\nplain".to_owned(),
                body: Vec::new(),
            });
        }
        if request.path == "broken" {
            return Err(Fault { kind: FaultKind::Trap, message: "it trapped".into() });
        }
        let body = format!("{} {}?{}", world.len(), request.path, request.query);
        Ok(ViewResponse { status: 200, content_type: "text/plain".to_owned(), body: body.into_bytes() })
    }
}

/// A policy that is asked for every judgement and keeps the default answers.
#[derive(Debug)]
struct Indifferent(Arc<str>);

impl Policy for Indifferent {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, _: Judgement) -> bool {
        true
    }
}

/// A plugin host without WebAssembly. It has the view `painter` from the start; every loaded plugin is a policy, unless
/// its name is `view`.
#[derive(Debug)]
pub(crate) struct Shelf(Mutex<Vec<PluginReport>>);

impl Shelf {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(vec![report("painter", "bundled:painter", "status-view")]))
    }

    fn find(&self, name: &str) -> Result<PluginReport, PluginRefusal> {
        let found = self.reports().into_iter().find(|report| &*report.name == name);
        found
            .ok_or_else(|| refusal(PluginRefusalKind::Unknown, format!("there is no plugin called `{name}`")))
    }

    fn put(&self, report: &PluginReport) -> PluginChange {
        let mut reports = self.0.lock().unwrap();
        match reports.iter_mut().find(|known| known.name == report.name) {
            Some(known) => *known = report.clone(),
            None => reports.push(report.clone()),
        }
        PluginChange { after: Some(report.clone()), notes: vec!["checked".to_owned()] }
    }
}

fn report(name: &str, source: &str, role: &str) -> PluginReport {
    let active = PluginVersion {
        number: 1,
        source: source.into(),
        digest: "00".into(),
        signed_by: None,
        grants: Vec::new(),
        limits: BTreeMap::new(),
        quarantine: None,
        roles: vec![role.into()],
        figures: PluginFigures { calls: 1, ..PluginFigures::default() },
    };
    PluginReport { name: name.into(), status: PluginStatus::Active, active, former: None, told_until: None }
}

/// Fills every field of a report whose name is `troubled`, `compiling` or `cured`, as after faults.
fn after_faults(mut report: PluginReport) -> PluginReport {
    let fault = Fault { kind: FaultKind::Trap, message: "it panicked".into() };
    report.status = match &*report.name {
        "troubled" => PluginStatus::Quarantined("5 faults in 60 s".into()),
        "compiling" => PluginStatus::Compiling("its component is being compiled".into()),
        "cured" => PluginStatus::Active,
        _ => return report,
    };
    report.active = PluginVersion {
        signed_by: Some("this host".into()),
        grants: vec!["set-env:PORT".into()],
        limits: BTreeMap::from([("memory", 64 << 20), ("call_time", 100)]),
        quarantine: Some(Intensity { faults: 5, per_ms: 60_000 }),
        ..report.active
    };
    report.active.figures.faults = vec![(FaultKind::Deadline, 2), (FaultKind::Trap, 1)];
    report.active.figures.last_fault = Some(fault);
    report
}

fn refusal(kind: PluginRefusalKind, message: String) -> PluginRefusal {
    PluginRefusal { kind, message, hint: "do something else".to_owned() }
}

impl Plugins for Shelf {
    fn reports(&self) -> Vec<PluginReport> {
        self.0.lock().unwrap().clone()
    }

    fn view(&self, name: &str) -> Option<Arc<dyn View>> {
        assert_ne!(name, "defect", "on purpose");
        (name == "painter").then(|| Arc::new(Painter("painter".into())) as Arc<dyn View>)
    }

    fn policy(&self, name: &str) -> Option<Arc<dyn Policy>> {
        (name != "view").then(|| Arc::new(Indifferent(name.into())) as Arc<dyn Policy>)
    }

    fn consumer(&self, _: &str) -> Option<Box<dyn Consumer>> {
        None
    }

    fn load(&self, wanted: &PluginWanted, _: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        if self.find(&wanted.name).is_ok() {
            return Err(refusal(PluginRefusalKind::NameTaken, format!("there is a `{}`", wanted.name)));
        }
        if wanted.judges && wanted.name == "view" {
            return Err(refusal(PluginRefusalKind::Check, "`view` exports no policy".to_owned()));
        }
        let loaded = report(&wanted.name, &wanted.component, "restart-policy");
        Ok(self.put(&after_faults(loaded)))
    }

    fn unload(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        self.find(name)?;
        self.0.lock().unwrap().retain(|report| &*report.name != name);
        Ok(PluginChange { after: None, notes: Vec::new() })
    }

    fn swap(&self, name: &str, by: &Replacement, _: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        let before = self.find(name)?;
        if !by.accept_more {
            return Err(refusal(PluginRefusalKind::AsksForMore, "it imports `wasi:sockets`".to_owned()));
        }
        let mut after = before.clone();
        after.active.number += 1;
        after.former = Some(before.active);
        Ok(self.put(&after))
    }

    fn rollback(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        let mut report = self.find(name)?;
        let former = report.former.take();
        let former =
            former.ok_or_else(|| refusal(PluginRefusalKind::NoFormer, "no former version".to_owned()))?;
        report.former = Some(std::mem::replace(&mut report.active, former));
        Ok(self.put(&report))
    }

    fn revive(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        self.find(name).map(|report| self.put(&report))
    }

    fn blame(&self, name: &str) -> Result<Option<Blame>, PluginRefusal> {
        let report = self.find(name)?;
        let Some(fault) = report.active.figures.last_fault else { return Ok(None) };
        let now = match name {
            "cured" => Ok("restart at once".to_owned()),
            _ => Err(fault.clone()),
        };
        let (call, input) = ("on-exit".into(), "web exited with code 3".to_owned());
        let reproduction = Reproduction {
            input: PluginInput::Request(ViewRequest { path: "a".to_owned(), ..ViewRequest::default() }),
            world: Arc::default(),
            source: "bundled:judge".into(),
            digest: "abc".into(),
            settings_json: r#"{"password":"secret"}"#.into(),
            limits: [("fuel", 7)].into(),
            grants: Vec::new(),
            memory: [("key".into(), b"\xff".as_slice().into())].into(),
        };
        let name = report.name;
        Ok(Some(Blame { name, version: 1, call, input, generation: 7, fault, now, reproduction }))
    }
}

pub(crate) fn shell(name: &str, group: &str, line: &str) -> ProcessSpec {
    ProcessSpec {
        group: group.into(),
        stop_grace_ms: 5_000,
        ..ProcessSpec::new(name, CommandLine::Shell(line.to_owned()))
    }
}

/// A config that adds a process on each reload, unless it is named `/bad.toml` or `/fixed.toml`; `web` has replicas.
#[derive(Debug)]
struct Fixed;

/// Returns a report that quotes a line.
fn report_of_config(first: &str) -> ConfigReport {
    ConfigReport { whole: format!("{first}\n 1 | password"), without_lines: first.to_owned() }
}

fn refused(path: Option<&str>) -> Result<(), ConfigRefusal> {
    match path {
        Some("/bad.toml") => {
            Err(ConfigRefusal::BadConfig(report_of_config("error: /bad.toml:1:1: it is bad")))
        }
        Some("/fixed.toml") => {
            Err(ConfigRefusal::NeedsNewHost(report_of_config("error: /fixed.toml:1:1: it cannot change")))
        }
        _ => Ok(()),
    }
}

/// The difference that has something of everything.
fn full_difference() -> api::Difference {
    let key = api::KeyDifference {
        key: "command".to_owned(),
        old: Some("\"a\"".to_owned()),
        new: Some("\"b\"".to_owned()),
        effect: api::KeyEffect::Restart,
        members: vec!["web.2".to_owned()],
        ..api::KeyDifference::default()
    };
    let live = api::KeyDifference {
        key: "state.backend".to_owned(),
        effect: api::KeyEffect::Live,
        keep: Some("[state]\nbackend = \"locked\"".to_owned()),
        ..key.clone()
    };
    let item = |name: &str, change, keys: &[api::KeyDifference]| api::ItemDifference {
        name: name.to_owned(),
        change,
        keys: keys.to_vec(),
        keep: None,
    };
    api::Difference {
        config: "/srv/provost.toml".to_owned(),
        processes: vec![
            item("web", api::ItemChange::Changed, &[key]),
            item("new", api::ItemChange::Added, &[]),
            item("old", api::ItemChange::Removed, &[]),
        ],
        plugins: vec![item("backoff", api::ItemChange::Added, &[])],
        host: vec![live],
        unchanged: api::Unchanged { processes: 2, plugins: 1 },
    }
}

impl LiveConfig for Fixed {
    fn difference(&self, config: Option<PathBuf>) -> Answer<'_, Result<api::Difference, ConfigRefusal>> {
        let path = config.map(|path| path.display().to_string());
        Box::pin(async move { refused(path.as_deref()).map(|()| full_difference()) })
    }

    fn reload(
        &self,
        order: api::ReloadOrder,
    ) -> Answer<'_, Result<mpsc::UnboundedReceiver<Step>, ConfigRefusal>> {
        Box::pin(async move {
            refused(order.config.as_deref())?;
            let (sender, steps) = mpsc::unbounded_channel();
            let step = |kind, process: Option<&str>, message: &str| api::ReloadStep {
                kind,
                process: process.map(str::to_owned),
                message: message.to_owned(),
                ..api::ReloadStep::default()
            };
            let error = api::Error {
                code: api::ErrorCode::NotReached,
                message: "it has not ended".to_owned(),
                hint: Some("reload again".to_owned()),
            };
            let summary = api::ReloadSummary { added: 1, failed: 1, ..api::ReloadSummary::default() };
            let all = [
                step(api::ReloadStepKind::Checked, None, "checked"),
                step(api::ReloadStepKind::Added, Some("new"), "added"),
                api::ReloadStep {
                    error: Some(error),
                    ..step(api::ReloadStepKind::Failed, Some("old"), "it is not removed")
                },
                api::ReloadStep {
                    summary: Some(summary),
                    ..step(api::ReloadStepKind::Done, None, "1 step has failed")
                },
            ];
            for step in all {
                sender.send(Step { step, awaited: None }).unwrap();
            }
            Ok(steps)
        })
    }

    fn scale(&self, name: String, count: u32, _: Cause) -> Answer<'_, Result<Scaling, ConfigRefusal>> {
        Box::pin(async move {
            match name.as_str() {
                "web" => Ok(Scaling { before: 2, wanted: count }),
                _ => Err(ConfigRefusal::NotScalable {
                    message: format!("`{name}` has no replicas"),
                    hint: "write some".to_owned(),
                }),
            }
        })
    }

    fn plugin_changed(&self, _: String) -> Answer<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn file(&self) -> Answer<'_, ConfigFile> {
        let file = ConfigFile {
            path: "/srv/provost.toml".to_owned(),
            loaded_at: "2026-11-26T00:00:00.000Z".to_owned(),
            changed: Some(false),
        };
        Box::pin(std::future::ready(file))
    }
}

pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) socket: PathBuf,
    pub(crate) context: ApiContext,
    pub(crate) supervisor: Supervisor,
    pub(crate) stop_requested: mpsc::Receiver<()>,
    pub(crate) end: watch::Sender<Option<api::Ended>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) served: tokio::task::JoinHandle<()>,
    pub(crate) dir: tempfile::TempDir,
}

impl Host {
    pub(crate) fn start(specs: Vec<ProcessSpec>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::new(dir.path().join("logs"));
        Self::serving(Supervisor::boot(settings, specs, Vec::new(), Vec::new()).unwrap(), dir)
    }

    /// Serves the API of a booted supervisor.
    pub(crate) fn serving(supervisor: Supervisor, dir: tempfile::TempDir) -> Self {
        Self::with_connections(supervisor, dir, provost_control::CONNECTIONS_MAX)
    }

    /// Serves like `serving`, with another limit on connections.
    pub(crate) fn with_connections(
        supervisor: Supervisor,
        dir: tempfile::TempDir,
        connections_max: usize,
    ) -> Self {
        Self::over_tcp(supervisor, dir, connections_max, None, RulesInForce::default())
    }

    /// Serves like `with_connections`, also over TCP.
    pub(crate) fn over_tcp(
        supervisor: Supervisor,
        dir: tempfile::TempDir,
        connections_max: usize,
        tcp: Option<TcpListening>,
        rules: RulesInForce,
    ) -> Self {
        let socket = dir.path().join("provost.sock");
        let listening = Listening::bind(&socket).unwrap();
        let (shutdown, stop_requested) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let host = api::Host { pid: 1, version: "0".to_owned(), ..api::Host::default() };
        let (end, ended) = watch::channel(None);
        let plugins = Arc::new(Shelf::new());
        let context = ApiContext {
            past: None,
            supervisor: supervisor.clone(),
            plugins,
            config: Arc::new(Fixed),
            rules,
            host,
            shutdown,
            connections_max,
            place: None,
            mounts: crate::access::mounts(),
            ended,
        };
        let served = tokio::spawn(serve(listening, tcp, context.clone(), async {
            let _ = stopped.await;
        }));
        let client = Client::new(socket.clone());
        Self { client, socket, context, supervisor, stop_requested, end, stop: Some(stop), served, dir }
    }

    pub(crate) async fn order(&self, action: &str, select: &[&str]) -> Result<api::Outcome, ClientError> {
        let select = select.iter().map(ToString::to_string).collect();
        let order = api::ProcessOrder {
            select,
            wait: action != "signal",
            timeout_ms: Some(20_000),
            ..Default::default()
        };
        self.client.order(action, &order).await
    }

    pub(crate) async fn until(&self, name: &str, holds: impl Fn(&api::Process) -> bool) -> api::Process {
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

/// A command that ends only when it is signalled.
pub(crate) const FOREVER: &str = "exec sleep 1000";
