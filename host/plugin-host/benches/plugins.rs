//! The cost of calling a plugin: `cargo bench -p provost-plugin-host --bench plugins`. Measures decisions in fresh
//! instances, calls of a running instance, loading with and without the cache, memory, and each way of reading a
//! snapshot.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdrhistogram::Histogram;
use provost_plugin_host::{Grants, HostOptions, Limits, PluginHost, PluginSpec, Source};
use provost_state::{
    At, Batch, Cause, Ended, Event, Exit, Identity, Incarnation, Moment, Plugins, Policy, Registry, Snapshot,
    ViewRequest, registry,
};
use provost_tests::bench::clock::now_ns;
use provost_tests::bench::results::{quantiles, quick, write};
use serde_json::{Value, json};

const SIZES: [usize; 3] = [100, 1_000, 10_000];
const PLUGINS: usize = 32;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = vec![
        json!({ "setting": "calls", "designs": calls(dir.path()) }),
        json!({ "setting": "loading", "designs": loading(dir.path()) }),
        json!({ "setting": "reads", "designs": reads(dir.path()) }),
    ];
    write("plugins", blocks);
}

fn host(dir: Option<&Path>) -> PluginHost {
    let cache_dir = dir.map(|dir| dir.join("cache"));
    PluginHost::new(HostOptions { cache_dir, ..HostOptions::default() })
}

fn spec(name: &str, source: Source) -> PluginSpec {
    // A deadline that no busy machine exceeds: the call is what is measured.
    let limits = Limits { call_ms_max: Some(60_000), ..Limits::default() };
    PluginSpec {
        name: name.into(),
        source,
        settings_json: "{}".to_owned(),
        limits,
        sha256: None,
        grants: Grants::default(),
    }
}

fn bundled(name: &str) -> Source {
    Source::Bundled(name.to_owned())
}

/// A world of `size` running processes, the first of which has just failed.
fn world(size: usize) -> (Registry, Arc<Snapshot>) {
    let (registry, reader) = registry(|| 0);
    for number in 0..size {
        let mut state =
            registry.add(Identity::new(format!("web.{number}"), "web"), Moment::default()).unwrap();
        let mut events = vec![
            Event::Start { cause: Cause::Boot, reason: "the host started".into() },
            Event::Spawned { pid: number as u32 + 1, reason: "the host started".into() },
            Event::Ready { reason: "it answers".into() },
        ];
        if number == 0 {
            events.push(Event::Exited { exit: Exit::Code(1), out_of_memory: false });
        }
        for event in events {
            let at = At { incarnation: state.incarnation, version: state.version };
            state = registry.commit(state.id, at, &event, Moment::default()).unwrap();
        }
    }
    let world = reader.snapshot();
    (registry, world)
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

/// Times `call` this many times, after some rounds that do not count.
fn timed(times: usize, mut call: impl FnMut()) -> Histogram<u64> {
    let times = if quick() { times / 10 } else { times }.max(3);
    (0..times / 10).for_each(|_| call());
    let mut took = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    for _ in 0..times {
        let begun = now_ns();
        call();
        took.record((now_ns() - begun).max(1)).unwrap();
    }
    took
}

fn design(name: &str, took: &Histogram<u64>) -> Value {
    let at = |quantile| took.value_at_quantile(quantile) as f64 / 1e3;
    println!("{name:44} p50 {:>10.1} us  p95 {:>10.1} us  p99 {:>10.1} us", at(0.5), at(0.95), at(0.99));
    let mut figures = quantiles(took);
    figures.insert("design".to_owned(), name.into());
    Value::Object(figures)
}

fn calls(dir: &Path) -> Vec<Value> {
    let host = host(Some(dir));
    host.load(spec("backoff", bundled("backoff"))).unwrap();
    host.load(spec("notify", bundled("notify"))).unwrap();
    let (_registry, world) = world(100);
    let policy = PluginHost::policy(&host, "backoff").unwrap();
    let fresh = timed(20_000, || {
        policy.on_exit(&ended(), &world).unwrap();
    });
    let mut consumer = Plugins::consumer(&host, "notify").unwrap();
    let reused = timed(20_000, || consumer.on_change(&Batch::default(), &world).unwrap());
    let mut designs =
        vec![design("decision, fresh instance", &fresh), design("call, living instance", &reused)];
    for threads in [1, 2] {
        let per_second = decisions_per_second(&policy, &world, threads);
        println!("{:44} {per_second:>10.0}/s", format!("decisions, {threads} threads"));
        designs.push(json!({ "design": format!("decisions, {threads} threads"), "per_second": per_second }));
    }
    designs
}

fn decisions_per_second(policy: &Arc<dyn Policy>, world: &Arc<Snapshot>, threads: usize) -> f64 {
    let each = if quick() { 1_000 } else { 20_000 };
    let begun = now_ns();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..each).for_each(|_| drop(policy.on_exit(&ended(), world).unwrap())));
        }
    });
    (each * threads) as f64 / ((now_ns() - begun) as f64 / 1e9)
}

/// The engine exists already: this times one plugin, from its bytes to a policy that can be asked.
fn loading(dir: &Path) -> Vec<Value> {
    let mut number = 0;
    let mut load = |host: &PluginHost| {
        number += 1;
        host.load(spec(&format!("p{number}"), bundled("backoff"))).unwrap();
    };
    let (compiling, caching) = (host(None), host(Some(dir)));
    let compiled = timed(10, || load(&compiling));
    let cached = timed(100, || load(&caching));
    let before = memory_kib();
    let crowded = host(Some(dir));
    let (_registry, world) = world(100);
    for number in 0..PLUGINS {
        let name = format!("q{number}");
        crowded.load(spec(&name, bundled("backoff"))).unwrap();
        PluginHost::policy(&crowded, &name).unwrap().on_exit(&ended(), &world).unwrap();
    }
    let each_kib = memory_kib().saturating_sub(before) as f64 / PLUGINS as f64;
    println!("{:44} {each_kib:>10.0} KiB", "memory of a loaded plugin");
    vec![
        design("load, compiled", &compiled),
        design("load, from the cache", &cached),
        json!({ "design": "memory of a loaded plugin", "kib": each_kib }),
    ]
}

/// The resident memory of this program, in KiB.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The cost of one read: the difference between a rendering with many reads and one with a single read, divided by the
/// number of additional reads.
fn reads(dir: &Path) -> Vec<Value> {
    let host = host(Some(dir));
    let guest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/reads/reads.wasm");
    let mut wide = spec("reads", Source::Path(guest));
    wide.limits.memory_bytes_max = 128 << 20;
    host.load(wide).unwrap();
    let view = Plugins::view(&host, "reads").unwrap();
    let mut designs = Vec::new();
    for size in SIZES {
        let (_registry, world) = world(size);
        for (path, more) in [("columns", 50), ("page", 10), ("get", 100)] {
            let request = |times: u64| ViewRequest {
                path: path.to_owned(),
                query: times.to_string(),
                ..ViewRequest::default()
            };
            let (one, many) = (request(1), request(1 + more));
            let once = timed(200, || drop(view.render(&one, &world).unwrap()));
            let often = timed(200, || drop(view.render(&many, &world).unwrap()));
            let at = |quantile| {
                let difference =
                    often.value_at_quantile(quantile).saturating_sub(once.value_at_quantile(0.5));
                difference / more
            };
            let (p50_ns, p95_ns, p99_ns) = (at(0.5), at(0.95), at(0.99));
            let name = format!("{path} of {size} processes");
            println!("{name:44} p50 {:>10.2} us", p50_ns as f64 / 1e3);
            designs.push(json!({ "design": name, "p50_ns": p50_ns, "p95_ns": p95_ns, "p99_ns": p99_ns }));
        }
    }
    designs
}
