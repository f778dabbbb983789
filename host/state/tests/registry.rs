//! Commits, snapshots and changes: rules for one thread, random sequences of events, and many threads at once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use provost_state::changes::CHANGES_KEPT;
use provost_state::{
    At, Backend, Cause, ChangeKind, Event, EventKind, Exit, Generation, Identity, Incarnation, Moment,
    PhaseKind, ProcessId, Reader, Registry, Rejected, Rollout, Routing, Version, registry,
};

fn now(ms: u64) -> Moment {
    Moment { wall_ms: ms, mono_ns: ms * 1_000_000 }
}

/// Returns one routing of each kind; all of them keep the same contract.
fn routings() -> [Routing; 5] {
    let atomic = |percent| Routing { backend: Backend::Atomic, rollout: Rollout::new(percent).unwrap() };
    let of = |backend| Routing { backend, rollout: Rollout::FULL };
    [atomic(100), atomic(50), atomic(0), of(Backend::Locked), of(Backend::Dual)]
}

fn with_processes(routing: Routing, count: usize) -> (Registry, Reader, Vec<ProcessId>) {
    let (registry, reader) = registry(|| 0);
    registry.reroute(routing);
    let ids =
        (0..count).map(|n| registry.add(Identity::new(format!("p{n}"), ""), now(0)).unwrap().id).collect();
    (registry, reader, ids)
}

fn at(reader: &Reader, id: ProcessId) -> At {
    let world = reader.snapshot();
    let state = world.get(id).unwrap();
    At { incarnation: state.incarnation, version: state.version }
}

fn start() -> Event {
    Event::Start { cause: Cause::User, reason: "r".into() }
}

fn spawned() -> Event {
    Event::Spawned { pid: 1, reason: "r".into() }
}

#[test]
fn an_exit_of_an_old_incarnation_changes_nothing() {
    routings().into_iter().for_each(an_exit_of_an_old_incarnation_changes_nothing_on);
}

fn an_exit_of_an_old_incarnation_changes_nothing_on(routing: Routing) {
    let (registry, reader, ids) = with_processes(routing, 1);
    for event in
        [start(), spawned(), Event::Exited { exit: Exit::Code(1), out_of_memory: false }, start(), spawned()]
    {
        registry.commit(ids[0], at(&reader, ids[0]), &event, now(1)).unwrap();
    }
    let before = reader.snapshot();
    let late = At { incarnation: Incarnation(1), ..at(&reader, ids[0]) };
    let refused = registry
        .commit(ids[0], late, &Event::Exited { exit: Exit::Code(1), out_of_memory: false }, now(2))
        .unwrap_err();
    assert_eq!(refused, Rejected::StaleIncarnation { expected: Incarnation(1), found: Incarnation(2) });
    assert_eq!(reader.snapshot().generation(), before.generation());
    assert_eq!(reader.counters().stale_incarnation, 1);
}

#[test]
fn a_conclusion_from_an_old_version_changes_nothing() {
    routings().into_iter().for_each(a_conclusion_from_an_old_version_changes_nothing_on);
}

fn a_conclusion_from_an_old_version_changes_nothing_on(routing: Routing) {
    let (registry, reader, ids) = with_processes(routing, 1);
    let old = at(&reader, ids[0]);
    registry.commit(ids[0], old, &start(), now(1)).unwrap();
    let refused = registry.commit(ids[0], old, &start(), now(2)).unwrap_err();
    assert_eq!(refused, Rejected::StaleVersion { expected: Version(0), found: Version(1) });
    assert_eq!(reader.counters().stale_version, 1);
}

#[test]
fn a_second_process_of_the_same_name_is_refused() {
    routings().into_iter().for_each(a_second_process_of_the_same_name_is_refused_on);
}

fn a_second_process_of_the_same_name_is_refused_on(routing: Routing) {
    let (registry, reader, _) = with_processes(routing, 1);
    let taken = registry.add(Identity::new("p0", ""), now(0)).unwrap_err();
    assert_eq!(&*taken.0, "p0");
    assert_eq!(reader.snapshot().len(), 1);
}

#[test]
fn a_snapshot_stays_as_it_was_taken() {
    routings().into_iter().for_each(a_snapshot_stays_as_it_was_taken_on);
}

fn a_snapshot_stays_as_it_was_taken_on(routing: Routing) {
    let (registry, reader, ids) = with_processes(routing, 100);
    let before = reader.snapshot();
    for id in &ids {
        registry.commit(*id, at(&reader, *id), &start(), now(1)).unwrap();
    }
    assert_eq!(before.counts().of(PhaseKind::Stopped), 100);
    assert_eq!(reader.snapshot().counts().of(PhaseKind::Waiting), 100);
    assert_eq!(before.generation(), Generation(100));
    assert_eq!(reader.snapshot().generation(), Generation(200));
}

#[test]
fn handles_and_pollers_see_every_commit() {
    routings().into_iter().for_each(handles_and_pollers_see_every_commit_on);
}

fn handles_and_pollers_see_every_commit_on(routing: Routing) {
    let (registry, reader, ids) = with_processes(routing, 3);
    let handle = reader.handle("p1").unwrap();
    let mut poller = reader.poller();
    assert_eq!(handle.status().phase(), PhaseKind::Stopped);
    for event in [start(), spawned()] {
        registry.commit(ids[1], at(&reader, ids[1]), &event, now(1)).unwrap();
    }
    let status = handle.status();
    assert_eq!((status.phase(), status.incarnation(), status.generation()), (PhaseKind::Starting, 1, 5));
    assert_eq!(poller.snapshot().generation(), Generation(5));
    assert!(reader.handle("nobody").is_none());
}

#[test]
fn changes_are_read_in_order_and_what_is_lost_is_counted() {
    routings().into_iter().for_each(changes_are_read_in_order_and_what_is_lost_is_counted_on);
}

fn changes_are_read_in_order_and_what_is_lost_is_counted_on(routing: Routing) {
    let (registry, reader, ids) = with_processes(routing, 1);
    let stop = Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: now(9) };
    for round in 0..CHANGES_KEPT as u64 {
        let event = if round % 2 == 0 { start() } else { stop.clone() };
        registry.commit(ids[0], at(&reader, ids[0]), &event, now(round)).unwrap();
    }
    let page = reader.changes_since(Generation(0), 10);
    assert_eq!((page.missed, page.changes.len(), page.cursor), (1, 10, Generation(11)));
    let page = reader.changes_since(page.cursor, usize::MAX);
    assert_eq!((page.missed, page.changes.len()), (0, CHANGES_KEPT - 10));
    let generations: Vec<u64> = page.changes.iter().map(|change| change.generation.0).collect();
    assert!(generations.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(page.changes[0].kind, ChangeKind::Event(EventKind::Start));
    assert!(reader.changes_since(page.cursor, 10).changes.is_empty());
    let beyond = reader.changes_since(Generation(u64::MAX), 10);
    assert_eq!((beyond.missed, beyond.changes.len(), beyond.cursor), (0, 0, Generation(u64::MAX)));
}

fn event(number: u8) -> Event {
    match number % 8 {
        0 => start(),
        1 => Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: now(9) },
        2 => Event::Wait { cause: Cause::Dependency, reason: "r".into() },
        3 => spawned(),
        4 => Event::SpawnFailed { error: "e".into() },
        5 => Event::Ready { reason: "r".into() },
        6 => Event::Exited { exit: Exit::Code(i32::from(number) - 100), out_of_memory: false },
        _ => Event::Decided {
            ruling: std::sync::Arc::new(provost_state::Ruling {
                action: provost_state::RulingAction::restart(u64::from(number)),
                by: "p".into(),
                reason: "r".into(),
                overruled: None,
            }),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_events_keeps_the_invariants(first in 0_usize..5,
        steps in prop::collection::vec((0_usize..5, any::<u8>(), any::<bool>(), 0_usize..40), 0..300),
   ) {
        let (registry, reader, ids) = with_processes(routings()[first], 5);
        let mut model: Vec<_> = ids.iter().map(|id| (**reader.snapshot().get(*id).unwrap()).clone()).collect();
        let mut generation = 5;
        for (which, number, fresh, switch) in steps {
            if let Some(routing) = routings().get(switch) {
                registry.reroute(*routing);
            }
            let before = reader.snapshot();
            let mut expected_at = at(&reader, ids[which]);
            if !fresh {
                expected_at.version = Version(expected_at.version.0 + 1);
            }
            let event = event(number);
            let expected = model[which].apply(&event, now(1));
            match registry.commit(ids[which], expected_at, &event, now(1)) {
                Ok(state) => {
                    generation += 1;
                    prop_assert!(fresh);
                    prop_assert_eq!(state.version.0, model[which].version.0 + 1);
                    prop_assert_eq!(state.generation.0, generation);
                    prop_assert!(state.incarnation >= model[which].incarnation);
                    let mut expected = expected.unwrap();
                    (expected.version, expected.generation) = (state.version, state.generation);
                    prop_assert_eq!(&*state, &expected);
                    prop_assert_eq!(reader.handle(state.name()).unwrap().status().phase(), state.phase.kind());
                    model[which] = expected;
                }
                Err(_) => {
                    prop_assert!(!fresh || expected.is_err());
                    prop_assert_eq!(reader.snapshot().generation(), before.generation());
                }
            }
        }
        prop_assert!(reader.take_differences().is_empty());
        let world = reader.snapshot();
        prop_assert!(world.iter().map(|state| &**state).eq(model.iter()));
        prop_assert_eq!(world.generation().0, generation);
    }
}

#[test]
fn readers_never_see_the_world_go_backwards_or_torn() {
    routings().into_iter().for_each(readers_never_see_the_world_go_backwards_or_torn_on);
}

fn readers_never_see_the_world_go_backwards_or_torn_on(routing: Routing) {
    const WRITERS: usize = 4;
    const ROUNDS: u64 = 2_000;
    let (registry, reader, ids) = with_processes(routing, WRITERS * 8);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watchers: Vec<_> = (0..3)
            .map(|_| {
                let (reader, done) = (reader.clone(), &done);
                scope.spawn(move || {
                    let mut last = reader.snapshot();
                    let mut looks = 0_u64;
                    while !done.load(Ordering::Acquire) || looks == 0 {
                        let world = reader.snapshot();
                        assert!(world.generation() >= last.generation());
                        // Each commit raises one version by one, so in a snapshot that is a prefix of the commit
                        // log the versions add up to the number of commits.
                        let versions: u64 = world.iter().map(|state| state.version.0).sum();
                        assert_eq!(versions + world.len() as u64, world.generation().0);
                        assert!(world.iter().zip(last.iter()).all(|(new, old)| new.version >= old.version));
                        last = world;
                        looks += 1;
                    }
                })
            })
            .collect();
        let writers: Vec<_> = ids
            .chunks(8)
            .map(|mine| {
                let (registry, reader) = (&registry, &reader);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let id = mine[usize::try_from(round).unwrap() % mine.len()];
                        let event = match reader.snapshot().get(id).unwrap().phase.kind() {
                            PhaseKind::Stopped | PhaseKind::Exited => start(),
                            PhaseKind::Waiting => spawned(),
                            _ => Event::Exited { exit: Exit::Code(1), out_of_memory: false },
                        };
                        registry.commit(id, at(reader, id), &event, now(round)).unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Release);
        for watcher in watchers {
            watcher.join().unwrap();
        }
    });
    assert_eq!(reader.counters().commits, WRITERS as u64 * ROUNDS + ids.len() as u64);
}

#[test]
fn a_reader_that_finds_a_name_also_finds_its_process() {
    routings().into_iter().for_each(a_reader_that_finds_a_name_also_finds_its_process_on);
}

fn a_reader_that_finds_a_name_also_finds_its_process_on(routing: Routing) {
    const PROCESSES: usize = 5_000;
    let (registry, reader, _) = with_processes(routing, 0);
    let names: Vec<String> = (0..PROCESSES).map(|n| format!("web.{n}")).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for name in &names {
                // Spin until the name is there: the test is about the moment in which it appears.
                let handle = loop {
                    if let Some(handle) = reader.handle(name) {
                        break handle;
                    }
                    std::hint::spin_loop();
                };
                let state = reader.state(handle.id);
                assert_eq!(state.map(|state| state.name().to_string()).as_ref(), Some(name), "{routing:?}");
                assert!(handle.status().generation() > 0);
            }
        });
        for name in &names {
            registry.add(Identity::new(name.as_str(), ""), now(0)).unwrap();
        }
    });
}
