//! Reads of the state of one process: through a held handle by guard (`Reader::read`), cached (`Reader::watch`) and by
//! status word; by id (`Reader::state`); and in a snapshot, by guard (`Reader::look`) and by poller. They are compared
//! with the backend `locked` and with a plain mutex, under which the whole state is cloned or only some fields are
//! copied.

use provost_state::{Backend, Handle, Watch};
use provost_tests::bench::block::{Plan, Setting, block};
use provost_tests::bench::results::quick;
use provost_tests::bench::trial::{Design, Load, Side};
use serde_json::Value;

use crate::worlds::{Hot, Pick, Picks, Plain, World, fields};

const SIZE: usize = 1_024;
const THREADS: [usize; 5] = [1, 2, 4, 8, 16];
const LOADS: [Load; 3] = [Load::None, Load::Paced, Load::FlatOut];

/// Measures and returns all blocks.
pub fn blocks() -> Vec<Value> {
    let mut blocks = Vec::new();
    for size in [1, SIZE] {
        let atomic = World::new(size, Backend::Atomic);
        let locked = World::new(size, Backend::Locked);
        let plain = Plain::new(&atomic);
        let handles: Vec<Handle> =
            atomic.names.iter().map(|name| atomic.reader.handle(name).unwrap()).collect();
        for load in LOADS {
            for threads in THREADS.into_iter().filter(|threads| !quick() || *threads <= 4) {
                let what = if size == 1 { "state of one hot process" } else { "state of a random process" };
                let key = size == 1 && matches!((threads, load), (1 | 4, Load::None) | (4, Load::FlatOut));
                let setting = Setting { what: what.into(), threads, size, load, key };
                let designs = if size == 1 {
                    designs::<Hot>(&atomic, &handles, &locked, &plain)
                } else {
                    designs::<Picks>(&atomic, &handles, &locked, &plain)
                };
                blocks.push(block(
                    &setting,
                    Plan::usual(false),
                    &["mutex, clone", "mutex, fields", "locked"],
                    &designs,
                ));
            }
        }
    }
    blocks
}

fn designs<'a, P: Pick + 'a>(
    atomic: &'a World,
    handles: &'a [Handle],
    locked: &'a World,
    plain: &'a Plain,
) -> Vec<Design<'a>> {
    let size = atomic.ids.len();
    let state = |name, side, world: &'a World| {
        Design::new(name, side, move |thread| {
            let mut picks = P::new(size, thread);
            move || world.reader.state(world.ids[picks.next()]).map(|state| fields(&state))
        })
        .beside(|| world.crashes(0, 1))
    };
    vec![
        Design::new("mutex, clone", Side::Plain, move |thread| {
            let mut picks = P::new(size, thread);
            move || {
                let state = plain.cells[picks.next()].lock().unwrap().clone();
                (fields(&state), state)
            }
        })
        .beside(|| plain.crashes(0, 1)),
        Design::new("mutex, fields", Side::Plain, move |thread| {
            let mut picks = P::new(size, thread);
            move || fields(&plain.cells[picks.next()].lock().unwrap())
        })
        .beside(|| plain.crashes(0, 1)),
        state("locked", Side::Locked, locked),
        state("state()", Side::Atomic, atomic),
        Design::new("guard", Side::Atomic, move |thread| {
            let mut picks = P::new(size, thread);
            move || atomic.reader.read(&handles[picks.next()], fields)
        })
        .beside(|| atomic.crashes(0, 1)),
        Design::new("cached", Side::Atomic, move |thread| {
            let mut picks = P::new(size, thread);
            let mut watches: Vec<Watch> = handles.iter().map(|handle| atomic.reader.watch(handle)).collect();
            move || watches[picks.next()].state().map(|state| fields(state))
        })
        .beside(|| atomic.crashes(0, 1)),
        Design::new("look", Side::Atomic, move |thread| {
            let mut picks = P::new(size, thread);
            move || atomic.reader.look().get(atomic.ids[picks.next()]).map(|state| fields(state))
        })
        .beside(|| atomic.crashes(0, 1)),
        Design::new("poller", Side::Atomic, move |thread| {
            let mut picks = P::new(size, thread);
            let mut poller = atomic.reader.poller();
            move || poller.snapshot().get(atomic.ids[picks.next()]).map(|state| fields(state))
        })
        .beside(|| atomic.crashes(0, 1)),
        Design::new("status word", Side::Atomic, move |thread| {
            let mut picks = P::new(size, thread);
            move || {
                let status = handles[picks.next()].status();
                (status.phase(), status.incarnation())
            }
        })
        .beside(|| atomic.crashes(0, 1)),
    ]
}
