//! A segment that is cut or changed at any byte: what is before it is read, the gap is told, and nothing panics.

use std::path::Path;

use provost_journal::{Bounds, Entry, Gap, GapReason, Record, inspect};

use crate::harness::{World, all, dir, files, words};

/// Returns the bytes of a segment of several blocks, as it is while its host lives, and where each of its blocks ends.
fn segment() -> (Vec<u8>, Vec<usize>, Vec<Entry>) {
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let mut ends = Vec::new();
    let mut web = world.add("web");
    for round in 1..=6 {
        world.written(2 + 3 * (round - 1));
        ends.push(std::fs::read(&files(&dir)[0]).unwrap().len());
        web = world.live(&web);
    }
    world.written(20);
    let bytes = std::fs::read(&files(&dir)[0]).unwrap();
    ends.push(bytes.len());
    let entries = all(&dir);
    world.end();
    (bytes, ends, entries)
}

fn put(dir: &Path, name: &str, bytes: &[u8]) {
    provost_files::own_dir(dir).unwrap();
    let path = dir.join(name);
    let _ = std::fs::remove_file(&path);
    provost_files::create_new(&path, provost_files::Access::Private, &[bytes]).unwrap();
}

fn gaps(entries: &[Entry]) -> Vec<Gap> {
    let gap = |entry: &Entry| match entry.record {
        Record::Gap(gap) => Some(gap),
        _ => None,
    };
    entries.iter().filter_map(gap).collect()
}

const OPEN: &str = "00000000000000000001.seg";

#[test]
fn of_a_segment_that_is_cut_at_any_byte_the_whole_blocks_are_read() {
    let (bytes, ends, entries) = segment();
    let (_home, dir) = dir();
    let mut lengths = std::collections::BTreeSet::new();
    for cut in 0..=bytes.len() {
        put(&dir, OPEN, &bytes[..cut]);
        let read = all(&dir);
        assert_eq!(read, entries[..read.len()], "cut at {cut}");
        lengths.insert(read.len());
        if ends.contains(&cut) {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert!(read.len() + 1 >= 3 * whole, "{} records of {whole} rounds, cut at {cut}", read.len());
        }
        let found = inspect(&dir).unwrap();
        assert!(found.problems.is_empty(), "the end of the last segment is not a problem: {found:?}");
        assert_eq!(found.records(), read.len() as u64);
    }
    assert_eq!(lengths.last(), Some(&entries.len()));
    assert!(lengths.len() > 5, "there are several blocks: {lengths:?}");
}

#[test]
fn the_next_host_cuts_the_torn_end_tells_the_gap_and_goes_on() {
    let (bytes, _, entries) = segment();
    // Each cut makes files and syncs them, so not all are tried; every block is cut at some places.
    for cut in (0..bytes.len()).rev().step_by(37) {
        let (_home, dir) = dir();
        put(&dir, OPEN, &bytes[..cut]);
        let before = all(&dir).len();
        let world = World::begin(&dir, Bounds::default());
        world.add("other");
        world.end();
        let read = all(&dir);
        assert_eq!(read[..before], entries[..before], "cut at {cut}");
        let after = words(&read[before..]);
        let told = matches!(read[before].record, Record::Gap(gap) if gap.reason == GapReason::Torn);
        assert_eq!(after[usize::from(told)..], ["host_started", "1 Added"], "cut at {cut}");
        assert!(read.iter().zip(1..).all(|(entry, seq)| entry.seq == seq), "cut at {cut}");
        let found = inspect(&dir).unwrap();
        assert!(found.problems.is_empty(), "cut at {cut}: {:?}", found.problems);
        assert_eq!(found.gaps, gaps(&read), "cut at {cut}");
    }
}

/// Returns the bytes of a sealed segment, and its records.
fn sealed() -> (Vec<u8>, Vec<Entry>) {
    let (_home, dir) = dir();
    let world = World::begin(&dir, Bounds::default());
    let mut web = world.add("web");
    for round in 1..=4 {
        world.written(2 + 3 * (round - 1));
        web = world.live(&web);
    }
    world.end();
    (std::fs::read(&files(&dir)[0]).unwrap(), all(&dir))
}

#[test]
fn a_byte_that_is_changed_costs_its_block_and_what_follows_it_and_is_found() {
    let (bytes, entries) = sealed();
    let (_home, dir) = dir();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        put(&dir, "00000000000000000001.sealed", &changed);
        let read = all(&dir);
        let intact = read.iter().zip(&entries).take_while(|(one, other)| one == other).count();
        let (rest, found) = (words(&read[intact..]), inspect(&dir).unwrap());
        assert_eq!(found.gaps, gaps(&read), "at {at}");
        match at {
            // The rest of the page of the head, with the reserved place, which nothing was written into.
            60..4_096 => {
                assert_eq!((intact, found.problems.len()), (entries.len(), 0), "at {at}");
                continue;
            }
            // The place of the index is found by walking.
            _ if at >= bytes.len() - 16 => assert_eq!((intact, rest.len()), (entries.len(), 0), "at {at}"),
            _ => assert_eq!(rest, ["gap damaged 0"], "at {at}"),
        }
        assert_eq!(found.problems.len(), 1, "at {at}: {:?}", found.problems);
    }
}

#[test]
fn a_missing_segment_is_a_gap_of_its_size() {
    let (_home, dir) = dir();
    for _ in 0..3 {
        let world = World::begin(&dir, Bounds::default());
        let web = world.add("web");
        world.live(&web);
        world.end();
    }
    std::fs::remove_file(&files(&dir)[1]).unwrap();
    let read = all(&dir);
    assert_eq!(words(&read[5..6]), ["gap missing 5"]);
    let found = inspect(&dir).unwrap();
    let problems: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "00000000000000000011.sealed: it begins with record 11, and the record after the last one before it is 6"
        ]
    );
    assert_eq!(found.gaps, gaps(&read));
}

/// A damage in the middle of a sealed segment is found by readers; the next host only needs the number at its end.
#[test]
fn the_next_host_reads_only_the_index_of_a_sealed_segment() {
    let (bytes, entries) = sealed();
    let (_home, dir) = dir();
    let mut changed = bytes.clone();
    changed[4_096 + 30] ^= 0x40;
    put(&dir, "00000000000000000001.sealed", &changed);
    let world = World::begin(&dir, Bounds::default());
    world.add("other");
    world.end();
    let read = all(&dir);
    assert_eq!(words(&read), ["gap damaged 0", "host_started", "1 Added"]);
    assert_eq!(read[1].seq, entries.len() as u64 + 1, "no number is given twice, and none is left out");

    // Without its index, all of it is read.
    let (_other_home, other) = self::dir();
    put(&other, "00000000000000000001.sealed", &bytes[..bytes.len() - 1]);
    let world = World::begin(&other, Bounds::default());
    world.add("other");
    world.end();
    assert!(all(&other).iter().all(|entry| matches!(entry.record, Record::Gap(_)) || entry.seq > 0));
    assert_eq!(words(&all(&other)[entries.len()..]).last().map(String::as_str), Some("1 Added"));
}

#[test]
fn what_is_no_segment_is_neither_read_nor_removed() {
    let (_home, dir) = dir();
    put(&dir, "notes.txt", b"mine");
    put(&dir, "1.seg", b"short");
    assert!(all(&dir).is_empty());
    let world = World::begin(&dir, Bounds::default());
    world.add("web");
    world.end();
    assert_eq!(files(&dir).len(), 3);
    assert_eq!(all(&dir).len(), 2);
}
