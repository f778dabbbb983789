//! Disks that refuse: what is lost is counted and told, also while there is no room to tell it, and the journal goes on. The
//! faults are injected into the whole program, so each test has them for itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "journal/harness.rs"]
#[expect(dead_code, reason = "these tests use a part of the harness")]
mod harness;

use std::time::Duration;

use fail::FailScenario;
use harness::{World, all, dir, eventually, files, generations, words};
use provost_journal::{Bounds, GapReason, Record, Sync, inspect};

/// The number of the error of a full disk.
const FULL: &str = "return(28)";

fn trouble(world: &World) -> String {
    eventually("trouble is shown", || world.journal.figures().trouble.is_some());
    world.journal.figures().trouble.unwrap().to_string()
}

fn recovered(world: &World) {
    eventually("the trouble is over", || {
        world.clock.advance_ms(1_000);
        world.journal.nudge();
        world.journal.figures().trouble.is_none()
    });
}

#[test]
fn on_a_full_disk_what_is_lost_is_counted_and_told_with_all_states_when_there_is_room_again() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.written(2);
    fail::cfg("journal.write", FULL).unwrap();
    let web = world.live(&web);
    assert!(trouble(&world).ends_with("No space left on device (os error 28)"));
    eventually("all are counted", || words(&all(&dir)).last().is_some_and(|last| last == "gap disk_full 3"));
    fail::remove("journal.write");
    recovered(&world);
    world.written(5);
    world.live(&web);
    world.end();
    let words = words(&all(&dir));
    assert_eq!(
        words,
        [
            "host_started",
            "1 Added",
            "gap disk_full 3",
            "checkpoint",
            "standing web",
            "5 Event(Start)",
            "6 Event(Spawned)",
            "7 Event(Exited)"
        ],
        "the gap is told once, although it is in the reserved place, too"
    );
    assert!(inspect(&dir).unwrap().problems.is_empty());
    scenario.teardown();
}

#[test]
fn a_host_that_is_killed_while_the_disk_is_full_has_told_the_gap() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.written(2);
    fail::cfg("journal.write", FULL).unwrap();
    world.live(&web);
    eventually("all are counted", || words(&all(&dir)).last().is_some_and(|last| last == "gap disk_full 3"));
    // Killed: the segment stays as it is.
    let killed = std::fs::read(&files(&dir)[0]).unwrap();
    fail::remove("journal.write");
    world.end();
    for file in files(&dir) {
        std::fs::remove_file(file).unwrap();
    }
    let path = dir.join("00000000000000000001.seg");
    provost_files::create_new(&path, provost_files::Access::Private, &[&killed]).unwrap();
    let next = World::begin(&dir, Bounds::default());
    next.written(1);
    next.end();
    assert_eq!(words(&all(&dir)), ["host_started", "1 Added", "gap disk_full 3", "host_started"]);
    scenario.teardown();
}

#[test]
fn a_sync_that_fails_begins_another_segment_and_tells_what_may_be_missing() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let bounds = Bounds { sync: Sync::Within(Duration::ZERO), ..Bounds::default() };
    fail::cfg("journal.sync", "return(5)").unwrap();
    let world = World::begin(&dir, bounds);
    assert!(trouble(&world).ends_with("Input/output error (os error 5)"));
    fail::remove("journal.sync");
    recovered(&world);
    let web = world.add("web");
    world.live(&web);
    world.end();
    let entries = all(&dir);
    assert_eq!(words(&entries[..2]), ["host_started", "gap not_synced 1"]);
    assert_eq!(files(&dir).len(), 2);
    assert!(inspect(&dir).unwrap().problems.is_empty());
    scenario.teardown();
}

#[test]
fn a_directory_that_is_removed_is_made_again_and_the_loss_is_told() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let bounds = Bounds { sync: Sync::Within(Duration::from_secs(1)), ..Bounds::default() };
    let world = World::begin(&dir, bounds);
    world.written(1);
    std::fs::remove_dir_all(&dir).unwrap();
    world.clock.advance_ms(1_000);
    world.journal.nudge();
    let told = || {
        world.clock.advance_ms(1_000);
        world.journal.nudge();
        dir.exists() && words(&all(&dir)).first().is_some_and(|first| first.starts_with("gap removed"))
    };
    world.add("web");
    eventually("the loss is told", told);
    world.end();
    scenario.teardown();
}

#[test]
fn a_directory_that_cannot_be_opened_is_tried_again_and_nothing_is_lost() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    fail::cfg("journal.open", "return").unwrap();
    let world = World::begin(&dir, Bounds::default());
    assert!(trouble(&world).ends_with("injected"));
    fail::remove("journal.open");
    let web = world.add("web");
    world.live(&web);
    recovered(&world);
    world.end();
    assert_eq!(all(&dir).len(), 5);
    scenario.teardown();
}

#[test]
fn a_segment_that_cannot_be_created_loses_only_what_came_before_the_next_try() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    fail::cfg("journal.create", FULL).unwrap();
    let world = World::begin(&dir, Bounds::default());
    assert!(trouble(&world).ends_with("(os error 28)"));
    fail::remove("journal.create");
    recovered(&world);
    let web = world.add("web");
    world.live(&web);
    world.end();
    let entries = all(&dir);
    assert!(matches!(entries[0].record, Record::Gap(gap) if gap.count == 1), "{:?}", words(&entries));
    scenario.teardown();
}

#[test]
fn a_segment_that_was_created_and_cannot_be_opened_does_not_stand_in_the_way_of_the_next_try() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    // No descriptor is left, which passes.
    fail::cfg("journal.opened", "return(24)").unwrap();
    let world = World::begin(&dir, Bounds::default());
    assert!(trouble(&world).ends_with("(os error 24)"));
    fail::remove("journal.opened");
    recovered(&world);
    let web = world.add("web");
    world.live(&web);
    world.end();
    let entries = all(&dir);
    assert!(matches!(entries[0].record, Record::Gap(gap) if gap.count == 1), "{:?}", words(&entries));
    scenario.teardown();
}

#[test]
fn with_decisions_synced_an_exit_is_on_the_disk_before_the_thread_rests() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds { sync: Sync::Decision, ..Bounds::default() });
    let web = world.add("web");
    world.written(2);
    fail::cfg("journal.sync", "return(5)").unwrap();
    world.live(&web);
    assert!(
        trouble(&world).ends_with("(os error 5)"),
        "the clock stands still, so only the exit can be the reason"
    );
    fail::remove("journal.sync");
    world.end();
    scenario.teardown();
}

#[test]
fn while_the_disk_hangs_nobody_waits_and_what_is_dropped_is_told_afterwards() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let mut web = world.add("web");
    world.written(2);
    fail::cfg("journal.write", "pause").unwrap();
    web = world.live(&web);
    eventually("the thread waits for the disk", || world.journal.figures().busy_since_ns.is_some());
    // More than the ring of changes and the queue of notes have places for.
    for _ in 0..3_000 {
        web = world.live(&web);
    }
    for _ in 0..20_000 {
        world.order("stop");
    }
    assert!(world.journal.figures().busy_since_ns.is_some(), "it hangs all the time");
    assert!(world.journal.figures().dropped > 3_000);
    assert!(!world.journal.end(Duration::from_millis(1)), "the end of the host does not wait for it either");
    let latest = world.reader.latest();
    fail::remove("journal.write");
    world.end();
    let entries = all(&dir);
    let lost = |reason: GapReason| {
        let gaps = entries.iter().filter_map(|entry| match entry.record {
            Record::Gap(gap) if gap.reason == reason => Some(gap.count),
            _ => None,
        });
        gaps.sum::<u64>()
    };
    assert!(lost(GapReason::Lapped) > 0);
    assert_eq!(generations(&entries).len() as u64 + lost(GapReason::Lapped), latest.0);
    let orders = words(&entries).iter().filter(|word| *word == "order stop").count() as u64;
    assert_eq!(orders + lost(GapReason::QueueFull), 20_000);
    assert!(words(&entries).ends_with(&["checkpoint".to_owned(), "standing web".to_owned()]));
    assert!(inspect(&dir).unwrap().problems.is_empty());
    scenario.teardown();
}

#[test]
fn what_a_panic_of_the_thread_loses_is_told_with_all_states() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.written(2);
    fail::cfg("journal.write", "1*panic(injected)").unwrap();
    let web = world.live(&web);
    assert!(trouble(&world).ends_with("its thread panicked, and is started again"));
    assert_eq!(world.journal.figures().busy_since_ns, None, "it does not wait for the disk");
    eventually("the trouble is over", || world.journal.figures().trouble.is_none());
    world.live(&web);
    let latest = world.reader.latest();
    let journal = world.journal.clone();
    world.end();
    let entries = all(&dir);
    assert_eq!(words(&entries[..2]), ["host_started", "1 Added"]);
    let Record::Gap(gap) = entries[2].record else { unreachable!("{:?}", words(&entries)) };
    assert_eq!(gap.reason, GapReason::Panicked);
    assert_eq!(gap.count + generations(&entries).len() as u64, latest.0);
    assert!(words(&entries).contains(&"standing web".to_owned()), "{:?}", words(&entries));
    assert!(entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq));
    assert_eq!(journal.figures().records, entries.len() as u64, "the figures go on");
    assert!(inspect(&dir).unwrap().problems.is_empty());
    scenario.teardown();
}

#[test]
fn a_gap_that_was_not_told_yet_outlives_a_panic() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.written(2);
    fail::cfg("journal.write", "1*return(28)->1*panic(injected)").unwrap();
    let web = world.live(&web);
    assert!(trouble(&world).ends_with("No space left on device (os error 28)"));
    let panicked = || {
        world.clock.advance_ms(1_000);
        world.journal.nudge();
        world.journal.figures().trouble.is_some_and(|trouble| trouble.to_string().contains("panicked"))
    };
    eventually("the thread panics", panicked);
    world.live(&web);
    let latest = world.reader.latest();
    world.end();
    let entries = all(&dir);
    let Record::Gap(gap) = entries[2].record else { unreachable!("{:?}", words(&entries)) };
    assert_eq!(gap.reason, GapReason::DiskFull, "the first reason stays");
    assert_eq!(gap.count + generations(&entries).len() as u64, latest.0);
    scenario.teardown();
}

#[test]
fn a_thread_that_panics_again_and_again_ends_with_the_host() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    world.written(2);
    fail::cfg("journal.write", "panic(injected)").unwrap();
    world.live(&web);
    assert!(trouble(&world).contains("panicked"));
    world.end();
    assert_eq!(words(&all(&dir)), ["host_started", "1 Added"]);
    scenario.teardown();
}

#[test]
fn a_disk_that_is_nearly_full_is_reported_before_anything_is_lost_and_until_it_has_room() {
    let scenario = FailScenario::setup();
    let (_home, dir) = dir();
    fail::cfg("journal.room", "return(2500000)").unwrap();
    let world = World::begin(&dir, Bounds::default());
    let web = world.add("web");
    let told = trouble(&world);
    assert!(told.contains("journal: less than 3 MiB are free on its disk"), "{told}");
    world.live(&web);
    world.written(5);
    assert_eq!(trouble(&world), told, "it is not over");
    fail::remove("journal.room");
    recovered(&world);
    world.end();
    assert_eq!(all(&dir).len(), 5, "nothing was lost");
    scenario.teardown();
}
