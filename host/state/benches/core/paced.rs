//! The latency that users see: four readers that read every 200 µs, and a writer that does lifecycle work a thousand
//! times a second. In the design that the core replaces, the work is done under the lock of the state; here, on every
//! backend, outside it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use provost_state::Backend;
use provost_tests::bench::block::{control_json, undisturbed};
use provost_tests::bench::clock::{cost_ns, now_ns};
use provost_tests::bench::control::control;
use provost_tests::bench::results::{quantiles, quick};
use provost_tests::bench::trial::{Side, Times, histogram, pass};
use serde_json::{Value, json};

use crate::worlds::{Plain, World, fields, set};

const READERS: usize = 4;
const READ_EVERY: Duration = Duration::from_micros(200);
const WRITE_EVERY: Duration = Duration::from_millis(1);
const WORK_US: [u64; 2] = [10, 100];
const DESIGNS: [(&str, Side); 3] =
    [("mutex held across the work", Side::Plain), ("locked", Side::Locked), ("atomic", Side::Atomic)];

/// Measures and returns all blocks.
pub fn blocks() -> Vec<Value> {
    WORK_US.into_iter().map(|work_us| undisturbed(|| block(work_us))).collect()
}

/// Keeps a core busy for `us` microseconds, as lifecycle work does.
fn work(us: u64) {
    let until = now_ns() + us * 1_000;
    while now_ns() < until {
        std::hint::spin_loop();
    }
}

fn block(work_us: u64) -> Value {
    let (rounds, round_ms) = if quick() { (1, 50) } else { (5, 600) };
    let atomic = World::new(1, Backend::Atomic);
    let locked = World::new(1, Backend::Locked);
    let plain = Plain::new(&atomic);
    let times = Times { throughput_ms: if quick() { 3 } else { 20 }, latency_ms: 0 };
    let before = control(times);
    let mut latencies = vec![histogram(); DESIGNS.len()];
    for round in 0..rounds {
        for turn in 0..DESIGNS.len() {
            let at = (round + turn) % DESIGNS.len();
            let measured = match DESIGNS[at].1 {
                Side::Plain => held(&plain, work_us, round_ms),
                Side::Locked => outside(&locked, work_us, round_ms),
                Side::Atomic | Side::Dual => outside(&atomic, work_us, round_ms),
            };
            latencies[at].add(&measured).unwrap();
        }
    }
    let designs: Vec<Value> = DESIGNS
        .iter()
        .zip(&latencies)
        .map(|((name, side), latencies)| {
            let mut figures = quantiles(latencies);
            figures.insert("design".into(), (*name).into());
            figures.insert("side".into(), side.as_str().into());
            figures.into()
        })
        .collect();
    json!({
        "setting": format!("a read every 200 us each, lifecycle work of {work_us} us"),
        "threads": READERS,
        "size": 1,
        "writer": "writer at 1 kHz",
        "key": true,
        "rounds": rounds,
        "round_ms": round_ms,
        "control": control_json(before, control(times)),
        "baselines": [],
        "designs": designs,
    })
}

/// Measures the readers while the work is done with the lock held, as in the design that the core replaces.
fn held(plain: &Plain, work_us: u64, ms: u64) -> Histogram<u64> {
    let reasons = ["ready", "asked for", "its time has come", "exited with code 1"].map(Into::into);
    let cell = &plain.cells[0];
    let write = || {
        let mut state = cell.lock().unwrap();
        work(work_us);
        set(&mut state, &reasons);
    };
    run(ms, || fields(&cell.lock().unwrap().clone()), write)
}

/// Measures the readers while the work is done before the commit, with no lock held.
fn outside(world: &World, work_us: u64, ms: u64) -> Histogram<u64> {
    let mut commit = world.crashes(0, 1);
    let write = || {
        work(work_us);
        commit();
    };
    run(ms, || world.reader.state(world.ids[0]).map(|state| fields(&state)), write)
}

/// Runs the readers and the writer for `ms` milliseconds and returns the latencies of the reads.
fn run<T>(ms: u64, read: impl Fn() -> T + Sync, mut write: impl FnMut() + Send) -> Histogram<u64> {
    let over = &AtomicBool::new(false);
    let read = &read;
    let one = move || {
        let (mut latencies, cost_ns) = (histogram(), cost_ns());
        while !over.load(Ordering::Relaxed) {
            std::thread::park_timeout(READ_EVERY);
            let begun = now_ns();
            std::hint::black_box(read());
            latencies.saturating_record((now_ns() - begun).saturating_sub(cost_ns).max(1));
        }
        latencies
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(one)).collect();
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let begun = now_ns();
                write();
                std::thread::park_timeout(WRITE_EVERY.saturating_sub(Duration::from_nanos(now_ns() - begun)));
            }
        });
        pass(ms);
        over.store(true, Ordering::Relaxed);
        let mut all = histogram();
        readers.into_iter().for_each(|reader| all.add(reader.join().unwrap()).unwrap());
        all
    })
}
