//! Status while every process and plugin hangs, and status in a storm of restarts: no answer waits for a process. Children
//! are scripted; the API, its socket and the supervisor are real. The assertions count and never measure time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use provost_api as api;
use provost_api::client::Client;
use provost_state::{
    Backend, Batch, Cause, Consumer, Decision, Ended, Exit, Fault, Judgement, Policy, Rollout, Routing,
    RulingAction, Snapshot,
};
use provost_supervisor::{Check, Manner, ProcessSpec, Readiness, RestartBudget, Scripted, Settings};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::harness::{FOREVER, Host, shell};

const KILL: provost_state::Signal = provost_state::Signal::KILL;

/// Far longer than anything takes on a busy machine: reaching it means that something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A gate at which plugins wait. Each message of a key lets one call through; dropping the last key lets all through.
#[derive(Debug)]
struct Gate {
    shut: Mutex<mpsc::Receiver<()>>,
    arrived: watch::Sender<usize>,
}

impl Gate {
    fn with_key() -> (Arc<Self>, mpsc::Sender<()>) {
        let (key, shut) = mpsc::channel();
        (Arc::new(Self { shut: Mutex::new(shut), arrived: watch::Sender::new(0) }), key)
    }

    fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        // The gate is open when all keys are dropped.
        let _ = self.shut.lock().unwrap().recv();
    }

    async fn until_arrived(&self, count: usize) {
        self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await.unwrap();
    }
}

/// A native policy that passes its gate and then restarts the process after a delay.
#[derive(Debug)]
struct Judge {
    name: Arc<str>,
    delay_ms: u64,
    gate: Option<Arc<Gate>>,
}

impl Judge {
    fn policies(name: &str, delay_ms: u64, gate: Option<&Arc<Gate>>) -> Vec<Arc<dyn Policy>> {
        vec![Arc::new(Self { name: name.into(), delay_ms, gate: gate.cloned() })]
    }
}

impl Policy for Judge {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, _ended: &Ended, _world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        if let Some(gate) = &self.gate {
            gate.pass();
        }
        Ok(Decision::new(RulingAction::restart(self.delay_ms), "always"))
    }
}

/// A native consumer that passes its gate and then publishes the last generation that it received.
#[derive(Debug)]
struct Listener {
    name: Arc<str>,
    gate: Arc<Gate>,
    told: watch::Sender<u64>,
}

impl Consumer for Listener {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn on_change(&mut self, _batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault> {
        self.gate.pass();
        self.told.send_replace(world.generation().0);
        Ok(())
    }
}

fn boot(
    children: &Scripted,
    backend: Backend,
    specs: Vec<ProcessSpec>,
    consumers: Vec<Box<dyn Consumer>>,
) -> Host {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        decision_deadline_ms: 600_000,
        // The test needs thousands of crashes per second.
        restart_budget: RestartBudget { restarts: 0, per_ms: 0 },
        routing: Routing { backend, rollout: Rollout::FULL },
        ..Settings::new(dir.path().join("logs"))
    };
    Host::serving(children.boot(settings, specs, Vec::new(), consumers).unwrap(), dir)
}

fn idle(name: String) -> ProcessSpec {
    ProcessSpec { autostart: false, ..shell(&name, "", FOREVER) }
}

fn order(select: &[String], wait: bool) -> api::ProcessOrder {
    api::ProcessOrder { select: select.to_vec(), wait, timeout_ms: Some(60_000), ..Default::default() }
}

/// Stops the process that ignores signals, and returns when it has received SIGKILL.
async fn get_stuck(host: &Host, children: &Scripted, name: &str) {
    host.until(name, |it| it.phase == api::Phase::Running).await;
    host.client.order("stop", &order(&[name.to_owned()], false)).await.unwrap();
    while children.signals(name).last() != Some(&KILL) {
        tokio::task::yield_now().await;
    }
}

fn named(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}.{number}")).collect()
}

fn phase_of<'a>(status: &'a api::Status, name: &str) -> &'a str {
    status.processes.iter().find(|it| it.name == name).unwrap().phase.as_str()
}

/// More than the decider's [`TURNS`]: all of its turns are taken, and some processes wait for one.
const JUDGED: usize = 6;
const TURNS: usize = 4;
const SPAWNING: usize = 3;

/// A host in which everything hangs, and the keys that release it.
struct Hung {
    host: Host,
    children: Scripted,
    /// The order whose spawns are held.
    starting: tokio::task::JoinHandle<api::Outcome>,
    policy: mpsc::Sender<()>,
    consumer: mpsc::Sender<()>,
    told: watch::Receiver<u64>,
}

impl Hung {
    async fn on(backend: Backend) -> Self {
        let (judging, policy) = Gate::with_key();
        let (telling, consumer) = Gate::with_key();
        let never = Readiness {
            check: Check::LogLine("never".to_owned()),
            every_ms: 1_000,
            timeout_ms: 1_000,
            within_ms: None,
            own_port: false,
        };
        let mut specs = vec![
            ProcessSpec { stop_grace_ms: 0, ..shell("stuck", "", FOREVER) },
            ProcessSpec { ready: Some(never), ..shell("unready", "", FOREVER) },
            ProcessSpec { policies: Judge::policies("patient", 3_600_000, None), ..shell("resting", "", "") },
        ];
        let judged = named("judged", JUDGED);
        specs.extend(judged.iter().map(|name| ProcessSpec {
            policies: Judge::policies("slow", 0, Some(&judging)),
            ..shell(name, "", FOREVER)
        }));
        specs.extend(named("spawning", SPAWNING).into_iter().map(idle));
        let children = Scripted::default();
        for spec in specs.iter().filter(|spec| &*spec.name != "stuck") {
            children.cast(&spec.name, Manner::Obedient);
        }
        let told = watch::Sender::new(0);
        let hears = told.subscribe();
        let listener = Listener { name: "listener".into(), gate: telling.clone(), told };
        let host = boot(&children, backend, specs, vec![Box::new(listener)]);

        telling.until_arrived(1).await;
        get_stuck(&host, &children, "stuck").await;
        host.until("resting", |it| it.phase == api::Phase::Running).await;
        children.end("resting", Exit::Code(1));
        host.until("resting", |it| it.phase == api::Phase::Backoff).await;
        for name in &judged {
            host.until(name, |it| it.phase == api::Phase::Running).await;
            children.end(name, Exit::Code(1));
        }
        judging.until_arrived(TURNS).await;
        children.hold_spawns();
        let client = host.client.clone();
        let starting = tokio::spawn(async move {
            let held = order(&named("spawning", SPAWNING), true);
            client.order("start", &held).await.unwrap()
        });
        for name in named("spawning", SPAWNING) {
            host.until(&name, |it| it.phase == api::Phase::Waiting).await;
        }
        for name in &judged {
            host.until(name, |it| it.phase == api::Phase::Exited).await;
        }
        // The finding of its check is the last change.
        host.until("unready", |it| it.phase == api::Phase::Starting && it.failing.is_some()).await;
        Self { host, children, starting, policy, consumer, told: hears }
    }

    /// Releases everything, and returns when all of it has finished.
    async fn release(self) {
        assert!(!self.starting.is_finished(), "the order hangs with the spawns");
        assert_eq!(*self.told.borrow(), 0, "the consumer hangs since the first change");
        let mut told = self.told;
        self.children.release_spawns();
        drop((self.policy, self.consumer));
        self.children.end("stuck", Exit::Signal(KILL.number()));
        let outcome = self.starting.await.unwrap();
        assert!(outcome.results.iter().all(|result| result.ok), "{outcome:?}");
        for name in named("judged", JUDGED) {
            self.host.until(&name, |it| it.phase == api::Phase::Running && it.incarnation == 2).await;
        }
        self.host.until("stuck", |it| it.phase == api::Phase::Stopped).await;
        self.host.supervisor.shutdown(Cause::Shutdown).await;
        let generation = self.host.supervisor.reader().look().generation().0;
        told.wait_for(|told| *told == generation).await.unwrap();
    }
}

/// Sends every kind of query many times while the state does not change.
async fn ask_everything(client: Client, backend: Backend, frozen: Arc<api::Status>) {
    for _ in 0..25 {
        assert_eq!(client.status(&[]).await.unwrap(), *frozen);
        let stuck = client.explain("stuck").await.unwrap();
        assert!(stuck.history.iter().any(|event| event.kind == api::EventKind::Stop), "{stuck:?}");
        let undecided = client.explain("judged.0").await.unwrap().process;
        assert_eq!((undecided.cause, undecided.decision), (api::Cause::Crash, None));
        let view = client.view("painter", "all").await.unwrap();
        assert_eq!(view.body, format!("{} all?", frozen.processes.len()));
        let core = client.state_core().await.unwrap();
        assert_eq!((core.backend.as_str(), core.generation), (backend.as_str(), frozen.generation));
        let mut events = client.events(0, false).await.unwrap();
        let mut last = 0;
        while let Some(event) = events.next().await.unwrap() {
            last = event.generation;
        }
        assert_eq!(last, frozen.generation);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_is_answered_while_every_process_and_plugin_hangs() {
    for backend in Backend::ALL {
        let all = async {
            let hung = Hung::on(backend).await;
            let frozen = Arc::new(hung.host.client.status(&[]).await.unwrap());
            let phases = |names: Vec<String>| -> Vec<_> {
                names.iter().map(|name| phase_of(&frozen, name).to_owned()).collect()
            };
            assert_eq!(phases(named("spawning", SPAWNING)), ["waiting"; SPAWNING]);
            assert_eq!(phases(named("judged", JUDGED)), ["exited"; JUDGED]);
            assert_eq!(phase_of(&frozen, "stuck"), "stopping");
            assert_eq!(phase_of(&frozen, "unready"), "starting");
            assert_eq!(phase_of(&frozen, "resting"), "backoff");
            let mut clients = JoinSet::new();
            for _ in 0..4 {
                clients.spawn(ask_everything(hung.host.client.clone(), backend, frozen.clone()));
            }
            clients.join_all().await;
            hung.release().await;
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("on {backend} something waits"));
    }
}

const CRASHING: usize = 200;
const ORDERED: usize = 2;
const ORDERED_BY_ONE: usize = 2;
const ANSWERS: usize = 200;
const COMMITS: u64 = 20_000;

/// The number of restarts that each answer permits, so that the storm leaves a slow machine time to answer. One
/// incarnation takes four commits.
const RESTARTS_PER_ANSWER: usize = 9;

/// Returns crash loops, processes for orders to start and stop, and one that is stuck in `stopping`.
fn storm(children: &Scripted, pace: &Arc<Gate>) -> Vec<ProcessSpec> {
    let mut specs = vec![ProcessSpec { stop_grace_ms: 0, ..shell("stuck", "", FOREVER) }];
    for name in named("crashing", CRASHING) {
        children.cast(&name, Manner::Brief(Exit::Code(3)));
        let policies = Judge::policies("at-once", 0, Some(pace));
        specs.push(ProcessSpec { policies, ..shell(&name, "", FOREVER) });
    }
    for client in 0..ORDERED {
        for name in named(&format!("ordered.{client}"), ORDERED_BY_ONE) {
            children.cast(&name, Manner::Obedient);
            specs.push(idle(name));
        }
    }
    specs
}

/// Queries the status until there were [`ANSWERS`] answers and [`COMMITS`] commits.
async fn watch_the_storm(client: Client, select: Vec<String>, pace: mpsc::Sender<()>) {
    let (mut generation, mut answers) = (0, 0);
    while answers < ANSWERS || generation < COMMITS {
        let status = client.status(&select).await.unwrap();
        assert!(status.generation >= generation, "{} after {generation}", status.generation);
        generation = status.generation;
        assert!(status.processes.iter().all(|it| it.generation <= generation));
        assert_eq!(phase_of(&status, "stuck"), "stopping");
        if select.is_empty() {
            assert_one_instant(&status);
        }
        answers += 1;
        (0..RESTARTS_PER_ANSWER).for_each(|_| pace.send(()).unwrap());
    }
}

/// Asserts that a status is of one generation. Every generation is one change of one process, so if one state were newer
/// or older than the rest, the sum of the versions would not match the generation.
fn assert_one_instant(status: &api::Status) {
    let versions: u64 = status.processes.iter().map(|it| it.version).sum();
    let added = u64::try_from(status.processes.len()).unwrap();
    assert_eq!(versions + added, status.generation, "as many changes as the versions say");
    assert_eq!(status.processes.iter().map(|it| it.generation).max(), Some(status.generation));
}

/// Starts and stops its processes until the storm is over, and returns the number of rounds.
async fn give_orders(client: Client, number: usize, over: Arc<AtomicBool>) -> usize {
    let own = named(&format!("ordered.{number}"), ORDERED_BY_ONE);
    let mut rounds = 0;
    while !over.load(Ordering::Acquire) {
        for (action, phase) in [("start", api::Phase::Running), ("stop", api::Phase::Stopped)] {
            let outcome = client.order(action, &order(&own, true)).await.unwrap();
            assert!(outcome.results.iter().all(|it| it.ok && it.phase == phase), "{action}: {outcome:?}");
        }
        rounds += 1;
    }
    rounds
}

async fn weather_a_storm(backend: Backend) {
    let children = Scripted::default();
    let (pace, key) = Gate::with_key();
    let host = boot(&children, backend, storm(&children, &pace), Vec::new());
    get_stuck(&host, &children, "stuck").await;
    let over = Arc::new(AtomicBool::new(false));
    let mut orders = JoinSet::new();
    for number in 0..ORDERED {
        orders.spawn(give_orders(host.client.clone(), number, over.clone()));
    }
    let mut clients = JoinSet::new();
    // One client queries everything, the others the stuck process and one that changes all the time.
    for other in [None, Some("crashing.0"), Some("ordered.0.0")] {
        let select = other.map_or(vec![], |other| vec!["stuck".to_owned(), other.to_owned()]);
        clients.spawn(watch_the_storm(host.client.clone(), select, key.clone()));
    }
    drop(key);
    clients.join_all().await;
    over.store(true, Ordering::Release);
    assert!(
        orders.join_all().await.into_iter().all(|rounds| rounds > 0),
        "orders were carried out meanwhile"
    );

    let core = host.client.state_core().await.unwrap();
    assert!(core.commits >= COMMITS, "{core:?}");
    assert_eq!((core.illegal, core.stale_version, core.stale_incarnation), (0, 0, 0));
    assert!(core.backends.iter().all(|figures| figures.differences == 0), "{core:?}");
    children.end("stuck", Exit::Signal(KILL.number()));
    host.supervisor.shutdown(Cause::Shutdown).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_storm_every_status_is_answered_and_is_of_one_generation() {
    for backend in Backend::ALL {
        let storm = tokio::time::timeout(PATIENCE, weather_a_storm(backend)).await;
        storm.unwrap_or_else(|_| panic!("on {backend} something waits"));
    }
}
