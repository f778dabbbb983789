//! What comes into the journal, and in which order.

use std::time::Duration;

use provost_journal::{Bounds, Record, Wanted};
use provost_state::{Deaths, Noted, ProcessId, ProcessState};

use crate::harness::{BEGIN_MS, World, all, dir, files, generations, read, words};

#[test]
fn commits_and_notes_are_in_one_order_with_consecutive_numbers() {
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.order("start");
    let web = world.live(&web);
    world.order("stop");
    world.live(&web);
    world.note(Noted::HostEnded { code: 0 });
    world.end();
    let entries = all(&dir);
    insta::assert_snapshot!(words(&entries).join("\n"), @"
    host_started
    1 Added
    order start
    2 Event(Start)
    3 Event(Spawned)
    4 Event(Exited)
    order stop
    5 Event(Start)
    6 Event(Spawned)
    7 Event(Exited)
    host_ended
    ");
    assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq));
}

#[test]
fn a_commit_is_read_back_with_everything_that_it_published() {
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.clock.advance_ms(1_234);
    let ended = world.live(&web);
    world.end();
    let entries = all(&dir);
    let Some(Record::Commit(last)) = entries.last().map(|entry| &entry.record) else {
        unreachable!("the last record is a commit");
    };
    let expected = ProcessState { id: ProcessId::NOBODY, deaths: Deaths::default(), ..(*ended).clone() };
    assert_eq!(*last.state, expected);
}

#[test]
fn a_reader_sees_what_is_written_while_the_host_runs() {
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let mut web = world.add("web");
    let mut records = 2;
    for _ in 0..10 {
        web = world.live(&web);
        records += 3;
        world.written(records);
        assert_eq!(all(&dir).len() as u64, records);
    }
    world.end();
    assert_eq!(all(&dir).len() as u64, records);
    let names: Vec<_> = files(&dir).iter().map(|file| file.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["00000000000000000001.sealed"]);
}

#[test]
fn the_next_host_goes_on_with_the_numbers_of_the_last_one() {
    let (_home, dir) = dir();
    for _ in 0..3 {
        let world = World::begin(&dir, Bounds::default());
        let web = world.add("web");
        world.live(&web);
        world.end();
    }
    let entries = all(&dir);
    assert_eq!(entries.len(), 3 * 5);
    assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq));
    assert_eq!(files(&dir).len(), 3);
    assert!(provost_journal::inspect(&dir).unwrap().problems.is_empty());
}

#[test]
fn a_journal_that_was_lapped_tells_how_much_it_missed_and_writes_all_states() {
    let (_home, dir) = dir();
    let world = World::idle();
    let mut web = world.add("web");
    world.add("other");
    for _ in 0..4_000 {
        web = world.live(&web);
    }
    // Only now does the thread begin to read.
    world.follow(&dir, Bounds::default());
    let latest = world.reader.latest();
    world.end();
    let entries = all(&dir);
    let Record::Gap(gap) = &entries[0].record else { unreachable!("the first record is the gap") };
    let commits = generations(&entries);
    assert_eq!(gap.count + commits.len() as u64, latest.0);
    assert_eq!(commits.last(), Some(&latest));
    let tail = words(&entries[entries.len() - 3..]);
    assert_eq!(tail, ["checkpoint", "standing web", "standing other"]);
    let Record::Standing(state) = &entries[entries.len() - 2].record else { unreachable!("it is a state") };
    assert_eq!(**state, ProcessState { id: ProcessId::NOBODY, ..(*web).clone() });
}

#[test]
fn more_notes_than_the_queue_takes_are_counted() {
    let (_home, dir) = dir();
    let world = World::idle();
    for _ in 0..20_000 {
        world.order("stop");
    }
    assert_eq!(world.journal.figures().dropped, 20_000 - 16_384);
    world.follow(&dir, Bounds::default());
    world.end();
    let entries = all(&dir);
    assert_eq!(words(&entries[..1]), ["gap queue_full 3616"]);
    assert_eq!(entries.len(), 16_385);
}

#[test]
fn only_the_wanted_time_and_the_segments_of_the_wanted_name_are_read() {
    let (_home, dir) = dir();
    for name in ["web", "db"] {
        let world = World::idle();
        if name == "db" {
            world.clock.advance_ms(10_000);
        }
        world.follow(&dir, Bounds::default());
        let state = world.add(name);
        world.live(&state);
        world.end();
    }
    let since = Wanted { since_ms: Some(BEGIN_MS + 5_000), ..Wanted::default() };
    assert_eq!(generations(&read(&dir, &since)).len(), 4);
    let until = Wanted { until_ms: Some(BEGIN_MS + 5_000), ..Wanted::default() };
    assert_eq!(generations(&read(&dir, &until)).len(), 4);
    assert!(provost_journal::History::new(&dir).exists());
}

#[test]
fn a_question_about_one_name_reads_the_segments_that_may_concern_it() {
    let (_home, dir) = dir();
    let bounds = Bounds { bytes_max: 1 << 20, ..Bounds::default() };
    let world = World::begin(&dir, bounds);
    let (mut web, db) = (world.add("web"), world.add("db.1"));
    world.live(&db);
    let mut records = 6;
    // Of the segments that follow, each begins with the states of both.
    for _ in 0..30 {
        for _ in 0..100 {
            web = world.live(&web);
            records += 3;
        }
        world.written(records);
    }
    world.end();
    let of = |name: &str| read(&dir, &Wanted { name: Some(name.to_owned()), ..Wanted::default() });
    let whole = all(&dir);
    assert!(files(&dir).len() > 2 && whole[0].seq == 1, "nothing was removed");
    let first = whole.iter().take_while(|entry| !matches!(entry.record, Record::Checkpoint { .. })).count();
    for name in ["db.1", "db", "absent"] {
        assert_eq!(of(name), whole[..first], "{name}: nothing of it is in the later segments");
    }
    assert_eq!(of("web"), whole);

    // The start of a host concerns every process: what is known of the former one is over.
    let world = World::begin(&dir, bounds);
    world.add("web");
    world.end();
    assert_eq!(words(&of("db")[first..]), ["host_started", "1 Added"]);
}

#[test]
fn a_journal_that_takes_notes_and_follows_nothing_does_not_end() {
    let journal = provost_journal::Journal::new();
    assert!(!journal.end(Duration::from_millis(1)), "there is no thread that could end");
}
