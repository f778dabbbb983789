//! Commits alone, and reads mixed with a growing share of commits, where a mutex may win.

use provost_state::Backend;
use provost_tests::bench::block::{Plan, Setting, block};
use provost_tests::bench::trial::{Design, Load, Side};
use serde_json::Value;

use crate::worlds::{Pick, Picks, Plain, World, fields};

const SIZE: usize = 1_024;
const THREADS: [usize; 3] = [1, 2, 4];
const PERCENTS: [usize; 3] = [1, 10, 50];

/// Measures and returns all blocks.
pub fn blocks() -> Vec<Value> {
    let atomic = World::new(SIZE, Backend::Atomic);
    let locked = World::new(SIZE, Backend::Locked);
    let dual = World::new(SIZE, Backend::Dual);
    let plain = Plain::new(&atomic);
    let mut blocks = Vec::new();
    for threads in THREADS {
        let setting = Setting {
            what: "commits alone".into(),
            threads,
            size: SIZE,
            load: Load::None,
            key: threads == 2,
        };
        let commits =
            |name, side, world| Design::new(name, side, move |thread| World::crashes(world, thread, threads));
        let designs = [
            Design::new("mutex, set", Side::Plain, |thread| plain.crashes(thread, threads)),
            commits("locked", Side::Locked, &locked),
            commits("atomic", Side::Atomic, &atomic),
            commits("dual", Side::Dual, &dual),
        ];
        blocks.push(block(&setting, Plan::usual(false), &["mutex, set", "locked"], &designs));
    }
    for percent in PERCENTS {
        for threads in THREADS {
            blocks.push(mix(&atomic, &locked, &plain, percent, threads));
        }
    }
    blocks
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

fn mix(atomic: &World, locked: &World, plain: &Plain, percent: usize, threads: usize) -> Value {
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
                atomic.reader.look().get(atomic.ids[picks.next()]).map(|state| fields(state))
            })
        }),
    ];
    block(&setting, Plan::usual(false), &["mutex, clone", "mutex, fields", "locked"], &designs)
}
