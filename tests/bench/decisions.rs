//! What a runner waits for when it asks a policy, from its question to the checked and bounded answer, beside the call of
//! the component alone, which `provost plugin list` shows: `cargo bench -p provost --bench decisions`.
//!
//! On a quiet host the decisions are far apart, so that each one finds a processor that was idle and caches that others
//! have used. So each is measured back to back, and after a pause. The rows `alone` are the call on the thread that asks;
//! those of `asked` go from a task to a judging thread and back; `switch` is the same way with a native policy that
//! answers at once. Then the commit of a runner is measured beside that of the state core alone.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

mod commits;
mod figures;

use std::sync::Arc;
use std::time::Duration;

use provost_plugin_host::{Grants, HostOptions, Limits, PluginHost, PluginSpec, Source};
use provost_state::{
    At, Cause, Death, Deaths, Decision, Ended, Event, Exit, Fault, Identity, Incarnation, Judgement, Moment,
    Plugins, Policy, Reader, Registry, Ruling, RulingAction, Snapshot, registry,
};
use provost_supervisor::{Judges, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use figures::{Latencies, now_ns, quick};

const PROCESSES: usize = 100;
/// A pause after which a decision is one of a quiet host.
const PAUSE: Duration = Duration::from_millis(50);

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let host =
        PluginHost::new(HostOptions { cache_dir: Some(dir.path().join("cache")), ..HostOptions::default() });
    let load = |name: &str| {
        let limits = Limits { call_ms_max: Some(60_000), ..Limits::default() };
        host.load(PluginSpec {
            name: name.into(),
            source: Source::Bundled("backoff".to_owned()),
            settings_json: "{}".to_owned(),
            limits,
            sha256: None,
            grants: Grants::default(),
        })
        .unwrap();
        PluginHost::policy(&host, name).unwrap()
    };
    let runtime = Runtime::new().unwrap();
    let judges = {
        let _within = runtime.enter();
        Arc::new(Judges::start(&Settings::new(dir.path().join("logs"))))
    };
    let world = World::new();
    let mut blocks = Vec::new();
    for (setting, pause, times) in
        [("back to back", None, 20_000), ("after a pause of 50 ms", Some(PAUSE), 200)]
    {
        let times = if quick() { times / 20 } else { times };
        println!("{setting}");
        // Each has its own version of the plugin, and so its own figures.
        let alone = load(&format!("alone-{}", times));
        let asked = load(&format!("asked-{}", times));
        let mut designs = vec![timed("decision, alone", times, pause, &world, |world| {
            alone.on_exit(&ended(), world).unwrap();
        })];
        for (name, policy) in
            [("decision, asked", asked.clone()), ("switch, asked", Arc::new(AtOnce::default()) as _)]
        {
            let (judges, runtime) = (&judges, &runtime);
            designs.push(timed(name, times, pause, &world, |world| {
                let (judges, policy, world) = (judges.clone(), policy.clone(), world.clone());
                // A task of the runtime asks, as a runner does; its own start is not measured.
                let took = runtime.block_on(runtime.spawn(async move {
                    let begun = now_ns();
                    let verdict = judges.on_exit(&[policy], ended(), deaths(), world).await;
                    assert_eq!(verdict.overruled, None);
                    now_ns() - begun
                }));
                OWN.set(took.unwrap());
            }));
        }
        designs.push(in_plugin_list(&host, &format!("asked-{times}")));
        blocks.push(json!({ "setting": setting, "designs": designs }));
    }
    blocks.extend(commits::measure());
    figures::write("decisions", Value::Array(blocks));
}

thread_local! {
    /// The time that a call has measured itself; 0 if it has not.
    static OWN: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Times `call`, each time on the latest snapshot of a world that has just changed.
fn timed(
    name: &str,
    times: usize,
    pause: Option<Duration>,
    world: &World,
    mut call: impl FnMut(&Arc<Snapshot>),
) -> Value {
    let mut took = Latencies::default();
    for round in 0..times + times / 10 {
        if let Some(pause) = pause {
            std::thread::park_timeout(pause);
        }
        let snapshot = world.changed();
        OWN.set(0);
        let begun = now_ns();
        call(&snapshot);
        let ns = now_ns() - begun;
        // The first rounds do not count.
        if round >= times / 10 {
            took.record(if OWN.get() > 0 { OWN.get() } else { ns });
        }
    }
    println!("  {name:24} {}", took.words());
    let mut design = took.json();
    design["design"] = name.into();
    design
}

/// Returns what `provost plugin list` shows.
fn in_plugin_list(host: &PluginHost, name: &str) -> Value {
    let reports = Plugins::reports(host);
    let report = reports.iter().find(|report| *report.name == *name).unwrap();
    let call = &report.active.figures.call;
    let us = |ns: u64| ns / 1_000;
    println!(
        "  {:24} p50 {:>6} us   p95 {:>6} us   p99 {:>6} us",
        "in plugin list",
        us(call.p50_ns),
        us(call.p95_ns),
        us(call.p99_ns)
    );
    json!({ "design": "in plugin list", "p50_ns": call.p50_ns, "p95_ns": call.p95_ns, "p99_ns": call.p99_ns })
}

/// A world in which one process fails again and again.
struct World {
    registry: Registry,
    reader: Reader,
}

impl World {
    fn new() -> Self {
        let (registry, reader) = registry(|| 0);
        for number in 0..PROCESSES {
            registry.add(Identity::new(format!("web.{number}"), "web"), Moment::default()).unwrap();
        }
        let world = Self { registry, reader };
        world.commit(&Event::Start { cause: Cause::Boot, reason: "the host started".into() });
        world
    }

    fn commit(&self, event: &Event) {
        let state = self.reader.snapshot().by_name("web.0").unwrap().clone();
        let at = At { incarnation: state.incarnation, version: state.version };
        self.registry.commit(state.id, at, event, Moment::default()).unwrap();
    }

    /// Has the process fail once more, and returns the snapshot after that.
    fn changed(&self) -> Arc<Snapshot> {
        self.commit(&Event::Spawned { pid: 7, reason: "again".into() });
        self.commit(&Event::Exited { exit: Exit::Code(1), out_of_memory: false });
        let world = self.reader.snapshot();
        let ruling = Ruling {
            action: RulingAction::restart(0),
            by: "nobody".into(),
            reason: "again".into(),
            overruled: None,
        };
        self.commit(&Event::Decided { ruling: Arc::new(ruling) });
        world
    }
}

fn ended() -> Ended {
    Ended {
        name: "web.0".into(),
        group: "web".into(),
        incarnation: Incarnation(1),
        exit: Exit::Code(1),
        uptime_ms: 5,
        was_ready: true,
        failures: 1,
        restarts: 0,
        now: Moment::default(),
        seed: 7,
    }
}

fn deaths() -> Deaths {
    let death =
        Death { incarnation: Incarnation(1), exit: Exit::Code(1), at: Moment::default(), uptime_ms: 5 };
    std::iter::once(death).collect()
}

/// A native policy that answers at once.
#[derive(Debug)]
struct AtOnce(Arc<str>);

impl Default for AtOnce {
    fn default() -> Self {
        Self("at once".into())
    }
}

impl Policy for AtOnce {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, _ended: &Ended, _world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        Ok(Decision::new(Some(RulingAction::restart(0)), "at once"))
    }
}
