//! What is written is read, whatever it is; no bytes make the reader panic; the bytes of version 1 stay what they are; two
//! versions find what they have in common.

use std::ffi::{CStr, CString};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// One message of each kind, as it is written in version 1, in hexadecimal.
const GOLDEN: &str = include_str!("golden_v1.txt");

fn ending() -> Ending {
    Ending { rank: 7, signal: 15, scope: Scope::Group, grace_ms: 10_000 }
}

fn end() -> End {
    let usage = Usage { user_us: 1, system_us: 2, memory_kib_max: 3, faults: 4 };
    End { status: Some(256 * 7), ended_at: 1_000_000_007, usage }
}

fn held() -> Held {
    Held {
        state: SlotState::Ended,
        pid: 4_242,
        started_at: 1_000_000_000,
        end: Some(end()),
        refusal: Some(Refusal { stage: Stage::Exec, errno: 2 }),
        ending: ending(),
        kill_at: 5,
        gaps: [Gap { bytes: 11, framed: 3 }, Gap::default()],
        descriptors: Descriptors::PIDFD.with(Descriptors::OUTPUT).with(Descriptors::OUTPUT_GAP),
    }
}

fn spec<'a>(arguments: &'a [CString], environment: &'a [CString]) -> Spec<'a> {
    Spec {
        program: c"/bin/sh",
        arguments: Strings::Listed(arguments),
        environment: Strings::Listed(environment),
        directory: Some(c"/srv"),
        terminal: None,
        input: Input::Null,
        output: Output::Pipe,
        error: Output::Same,
        files: 1,
        gap_files: [Some(c"/log/web.gap"), None],
        ending: ending(),
    }
}

fn orders<'a>(arguments: &'a [CString], environment: &'a [CString]) -> Vec<Order<'a>> {
    let id = Id(0x3004);
    vec![
        Order::Hello { versions: Versions { lowest: 1, highest: 2 }, build: b"0.1.0" },
        Order::Spawn { id, spec: spec(arguments, environment) },
        Order::SpawnLarge { id, length: 70_000 },
        Order::Signal { id, number: 15, scope: Scope::Main, kill_at: 9 },
        Order::Reap { id },
        Order::Forget { id },
        Order::Amend { id, ending: ending() },
        Order::Stash { key: 5, generation: 6 },
        Order::Framed { id, stream: Stream::Error, bytes: 8 },
        Order::Pong,
        Order::Sync,
        Order::Settled,
        Order::Leave(Leave::Finish { code: 1 }),
        Order::Leave(Leave::Replace { deadline_ms: 30_000 }),
        Order::Adopt { id, held: held(), gap_files: [Some(c"/log/web.gap"), None], is_terminal: true },
        Order::Upgrade { tables: None },
        Order::Upgrade { tables: Some(Versions { lowest: 1, highest: 2 }) },
    ]
}

fn reports() -> Vec<Report> {
    let id = Id(0x3004);
    vec![
        Report::Welcome(Welcome {
            keeper_pid: 77,
            now: 2_000_000_000,
            held: 2,
            stashed: 1,
            hosts: 3,
            deaths: 2,
            last: HostEnd { why: HostEnding::Died, status: 9, ended_at: 1_999_999_999 },
            state: HostState::Attached,
            is_draining: true,
            speaks: None,
        }),
        Report::Unsupported { versions: Versions { lowest: 1, highest: 1 } },
        Report::Held { id, held: held() },
        Report::Stashed { key: 5, generation: 6 },
        Report::Done { id: id.0, errno: 3, pid: 4_242 },
        Report::Spawned { id, pid: 4_242, started_at: 1_000_000_000, descriptors: Descriptors(7) },
        Report::Refused { id, refusal: Refusal { stage: Stage::Directory, errno: 2 } },
        Report::Ended { id, end: end() },
        Report::Orphans { count: 8, pid: 4_243, status: 256 },
        Report::Ping,
        Report::Signalled { number: 15 },
    ]
}

fn hexadecimal(kind: Kind, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{kind:?} {digits}\n")
}

#[test]
fn the_bytes_of_version_1_stay_what_they_are() {
    let (arguments, environment) = ([c"sh".to_owned(), c"-c".to_owned()], [c"A=1".to_owned()]);
    let buffer = &mut [0; MESSAGE_MAX];
    let mut written = String::new();
    for order in orders(&arguments, &environment) {
        written += &hexadecimal(order.kind(), order.encode(258, buffer).unwrap());
    }
    for report in reports() {
        written += &hexadecimal(report.kind(), report.encode(258, buffer).unwrap());
    }
    assert_eq!(written, GOLDEN, "a change of these bytes needs a new version");
}

#[test]
fn the_golden_bytes_are_read_as_what_they_were_written_from_and_every_kind_is_among_them() {
    let (arguments, environment) = ([c"sh".to_owned(), c"-c".to_owned()], [c"A=1".to_owned()]);
    let mut lines = GOLDEN.lines();
    let mut seen = Vec::new();
    let mut next = || {
        let (_, digits) = lines.next().unwrap().split_once(' ').unwrap();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect::<Vec<u8>>()
    };
    for order in orders(&arguments, &environment) {
        let bytes = next();
        let (head, read) = Order::decode(&bytes).unwrap();
        assert_eq!((head.seq, read), (258, order));
        seen.push(head.kind);
    }
    for report in reports() {
        let bytes = next();
        let (head, read) = Report::decode(&bytes).unwrap();
        assert_eq!((head.seq, read), (258, report));
        seen.push(head.kind);
    }
    assert!(Kind::ALL.iter().all(|kind| seen.contains(kind)));
}

#[test]
fn a_message_with_another_number_is_the_one_that_is_written_with_that_number() {
    let (arguments, environment) = ([c"sh".to_owned()], [c"A=1".to_owned()]);
    for order in orders(&arguments, &environment) {
        let mut message = order.encode(0, &mut [0; MESSAGE_MAX]).unwrap().to_vec();
        Head::renumber(&mut message, 258);
        assert_eq!(message, order.encode(258, &mut [0; MESSAGE_MAX]).unwrap());
    }
}

#[test]
fn two_ends_speak_the_highest_version_that_both_know() {
    let versions = |lowest, highest| Versions { lowest, highest };
    // An old host with a new keeper, and a new host with an old keeper.
    assert_eq!(versions(1, 2).common(versions(1, 1)), Some(1));
    assert_eq!(versions(1, 1).common(versions(1, 2)), Some(1));
    assert_eq!(versions(1, 2).common(versions(1, 2)), Some(2));
    assert_eq!(versions(2, 2).common(versions(1, 1)), None);
}

#[test]
fn a_body_of_a_version_that_is_not_spoken_is_refused_and_a_greeting_of_one_is_read() {
    let buffer = &mut [0; 256];
    let versions = Versions { lowest: 2, highest: 2 };
    let mut later = Order::Hello { versions, build: b"" }.encode(1, buffer).unwrap().to_vec();
    later[1] = 3;
    assert!(matches!(Order::decode(&later), Ok((_, Order::Hello { .. }))));
    let mut later = Order::Pong.encode(1, buffer).unwrap().to_vec();
    later[1] = 3;
    assert_eq!(Order::decode(&later).unwrap_err(), Malformed::Value("version", 3));
    let mut later = Report::Unsupported { versions }.encode(1, buffer).unwrap().to_vec();
    later[1] = 3;
    assert!(Report::decode(&later).is_ok());
}

#[test]
fn a_message_that_does_not_fit_is_not_written() {
    let long = [CString::new(vec![b'x'; BODY_MAX]).unwrap()];
    let order = Order::Spawn { id: Id(1), spec: spec(&long, &[]) };
    assert_eq!(order.encode(1, &mut [0; MESSAGE_MAX]), Err(TooLong));
    let mut large = vec![0; 2 * BODY_MAX];
    let written = spec(&long, &[]).encode(&mut large).unwrap();
    assert_eq!(Spec::decode(written).unwrap(), spec(&long, &[]));
}

#[test]
fn every_state_but_the_last_leads_on_and_every_state_is_reached() {
    for state in SlotState::ALL {
        assert!(SLOT_EDGES.iter().any(|(from, _)| from == state), "{state:?} leads nowhere");
        assert!(SLOT_EDGES.iter().any(|(_, to)| to == state), "{state:?} is never reached");
    }
    for state in HostState::ALL {
        assert!(HOST_EDGES.iter().any(|(from, _)| from == state), "{state:?} leads nowhere");
        assert!(HOST_EDGES.iter().any(|(_, to)| to == state), "{state:?} is never reached");
    }
}

fn text() -> impl Strategy<Value = CString> {
    vec(1_u8..=255, 0..20).prop_map(|bytes| CString::new(bytes).unwrap())
}

fn any_ending() -> impl Strategy<Value = Ending> {
    (any::<u32>(), any::<i32>(), any::<bool>(), any::<u64>()).prop_map(|(rank, signal, main, grace_ms)| {
        Ending { rank, signal, scope: if main { Scope::Main } else { Scope::Group }, grace_ms }
    })
}

proptest! {
    #[test]
    fn any_spec_is_read_as_it_was_written(
        arguments in vec(text(), 0..20),
        environment in vec(text(), 0..20),
        texts in [text(), text(), text(), text(), text()],
        (input, output, error, files) in (0..4_usize, 0..4_usize, 0..5_usize, any::<u8>()),
        ending in any_ending(),
        id in any::<u32>(),
        seq in any::<u32>(),
    ) {
        let path = |at: usize| Some(texts[at].as_c_str()).filter(|text| !text.is_empty());
        let spec = Spec {
            program: texts[0].as_c_str(),
            arguments: Strings::Listed(&arguments),
            environment: Strings::Listed(&environment),
            directory: path(1),
            terminal: path(2),
            input: Input::ALL[input],
            output: Output::ALL[output],
            error: Output::ALL[error],
            files,
            gap_files: [path(3), path(4)],
            ending,
        };
        let buffer = &mut [0; MESSAGE_MAX];
        let order = Order::Spawn { id: Id(id), spec };
        let message = order.encode(seq, buffer).unwrap();
        let (head, read) = Order::decode(message).unwrap();
        prop_assert_eq!((head.id, head.seq, read), (id, seq, order));
        let Order::Spawn { spec: read, .. } = read else { unreachable!() };
        let listed: Vec<&CStr> = read.arguments.iter().collect();
        prop_assert_eq!(listed, arguments.iter().map(CString::as_c_str).collect::<Vec<_>>());
        prop_assert_eq!(read.environment.len(), environment.len());
        for short in 0..message.len() {
            prop_assert!(Order::decode(&message[..short]).is_err());
        }
    }

    #[test]
    fn any_held_entry_is_read_as_it_was_written(
        state in 0..6_usize,
        numbers in any::<[u64; 9]>(),
        (status, errno, pid) in any::<(Option<i32>, i32, u32)>(),
        (has_end, refused, descriptors) in (any::<bool>(), proptest::option::of(0..4_usize), 0..64_u8),
        ending in any_ending(),
    ) {
        let [started_at, kill_at, ended_at, bytes, framed, user_us, system_us, memory_kib_max, faults] =
            numbers;
        let usage = Usage { user_us, system_us, memory_kib_max, faults };
        let held = Held {
            state: SlotState::ALL[state],
            pid,
            started_at,
            end: has_end.then_some(End { status, ended_at, usage }),
            refusal: refused.map(|stage| Refusal { stage: Stage::ALL[stage], errno }),
            ending,
            kill_at,
            gaps: [Gap { bytes, framed }, Gap { bytes: framed, framed: bytes }],
            descriptors: Descriptors(descriptors),
        };
        let buffer = &mut [0; 256];
        let report = Report::Held { id: Id(pid), held };
        prop_assert_eq!(Report::decode(report.encode(1, buffer).unwrap()).unwrap().1, report);
        let order = Order::Adopt { id: Id(pid), held, gap_files: [None, None], is_terminal: false };
        prop_assert_eq!(Order::decode(order.encode(1, buffer).unwrap()).unwrap().1, order);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let _ = (Order::decode(&bytes).is_ok(), Report::decode(&bytes).is_ok(), Spec::decode(&bytes).is_ok());
        for line in GOLDEN.lines() {
            let digits = line.split_once(' ').unwrap().1;
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            let mut message: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
            let place = at.index(message.len());
            message[place] ^= flip;
            if let Ok((_, Order::Spawn { spec, .. })) = Order::decode(&message) {
                prop_assert_eq!(spec.arguments.iter().count(), spec.arguments.len());
            }
            let _ = Report::decode(&message).is_ok();
        }
    }
}
