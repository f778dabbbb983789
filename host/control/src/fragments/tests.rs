//! Tests of the fragments: each answer equals a fresh rendering, and each version is rendered once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use provost_api as api;
use provost_state::{
    At, Backend, Cause, Event, Exit, Identity, Moment, ProcessId, ProcessState, Reader, Registry, Rollout,
    Routing, Ruling, RulingAction, Snapshot, registry,
};

use super::fields::FIELDS;
use super::*;
use crate::convert::{self, Wall};

/// The wall time of the first event, in milliseconds.
const BEGUN_MS: u64 = 1_795_417_200_123;

fn moment(ms: u64) -> Moment {
    Moment { wall_ms: BEGUN_MS + ms, mono_ns: ms * 1_000_000 }
}

fn fresh_array(world: &Snapshot, wall: Wall) -> String {
    let all: Vec<_> = world.iter().map(|state| convert::process(state, wall)).collect();
    serde_json::to_string(&all).unwrap()
}

/// Returns the array with the fields of these names, which have to be in order.
fn fresh_fields(world: &Snapshot, wall: Wall, names: &[&str]) -> String {
    let object = |state: &Arc<ProcessState>| {
        let value = serde_json::to_value(convert::process(state, wall)).unwrap();
        let fields: Vec<_> = names.iter().map(|name| format!("\"{name}\":{}", value[name])).collect();
        format!("{{{}}}", fields.join(","))
    };
    format!("[{}]", world.iter().map(object).collect::<Vec<_>>().join(","))
}

/// A generator of random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn event(random: &mut Random) -> Event {
    let reason: Arc<str> =
        ["it listens", "say \"hi\"\n\u{1}", "λ, and a } brace", ""][random.below(4)].into();
    let ruling = Ruling {
        action: RulingAction::restart(200),
        by: "backoff".into(),
        reason: reason.clone(),
        overruled: None,
    };
    match random.below(8) {
        0 => Event::Start { cause: Cause::User, reason },
        1 | 2 => Event::Spawned { pid: 1 + random.below(9_999) as u32, reason },
        3 | 4 => Event::Ready { reason },
        5 => Event::Exited {
            exit: [Exit::Code(3), Exit::Signal(9), Exit::Unobserved][random.below(3)].clone(),
            out_of_memory: false,
        },
        _ => Event::Decided { ruling: ruling.into() },
    }
}

fn with_processes(count: usize) -> (Registry, Reader, Vec<ProcessId>) {
    let (registry, reader) = registry(|| 0);
    let add = |number| {
        let identity = Identity::new(format!("p{number}"), if number % 3 == 0 { "g" } else { "" });
        registry.add(identity, moment(0)).unwrap().id
    };
    let ids = (0..count).map(add).collect();
    (registry, reader, ids)
}

/// Commits an event, if the process has such an edge now.
fn commit(registry: &Registry, reader: &Reader, id: ProcessId, event: &Event, ms: u64) {
    let state = reader.state(id).unwrap();
    let at = At { incarnation: state.incarnation, version: state.version };
    let _ = registry.commit(id, at, event, moment(ms));
}

fn start(registry: &Registry, reader: &Reader, id: ProcessId) {
    let event = Event::Start { cause: Cause::Boot, reason: "boot".into() };
    commit(registry, reader, id, &event, 1);
}

#[test]
fn the_fields_are_those_of_the_api_in_the_same_order() {
    let object = serde_json::to_string(&api::Process::default()).unwrap();
    // Without `preserve_order`, a map of serde_json has another order.
    let at = FIELDS.map(|field| object.find(&format!("\"{field}\":")).unwrap());
    assert!(at.is_sorted(), "{object}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&object).unwrap().as_object().unwrap().len(),
        FIELDS.len()
    );
}

#[test]
fn every_answer_equals_a_fresh_rendering_of_its_snapshot() {
    for seed in 1..=20 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let (registry, reader, mut ids) = with_processes(90);
        let fragments = Fragments::default();
        let mut kept = Vec::new();
        let mut wall = Wall::at(moment(0));
        for step in 0..300 {
            for _ in 0..random.below(4) {
                let id = ids[random.below(ids.len())];
                commit(&registry, &reader, id, &event(&mut random), step * 10);
            }
            match random.below(40) {
                0 => {
                    let backend = Backend::ALL[random.below(3)];
                    registry.reroute(Routing { backend, rollout: Rollout::new(100).unwrap() });
                }
                // The clock is set.
                1 => wall = Wall::at(Moment { wall_ms: BEGUN_MS + random.below(1 << 30) as u64, mono_ns: 0 }),
                2 | 7 => {
                    let identity = Identity::new(format!("n{step}"), "");
                    ids.push(registry.add(identity, moment(step)).unwrap().id);
                }
                3 => kept.push(reader.snapshot()),
                4..=6 => {
                    // Only a process at rest is removed.
                    let at = random.below(ids.len());
                    if registry.remove(ids[at], moment(step)).is_ok() {
                        ids.swap_remove(at);
                    }
                }
                _ => {}
            }
            // A snapshot that is held for long is answered from as well as the latest one.
            let held = !kept.is_empty() && random.below(4) == 0;
            let world = if held { kept[random.below(kept.len())].clone() } else { reader.snapshot() };
            // Six choices of fields share three places.
            let names = &FIELDS[..1 + random.below(6)];
            let some = fragments.all(&world, Some(&Fields::named(names.iter().copied()).unwrap()), wall);
            let fresh = fresh_fields(&world, wall, names);
            assert_eq!(std::str::from_utf8(&some).unwrap(), fresh, "seed {seed}, step {step}, {names:?}");
            let all = fragments.all(&world, None, wall);
            assert_eq!(
                std::str::from_utf8(&all).unwrap(),
                fresh_array(&world, wall),
                "seed {seed}, step {step}"
            );
        }
    }
}

#[test]
fn chosen_fields_are_those_of_the_whole_object() {
    let (registry, reader, ids) = with_processes(3);
    start(&registry, &reader, ids[1]);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    let world = reader.snapshot();
    let mut random = Random(7);
    for _ in 0..500 {
        let names: Vec<&str> = FIELDS.into_iter().filter(|_| random.below(3) == 0).collect();
        let fields = Fields::named(names.iter().copied()).unwrap();
        let mut some = Vec::new();
        fragments.push(&world, world.iter(), Some(&fields), wall, &mut some);
        let some: Vec<serde_json::Value> = serde_json::from_slice(&some).unwrap();
        let all: Vec<serde_json::Value> = serde_json::from_slice(&fragments.all(&world, None, wall)).unwrap();
        for (some, all) in some.iter().zip(&all) {
            assert_eq!(some.as_object().unwrap().len(), names.len());
            assert!(names.iter().all(|name| some[name] == all[name]), "{some} of {all}");
        }
        assert_eq!((some.len(), all.len()), (3, 3));
    }
}

#[test]
fn an_unknown_field_is_refused_with_those_that_are_known() {
    insta::assert_snapshot!(
        Fields::named(["name", "pidd"]).unwrap_err(),
        @"a process has no field `pidd`; it has name, type, group, phase, desired, pid, incarnation, version, generation, restarts, failures, ready, health, failing, exit, cause, reason, started_at, ended_at, next_action_at, decision"
    );
}

#[test]
fn each_version_is_rendered_once_for_all_answers() {
    let (registry, reader, ids) = with_processes(100);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    let rendered = || fragments.renderings.load(Ordering::Relaxed);
    let fields = Fields::named(["name"]).unwrap();
    for _ in 0..3 {
        let world = reader.snapshot();
        fragments.all(&world, None, wall);
        fragments.one(&world, world.get(ids[5]).unwrap(), wall);
        fragments.push(&world, world.iter(), Some(&fields), wall, &mut Vec::new());
    }
    assert_eq!(rendered(), 100);
    start(&registry, &reader, ids[5]);
    for _ in 0..3 {
        fragments.all(&reader.snapshot(), None, wall);
    }
    assert_eq!(rendered(), 101, "one process has changed");
    let set = Wall::at(Moment { wall_ms: 0, mono_ns: 0 });
    fragments.all(&reader.snapshot(), None, set);
    assert_eq!(rendered(), 201, "the clock was set, so all times are new");
}

#[test]
fn a_reader_of_an_old_snapshot_does_not_displace_what_others_need() {
    let (registry, reader, ids) = with_processes(1);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    let old = reader.snapshot();
    start(&registry, &reader, ids[0]);
    let new = reader.snapshot();
    let expected = fragments.all(&new, None, wall);
    assert_ne!(fragments.all(&old, None, wall), expected);
    let rendered = fragments.renderings.load(Ordering::Relaxed);
    let again = fragments.all(&new, None, wall);
    assert_eq!((&again, fragments.renderings.load(Ordering::Relaxed)), (&expected, rendered));
    assert_eq!(again.as_ptr(), expected.as_ptr(), "all answers share the same bytes");
}

#[test]
fn readers_beside_a_writer_get_what_their_snapshot_has() {
    let (registry, reader, ids) = with_processes(70);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = 0;
                    while !over.load(Ordering::Acquire) || answers < 20 {
                        let world = reader.snapshot();
                        let all = fragments.all(&world, None, wall);
                        assert_eq!(std::str::from_utf8(&all).unwrap(), fresh_array(&world, wall));
                        answers += 1;
                    }
                })
            })
            .collect();
        let mut random = Random(3);
        for step in 0..3_000 {
            commit(&registry, &reader, ids[random.below(ids.len())], &event(&mut random), step);
        }
        over.store(true, Ordering::Release);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn each_event_has_its_own_line_for_every_follower() {
    let (registry, reader, ids) = with_processes(4);
    let mut random = Random(11);
    for step in 0..2_000 {
        commit(&registry, &reader, ids[random.below(4)], &event(&mut random), step);
    }
    let page = reader.changes_since(provost_state::Generation(0), 10_000);
    assert!(page.changes.len() > 500, "{}", page.changes.len());
    let (lines, walls) = (Lines::default(), [Wall::at(moment(0)), Wall::at(Moment::default())]);
    // Followers at different places, one of which is far behind, and one of which sees a clock that was set.
    for (ahead, behind) in page.changes.iter().skip(300).zip(&page.changes) {
        for (change, wall) in [(ahead, walls[0]), (behind, walls[0]), (ahead, walls[1]), (ahead, walls[0])] {
            let mut line = Vec::new();
            lines.push(change, wall, &mut line);
            let fresh = serde_json::to_string(&convert::event(change, wall)).unwrap();
            assert_eq!(String::from_utf8(line).unwrap(), fresh);
        }
    }
}

#[test]
fn a_reader_does_not_wait_for_one_that_has_stopped_in_the_middle() {
    let (registry, reader, ids) = with_processes(2);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    let world = reader.snapshot();
    // The first reader stops while it takes the second process; another one then answers, also after a change.
    let mut others = 0;
    let states = world.iter().inspect(|state| {
        if state.id == ids[1] {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    start(&registry, &reader, ids[0]);
                    fragments.all(&reader.snapshot(), None, wall).len()
                });
                others = other.join().unwrap();
            });
        }
    });
    let mut bytes = Vec::new();
    fragments.push(&world, states, None, wall, &mut bytes);
    assert!(others > 0);
    assert_eq!(String::from_utf8(bytes).unwrap(), fresh_array(&world, wall));
}

#[test]
fn the_fragment_of_a_removed_process_is_dropped_and_its_successor_gets_its_own() {
    let (registry, reader, ids) = with_processes(10);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    let old = reader.snapshot();
    fragments.all(&old, None, wall);
    assert_eq!(fragments.kept(), 10);
    registry.remove(ids[3], moment(5)).unwrap();
    let world = reader.snapshot();
    // Any answer drops it, also one that is about other processes.
    fragments.push(&world, world.iter().take(1), None, wall, &mut Vec::new());
    fragments.sweep(&world);
    assert_eq!(fragments.kept(), 9);
    let without = fragments.all(&world, None, wall);
    assert_eq!(std::str::from_utf8(&without).unwrap(), fresh_array(&world, wall));
    // A reader of the old snapshot gets the removed process, and does not keep it alive.
    assert_eq!(std::str::from_utf8(&fragments.all(&old, None, wall)).unwrap(), fresh_array(&old, wall));
    assert_eq!(fragments.kept(), 9);
    let next = registry.add(Identity::new("next", ""), moment(6)).unwrap().id;
    assert_eq!(next.index(), ids[3].index(), "the slot is used again");
    let world = reader.snapshot();
    assert_eq!(std::str::from_utf8(&fragments.all(&world, None, wall)).unwrap(), fresh_array(&world, wall));
    assert_eq!(std::str::from_utf8(&fragments.all(&old, None, wall)).unwrap(), fresh_array(&old, wall));
    assert_eq!(fragments.kept(), 10);
}

#[test]
fn many_removals_between_two_answers_leave_no_fragment_behind() {
    let (registry, reader, ids) = with_processes(300);
    let (fragments, wall) = (Fragments::default(), Wall::at(moment(0)));
    fragments.all(&reader.snapshot(), None, wall);
    ids[..280].iter().for_each(|id| drop(registry.remove(*id, moment(1)).unwrap()));
    // More than the registry remembers.
    for number in 0..100_000 {
        let id = registry.add(Identity::new(format!("n{number}"), ""), moment(2)).unwrap().id;
        registry.remove(id, moment(3)).unwrap();
    }
    let world = reader.snapshot();
    assert!(world.removed_since(provost_state::Generation(300)).is_none(), "they are forgotten");
    fragments.all(&world, None, wall);
    assert_eq!(fragments.kept(), 20);
}
