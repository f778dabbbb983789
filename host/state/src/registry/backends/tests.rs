//! Tests that need access to the internals of the core: a tampered side, and readers while locks are held.

use super::*;
use crate::process::Cause;
use crate::registry::routing::{Backend, Rollout};

fn core() -> (Core, ProcessId) {
    let core = Core::new(Meters::new(|| 0));
    let added = core.add(Identity::new("web", ""), None, Moment::default()).unwrap();
    (core, added.id)
}

#[test]
fn on_dual_a_tampered_side_is_detected_and_the_locked_value_is_served() {
    let (core, id) = core();
    core.reroute(Routing { backend: Backend::Dual, rollout: Rollout::FULL });
    assert_eq!(core.meters.figures(Backend::Dual).differences, 0);
    let good = core.state(id).unwrap();
    let tampered = Arc::new(ProcessState { restarts: 99, ..(*good).clone() });
    let root = core.root.load_full();
    let table = root.table.with(0, tampered);
    core.root.store(Arc::new(Snapshot { table, ..(*root).clone() }));
    assert_eq!(core.state(id).unwrap().restarts, 0);
    assert_eq!(core.gathered().by_name("web").unwrap().restarts, 0);
    assert_eq!(core.meters.figures(Backend::Dual).differences, 2);
    let event = Event::Start { cause: Cause::User, reason: "r".into() };
    let at = At { incarnation: good.incarnation, version: good.version };
    assert_eq!(core.commit(id, at, &event, Moment::default()).unwrap().restarts, 0);
    let told = core.take_differences();
    assert_eq!(told.len(), 3);
    assert!(told[0].of.contains("web") && told[0].atomic.contains("99") && !told[0].locked.contains("99"));
    core.state(id).unwrap();
    assert!(core.take_differences().is_empty(), "the commit has corrected the tampered side");
}

#[test]
fn on_atomic_readers_do_not_wait_for_any_lock_of_the_writers() {
    use crate::changes::CHANGES_KEPT;
    let (writer, reader) = crate::registry(|| 0);
    for n in 0..100 {
        let identity = Identity::new(format!("p{n}"), "");
        writer.add(identity, Moment::default()).unwrap();
    }
    let mut poller = reader.poller();
    let handle = reader.handle("p7").unwrap();
    let core = reader.core();
    let writers = core.writer();
    core.differences.while_locked(|| {
        core.locked.while_locked(|| {
            let (told, answer) = std::sync::mpsc::channel();
            let (reader, id) = (reader.clone(), handle.id);
            std::thread::spawn(move || {
                let world = reader.snapshot();
                let seen = (
                    world.len(),
                    reader.look().len(),
                    poller.snapshot().len(),
                    reader.state(id).unwrap().id,
                    reader.handle("p7").unwrap().id,
                    handle.status().phase(),
                    world.changed_since(Generation(0)).count(),
                    reader.changes_since(Generation(0), CHANGES_KEPT).changes.len(),
                    reader.changes_until(Generation(0), &world, CHANGES_KEPT).changes.len(),
                    reader.counters().commits,
                );
                told.send(seen).unwrap();
            });
            // A reader that waited for one of the locks would never answer; the timeout turns that into a failure.
            let seen = answer.recv_timeout(std::time::Duration::from_secs(60)).expect("a reader took a lock");
            let seven = ProcessId(7);
            assert_eq!(seen, (100, 100, 100, seven, seven, PhaseKind::Stopped, 100, 100, 100, 100));
        });
    });
    drop(writers);
}
