//! The memory cost of a process: live bytes, counted by the allocator, and the bytes that a held snapshot keeps alive.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use provost_state::changes::CHANGES_KEPT;
use provost_state::{Backend, Cause, Event, Moment};
use provost_tests::bench::allocations::live_bytes;
use provost_tests::bench::results::quick;
use serde_json::{Value, json};

use crate::worlds::{Plain, World};

const SIZES: [usize; 3] = [100, 10_000, 100_000];
/// The sizes for `--quick`, enough to see that it works.
const SIZES_QUICK: [usize; 3] = [100, 1_000, 2_000];
/// The number of processes that change while a snapshot is held.
const CHANGED: usize = 1_000;
const BASELINE: &str = "locked";

/// Measures and returns all blocks: by size, the cost of each additional process, and the held snapshot.
pub fn blocks() -> Vec<Value> {
    let sizes = if quick() { SIZES_QUICK } else { SIZES };
    let alive: Vec<[(&str, &str, f64); 4]> = sizes.into_iter().map(alive).collect();
    let mut blocks: Vec<Value> = sizes
        .iter()
        .zip(&alive)
        .map(|(size, alive)| {
            let each = alive.map(|(name, side, bytes)| (name, side, bytes / *size as f64));
            block("all there is, by process", *size, &each)
        })
        .collect();
    // The ring of changes and the states that it keeps cost the same at any size, so the difference leaves them out.
    let (small, large) = (alive[1], alive[2]);
    let mut more = large;
    for (more, small) in more.iter_mut().zip(small) {
        more.2 = (more.2 - small.2) / (sizes[2] - sizes[1]) as f64;
    }
    blocks.push(block(&format!("each process more than {}", sizes[1]), sizes[2], &more));
    let kept = [("atomic", "atomic", kept(Backend::Atomic)), (BASELINE, BASELINE, kept(Backend::Locked))];
    blocks.push(block("a snapshot that is kept, by process changed since", SIZES[1], &kept));
    blocks
}

fn block(setting: &str, size: usize, alive: &[(&str, &str, f64)]) -> Value {
    let bytes_of = |name| alive.iter().find(|(it, ..)| *it == name).map_or(f64::NAN, |it| it.2);
    println!("\nmemory, {setting}, {size} processes");
    let designs = alive.iter().map(|(name, side, bytes)| {
        let ratio = bytes / bytes_of(BASELINE);
        println!("{name:<34} {bytes:>10.1} bytes   {ratio:.3}x of locked");
        json!({
            "design": name,
            "side": side,
            "bytes_per_process": bytes,
            "bytes_to_locked": ratio,
            "bytes_to_plain": bytes / bytes_of("RwLock<HashMap<String, Mutex>>"),
        })
    });
    let designs: Vec<Value> = designs.collect();
    json!({ "setting": setting, "size": size, "key": true, "designs": designs })
}

/// Returns the live bytes of what `make` returns.
fn costs<T>(make: impl FnOnce() -> T) -> f64 {
    let before = live_bytes();
    let made = make();
    let bytes = live_bytes() - before;
    drop(made);
    bytes as f64
}

fn alive(size: usize) -> [(&'static str, &'static str, f64); 4] {
    // The names that the world keeps for the benchmarks are not counted.
    let world = |backend| {
        costs(|| {
            let World { writer, reader, .. } = World::new(size, backend);
            (writer, reader)
        })
    };
    let plain = costs(|| Plain::new(&World::new(size, Backend::Atomic)).map);
    [
        ("RwLock<HashMap<String, Mutex>>", "plain", plain),
        (BASELINE, "locked", world(Backend::Locked)),
        ("atomic", "atomic", world(Backend::Atomic)),
        ("dual", "dual", world(Backend::Dual)),
    ]
}

/// Returns the bytes that a snapshot alone keeps alive, for each changed process: it is taken, some processes change
/// until the ring of changes has dropped their old states, and the bytes that are freed with the snapshot are counted.
fn kept(backend: Backend) -> f64 {
    let world = World::new(SIZES[1], backend);
    let snapshot = world.reader.snapshot();
    let start = Event::Start { cause: Cause::User, reason: "asked for".into() };
    let stop = Event::Stop { cause: Cause::User, reason: "asked for".into(), kill_at: Moment::default() };
    let gone = Event::Exited { exit: provost_state::Exit::Signal(15), out_of_memory: false };
    let spawned = Event::Spawned { pid: 1, reason: "its time has come".into() };
    let rounds = 1 + CHANGES_KEPT.div_ceil(4 * CHANGED);
    for _ in 0..rounds {
        for id in world.ids.iter().step_by(SIZES[1] / CHANGED) {
            for event in [&stop, &gone, &start, &spawned] {
                world.commit(*id, event);
            }
        }
    }
    let before = live_bytes();
    drop(snapshot);
    (before - live_bytes()) as f64 / CHANGED as f64
}
