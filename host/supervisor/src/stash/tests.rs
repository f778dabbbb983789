//! Tests of the records, and of what a reader makes of whole, torn and damaged files.

use std::sync::Arc;

use proptest::prelude::*;
use provost_state::{
    Cause, Death, Desired, Escalation, Exit, Failing, Generation, Health, Identity, Incarnation, Moment,
    Phase, ProcessId, ProcessState, ProcessType, Routing, Ruling, RulingAction, Scope, Signal, Version,
};

use super::at_spawn::{AtSpawn, EnvFiles, Variables};
use super::counted::Counted;
use super::former::{Former, Losses};
use super::frames::{Frames, Kind, MAGIC, put_frame};
use super::records::{Aside, Beside, Head, Life, Record, WrittenKey, put, take, together};
use super::states::StateRead;
use crate::gave::{Digest, Gave};
use crate::spec::{CommandLine, Escaped, ProcessSpec, StopTo};

pub(super) const BOOT: &str = "4a8d1e0f-boot";

fn at(ms: u64) -> Moment {
    Moment { wall_ms: 1_795_417_200_000 + ms, mono_ns: ms * 1_000_000 }
}

fn text(text: &str) -> Arc<str> {
    Arc::from(text)
}

/// A state in which every field has a value.
fn full_state() -> ProcessState {
    let identity =
        Identity::new("web.1", "front").of_type(ProcessType::Job { success_codes: Arc::from([0, 3, -1]) });
    let ruling = Ruling {
        action: RulingAction::Restart { delay_ms: 300, scope: Scope::Rest },
        by: text("backoff"),
        reason: text("failure 3"),
        overruled: Some(text("policy shy: it trapped")),
    };
    ProcessState {
        incarnation: Incarnation(7),
        version: Version(41),
        generation: Generation(1_005),
        desired: Desired::Up,
        phase: Phase::Stopping { pid: 4_711, kill_at: at(10_500) },
        cause: Cause::Policy,
        reason: text("zu langsam: 3 s"),
        health: Health::Degraded,
        failing: Some(Arc::new(Failing { why: text("answers 503"), since: at(400) })),
        changed_at: at(500),
        started_at: Some(at(100)),
        ended_at: Some(at(90)),
        exit: Some(Exit::Signal(9)),
        restarts: 6,
        failures: 3,
        decision: Some(Arc::new(ruling)),
        ..ProcessState::new(ProcessId::NOBODY, Arc::new(identity), at(0))
    }
}

fn death(incarnation: u64, exit: Exit) -> Death {
    Death { incarnation: Incarnation(incarnation), exit, at: at(incarnation * 10), uptime_ms: 5 }
}

fn read(state: ProcessState, deaths_total: usize, deaths: Vec<Death>) -> Record {
    Record::State { born: Generation(3), read: Box::new(StateRead { state, deaths_total, deaths }) }
}

fn life() -> Life {
    Life {
        incarnation: Incarnation(7),
        spec: 0x0123_4567_89ab_cdef,
        env: vec![("PORT".to_owned(), "8080".to_owned())],
        vars: vec![("HOST".to_owned(), "127.0.0.1".to_owned())],
        stop_signal: Signal::HUP,
        stop_to: StopTo::Main,
        escaped: Escaped::Leave,
        stop_grace_ms: 2_500,
    }
}

fn at_spawn() -> AtSpawn {
    let command = CommandLine::Argv(vec!["web".to_owned(), "-p".to_owned()]);
    let spec =
        ProcessSpec { cwd: Some("/srv".into()), tty: true, ..ProcessSpec::new(text("web.1"), command) };
    AtSpawn { digest: 0x0123_4567_89ab_cdef, ..AtSpawn::of(&spec) }
}

fn env_files() -> EnvFiles {
    let digest = Digest { key: [7; 32], sum: [0xab; 32] };
    let gave = Gave { digest, names: ["A", "B"].map(Box::from).into() };
    EnvFiles { incarnation: Incarnation(7), files: Arc::from([gave]) }
}

fn variables() -> Variables {
    Variables { incarnation: Incarnation(7), names: ["HOME", "LISTEN_FDS"].map(Box::from).into() }
}

fn counted() -> Counted {
    Counted { incarnation: Incarnation(7), failing: Some((2, at(400))), restarted: vec![at(300), at(200)] }
}

/// One record of each kind.
pub(super) fn records() -> Vec<Record> {
    let deaths = vec![death(6, Exit::NotSpawned(text("no such program"))), death(5, Exit::Code(-1))];
    let written = vec![
        WrittenKey { key: text("a"), version: 1, value: Some(Arc::from(&b"12"[..])) },
        WrittenKey { key: text("gone"), version: 2, value: None },
    ];
    vec![
        Record::Head(Head { boot: text(BOOT), number: 3 }),
        Record::Lease(Generation(2_048)),
        read(full_state(), 2, deaths),
        Record::Removed { name: text("old"), born: Generation(2) },
        Record::Life { turn: 9, name: text("web.1"), born: Generation(3), life: life() },
        Record::Aside {
            turn: 10,
            name: text("web.1"),
            born: Generation(3),
            aside: Aside { beside: Beside::Overdue(text("no answer")), was_ready: true, again: false },
        },
        Record::Set { turn: 11, name: text("web"), wanted: 3, by_hand: true },
        Record::Routing { turn: 12, routing: Routing::default() },
        Record::Memory { plugin: text("backoff"), written },
        Record::Note { turn: 13, key: text("plugins"), bytes: vec![0, 255] },
        Record::AtSpawn { turn: 14, name: text("web.1"), born: Generation(3), at_spawn: at_spawn() },
        Record::EnvFiles { turn: 15, name: text("web.1"), born: Generation(3), env_files: env_files() },
        Record::InForce { turn: 16, name: text("web.1"), born: Generation(3), digest: 0x0123_4567_89ab_cdef },
        Record::Counted { turn: 17, name: text("web.1"), born: Generation(3), counted: counted() },
        Record::Variables { turn: 18, name: text("web.1"), born: Generation(3), variables: variables() },
    ]
}

pub(super) fn frame(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, record);
    bytes
}

pub(super) fn file(records: &[Record]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    records.iter().for_each(|record| put(&mut bytes, record));
    bytes
}

/// Returns the records of a file, and how many bytes behind them were not read.
fn all_of(file: &[u8]) -> Option<(Vec<Record>, usize)> {
    let mut frames = Frames::of(file)?;
    let records = frames.by_ref().filter_map(|(kind, body)| take(kind, body).unwrap()).collect();
    Some((records, frames.unread()))
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(all_of(&file(&records())), Some((records(), 0)));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The frames of [`records`], which never change: a file that one version of the host has written is read by all later ones.
const GOLDEN: [&str; 15] = [
    "0f00000001010000c76513050d34613864316530662d626f6f7403",
    "0200000002010000dfb8e3b18010",
    "d1000000030100002f61423b03057765622e310566726f6e7401030006010729ed070004e72484fdd1b9a0348092e58e\
     27030f7a75206c616e6773616d3a2033207302010b616e73776572732035303390aed1b9a0348088debe01f4aed1b9a0\
     3480cab5ee0101e4abd1b9a03480c2d72f01daabd1b9a0348095f52a01011206030100ac0202076261636b6f66660966\
     61696c75726520330116706f6c696379207368793a2069742074726170706564020206020f6e6f20737563682070726f\
     6772616dbcabd1b9a034808ece1c05050001b2abd1b9a03480e1eb1705",
    "05000000040100004dc4aa09036f6c6402",
    "32000000050100003d766d2909057765622e310307ef9bafcdf8acd191010104504f525404383038300104484f535409\
     3132372e302e302e31020101c413",
    "150000000601000070da9aaf0a057765622e310304096e6f20616e737765720100",
    "0700000007010000e113cb5e0b037765620301",
    "03000000080100000a1613490c0064",
    "1700000009010000e78fe4f7076261636b6f6666020161010102313204676f6e650200",
    "0c0000000a010000576a759e0d07706c7567696e730200ff",
    "260000000c010000641769380e057765622e3103ef9bafcdf8acd19101030109000203776562022d700205042f737276\
     0700",
    "510000000d010000134889300f057765622e310307012007070707070707070707070707070707070707070707070707\
     0707070707070720abababababababababababababababababababababababababababababababab0201410142",
    "110000000e0100003797b3a010057765622e3103ef9bafcdf8acd19101",
    "2c0000000f01000079b05cff11057765622e310307010290aed1b9a0348088debe0102acadd1b9a03480c6868f01c8ac\
     d1b9a0348084af5f",
    "1a00000010010000324bffbe12057765622e3103070204484f4d450a4c495354454e5f464453",
];

#[test]
fn the_bytes_of_version_1_are_these() {
    let written: Vec<String> = records().iter().map(|record| hex(&frame(record))).collect();
    assert_eq!(written, GOLDEN);
    let byte = |at: usize, text: &str| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    let bytes = GOLDEN.iter().flat_map(|text| (0..text.len()).step_by(2).map(move |at| byte(at, text)));
    assert_eq!(all_of(&MAGIC.iter().copied().chain(bytes).collect::<Vec<_>>()), Some((records(), 0)));
}

#[test]
fn each_truncation_gives_the_records_before_it() {
    let whole = file(&records());
    for length in 0..whole.len() {
        match all_of(&whole[..length]) {
            None => assert!(length < MAGIC.len()),
            Some((some, unread)) => {
                assert_eq!(some, records()[..some.len()], "cut at {length}");
                let read: usize = records()[..some.len()].iter().map(|record| frame(record).len()).sum();
                assert_eq!(unread, length - MAGIC.len() - read, "cut at {length}");
            }
        }
    }
}

#[test]
fn each_flipped_bit_gives_the_records_before_it() {
    let whole = file(&records());
    for at in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        match all_of(&damaged) {
            None => assert!(at / 8 < MAGIC.len()),
            Some((some, unread)) => {
                assert_eq!(some, records()[..some.len()], "bit {at}");
                assert!(unread > 0 && some.len() < records().len(), "bit {at} was not noticed");
            }
        }
    }
}

#[test]
fn a_damaged_body_with_the_right_checksum_is_an_error_and_no_panic() {
    for record in records() {
        let whole = frame(&record);
        let (kind, body) = Frames::within(&whole).next().unwrap();
        for length in 0..body.len() {
            assert!(take(kind, &body[..length]).is_err(), "{record:?} cut at {length}");
        }
        for at in 0..body.len() * 8 {
            let mut damaged = body.to_vec();
            damaged[at / 8] ^= 1 << (at % 8);
            // Another value, or none.
            let _ = take(kind, &damaged);
        }
        let longer = [body, &[0]].concat();
        assert!(take(kind, &longer).is_err(), "{record:?} with another byte");
    }
}

#[test]
fn what_a_newer_host_has_written_is_passed_over_and_counted() {
    let mut bytes = file(&records()[..3]);
    put_frame(&mut bytes, Kind { kind: 3, version: 2 }, b"a state of the future");
    put_frame(&mut bytes, Kind { kind: 200, version: 1 }, b"something else");
    bytes.extend(together(
        &[frame(&records()[6]), {
            let mut inner = Vec::new();
            put_frame(&mut inner, Kind { kind: 201, version: 1 }, b"");
            inner
        }]
        .concat(),
    ));
    // The record of a known kind whose body makes no sense.
    put_frame(&mut bytes, Kind { kind: 2, version: 1 }, b"");
    bytes.extend(b"torn");
    let former = Former::read([&*bytes], BOOT);
    assert_eq!(former.losses, Losses { files: 0, unknown: 3, unreadable: 1, torn_bytes: 4 });
    assert_eq!((former.generation, former.known, former.number), (Generation(2_048), Generation(1_005), 3));
    assert_eq!(former.sets[&text("web")], (3, true));
    assert_eq!(former.processes[&text("web.1")].state.deaths.len(), 2);
}

#[test]
fn a_file_of_another_boot_or_of_something_else_is_not_used() {
    let other = file(&records());
    for file in [&*other, b"provost-stash 2\n", b"", MAGIC] {
        let former = Former::read([file], "another boot");
        assert_eq!(former, Former { losses: Losses { files: 1, ..Losses::default() }, ..Former::default() });
    }
}

fn change(version: u64, key: &str, value: Option<&[u8]>) -> Record {
    let written = WrittenKey { key: text(key), version, value: value.map(Arc::from) };
    Record::Memory { plugin: text("p"), written: vec![written] }
}

#[test]
fn the_order_of_records_means_nothing_and_the_newest_of_each_counts() {
    let state = |version: u64, failures: u32| ProcessState {
        version: Version(version),
        generation: Generation(version + 100),
        failures,
        ..full_state()
    };
    let other_tenant = Record::State {
        born: Generation(1),
        read: Box::new(StateRead { state: state(900, 9), deaths_total: 0, deaths: Vec::new() }),
    };
    let aside = |turn, beside| Record::Aside {
        turn,
        name: text("web.1"),
        born: Generation(3),
        aside: Aside { beside, ..Aside::default() },
    };
    let gone = ProcessState { identity: Arc::new(Identity::new("old", "")), ..state(1, 0) };
    let records = [
        other_tenant,
        read(state(1, 1), 1, vec![death(1, Exit::Code(1))]),
        read(state(2, 2), 2, vec![death(2, Exit::Code(2))]),
        read(state(3, 3), 3, vec![death(3, Exit::Code(3)), death(2, Exit::Code(2)), death(1, Exit::Code(1))]),
        // Its deaths were forgotten between two records, and it has died again.
        read(state(6, 1), 1, vec![death(4, Exit::Code(4))]),
        read(state(7, 1), 1, Vec::new()),
        read(gone, 0, Vec::new()),
        Record::Removed { name: text("old"), born: Generation(3) },
        aside(1, Beside::Held),
        aside(2, Beside::Spare),
        change(2, "a", Some(b"2")),
        change(4, "b", Some(b"4")),
        change(5, "a", None),
        change(7, "c", Some(b"7")),
    ];
    let head = frame(&Record::Head(Head { boot: text(BOOT), number: 1 }));
    let read = |order: &[usize]| {
        let mut bytes = [&MAGIC[..], &head].concat();
        order.iter().for_each(|at| put(&mut bytes, &records[*at]));
        Former::read([&*bytes], BOOT)
    };
    let order: Vec<usize> = (0..records.len()).collect();
    let former = read(&order);
    let process = &former.processes[&text("web.1")];
    assert_eq!((former.processes.len(), process.state.failures), (1, 1));
    assert_eq!(process.state.deaths.iter().cloned().collect::<Vec<_>>(), [death(4, Exit::Code(4))]);
    assert_eq!(process.aside.beside, Beside::Spare);
    let memory = former.memories[&text("p")].0.values();
    let memory: Vec<_> = memory.map(|one| (&*one.key, one.version, one.value.as_deref())).collect();
    assert_eq!(memory, [("a", 5, None), ("b", 4, Some(&b"4"[..])), ("c", 7, Some(&b"7"[..]))]);
    for turn in 1..order.len() {
        let mut turned = order.clone();
        turned.rotate_left(turn);
        assert_eq!(read(&turned), former);
        turned.reverse();
        assert_eq!(read(&turned), former);
    }
}

fn texts() -> impl Strategy<Value = Arc<str>> {
    "\\PC{0,12}".prop_map(Arc::from)
}

fn moments() -> impl Strategy<Value = Moment> {
    (any::<u64>(), any::<u64>()).prop_map(|(wall_ms, mono_ns)| Moment { wall_ms, mono_ns })
}

fn exits() -> impl Strategy<Value = Exit> {
    prop_oneof![
        any::<i32>().prop_map(Exit::Code),
        any::<i32>().prop_map(Exit::Signal),
        texts().prop_map(Exit::NotSpawned),
        texts().prop_map(Exit::NotReady),
        Just(Exit::Unobserved),
    ]
}

fn phases() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Stopped),
        Just(Phase::Waiting),
        any::<u32>().prop_map(|pid| Phase::Starting { pid }),
        any::<u32>().prop_map(|pid| Phase::Running { pid }),
        (any::<u32>(), moments()).prop_map(|(pid, kill_at)| Phase::Stopping { pid, kill_at }),
        moments().prop_map(|until| Phase::Backoff { until }),
        any::<bool>().prop_map(|settled| Phase::Exited { settled }),
        Just(Phase::Fatal),
    ]
}

fn rulings() -> impl Strategy<Value = Ruling> {
    let scopes = prop_oneof![Just(Scope::Itself), Just(Scope::Group), Just(Scope::Rest)];
    let actions = prop_oneof![
        (any::<u64>(), scopes).prop_map(|(delay_ms, scope)| RulingAction::Restart { delay_ms, scope }),
        Just(RulingAction::StayDown),
        Just(RulingAction::GiveUp(Escalation::Nothing)),
        Just(RulingAction::GiveUp(Escalation::StopDependents)),
        Just(RulingAction::GiveUp(Escalation::GiveUpGroup)),
        any::<u8>().prop_map(|code| RulingAction::GiveUp(Escalation::ShutDown { code })),
    ];
    (actions, texts(), texts(), proptest::option::of(texts()))
        .prop_map(|(action, by, reason, overruled)| Ruling { action, by, reason, overruled })
}

fn deaths() -> impl Strategy<Value = Death> {
    (any::<u64>(), exits(), moments(), any::<u64>()).prop_map(|(incarnation, exit, at, uptime_ms)| Death {
        incarnation: Incarnation(incarnation),
        exit,
        at,
        uptime_ms,
    })
}

fn causes() -> impl Strategy<Value = Cause> {
    use Cause::{Api, Boot, Crash, Dependency, Oom, Policy, Reload, Schedule, Shutdown, User, Watch};
    let all =
        [Boot, User, Api, Policy, Crash, Dependency, Cause::Health, Schedule, Watch, Reload, Oom, Shutdown];
    proptest::sample::select(all.to_vec())
}

fn identities() -> impl Strategy<Value = Identity> {
    let types = prop_oneof![
        Just(ProcessType::Service),
        proptest::collection::vec(any::<i32>(), 0..4)
            .prop_map(|codes| ProcessType::Job { success_codes: codes.into() }),
    ];
    (texts(), texts(), types)
        .prop_map(|(name, group, process_type)| Identity::new(name, group).of_type(process_type))
}

prop_compose! {
    fn states()(
        identity in identities(),
        (incarnation, version, generation, restarts, failures) in any::<(u64, u64, u64, u64, u32)>(),
        is_up in any::<bool>(),
        (phase, cause, reason) in (phases(), causes(), texts()),
        health in proptest::sample::select(vec![
            Health::Unknown, Health::Healthy, Health::Degraded, Health::Unhealthy,
        ]),
        failing in proptest::option::of((texts(), moments())),
        (changed_at, started_at, ended_at) in
            (moments(), proptest::option::of(moments()), proptest::option::of(moments())),
        exit in proptest::option::of(exits()),
        decision in proptest::option::of(rulings()),
        deaths in proptest::collection::vec(deaths(), 0..120),
    ) -> ProcessState {
        ProcessState {
            id: ProcessId::NOBODY,
            identity: Arc::new(identity),
            incarnation: Incarnation(incarnation),
            version: Version(version),
            generation: Generation(generation),
            desired: if is_up { Desired::Up } else { Desired::Down },
            phase,
            cause,
            reason,
            health,
            failing: failing.map(|(why, since)| Arc::new(Failing { why, since })),
            changed_at,
            started_at,
            ended_at,
            exit,
            restarts,
            failures,
            decision: decision.map(Arc::new),
            deaths: deaths.into_iter().collect(),
        }
    }
}

proptest! {
    #[test]
    fn every_state_is_read_as_it_was_written(state in states(), newest in 0usize..120) {
        let kept: Vec<Death> = state.deaths.iter().take(newest).cloned().collect();
        let mut bytes = Vec::new();
        super::records::put_commit(&mut bytes, Generation(5), &state, newest);
        let mut frames = Frames::within(&bytes);
        let (kind, body) = frames.next().unwrap();
        let Some(Record::State { born, read }) = take(kind, body).unwrap() else { unreachable!() };
        let deaths_total = state.deaths.len();
        let expected = ProcessState { deaths: Default::default(), ..state };
        prop_assert_eq!((born, *read), (Generation(5), StateRead { state: expected, deaths_total, deaths: kept }));
        prop_assert_eq!(frames.unread(), 0);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(kind in 0u8..18, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = take(Kind { kind, version: 1 }, &body);
        let _ = Former::read([&*[&MAGIC[..], &body].concat()], BOOT);
    }
}
