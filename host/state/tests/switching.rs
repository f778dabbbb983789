//! Changes of the backend under load: no commit is lost, no snapshot is torn, nothing goes backwards, and the two
//! sides of `dual` never differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use provost_state::{
    At, Backend, Cause, Event, Exit, Generation, Identity, Moment, PhaseKind, ProcessId, ProcessState,
    Rollout, Routing, registry,
};

const WRITERS: usize = 3;
const EACH: usize = 16;
const SWITCHES: usize = 300;

fn next_event(phase: PhaseKind) -> Event {
    match phase {
        PhaseKind::Stopped | PhaseKind::Exited => Event::Start { cause: Cause::User, reason: "r".into() },
        PhaseKind::Waiting => Event::Spawned { pid: 1, reason: "r".into() },
        _ => Event::Exited { exit: Exit::Code(1), out_of_memory: false },
    }
}

#[test]
fn switching_backends_under_load_keeps_one_history_for_every_reader() {
    let (writer, reader) = registry(|| 0);
    let ids: Vec<ProcessId> = (0..WRITERS * EACH)
        .map(|n| writer.add(Identity::new(format!("p{n}"), ""), Moment::default()).unwrap().id)
        .collect();
    let done = AtomicBool::new(false);
    let commits = AtomicU64::new(ids.len() as u64);
    std::thread::scope(|scope| {
        for mine in ids.chunks(EACH) {
            let (writer, reader, done, commits) = (&writer, &reader, &done, &commits);
            scope.spawn(move || {
                let mut turn = 0;
                while !done.load(Ordering::Acquire) {
                    let id = mine[turn % mine.len()];
                    let state = reader.state(id).unwrap();
                    let at = At { incarnation: state.incarnation, version: state.version };
                    // This thread is the only writer of the process, so the version that it read is still current.
                    let next =
                        writer.commit(id, at, &next_event(state.phase.kind()), Moment::default()).unwrap();
                    assert_eq!(next.version.0, state.version.0 + 1);
                    assert!(next.generation > state.generation);
                    commits.fetch_add(1, Ordering::Relaxed);
                    turn += 1;
                }
            });
        }
        for _ in 0..2 {
            let (reader, done) = (&reader, &done);
            scope.spawn(move || {
                let mut poller = reader.poller();
                let mut last = reader.snapshot();
                let mut cursor = Generation(0);
                while !done.load(Ordering::Acquire) {
                    let world = reader.snapshot();
                    assert!(world.generation() >= last.generation(), "backwards");
                    let versions: u64 = world.iter().map(|state| state.version.0).sum();
                    assert_eq!(versions + world.len() as u64, world.generation().0, "torn");
                    assert!(world.iter().zip(last.iter()).all(|(new, old)| new.version >= old.version));
                    assert!(poller.snapshot().generation() >= world.generation(), "a poller is behind");
                    let changed = world.changed_since(last.generation());
                    let stale = |state: &&Arc<ProcessState>| state.generation <= last.generation();
                    assert_eq!(changed.count() + world.iter().filter(stale).count(), world.len());
                    let known = &world.page(cursor.0 as usize % world.len(), 1).next().unwrap();
                    let handle = reader.handle(known.name()).unwrap();
                    assert!(reader.state(handle.id).unwrap().version >= known.version, "a state is behind");
                    let page = reader.changes_until(cursor, &world, usize::MAX);
                    assert_eq!(cursor.0 + page.missed + page.changes.len() as u64, world.generation().0);
                    cursor = page.cursor;
                    last = world;
                }
            });
        }
        for turn in 0..SWITCHES {
            let backend = Backend::ALL[turn % Backend::ALL.len()];
            let rollout = Rollout::new([100, 30, 0, 75][turn % 4]).unwrap();
            let before = reader.snapshot().generation();
            writer.reroute(Routing { backend, rollout });
            // Wait for some commits on this backend before the next switch.
            while reader.snapshot().generation().0 < before.0 + 8 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Release);
    });
    writer.reroute(Routing::default());
    assert_eq!(reader.snapshot().generation().0, commits.into_inner());
    assert_eq!(reader.counters().illegal + reader.counters().stale_version, 0);
    assert!(reader.take_differences().is_empty());
    for backend in Backend::ALL {
        assert_eq!(reader.figures(backend).differences, 0);
        assert!(reader.figures(backend).commits > 0, "{backend} was used");
    }
}
