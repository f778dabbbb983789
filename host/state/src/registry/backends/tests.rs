//! Tests that need access to the internals of the core: a tampered side, and readers while locks are held.

use super::*;
use crate::process::{Cause, Identity};
use crate::registry::routing::{Backend, Rollout};

fn core() -> (Core, ProcessId) {
    let core = Core::new(Meters::new(|| 0), Generation::default(), Moment::default());
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
    core.put_in_cell(&mut core.writer(), id, tampered.clone());
    let root = core.root.at_least(core.latest(), &core.changes).unwrap();
    let mut table = root.table.clone();
    table.put(0, Some(tampered));
    let (removals, names) = (root.removals.clone(), core.names.clone());
    core.root.replace(Snapshot::new(root.generation, root.taken_at, table, removals, names));
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
    let mut watch = reader.watch(&handle);
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
                    (reader.read(&handle, |state| state.id), watch.state().map(|state| state.id)),
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
            let one = (Some(id), Some(id));
            assert_eq!(seen, (100, 100, 100, id, id, one, PhaseKind::Stopped, 100, 100, 100, 100));
        });
    });
    drop(writers);
}

#[test]
fn a_snapshot_is_made_without_the_writer_if_the_root_is_behind() {
    let (core, id) = core();
    let behind = core.root.at_least(core.latest(), &core.changes).unwrap();
    let state = core.state(id).unwrap();
    let at = At { incarnation: state.incarnation, version: state.version };
    let event = Event::Start { cause: Cause::User, reason: "r".into() };
    core.commit(id, at, &event, Moment::default()).unwrap();
    assert!(core.root.guarded(core.latest()).is_none(), "one commit does not roll the root forward");
    let _writer_is_busy = core.writer();
    let world = core.gathered();
    assert_eq!((world.generation, behind.generation), (Generation(2), Generation(1)));
    assert_eq!(world.get(id).unwrap().version.0, 1);
    assert!(core.root.guarded(core.latest()).is_some(), "the next reader finds what this one has made");
}
