//! Processes that come and go: ids, names, slots, held snapshots and followers, on every backend.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use provost_state::removals::REMOVALS_KEPT;
use provost_state::{
    At, Backend, Cause, ChangeKind, Event, Generation, Identity, Moment, NotRemoved, PhaseKind, ProcessId,
    ProcessState, Reader, Registry, Rejected, Rollout, Routing, Snapshot, registry, restored,
};

fn routings() -> [Routing; 5] {
    let atomic = |percent| Routing { backend: Backend::Atomic, rollout: Rollout::new(percent).unwrap() };
    let of = |backend| Routing { backend, rollout: Rollout::FULL };
    [atomic(100), atomic(50), atomic(0), of(Backend::Locked), of(Backend::Dual)]
}

fn opened(routing: Routing) -> (Registry, Reader) {
    let (writer, reader) = registry(|| 0);
    writer.reroute(routing);
    (writer, reader)
}

fn add(writer: &Registry, name: &str) -> ProcessId {
    writer.add(Identity::new(name, ""), Moment::default()).unwrap().id
}

fn start(writer: &Registry, state: &ProcessState) -> Result<Arc<ProcessState>, Rejected> {
    let at = At { incarnation: state.incarnation, version: state.version };
    writer.commit(state.id, at, &Event::Start { cause: Cause::User, reason: "r".into() }, Moment::default())
}

fn names(world: &Snapshot) -> Vec<String> {
    world.iter().map(|state| state.name().to_string()).collect()
}

#[test]
fn a_removed_process_is_gone_for_every_reader_and_stays_in_held_snapshots() {
    for routing in routings() {
        let (writer, reader) = opened(routing);
        let ids = ["a", "b", "c"].map(|name| add(&writer, name));
        let (held, handle) = (reader.snapshot(), reader.handle("b").unwrap());
        let mut watch = reader.watch(&handle);
        assert_eq!(watch.state().map(|state| state.id), Some(ids[1]));
        let last = writer.remove(ids[1], Moment { wall_ms: 7, mono_ns: 7 }).unwrap();
        assert_eq!((last.generation, last.version.0, last.changed_at.wall_ms), (Generation(4), 1, 7));
        let world = reader.snapshot();
        assert_eq!((world.generation(), world.taken_at().wall_ms, world.len()), (Generation(4), 7, 2));
        assert_eq!(names(&world), ["a", "c"]);
        assert!(world.get(ids[1]).is_none() && world.by_name("b").is_none() && world.id("b").is_none());
        assert!(reader.handle("b").is_none() && reader.handle_of(ids[1]).is_none());
        assert!(reader.state(ids[1]).is_none() && watch.state().is_none());
        assert_eq!(reader.read(&handle, |state| state.id), None);
        assert!(handle.status().is_removed() && handle.status().phase() == PhaseKind::Stopped);
        assert_eq!(start(&writer, &last).unwrap_err(), Rejected::Unknown(ids[1]));
        assert_eq!(writer.remove(ids[1], Moment::default()).unwrap_err(), NotRemoved::Unknown(ids[1]));
        assert_eq!((held.len(), held.by_name("b").unwrap().id), (3, ids[1]));
        let removed = world.removed_since(Generation(3)).unwrap();
        assert_eq!((removed.len(), removed[0].id, &*removed[0].name), (1, ids[1], "b"));
        assert!(world.removed_since(Generation(4)).unwrap().is_empty());
        let page = reader.changes_since(Generation(3), 9);
        assert_eq!((page.changes.len(), page.changes[0].kind), (1, ChangeKind::Removed));
        assert_eq!(page.changes[0].state, last);
    }
}

#[test]
fn a_slot_is_used_again_and_an_old_id_never_means_the_new_process() {
    for routing in routings() {
        let (writer, reader) = opened(routing);
        let ids = ["a", "b", "c"].map(|name| add(&writer, name));
        let (held, old) = (reader.snapshot(), reader.handle("b").unwrap());
        let mut watch = reader.watch(&old);
        writer.remove(ids[1], Moment::default()).unwrap();
        let new = add(&writer, "d");
        assert_eq!(new.index(), ids[1].index());
        assert_ne!(new, ids[1]);
        let again = add(&writer, "b");
        let world = reader.snapshot();
        assert_eq!(names(&world), ["a", "d", "c", "b"]);
        assert_eq!(world.page(1, 2).map(|state| state.name().to_string()).collect::<Vec<_>>(), ["d", "c"]);
        assert!(world.get(ids[1]).is_none() && reader.state(ids[1]).is_none() && watch.state().is_none());
        assert!(reader.read(&old, |_| ()).is_none() && old.status().is_removed());
        assert_eq!(start(&writer, held.get(ids[1]).unwrap()).unwrap_err(), Rejected::Unknown(ids[1]));
        assert_eq!((reader.handle("b").unwrap().id, world.id("d")), (again, Some(new)));
        start(&writer, reader.snapshot().get(new).unwrap()).unwrap();
        assert_eq!(reader.handle("d").unwrap().status().phase(), PhaseKind::Waiting);
        // What was held is as it was, by id and by name.
        assert_eq!(names(&held), ["a", "b", "c"]);
        assert_eq!((held.id("b"), held.id("d"), held.get(new)), (Some(ids[1]), None, None));
        assert_eq!(held.by_name("b").unwrap().name(), &Arc::from("b"));
    }
}

#[test]
fn only_a_process_at_rest_is_removed() {
    for routing in routings() {
        let (writer, reader) = opened(routing);
        let id = add(&writer, "a");
        let state = start(&writer, &reader.state(id).unwrap()).unwrap();
        let refused = writer.remove(id, Moment::default()).unwrap_err();
        assert_eq!(refused, NotRemoved::NotAtRest { name: "a".into(), phase: PhaseKind::Waiting });
        assert_eq!(
            refused.to_string(),
            "the process `a` is waiting, and only a process at rest can be removed"
        );
        assert_eq!((reader.snapshot().generation(), reader.state(id)), (state.generation, Some(state)));
    }
}

#[test]
fn removals_that_are_too_long_ago_are_said_to_be_forgotten() {
    let (writer, reader) = opened(Routing::default());
    for turn in 0..REMOVALS_KEPT + 3 {
        let id = add(&writer, &format!("p{turn}"));
        writer.remove(id, Moment::default()).unwrap();
    }
    let world = reader.snapshot();
    assert!(world.is_empty());
    assert_eq!(world.removed_since(Generation(5)), None, "the removal at 6 is forgotten");
    assert_eq!(world.removed_since(Generation(6)).map(<[_]>::len), Some(REMOVALS_KEPT));
}

#[test]
fn a_registry_can_go_on_where_another_one_ended() {
    let (writer, reader) = opened(Routing::default());
    let ids = ["a", "b", "c"].map(|name| add(&writer, name));
    start(&writer, &reader.state(ids[2]).unwrap()).unwrap();
    writer.remove(ids[1], Moment::default()).unwrap();
    let before = reader.snapshot();
    let states: Vec<&ProcessState> = before.iter().map(|state| &**state).collect();
    let at = before.taken_at();
    let (writer, reader) = restored(|| 0, before.generation(), at, states.iter().copied()).unwrap();
    let world = reader.snapshot();
    assert_eq!((world.generation(), world.len()), (before.generation(), 2));
    for (old, new) in before.iter().zip(world.iter()) {
        assert_eq!(**new, ProcessState { id: new.id, ..(**old).clone() });
        assert_eq!(reader.handle(new.name()).unwrap().status().phase(), old.phase.kind());
    }
    assert_eq!(world.removed_since(before.generation()), Some(&[][..]));
    assert_eq!(world.removed_since(Generation(1)), None, "what was removed before is not known");
    let page = reader.changes_since(Generation(0), 99);
    assert_eq!((page.missed, page.changes.len()), (before.generation().0, 0));
    let started = start(&writer, world.by_name("a").unwrap()).unwrap();
    assert_eq!(started.generation, before.generation().next());
    assert_eq!(names(&reader.snapshot()), ["a", "c"]);
    let twice = restored(|| 0, Generation(0), at, [states[0], states[0]]).unwrap_err();
    assert_eq!(&*twice.0, "a");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_history_of_membership_equals_a_map(
        steps in prop::collection::vec((0_usize..12, 0_u8..8, 0_usize..40), 0..400),
    ) {
        let (writer, reader) = opened(Routing::default());
        let mut model: BTreeMap<String, ProcessState> = BTreeMap::new();
        let mut gone: HashSet<ProcessId> = HashSet::new();
        let mut held: Vec<(Arc<Snapshot>, BTreeMap<String, ProcessState>)> = Vec::new();
        for (which, action, switch) in steps {
            if let Some(routing) = routings().get(switch) {
                writer.reroute(*routing);
            }
            // Names of the length that a place can keep, and longer ones.
            let name = format!("p{which}{}", "-".repeat(which * 5));
            match (action, model.get(&name).cloned()) {
                (0..=3, None) => {
                    let added = writer.add(Identity::new(name.as_str(), ""), Moment::default()).unwrap();
                    prop_assert!(!gone.contains(&added.id), "an id was used twice");
                    model.insert(name, (*added).clone());
                }
                (0..=1, Some(_)) => {
                    prop_assert!(writer.add(Identity::new(name.as_str(), ""), Moment::default()).is_err());
                }
                (2..=3, Some(state)) if state.is_at_rest() => {
                    writer.remove(state.id, Moment::default()).unwrap();
                    gone.insert(state.id);
                    model.remove(&name);
                }
                (4..=5, Some(state)) if state.is_at_rest() => {
                    model.insert(name, (*start(&writer, &state).unwrap()).clone());
                }
                (4..=5, Some(state)) => {
                    let at = At { incarnation: state.incarnation, version: state.version };
                    let stop = Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: Moment::default() };
                    let stopped = writer.commit(state.id, at, &stop, Moment::default()).unwrap();
                    model.insert(name, (*stopped).clone());
                }
                _ => held.push((reader.snapshot(), model.clone())),
            }
        }
        held.push((reader.snapshot(), model.clone()));
        prop_assert!(reader.take_differences().is_empty());
        for (world, model) in &held {
            prop_assert_eq!(world.len(), model.len());
            let found: BTreeMap<String, ProcessState> =
                world.iter().map(|state| (state.name().to_string(), (**state).clone())).collect();
            prop_assert_eq!(&found, model);
            for which in 0..12 {
                let name = format!("p{which}{}", "-".repeat(which * 5));
                prop_assert_eq!(world.by_name(&name).map(|state| &**state), model.get(&name), "{}", name);
            }
            prop_assert!(gone.iter().all(|id| reader.state(*id).is_none()));
        }
        for (name, state) in &model {
            prop_assert_eq!(reader.handle(name).map(|handle| handle.id), Some(state.id));
            prop_assert_eq!(&*reader.state(state.id).unwrap(), state);
        }
        // A follower that applies changes and removals to an old snapshot arrives at the new one.
        let (last, _) = held.last().unwrap();
        for (world, _) in &held {
            let mut followed: BTreeMap<ProcessId, ProcessState> =
                world.iter().map(|state| (state.id, (**state).clone())).collect();
            let Some(removed) = last.removed_since(world.generation()) else { continue };
            removed.iter().for_each(|removed| drop(followed.remove(&removed.id)));
            for state in last.changed_since(world.generation()) {
                followed.insert(state.id, (**state).clone());
            }
            let expected: BTreeMap<ProcessId, ProcessState> =
                last.iter().map(|state| (state.id, (**state).clone())).collect();
            prop_assert_eq!(followed, expected);
        }
    }
}

#[test]
fn readers_see_one_history_while_processes_come_and_go_and_backends_change() {
    const STAY: usize = 20;
    let (writer, reader) = opened(Routing::default());
    let staying: Vec<ProcessId> = (0..STAY).map(|n| add(&writer, &format!("stay{n}"))).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = reader.snapshot();
                while !done.load(Ordering::Acquire) {
                    let handle = reader.handle("come0");
                    let seen =
                        handle.as_ref().and_then(|handle| reader.read(handle, |state| state.generation));
                    let world = reader.snapshot();
                    assert!(world.generation() >= last.generation(), "backwards");
                    if let (Some(handle), Some(generation)) = (&handle, seen) {
                        // Either it is still there, or it was removed between the two.
                        let still = world.get(handle.id).map(|state| state.generation);
                        assert!(still.is_none_or(|still| still >= generation), "the world is behind a state");
                        assert!(world.generation() >= generation);
                        if still.is_none() {
                            assert!(reader.read(handle, |_| ()).is_none(), "a removed process came back");
                        }
                    }
                    for (n, id) in staying.iter().enumerate() {
                        assert_eq!(world.id(&format!("stay{n}")), Some(*id));
                    }
                    for state in world.iter() {
                        assert_eq!(world.by_name(state.name()).unwrap().id, state.id);
                        assert_eq!(
                            last.get(state.id).map(|old| old.name()),
                            last.get(state.id).map(|_| state.name())
                        );
                    }
                    if let Some(removed) = world.removed_since(last.generation()) {
                        assert!(removed.iter().all(|removed| world.get(removed.id).is_none()));
                        let gone = last.iter().filter(|old| world.get(old.id).is_none());
                        assert!(
                            gone.into_iter().all(|old| removed.iter().any(|removed| removed.id == old.id))
                        );
                    }
                    last = world;
                }
            });
        }
        let mut here: Vec<Option<ProcessId>> = vec![None; 8];
        for turn in 0..30_000_usize {
            let which = turn * 7 % here.len();
            here[which] = match here[which].take() {
                Some(id) => writer.remove(id, Moment::default()).map(|_| None).unwrap(),
                None => Some(add(&writer, &format!("come{which}"))),
            };
            if turn % 1_000 == 0 {
                writer.reroute(routings()[turn / 1_000 % 5]);
            }
        }
        done.store(true, Ordering::Release);
    });
    assert!(reader.take_differences().is_empty());
}
