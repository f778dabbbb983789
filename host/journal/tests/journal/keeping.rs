//! How much is kept.

use provost_journal::{Bounds, Record, inspect};
use provost_state::ProcessState;

use crate::harness::{World, all, dir, files, generations, words};

#[test]
fn the_oldest_segments_are_removed_and_every_segment_begins_with_all_states_and_plugins() {
    let (_home, dir) = dir();
    let bounds = Bounds { bytes_max: 256 << 10, ..Bounds::default() };
    let world = World::begin(&dir, bounds);
    world.plugin("load", "backoff", Some(1));
    world.plugin("load", "gone", Some(1));
    world.plugin("swap", "backoff", Some(2));
    world.plugin("unload", "gone", None);
    let mut web = world.add("web");
    let mut records = 6;
    for _ in 0..1_500 {
        web = world.live(&web);
        records += 3;
        world.written(records);
    }
    world.end();
    let found = inspect(&dir).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert!(found.bytes() < (256 << 10) + (128 << 10), "{} bytes", found.bytes());
    assert!(found.segments[0].first_seq > 1, "the oldest are gone");
    let entries = all(&dir);
    assert_eq!(words(&entries[..3]), ["checkpoint", "standing web", "in_force backoff Some(2)"]);
    let commits = generations(&entries);
    assert!(commits.windows(2).all(|pair| pair[1] == pair[0].next()), "no commit is missing");
    // The states can be built from the first segment on.
    let Record::Standing(first) = &entries[1].record else { unreachable!("it is a state") };
    assert_eq!(first.generation.next(), commits[0]);
    let Some(Record::Commit(last)) = entries.last().map(|entry| &entry.record) else {
        unreachable!("the last record is a commit");
    };
    let known = ProcessState { id: last.state.id, deaths: last.state.deaths.clone(), ..(*web).clone() };
    assert_eq!(*last.state, known);
}

#[test]
fn a_segment_is_complete_after_an_hour() {
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.written(2);
    world.clock.advance_ms(3_600_000);
    world.live(&web);
    world.written(7);
    world.end();
    assert_eq!(files(&dir).len(), 2);
    let entries = all(&dir);
    let begin = entries.iter().position(|entry| matches!(entry.record, Record::Checkpoint { .. })).unwrap();
    assert_eq!(words(&entries[begin..begin + 2]), ["checkpoint", "standing web"]);
}
