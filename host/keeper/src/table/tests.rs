//! The bytes of version 1 stay what they are; what is written is read; no bytes make the reader panic; another version is
//! refused.

use std::ffi::CString;

use proptest::prelude::*;

use super::*;
use crate::protocol::{Descriptors, End, Ending, Gap, HostEnding, Refusal, Scope, SlotState, Stage, Usage};

/// A table as it is written in version 1, in hexadecimal.
const GOLDEN: &str = include_str!("golden_v1.txt");

fn slot(place: u32) -> SlotEntry {
    let usage = Usage { user_us: 1, system_us: 2, memory_kib_max: 3, faults: 4 };
    SlotEntry {
        place,
        id: Id(100 + place),
        held: Held {
            state: SlotState::Ended,
            pid: 4_242,
            started_at: 1_000_000_000,
            end: Some(End { status: Some(256 * 7), ended_at: 1_000_000_007, usage }),
            refusal: Some(Refusal { stage: Stage::Exec, errno: 2 }),
            ending: Ending { rank: 7, signal: 15, scope: Scope::Group, grace_ms: 10_000 },
            kill_at: 5,
            gaps: [Gap { bytes: 11, framed: 3 }, Gap::default()],
            descriptors: Descriptors::PIDFD.with(Descriptors::OUTPUT),
        },
        stop: 2,
        stop_until: 9,
        due: 4,
        is_child: true,
        failure: Some((3, 2)),
        pidfd: 20,
        report: None,
        input: Some(21),
        outlets: [
            Some(OutletEntry {
                from: 22,
                is_terminal: false,
                path: Some(c"/log/web.gap".to_owned()),
                file: Some(23),
            }),
            None,
        ],
    }
}

pub(crate) fn table() -> Table {
    Table {
        protocol: 1,
        host: HostEntry {
            is_stubborn: false,
            last: HostEnd { why: HostEnding::Left, status: 0, ended_at: 77 },
            started: 3,
            deaths: [0, 0, 0, 1, 2],
            due_at: 10,
            missed: 1,
            ping: 6,
            pid: 4_000,
            pidfd: 10,
            socket: 11,
        },
        answers: vec![(8, 0, 0, 0), (9, 101, 3, 0)],
        signals: 1 << 14,
        orphans: Orphans { count: 5, pid: 4_300, status: 9, is_due: true },
        is_asked_to_end: false,
        slots: vec![slot(0), SlotEntry { failure: None, report: Some(30), ..slot(4) }],
        keeper: KeeperEntry {
            listener: Some(12),
            is_detached: true,
            program: 13,
            arguments: vec![c"provost".to_owned(), c"up".to_owned()],
            environment: vec![c"A=1".to_owned()],
            open_files: Some((1_024, 4_096)),
            oom_score: Some(c"0".to_owned()),
            stashes: vec![(1, 0, 14), (16, 2, 15)],
        },
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn golden() -> Vec<u8> {
    let digits = GOLDEN.trim();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn the_bytes_of_version_1_stay_what_they_are_and_are_read() {
    assert_eq!(
        hexadecimal(&table().encode_as(1).unwrap()),
        GOLDEN.trim(),
        "a change of these bytes needs a new version"
    );
    assert_eq!(Table::decode(&golden()).unwrap(), table());
}

#[test]
fn every_descriptor_that_stays_open_is_among_those_that_are_kept() {
    let mut kept: Vec<i32> = table().descriptors().collect();
    kept.sort_unstable();
    assert_eq!(kept, [10, 11, 12, 13, 14, 15, 20, 20, 21, 21, 22, 22, 23, 23, 30]);
}

#[test]
fn a_table_of_another_version_is_refused() {
    let mut newer = golden();
    newer[8] = 3;
    assert!(Table::decode(&newer).is_err());
    newer[0] = 0;
    assert!(Table::decode(&newer).is_err());
}

#[test]
fn a_table_may_have_many_slots() {
    let slots: Vec<SlotEntry> = (0..20_000).map(slot).collect();
    let many = Table { slots, ..table() };
    assert_eq!(Table::decode(&many.encode_as(1).unwrap()).unwrap(), many);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(at in any::<prop::sample::Index>(), flip in 1..=255_u8, cut in any::<prop::sample::Index>()) {
        let mut bytes = golden();
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        let _ = Table::decode(&bytes).is_ok();
        let short = cut.index(bytes.len());
        prop_assert!(Table::decode(&golden()[..short]).is_err());
    }

    #[test]
    fn any_strings_are_read_as_they_were_written(texts in prop::collection::vec("[^\0]{1,20}", 0..5)) {
        let texts: Vec<CString> = texts.into_iter().map(|text| CString::new(text).unwrap()).collect();
        let keeper = KeeperEntry { arguments: texts.clone(), environment: texts, oom_score: None, ..table().keeper };
        let table = Table { keeper, ..table() };
        prop_assert_eq!(Table::decode(&table.encode_as(1).unwrap()).unwrap(), table);
    }
}
