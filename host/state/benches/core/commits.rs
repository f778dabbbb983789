//! Commits alone, and reads mixed with a growing share of commits, where a mutex may win.

use provost_state::{Backend, Handle};
use provost_tests::bench::block::{Plan, Setting, block};
use provost_tests::bench::trial::{Design, Load, Side};
use serde_json::Value;

use crate::worlds::{Pick, Picks, Plain, World, fields};

const SIZE: usize = 1_024;
const LARGE: usize = 10_000;
/// The number of commits from the end of a process to the next one; a policy takes one snapshot meanwhile.
const COMMITS_A_DECISION: usize = 5;
const THREADS: [usize; 3] = [1, 2, 4];
const PERCENTS: [usize; 3] = [1, 10, 50];

/// Measures and returns all blocks.
pub fn blocks() -> Vec<Value> {
    let (mut blocks, worlds) = alone(SIZE, &THREADS);
    let (more, _) = alone(LARGE, &[1]);
    blocks.extend(more);
    let handles: Vec<Handle> =
        worlds.atomic.names.iter().map(|name| worlds.atomic.reader.handle(name).unwrap()).collect();
    for percent in PERCENTS {
        for threads in THREADS {
            blocks.push(mix(&worlds, &handles, percent, threads));
        }
    }
    blocks
}

/// The same processes on each side.
struct Worlds {
    atomic: World,
    locked: World,
    plain: Plain,
}

/// Measures commits alone, and returns the worlds for further use.
fn alone(size: usize, threads: &[usize]) -> (Vec<Value>, Worlds) {
    let atomic = World::new(size, Backend::Atomic);
    let locked = World::new(size, Backend::Locked);
    let dual = World::new(size, Backend::Dual);
    let plain = Plain::new(&atomic);
    let mut blocks = Vec::new();
    for &threads in threads {
        let setting =
            Setting { what: "commits alone".into(), threads, size, load: Load::None, key: threads <= 2 };
        let commits =
            |name, side, world| Design::new(name, side, move |thread| World::crashes(world, thread, threads));
        let designs = [
            Design::new("mutex, set", Side::Plain, |thread| plain.crashes(thread, threads)),
            commits("locked", Side::Locked, &locked),
            commits("atomic", Side::Atomic, &atomic),
            commits("dual", Side::Dual, &dual),
        ];
        blocks.push(block(&setting, Plan::usual(false), &["mutex, set", "locked"], &designs));
        let deciding = |name, side, world| {
            Design::new(name, side, move |thread| {
                let mut commit = World::crashes(world, thread, threads);
                move || {
                    (0..COMMITS_A_DECISION).for_each(|_| commit());
                    world.reader.snapshot().generation()
                }
            })
        };
        let what = format!("{COMMITS_A_DECISION} commits and a snapshot");
        let setting = Setting { what, ..setting };
        let designs = [
            deciding("locked", Side::Locked, &locked),
            deciding("atomic", Side::Atomic, &atomic),
            deciding("dual", Side::Dual, &dual),
        ];
        blocks.push(block(&setting, Plan::usual(false), &["locked"], &designs));
    }
    (blocks, Worlds { atomic, locked, plain })
}

/// Returns a step that calls `write` in `percent` of the turns and `read` in the others.
fn mixed<T>(
    percent: usize,
    mut write: impl FnMut(),
    mut read: impl FnMut() -> T,
) -> impl FnMut() -> Option<T> {
    let mut due = 0;
    move || {
        due += percent;
        if due < 100 {
            return Some(read());
        }
        due -= 100;
        write();
        None
    }
}

fn mix(worlds: &Worlds, handles: &[Handle], percent: usize, threads: usize) -> Value {
    let Worlds { atomic, locked, plain } = worlds;
    let what = format!("mix: {percent} % commits, else reads of a state");
    let setting = Setting { what, threads, size: SIZE, load: Load::None, key: false };
    let designs = [
        Design::new("mutex, clone", Side::Plain, |thread| {
            let mut picks = Picks::new(SIZE, thread);
            mixed(percent, plain.crashes(thread, threads), move || {
                let state = plain.cells[picks.next()].lock().unwrap().clone();
                (fields(&state), Some(state))
            })
        }),
        Design::new("mutex, fields", Side::Plain, |thread| {
            let mut picks = Picks::new(SIZE, thread);
            mixed(percent, plain.crashes(thread, threads), move || {
                fields(&plain.cells[picks.next()].lock().unwrap())
            })
        }),
        Design::new("locked", Side::Locked, |thread| {
            let mut picks = Picks::new(SIZE, thread);
            mixed(percent, locked.crashes(thread, threads), move || {
                locked.reader.state(locked.ids[picks.next()]).map(|state| fields(&state))
            })
        }),
        Design::new("guard", Side::Atomic, |thread| {
            let mut picks = Picks::new(SIZE, thread);
            mixed(percent, atomic.crashes(thread, threads), move || {
                atomic.reader.read(&handles[picks.next()], fields)
            })
        }),
    ];
    block(&setting, Plan::usual(false), &["mutex, clone", "mutex, fields", "locked"], &designs)
}
