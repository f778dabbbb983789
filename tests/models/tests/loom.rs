//! Checks every order of events that the memory model allows, up to a bound of preemptions: commits, reads, snapshots,
//! followers, and changes of the backend.
//!
//! The models run the sources of `provost-state` themselves, compiled with loom's atomics. Each model is deliberately
//! small: two or three threads and one or two commits are enough for every pair of steps to occur in every order.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use loom::thread;
use provost_models::{
    At, Backend, Cause, Event, Generation, Handle, Identity, Moment, PhaseKind, ProcessId, ProcessState,
    Reader, Registry, Rejected, Rollout, Routing, registry,
};

/// Tries every order with at most this many preemptions. According to loom's authors, two or three find most bugs; more
/// take minutes.
fn model(preemptions: usize, world: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(world);
}

fn with_processes(routing: Routing, names: &[&str]) -> (Registry, Reader) {
    let (writer, reader) = registry(|| 0);
    if routing != Routing::default() {
        writer.reroute(routing);
    }
    for name in names {
        writer.add(Identity::new(*name, ""), Moment::default()).unwrap();
    }
    (writer, reader)
}

fn of(backend: Backend) -> Routing {
    Routing { backend, rollout: Rollout::FULL }
}

fn start(writer: &Registry, state: &ProcessState) -> Result<std::sync::Arc<ProcessState>, Rejected> {
    let at = At { incarnation: state.incarnation, version: state.version };
    writer.commit(state.id, at, &Event::Start { cause: Cause::User, reason: "r".into() }, Moment::default())
}

fn first(reader: &Reader) -> std::sync::Arc<ProcessState> {
    reader.handle("a").and_then(|handle| reader.state(handle.id)).unwrap()
}

/// Asserts that the reads of one reader never go backwards, however it reads; only a status word may lag behind.
fn reads_forward(reader: &Reader, id: ProcessId) {
    let mut seen = Generation(0);
    for _ in 0..2 {
        let word = reader.handle("a").unwrap().status().generation();
        let state = reader.state(id).unwrap();
        assert!(state.generation.0 >= word, "the word is ahead of the state");
        let world = reader.snapshot();
        assert!(world.get(id).unwrap().generation >= state.generation, "the world is behind a state");
        assert!(world.generation() >= state.generation && world.generation() >= seen, "backwards");
        seen = world.generation();
        let versions: u64 = world.iter().map(|state| state.version.0).sum();
        assert_eq!(versions + world.len() as u64, seen.0, "not a prefix of the commits");
    }
}

#[test]
fn a_reader_concurrent_with_a_writer_sees_a_prefix_of_the_commits_and_never_goes_backwards() {
    for backend in Backend::ALL {
        model(3, move || {
            let (writer, reader) = with_processes(of(backend), &["a"]);
            let state = first(&reader);
            let id = state.id;
            let beside = thread::spawn(move || reads_forward(&reader, id));
            start(&writer, &state).unwrap();
            beside.join().unwrap();
        });
    }
}

/// Commits two events to the process.
fn twice(writer: &Registry, state: &ProcessState) {
    let state = start(writer, state).unwrap();
    let at = At { incarnation: state.incarnation, version: state.version };
    let event = Event::Spawned { pid: 1, reason: "r".into() };
    writer.commit(state.id, at, &event, Moment::default()).unwrap();
}

/// Asserts that a reader of a cell and of snapshots in turn never goes backwards, and that each snapshot is exactly the
/// prefix of its generation.
fn cell_and_snapshots(reader: &Reader, handle: &Handle) {
    let mut seen = Generation(0);
    for _ in 0..2 {
        let state = reader.read(handle, |state| state.generation).unwrap();
        let world = reader.snapshot();
        assert!(world.generation() >= state.max(seen), "a snapshot is older than a state seen");
        let here = world.get(handle.id).unwrap();
        assert_eq!((here.version.0, here.generation), (world.generation().0 - 1, world.generation()));
        seen = world.generation();
        assert!(reader.read(handle, |state| state.generation).unwrap() >= here.generation, "backwards");
    }
}

#[test]
fn a_snapshot_is_not_older_than_a_status_word_seen_before_it() {
    model(3, || {
        let (writer, reader) = with_processes(Routing::default(), &["a"]);
        let state = first(&reader);
        let handle = reader.handle("a").unwrap();
        let beside = thread::spawn(move || {
            let seen = handle.status().generation();
            assert!(reader.snapshot().generation().0 >= seen, "a snapshot is older than a status seen");
        });
        start(&writer, &state).unwrap();
        beside.join().unwrap();
    });
}

#[test]
fn a_reader_of_a_cell_and_of_snapshots_never_goes_backwards_while_the_root_is_rolled_forward() {
    model(3, || {
        let (writer, reader) = with_processes(Routing::default(), &["a"]);
        let state = first(&reader);
        let handle = reader.handle("a").unwrap();
        let beside = thread::spawn(move || cell_and_snapshots(&reader, &handle));
        twice(&writer, &state);
        beside.join().unwrap();
    });
}

#[test]
fn two_readers_that_roll_the_root_forward_at_once_each_get_a_whole_prefix() {
    model(2, || {
        let (writer, reader) = with_processes(Routing::default(), &["a"]);
        let state = first(&reader);
        let handle = reader.handle("a").unwrap();
        let both = [(); 2].map(|()| {
            let (reader, handle) = (reader.clone(), handle.clone());
            thread::spawn(move || {
                let seen = reader.read(&handle, |state| state.generation).unwrap();
                let world = reader.snapshot();
                assert!(world.generation() >= seen, "a snapshot is older than a state seen");
                let here = world.get(handle.id).unwrap();
                assert_eq!((here.version.0, here.generation), (world.generation().0 - 1, world.generation()));
            })
        });
        twice(&writer, &state);
        both.into_iter().for_each(|reader| reader.join().unwrap());
        assert_eq!(reader.snapshot().generation(), Generation(3));
    });
}

#[test]
fn a_reader_that_was_told_of_a_state_is_not_behind_it() {
    use loom::sync::atomic::{AtomicU64, Ordering};
    model(2, || {
        let (writer, reader) = with_processes(Routing::default(), &["a"]);
        let state = first(&reader);
        let mut watch = reader.watch(&reader.handle("a").unwrap());
        let told = std::sync::Arc::new(AtomicU64::new(0));
        let teller = {
            let told = told.clone();
            thread::spawn(move || {
                told.store(watch.state().unwrap().generation.0, Ordering::Release);
            })
        };
        let beside = {
            let reader = reader.clone();
            thread::spawn(move || {
                let told = told.load(Ordering::Acquire);
                assert!(reader.snapshot().generation().0 >= told, "a snapshot is older than a state told");
                assert!(reader.look().generation().0 >= told);
            })
        };
        start(&writer, &state).unwrap();
        teller.join().unwrap();
        beside.join().unwrap();
    });
}

#[test]
fn a_removal_is_seen_by_cell_name_and_snapshot_in_any_order_and_never_taken_back() {
    for backend in Backend::ALL {
        model(2, move || {
            let (writer, reader) = with_processes(of(backend), &["a", "b"]);
            let handle = reader.handle("a").unwrap();
            let id = handle.id;
            let beside = {
                let (reader, handle) = (reader.clone(), handle.clone());
                thread::spawn(move || {
                    let mut is_gone = false;
                    // Names are not looked up in between: the words of the index are not loom's.
                    for turn in 0..2 {
                        let here = match turn {
                            0 => reader.read(&handle, |_| ()).is_some(),
                            _ => reader.state(id).is_some(),
                        };
                        assert!(!(is_gone && here), "a removed process came back");
                        is_gone |= !here;
                        let world = reader.snapshot();
                        assert!(!(is_gone && world.get(id).is_some()), "it is in a later snapshot");
                        is_gone |= world.get(id).is_none();
                        assert!(world.by_name("b").is_some());
                        assert_eq!(world.get(id).is_some(), world.by_name("a").is_some_and(|a| a.id == id));
                    }
                    if is_gone {
                        assert!(reader.read(&handle, |_| ()).is_none() && reader.state(id).is_none());
                    }
                })
            };
            writer.remove(id, Moment::default()).unwrap();
            beside.join().unwrap();
            assert_eq!((reader.snapshot().generation(), reader.snapshot().len()), (Generation(3), 1));
        });
    }
}

#[test]
fn the_successor_in_a_slot_is_never_taken_for_the_process_before_it() {
    for backend in Backend::ALL {
        model(2, move || {
            let (writer, reader) = with_processes(of(backend), &["a"]);
            let handle = reader.handle("a").unwrap();
            let beside = {
                let (reader, handle) = (reader.clone(), handle.clone());
                thread::spawn(move || {
                    let status = handle.status();
                    let read = reader.read(&handle, |state| state.id);
                    assert!(read.is_none_or(|id| id == handle.id), "another process");
                    assert!(!(status.is_removed() && read.is_some()), "a removed process came back");
                    let found = reader.handle("a");
                    let seen = found.and_then(|found| reader.read(&found, |state| state.generation));
                    let world = reader.snapshot();
                    assert!(seen.is_none_or(|seen| seen <= world.generation()), "{backend}: behind a state");
                    let named = world.by_name("a").map(|state| state.id);
                    assert!(named != Some(handle.id) || world.generation() == Generation(1));
                    assert_eq!(named.is_none(), world.generation() == Generation(2));
                })
            };
            writer.remove(handle.id, Moment::default()).unwrap();
            let next = writer.add(Identity::new("a", ""), Moment::default()).unwrap();
            assert_eq!(next.id.index(), handle.id.index());
            beside.join().unwrap();
            assert_eq!(reader.handle("a").map(|handle| handle.id), Some(next.id));
        });
    }
}

#[test]
fn one_of_two_commits_concluded_from_the_same_version_is_refused() {
    for backend in Backend::ALL {
        model(3, move || {
            let (writer, reader) = with_processes(of(backend), &["a"]);
            let state = first(&reader);
            let (writer, twin) = (std::sync::Arc::new(writer), state.clone());
            let other = {
                let writer = writer.clone();
                thread::spawn(move || start(&writer, &twin))
            };
            let results = [start(&writer, &state), other.join().unwrap()];
            let stale = |result: &&Result<_, _>| matches!(result, Err(Rejected::StaleVersion { .. }));
            assert_eq!(results.iter().filter(stale).count(), 1, "an update was lost, or both were refused");
            assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
            assert_eq!((reader.snapshot().generation(), first(&reader).version.0), (Generation(2), 1));
        });
    }
}

#[test]
fn a_snapshot_concurrent_with_two_writers_is_of_one_instant() {
    for backend in Backend::ALL {
        model(2, move || {
            let (writer, reader) = with_processes(of(backend), &["a", "b"]);
            let world = reader.snapshot();
            let writer = std::sync::Arc::new(writer);
            let other = {
                let (writer, state) = (writer.clone(), world.by_name("b").unwrap().clone());
                thread::spawn(move || start(&writer, &state).unwrap().generation)
            };
            let beside = {
                let (reader, id) = (reader.clone(), world.id("a").unwrap());
                thread::spawn(move || reads_forward(&reader, id))
            };
            let mine = start(&writer, world.by_name("a").unwrap()).unwrap().generation;
            let theirs = other.join().unwrap();
            beside.join().unwrap();
            assert!(mine != theirs);
            assert_eq!(reader.snapshot().generation(), Generation(4), "{backend}");
        });
    }
}

#[test]
fn a_reader_that_sees_a_generation_also_sees_its_change_and_its_state() {
    model(3, || {
        let (writer, reader) = with_processes(Routing::default(), &["a"]);
        let state = first(&reader);
        let beside = {
            let reader = reader.clone();
            thread::spawn(move || {
                let page = reader.changes_since(Generation(1), 4);
                assert_eq!((page.missed, page.changes.len() as u64), (0, page.cursor.0 - 1));
                let world = reader.snapshot();
                assert!(world.generation() >= page.cursor, "a change before its state");
                let changed = world.changed_since(Generation(1)).count() as u64;
                assert_eq!(changed, world.generation().0 - 1);
            })
        };
        start(&writer, &state).unwrap();
        beside.join().unwrap();
    });
}

#[test]
fn a_poller_is_never_behind_a_snapshot_of_another_reader() {
    for backend in Backend::ALL {
        model(2, move || {
            let (writer, reader) = with_processes(of(backend), &["a"]);
            let state = first(&reader);
            let mut poller = reader.poller();
            let beside = thread::spawn(move || {
                let world = reader.snapshot();
                assert!(poller.snapshot().generation() >= world.generation(), "the poller is behind");
            });
            start(&writer, &state).unwrap();
            beside.join().unwrap();
        });
    }
}

#[test]
fn changing_the_backend_during_a_commit_and_a_read_loses_nothing() {
    let half = Routing { backend: Backend::Atomic, rollout: Rollout::new(50).unwrap() };
    let routings = [Routing::default(), half, of(Backend::Locked), of(Backend::Dual)];
    for (from, to) in routings.into_iter().flat_map(|from| routings.map(|to| (from, to))) {
        if from == to {
            continue;
        }
        model(1, move || {
            let (writer, reader) = with_processes(from, &["a", "b"]);
            let state = first(&reader);
            let writer = std::sync::Arc::new(writer);
            let switching = {
                let writer = writer.clone();
                thread::spawn(move || assert_eq!(writer.reroute(to), from))
            };
            let beside = {
                let (reader, id) = (reader.clone(), state.id);
                thread::spawn(move || reads_forward(&reader, id))
            };
            assert_eq!(start(&writer, &state).unwrap().version.0, 1);
            switching.join().unwrap();
            beside.join().unwrap();
            let world = reader.snapshot();
            assert_eq!((world.generation(), world.len()), (Generation(3), 2));
            assert_eq!(first(&reader).phase.kind(), PhaseKind::Waiting, "a commit was lost");
            assert!(reader.take_differences().is_empty());
        });
    }
}

/// Shows that a model can fail: with a relaxed store of the flag, loom finds the order in which a reader sees the flag
/// and not the value stored before it.
#[test]
#[should_panic(expected = "stored before the flag")]
fn the_models_can_fail() {
    use loom::sync::atomic::{AtomicU64, Ordering};
    model(2, || {
        let cell = std::sync::Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let other = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.0.store(1, Ordering::Relaxed);
                cell.1.store(1, Ordering::Relaxed);
            })
        };
        if cell.1.load(Ordering::Acquire) == 1 {
            assert_eq!(cell.0.load(Ordering::Relaxed), 1, "stored before the flag");
        }
        other.join().unwrap();
    });
}
