//! The number of allocations of commits and reads, and the memory that a snapshot keeps alive, at several sizes of the
//! registry. These are counts, not times.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use provost_state::{
    At, Backend, Cause, Event, Exit, Identity, Moment, PhaseKind, ProcessId, Reader, Registry, Rollout,
    Routing, changes::CHANGES_KEPT, registry,
};

/// An allocator that counts allocations and live bytes for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is forwarded unchanged to the system's allocator; counting allocates nothing.
#[expect(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait; this one only counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The thread-local may already be destroyed when a thread ends.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        let _ = LIVE_BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size() as isize));
        // SAFETY: the caller upholds the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = LIVE_BYTES.try_with(|bytes| bytes.set(bytes.get() - layout.size() as isize));
        // SAFETY: the caller upholds the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATIONS.with(Cell::get);
    let value = work();
    (ALLOCATIONS.with(Cell::get) - before, value)
}

/// Adds `size` processes and returns the id of the last.
fn filled(writer: &Registry, size: usize) -> ProcessId {
    let add = |n| {
        let identity = Identity::new(format!("p{n}"), "g");
        writer.add(identity, Moment::default()).unwrap().id
    };
    let ids: Vec<ProcessId> = (0..size).map(add).collect();
    *ids.last().unwrap()
}

#[test]
fn a_commit_allocates_a_bounded_number_of_times_whatever_the_size_and_shares_what_does_not_change() {
    // The state. The change has a place in a block, which is allocated once in 64 commits; the text of the event is shared.
    const COMMIT: usize = 1;
    for size in [1, 100, 10_000, 40_000] {
        let (writer, reader) = registry(|| 0);
        let id = filled(&writer, size);
        assert_eq!(reader.snapshot().len(), size);
        // The next commit may roll the root forward, because a snapshot was taken.
        commits(&writer, &reader, 2, 1);
        let before = reader.state(id).unwrap();
        let at = At { incarnation: before.incarnation, version: before.version };
        let event = Event::Start { cause: Cause::User, reason: "asked for".into() };
        // The first commit may also allocate what a thread sets up once.
        writer
            .commit(id, at, &Event::Exited { exit: Exit::Code(0), out_of_memory: false }, Moment::default())
            .unwrap_err();
        let (count, after) = allocations(|| writer.commit(id, at, &event, Moment::default()).unwrap());
        assert_eq!(count, COMMIT, "{size} processes");
        assert!(std::sync::Arc::ptr_eq(&before.identity, &after.identity), "name and group are shared");
    }
}

#[test]
fn rolling_the_root_forward_adds_less_than_two_allocations_to_a_commit() {
    for size in [1, 1_000, 40_000] {
        let (writer, reader) = registry(|| 0);
        filled(&writer, size);
        let among = size.min(1_000);
        commits(&writer, &reader, 10_000, among);
        let (count, ()) = allocations(|| commits(&writer, &reader, 64_000, among));
        // One for the state, two for the reason that the test gives to each; the rest are the blocks and the nodes that a
        // batch copies, most of them for the first time in that batch when the processes are spread.
        assert!(count < 5 * 64_000, "{size} processes: {count} allocations for 64,000 commits");
    }
}

#[test]
fn reads_allocate_nothing_on_atomic() {
    let (writer, reader) = registry(|| 0);
    let id = filled(&writer, 1_000);
    let mut poller = reader.poller();
    let handle = reader.handle("p7").unwrap();
    let mut watch = reader.watch(&handle);
    // The first one rolls the root forward.
    let _ = reader.snapshot();
    let (count, _) = allocations(|| {
        let running = (handle.status(), reader.read(&handle, |state| state.version), watch.state().is_some());
        let world = reader.snapshot();
        let found = (world.by_name("p9").is_some(), world.iter().count(), world.page(500, 9).count());
        (world, found, reader.look().len(), reader.state(id), poller.snapshot().len(), running)
    });
    assert_eq!(count, 0);
    writer.reroute(Routing { backend: Backend::Locked, rollout: Rollout::FULL });
    let (count, _) = allocations(|| reader.snapshot());
    assert!(count > 0, "the counter works: a locked snapshot copies");
}

/// Makes `count` commits, to the first `among` processes in turn.
fn commits(writer: &Registry, reader: &Reader, count: usize, among: usize) {
    let ids: Vec<ProcessId> = reader.snapshot().page(0, among).map(|state| state.id).collect();
    for turn in 0..count {
        let state = reader.state(ids[turn % among]).unwrap();
        let at = At { incarnation: state.incarnation, version: state.version };
        let event = match state.phase.kind() {
            PhaseKind::Stopped => Event::Start { cause: Cause::User, reason: "asked for".into() },
            _ => Event::Stop { cause: Cause::User, kill_at: Moment::default(), reason: "asked for".into() },
        };
        writer.commit(state.id, at, &event, Moment::default()).unwrap();
    }
}

#[test]
fn a_held_snapshot_costs_only_what_has_changed_since_and_frees_it_when_dropped() {
    const CHANGING: usize = 10;
    // The state with its reason, its place in a leaf of 32, and the nodes above it.
    const BYTES_EACH_MAX: isize = 2_048;
    for size in [100, 10_000] {
        let (writer, reader) = registry(|| 0);
        filled(&writer, size);
        // Fill the ring of changes with commits like those below, so that it holds no older states.
        commits(&writer, &reader, 2 * CHANGES_KEPT, CHANGING);
        let live = || LIVE_BYTES.with(Cell::get);
        let without = live();
        let held = reader.snapshot();
        commits(&writer, &reader, 2 * CHANGES_KEPT, CHANGING);
        let cost = live() - without;
        assert!(cost > 0, "the counter works: the snapshot holds states that were replaced");
        assert!(cost <= CHANGING as isize * BYTES_EACH_MAX, "{size} processes: {cost} bytes for {CHANGING}");
        commits(&writer, &reader, 4 * CHANGES_KEPT, CHANGING);
        assert_eq!(live() - without, cost, "more commits to the same processes cost no more");
        assert_eq!(held.generation().0 as usize, size + 2 * CHANGES_KEPT);
        drop(held);
        assert_eq!(live(), without, "the last holder has dropped it");
    }
}

#[test]
fn a_backend_that_is_not_in_force_keeps_nothing() {
    let (writer, reader) = registry(|| 0);
    filled(&writer, 1_000);
    commits(&writer, &reader, 2 * CHANGES_KEPT, 1_000);
    let live = || LIVE_BYTES.with(Cell::get);
    let of = |backend| Routing { backend, rollout: Rollout::FULL };
    let atomic = live();
    writer.reroute(of(Backend::Dual));
    let dual = live();
    writer.reroute(of(Backend::Locked));
    let locked = live();
    assert!(dual > atomic && dual > locked, "{atomic} {dual} {locked}");
    writer.reroute(of(Backend::Atomic));
    assert_eq!(live(), atomic);
}

/// Adds and removes `count` processes under changing names, so that `live` of them are there at any time.
fn come_and_go(writer: &Registry, count: usize, live: usize) {
    let mut here = std::collections::VecDeque::new();
    for number in 0..count {
        if here.len() == live {
            let id = here.pop_front().unwrap();
            writer.remove(id, Moment::default()).unwrap();
        }
        // Short names and names that do not fit in a place.
        let name = format!("worker-{number}{}", if number % 2 == 0 { "" } else { "-with-a-long-name" });
        here.push_back(writer.add(Identity::new(name, "workers"), Moment::default()).unwrap().id);
    }
    for id in here {
        writer.remove(id, Moment::default()).unwrap();
    }
}

#[test]
fn a_million_additions_and_removals_leave_nothing_behind() {
    const ROUND: usize = 50_000;
    for backend in [Backend::Atomic, Backend::Locked] {
        let (writer, reader) = registry(|| 0);
        writer.reroute(Routing { backend, rollout: Rollout::FULL });
        filled(&writer, 100);
        // The first round fills the ring of changes and makes the tables as large as they become.
        come_and_go(&writer, ROUND, 50);
        let live = || LIVE_BYTES.with(Cell::get);
        let before = live();
        for _ in 0..5 {
            come_and_go(&writer, ROUND, 50);
            assert_eq!(reader.snapshot().len(), 100);
            // The ring holds the last changes, whose names have more digits or fewer.
            assert!((live() - before).abs() < 65_536, "{backend}: {} bytes more", live() - before);
        }
    }
}
