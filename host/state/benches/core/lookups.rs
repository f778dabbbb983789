//! Lookups of a process by name, at three sizes of the registry, and while processes come and go.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use dashmap::DashMap;
use provost_state::{Backend, PhaseKind};
use provost_tests::bench::block::{Plan, Setting, block};
use provost_tests::bench::results::quick;
use provost_tests::bench::trial::{Design, Load, Side};
use serde_json::Value;

use crate::worlds::{Cell, Pick, Picks, Plain, World};

const SIZES: [(usize, &[usize]); 3] =
    [(100, &[1, 2, 4, 8, 16]), (10_000, &[1, 2, 4, 8, 16]), (100_000, &[1, 2, 8])];

/// The baselines: an `RwLock<HashMap>`, the same with a faster hash, and a `DashMap`.
struct Maps {
    plain: Plain,
    ahash: RwLock<HashMap<String, Cell, ahash::RandomState>>,
    dash: DashMap<Arc<str>, Cell, ahash::RandomState>,
}

impl Maps {
    fn new(world: &World) -> Self {
        let plain = Plain::new(world);
        let entries = || world.names.iter().cloned().zip(plain.cells.iter().cloned());
        let ahash = RwLock::new(entries().collect());
        let dash = entries().map(|(name, cell)| (name.into(), cell)).collect();
        Self { ahash, dash, plain }
    }
}

/// Measures and returns all blocks.
pub fn blocks() -> Vec<Value> {
    let mut blocks = Vec::new();
    for (size, threads) in SIZES.into_iter().filter(|(size, _)| !quick() || *size < 100_000) {
        let atomic = World::new(size, Backend::Atomic);
        let locked = World::new(size, Backend::Locked);
        let maps = Maps::new(&atomic);
        for &threads in threads.iter().filter(|threads| !quick() || **threads <= 4) {
            let key = size == 10_000 && threads <= 2;
            let what = "lookup of a random name".to_owned();
            let setting = Setting { what, threads, size, load: Load::None, key };
            let baselines = ["RwLock<HashMap>", "RwLock<HashMap>, ahash", "locked, handle"];
            blocks.push(block(&setting, Plan::usual(false), &baselines, &designs(&atomic, &locked, &maps)));
        }
        if size == 10_000 {
            blocks.extend(membership(&atomic, &locked, &maps));
        }
    }
    blocks
}

/// Measures lookups while another thread adds and removes processes, and additions and removals alone.
fn membership(atomic: &World, locked: &World, maps: &Maps) -> Vec<Value> {
    let baselines = ["RwLock<HashMap>", "locked, handle"];
    let mut blocks = Vec::new();
    for load in [Load::Paced, Load::FlatOut] {
        for threads in [1, 2] {
            let what = "lookup of a random name, processes come and go".to_owned();
            let setting = Setting { what, threads, size: atomic.ids.len(), load, key: threads == 2 };
            let designs: Vec<Design<'_>> = designs(atomic, locked, maps)
                .into_iter()
                .filter(|design| matches!(design.name, "RwLock<HashMap>" | "locked, handle" | "handle"))
                .map(|design| match design.side {
                    Side::Plain => design.beside(|| comes_and_goes_in(&maps.plain)),
                    Side::Locked => design.beside(|| locked.comes_and_goes(0)),
                    _ => design.beside(|| atomic.comes_and_goes(0)),
                })
                .collect();
            blocks.push(block(&setting, Plan::usual(false), &baselines, &designs));
        }
    }
    let what = "a process added and removed".to_owned();
    let setting = Setting { what, threads: 1, size: atomic.ids.len(), load: Load::None, key: true };
    let designs = [
        Design::new("RwLock<HashMap>", Side::Plain, |_| comes_and_goes_in(&maps.plain)),
        Design::new("locked, handle", Side::Locked, |thread| locked.comes_and_goes(thread)),
        Design::new("atomic", Side::Atomic, |thread| atomic.comes_and_goes(thread)),
    ];
    blocks.push(block(&setting, Plan::usual(false), &baselines, &designs));
    blocks
}

/// Returns a step that adds a process to the map and removes it again.
fn comes_and_goes_in(plain: &Plain) -> impl FnMut() + use<'_> {
    let state = plain.cells[0].lock().unwrap().clone();
    move || {
        let cell = Cell::new(state.clone().into());
        plain.map.write().unwrap().insert("comes-and-goes".to_owned(), cell);
        plain.map.write().unwrap().remove("comes-and-goes");
    }
}

fn designs<'a>(atomic: &'a World, locked: &'a World, maps: &'a Maps) -> Vec<Design<'a>> {
    let size = atomic.ids.len();
    let handle = |name, side, world: &'a World| {
        Design::new(name, side, move |thread| {
            let mut picks = Picks::new(size, thread);
            move || world.reader.handle(&world.names[picks.next()])
        })
    };
    let names = &atomic.names;
    vec![
        Design::new("RwLock<HashMap>", Side::Plain, move |thread| {
            let mut picks = Picks::new(size, thread);
            move || maps.plain.map.read().unwrap().get(&names[picks.next()]).cloned()
        }),
        Design::new("RwLock<HashMap>, ahash", Side::Plain, move |thread| {
            let mut picks = Picks::new(size, thread);
            move || maps.ahash.read().unwrap().get(&names[picks.next()]).cloned()
        }),
        Design::new("DashMap, ahash", Side::Plain, move |thread| {
            let mut picks = Picks::new(size, thread);
            move || maps.dash.get(&*names[picks.next()]).map(|entry| entry.value().clone())
        }),
        handle("locked, handle", Side::Locked, locked),
        handle("handle", Side::Atomic, atomic),
        Design::new("guard, by name", Side::Atomic, move |thread| {
            let mut picks = Picks::new(size, thread);
            move || -> Option<PhaseKind> {
                atomic.reader.look().by_name(&names[picks.next()]).map(|state| state.phase.kind())
            }
        }),
        Design::new("poller, by name", Side::Atomic, move |thread| {
            let mut picks = Picks::new(size, thread);
            let mut poller = atomic.reader.poller();
            move || poller.snapshot().by_name(&names[picks.next()]).map(|state| state.phase.kind())
        }),
    ]
}
