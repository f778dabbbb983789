//! Reads of all states at once: obtained, and obtained and walked, idle and during a thousand commits a second.

use provost_state::{Backend, Counts, PhaseKind, ProcessState};
use provost_tests::bench::block::{Plan, Setting, block};
use provost_tests::bench::results::quick;
use provost_tests::bench::trial::{Design, Load, Side};
use serde_json::Value;

use crate::worlds::{Cell, Plain, World};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const BASELINES: [&str; 2] = ["map, clone states", "locked"];

/// Measures and returns all blocks.
pub fn blocks() -> Vec<Value> {
    let mut blocks = Vec::new();
    for size in SIZES.into_iter().filter(|size| !quick() || *size < 100_000) {
        let atomic = World::new(size, Backend::Atomic);
        let locked = World::new(size, Backend::Locked);
        let plain = Plain::new(&atomic);
        let plan = Plan::usual(size >= 100_000);
        for load in [Load::None, Load::Paced] {
            for threads in [1, 2] {
                let key = size == 10_000 && threads == 2 && load == Load::Paced;
                let setting = |what: &str| Setting { what: what.into(), threads, size, load, key };
                blocks.push(block(
                    &setting("list-all: obtained"),
                    plan,
                    &BASELINES,
                    &obtained(&atomic, &locked, &plain),
                ));
                blocks.push(block(
                    &setting("list-all: obtained and walked"),
                    plan,
                    &BASELINES,
                    &walked(&atomic, &locked, &plain),
                ));
            }
        }
    }
    blocks
}

/// Returns every state, cloned under its lock.
fn clone_states(plain: &Plain) -> Vec<ProcessState> {
    plain.map.read().unwrap().values().map(|cell| cell.lock().unwrap().clone()).collect()
}

/// Returns every cell, shared: to read a state, the caller has to lock it.
fn clone_cells(plain: &Plain) -> Vec<Cell> {
    plain.map.read().unwrap().values().cloned().collect()
}

fn running<'a>(states: impl Iterator<Item = &'a ProcessState>) -> usize {
    states.filter(|state| state.phase.kind() == PhaseKind::Running).count()
}

fn obtained<'a>(atomic: &'a World, locked: &'a World, plain: &'a Plain) -> Vec<Design<'a>> {
    vec![
        Design::new("map, clone states", Side::Plain, |_| || clone_states(plain))
            .beside(|| plain.crashes(0, 1)),
        Design::new("map, clone Arcs", Side::Plain, |_| || clone_cells(plain)).beside(|| plain.crashes(0, 1)),
        Design::new("locked", Side::Locked, |_| || locked.reader.snapshot()).beside(|| locked.crashes(0, 1)),
        Design::new("snapshot", Side::Atomic, |_| || atomic.reader.snapshot())
            .beside(|| atomic.crashes(0, 1)),
        Design::new("guard", Side::Atomic, |_| || atomic.reader.look()).beside(|| atomic.crashes(0, 1)),
    ]
}

fn walked<'a>(atomic: &'a World, locked: &'a World, plain: &'a Plain) -> Vec<Design<'a>> {
    vec![
        Design::new("map, clone states", Side::Plain, |_| || running(clone_states(plain).iter()))
            .beside(|| plain.crashes(0, 1)),
        Design::new("map, clone Arcs", Side::Plain, |_| {
            || {
                let cells = clone_cells(plain);
                cells.iter().filter(|cell| running(std::iter::once(&*cell.lock().unwrap())) == 1).count()
            }
        })
        .beside(|| plain.crashes(0, 1)),
        Design::new("locked", Side::Locked, |_| || -> Counts { locked.reader.snapshot().counts() })
            .beside(|| locked.crashes(0, 1)),
        Design::new("snapshot", Side::Atomic, |_| || atomic.reader.snapshot().counts())
            .beside(|| atomic.crashes(0, 1)),
        Design::new("guard", Side::Atomic, |_| || atomic.reader.look().counts())
            .beside(|| atomic.crashes(0, 1)),
    ]
}
