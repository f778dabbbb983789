//! The guarded hot paths: each sets its world up and then repeats one operation inside [`counted`], the only part that
//! is counted.
//!
//! Each path runs once before it is counted, so that what a thread sets up at its first use is left out. The meter
//! (`provost_state::meter`) times one read in 64; the numbers of reads are multiples of 64, so that each run counts
//! the same share of timed reads. The registry's clock is a constant, because the cost of a clock is not counted here.
#![expect(clippy::unwrap_used, reason = "a world that cannot be set up has nothing to count")]

use std::hint::black_box;

use provost_state::{
    At, Backend, Cause, Event, Generation, Identity, Moment, ProcessId, Reader, Registry, Rollout, Routing,
    registry,
};
use provost_tests::instructions::{Path, counted};

const SIZE: usize = 1_000;
const READS: u32 = 8_000;
const WALKS: u32 = 64;
const FOLLOWED: usize = 16;
const COMMITS: usize = 1_000;
const ROUNDS: usize = provost_state::changes::CHANGES_KEPT / COMMITS;

/// All paths, in the order in which they are shown.
pub const PATHS: [Path; 16] = [
    Path { key: "handle-read", call: "reader.read(&handle, ..)", operations: READS, run: handle_read },
    Path { key: "watch", call: "watch.state()", operations: READS, run: watch },
    Path { key: "look-get", call: "look().get(id)", operations: READS, run: look_get },
    Path { key: "poller-get", call: "poller.snapshot().get(id)", operations: READS, run: poller_get },
    Path { key: "handle-status", call: "handle.status().phase()", operations: READS, run: handle_status },
    Path { key: "state", call: "reader.state(id)", operations: READS, run: state },
    Path { key: "state-locked", call: "reader.state(id), on locked", operations: READS, run: state_locked },
    Path { key: "look-by-name", call: "look().by_name(name)", operations: READS, run: look_by_name },
    Path { key: "handle-by-name", call: "reader.handle(name)", operations: READS, run: handle_by_name },
    Path { key: "snapshot", call: "reader.snapshot()", operations: READS, run: snapshot },
    Path {
        key: "snapshot-walk",
        call: "reader.snapshot(), 1,000 walked",
        operations: WALKS,
        run: snapshot_walk,
    },
    Path { key: "changes-since", call: "changes_since(cursor, 16)", operations: READS, run: changes_since },
    Path {
        key: "commit",
        call: "commit, of 1,000",
        operations: (ROUNDS * COMMITS) as u32,
        run: || commit(SIZE),
    },
    Path {
        key: "commit-locked",
        call: "commit, of 1,000, on locked",
        operations: (ROUNDS * COMMITS) as u32,
        run: || commit_on(Backend::Locked, SIZE),
    },
    Path {
        key: "add-remove",
        call: "add(..), remove(id), of 1,000",
        operations: (ROUNDS * COMMITS) as u32,
        run: add_remove,
    },
    Path {
        key: "commit-100k",
        call: "commit, of 100,000",
        operations: (ROUNDS * COMMITS) as u32,
        run: || commit(100_000),
    },
];

struct World {
    writer: Registry,
    reader: Reader,
    ids: Vec<ProcessId>,
    names: Vec<String>,
}

fn world(size: usize) -> World {
    let (writer, reader) = registry(|| 0);
    let names: Vec<String> = (0..size).map(|n| format!("service-{}.{}", n / 10, n % 10)).collect();
    let add = |name: &String| writer.add(Identity::new(name.as_str(), "all"), Moment::default()).unwrap().id;
    let ids = names.iter().map(add).collect();
    World { writer, reader, ids, names }
}

/// Runs `operation` on all `things` in turn: once to warm up, and then `READS` times inside [`counted`].
fn count_reads<T, R>(things: &[T], mut operation: impl FnMut(&T) -> R) {
    let mut turn = |rounds: usize| {
        for _ in 0..rounds {
            for thing in things {
                black_box(operation(black_box(thing)));
            }
        }
    };
    turn(1);
    counted(|| turn(READS as usize / things.len()));
}

fn look_get() {
    let World { reader, ids, .. } = &world(SIZE);
    count_reads(ids, |id| reader.look().get(*id).map(|state| state.version));
}

fn poller_get() {
    let World { reader, ids, .. } = &world(SIZE);
    let mut poller = reader.poller();
    count_reads(ids, |id| poller.snapshot().get(*id).map(|state| state.version));
}

fn handle_read() {
    let World { reader, names, .. } = &world(SIZE);
    let handles: Vec<_> = names.iter().filter_map(|name| reader.handle(name)).collect();
    count_reads(&handles, |handle| reader.read(handle, |state| state.version));
}

fn watch() {
    let World { reader, names, .. } = &world(SIZE);
    let mut watches: Vec<_> =
        names.iter().filter_map(|name| Some(reader.watch(&reader.handle(name)?))).collect();
    let mut turn = |rounds: usize| {
        for _ in 0..rounds {
            for watch in &mut watches {
                black_box(watch.state().map(|state| state.version));
            }
        }
    };
    turn(1);
    counted(|| turn(READS as usize / SIZE));
}

/// Adds and removes processes with names that come again.
fn add_remove() {
    let World { writer, .. } = &world(SIZE);
    let turn = |count: usize| {
        for number in 0..count {
            let name = ["comes", "goes", "comes-again"][number % 3];
            let added = writer.add(Identity::new(name, ""), Moment::default()).unwrap();
            black_box(writer.remove(added.id, Moment::default())).unwrap();
        }
    };
    turn(COMMITS);
    counted(|| turn(ROUNDS * COMMITS));
}

fn handle_status() {
    let World { reader, names, .. } = &world(SIZE);
    let handles: Vec<_> = names.iter().filter_map(|name| reader.handle(name)).collect();
    count_reads(&handles, |handle| handle.status().phase());
}

fn state() {
    let World { reader, ids, .. } = &world(SIZE);
    count_reads(ids, |id| reader.state(*id));
}

fn state_locked() {
    let World { writer, reader, ids, .. } = &world(SIZE);
    writer.reroute(Routing { backend: Backend::Locked, rollout: Rollout::FULL });
    count_reads(ids, |id| reader.state(*id));
}

// How far a name is from its bucket depends on the seed of the hash; over all names in turn, this averages out.
fn look_by_name() {
    let World { reader, names, .. } = &world(SIZE);
    count_reads(names, |name| reader.look().by_name(name).map(|state| state.version));
}

fn handle_by_name() {
    let World { reader, names, .. } = &world(SIZE);
    count_reads(names, |name| reader.handle(name));
}

fn snapshot() {
    let World { reader, ids, .. } = &world(SIZE);
    count_reads(ids, |_| reader.snapshot());
}

fn snapshot_walk() {
    let World { reader, .. } = &world(SIZE);
    let walk = || {
        for state in reader.snapshot().iter() {
            black_box(state.version);
        }
    };
    walk();
    counted(|| (0..WALKS).for_each(|_| walk()));
}

fn changes_since() {
    let World { reader, .. } = &world(SIZE);
    let latest = reader.snapshot().generation();
    let cursors: Vec<_> = (0..SIZE).map(|_| Generation(latest.0 - FOLLOWED as u64)).collect();
    count_reads(&cursors, |cursor| reader.changes_since(*cursor, FOLLOWED));
}

/// Measures commits as in a host that has run for a while: the ring of changes is full, so each commit frees the change
/// that it overwrites.
fn commit(size: usize) {
    commit_on(Backend::Atomic, size);
}

fn commit_on(backend: Backend, size: usize) {
    let World { writer, reader, ids, .. } = &world(size);
    writer.reroute(Routing { backend, rollout: Rollout::FULL });
    let chosen: Vec<ProcessId> = ids.iter().step_by(size / COMMITS).copied().collect();
    let start = Event::Start { cause: Cause::User, reason: "asked for".into() };
    let stop = Event::Stop { cause: Cause::User, reason: "asked for".into(), kill_at: Moment::default() };
    let at = |id: &ProcessId| {
        let state = reader.state(*id).unwrap();
        (*id, At { incarnation: state.incarnation, version: state.version })
    };
    let commit_each = |ats: &[(ProcessId, At)], event: &Event| {
        for (id, at) in ats {
            black_box(writer.commit(*id, *at, event, Moment::default())).unwrap();
        }
    };
    for event in [&start, &stop].into_iter().cycle().take(2 * provost_state::changes::CHANGES_KEPT / COMMITS)
    {
        commit_each(&chosen.iter().map(at).collect::<Vec<_>>(), event);
    }
    // As many as the ring keeps, so that the root is rolled forward in its share of them.
    for event in [&start, &stop].into_iter().cycle().take(ROUNDS) {
        let ats: Vec<_> = chosen.iter().map(at).collect();
        counted(|| commit_each(&ats, event));
    }
}
