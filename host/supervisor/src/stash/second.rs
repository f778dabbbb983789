//! A host of the future, which exists in tests only: its records have a version 2 with one number more, and there is a kind of
//! record that this host does not know. It keeps to the rule of the stash: what an older host needs in order to go on is written
//! in the version of that one as well. So both directions are shown here, an upgrade and the way back.

use super::former::{Former, Losses};
use super::frames::{Frames, Kind, MAGIC, put_frame};
use super::records::{Record, take};
use super::tests::{BOOT, file, frame, records};

/// What the version 2 of each record has more.
const MORE: u64 = 0x6d6f_7265_6d6f_7265;

/// A record of a kind that only later hosts know.
const LATER: Kind = Kind { kind: 200, version: 1 };

/// Returns the only frame of these bytes.
fn frame_in(bytes: &[u8]) -> (Kind, &[u8]) {
    Frames::within(bytes).next().unwrap()
}

/// Writes what a host of version 2 writes: each record for older hosts, then for its like.
fn second_file() -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for record in records() {
        let first = frame(&record);
        bytes.extend_from_slice(&first);
        let (Kind { kind, .. }, body) = frame_in(&first);
        let body = [body, &MORE.to_le_bytes()].concat();
        put_frame(&mut bytes, Kind { kind, version: 2 }, &body);
    }
    put_frame(&mut bytes, LATER, b"something else");
    bytes
}

/// Reads a frame as a host of version 2 does: the record, and what the version 2 has more of it. A record of a kind that only such a
/// host knows is none of these.
fn second_take(kind: Kind, body: &[u8]) -> Option<(Record, Option<u64>)> {
    let is_second = kind.version == 2;
    let (body, more) = match body.split_last_chunk() {
        Some((body, more)) if is_second => (body, Some(u64::from_le_bytes(*more))),
        _ => (body, None),
    };
    take(Kind { version: 1, ..kind }, body).unwrap().map(|record| (record, more))
}

fn second_read(file: &[u8]) -> Vec<(Record, Option<u64>)> {
    let mut frames = Frames::of(file).unwrap();
    let read = frames.by_ref().filter_map(|(kind, body)| second_take(kind, body)).collect();
    assert_eq!(frames.unread(), 0);
    read
}

#[test]
fn what_a_host_of_version_2_has_written_is_read_by_this_one_as_if_one_of_version_1_had_written_it() {
    let before = Former::read([&*file(&records())], BOOT);
    let unknown = records().len() as u64 + 1;
    let after = Former::read([&*second_file()], BOOT);
    assert_eq!(after, Former { losses: Losses { unknown, ..before.losses }, ..before });
}

#[test]
fn what_this_host_has_written_is_read_by_one_of_version_2_which_knows_what_is_missing() {
    let read = second_read(&file(&records()));
    let wanted: Vec<_> = records().into_iter().map(|record| (record, None)).collect();
    assert_eq!(read, wanted);
}

#[test]
fn a_host_of_version_2_reads_what_its_like_has_written() {
    let read = second_read(&second_file());
    let wanted: Vec<_> =
        records().into_iter().flat_map(|record| [(record.clone(), None), (record, Some(MORE))]).collect();
    assert_eq!(read, wanted);
}

#[test]
fn a_host_that_is_killed_between_the_two_versions_of_a_record_leaves_what_each_host_reads() {
    let bytes = second_file();
    let known = |bytes: &[u8]| Former::read([bytes], BOOT).losses;
    let first = frame(&records()[0]).len() + MAGIC.len();
    for cut in first..bytes.len() {
        let losses = known(&bytes[..cut]);
        assert_eq!((losses.files, losses.unreadable), (0, 0), "{cut}");
    }
}
