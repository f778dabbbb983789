//! The committed bytes of each kind and version of records. They are what a journal on somebody's disk has: if this test fails,
//! a record was changed that must not change. Add a version beside it instead.

use std::sync::Arc;

use provost_state::{
    Answer, Asked, Backend, Basis, Cause, ChangeKind, Death, Demand, Desired, Ended, Escalation, EventKind,
    Exit, Failing, FaultKind, Generation, Health, HealthAction, Identity, Incarnation, Judged, JudgedAction,
    Moment, Note, Noted, Observation, Ordered, Phase, PhaseKind, Plan, PluginNote, PolicySource, ProcessId,
    ProcessState, ProcessType, Rollout, Routing, Ruling, RulingAction, Sample, Scope, StartAction, Trigger,
    Usage, UsageAction, Version,
};

use super::codec::{Frames, encode};
use super::entry::{Commit, Gap, GapReason, Record};

fn at(ms: u64) -> Moment {
    Moment { wall_ms: 1_795_000_000_000 + ms, mono_ns: ms * 1_000_000 }
}

fn state() -> ProcessState {
    let job = ProcessType::Job { success_codes: Arc::from([0, 3]) };
    ProcessState {
        incarnation: Incarnation(2),
        version: Version(9),
        generation: Generation(300),
        desired: Desired::Up,
        phase: Phase::Backoff { until: at(900) },
        cause: Cause::Policy,
        reason: "second failure".into(),
        health: Health::Degraded,
        failing: Some(Arc::new(Failing { why: "no answer".into(), since: at(5) })),
        started_at: Some(at(10)),
        ended_at: Some(at(400)),
        exit: Some(Exit::Signal(9)),
        restarts: 4,
        failures: 2,
        decision: Some(Arc::new(Ruling {
            action: RulingAction::Restart { delay_ms: 500, scope: Scope::Rest },
            by: "backoff".into(),
            reason: "second failure".into(),
            overruled: Some("other: trapped".into()),
        })),
        ..ProcessState::new(ProcessId::NOBODY, Arc::new(Identity::new("web.1", "shop").of_type(job)), at(400))
    }
}

fn note(what: Noted) -> Record {
    Record::Note(Note { at: at(401), after: Generation(299), what })
}

fn judged(trigger: Trigger, action: JudgedAction, answer: Answer) -> Record {
    let source = PolicySource { component: [0xab; 32], settings: [0xcd; 32], engine: 77 };
    let basis = Basis { source: Arc::new(source), memory_version: 3, fuel: 12_345 };
    let asked = vec![
        Asked {
            name: "first".into(),
            version: 1,
            basis: None,
            answer: Answer::Failed { kind: Some(FaultKind::Trap), why: "trapped".into() },
        },
        Asked { name: "second".into(), version: 2, basis: Some(basis), answer },
    ];
    note(Noted::Decision(Box::new(Judged {
        world: Generation(299),
        trigger,
        asked,
        action,
        by: "second".into(),
        reason: "so it is".into(),
        overruled: None,
    })))
}

fn sample() -> Sample {
    let usage = |ms| Usage {
        at: at(ms),
        cpu_ms: 100,
        cpu_millis: 250,
        rss_bytes: 1 << 20,
        pss_bytes: Some(1 << 19),
        fds: None,
        threads: 3,
        members: 1,
    };
    Sample {
        name: "web.1".into(),
        group: "shop".into(),
        incarnation: Incarnation(2),
        usage: usage(400),
        former: Arc::from([usage(300), usage(200)]),
        uptime_ms: 390,
        now: at(400),
        seed: 99,
    }
}

fn decisions() -> Vec<Record> {
    let (name, group, now, seed) = (Arc::<str>::from("web.1"), Arc::<str>::from("shop"), at(400), 99);
    let incarnation = Incarnation(2);
    let ended = Ended {
        name: name.clone(),
        group: group.clone(),
        incarnation,
        exit: Exit::NotReady("no answer".into()),
        uptime_ms: 390,
        was_ready: false,
        failures: 2,
        restarts: 4,
        now,
        seed,
    };
    let plan = Plan {
        name: name.clone(),
        group: group.clone(),
        incarnation,
        cause: Cause::Crash,
        waited_ms: 7,
        failures: 2,
        now,
        seed,
    };
    let seen = Observation {
        name: name.clone(),
        group: group.clone(),
        incarnation,
        passed: false,
        detail: "refused".into(),
        took_ms: 8,
        in_a_row: 3,
        before: Health::Healthy,
        uptime_ms: 390,
        now,
        seed,
    };
    let demand = Demand { name, group, wanted: 2, running: 1, least: 1, most: 5, now, seed };
    let shut_down = JudgedAction::Exit(RulingAction::GiveUp(Escalation::ShutDown { code: 3 }));
    let env = vec![("PORT".to_owned(), "80".to_owned())];
    let allow = JudgedAction::Start(StartAction::Allow { env });
    let hold = JudgedAction::Probe(HealthAction::Hold(Health::Unhealthy));
    let restart = JudgedAction::Usage(UsageAction::Restart { drain_ms: Some(5_000) });
    vec![
        judged(Trigger::Exit(ended), shut_down.clone(), Answer::Wanted(shut_down)),
        judged(Trigger::Start(plan), allow.clone(), Answer::Wanted(allow)),
        judged(Trigger::Probe(seen), hold.clone(), Answer::Wanted(hold)),
        judged(Trigger::Scale(demand), JudgedAction::Scale(3), Answer::Passed),
        judged(Trigger::Usage(sample()), restart.clone(), Answer::Wanted(restart)),
    ]
}

fn all() -> Vec<Record> {
    let committed = Commit {
        kind: ChangeKind::Event(EventKind::Decided),
        from: PhaseKind::Exited,
        state: Arc::new(state()),
    };
    let death = Death { incarnation: Incarnation(1), exit: Exit::Code(1), at: at(300), uptime_ms: 20 };
    let standing = ProcessState { deaths: std::iter::once(death).collect(), ..state() };
    let locked = Routing { backend: Backend::Locked, rollout: Rollout::FULL };
    let ordered = Ordered { order: "restart".into(), name: "web.1".into(), detail: "by a user".into() };
    let plugin =
        PluginNote { name: "backoff".into(), action: "swap".into(), version: Some(2), digest: "ab12".into() };
    let mut all = vec![
        Record::Commit(committed),
        Record::Checkpoint { at: at(400), generation: Generation(300), processes: 1 },
        Record::Standing(Arc::new(standing)),
        Record::Gap(Gap { at: at(1), reason: GapReason::DiskFull, count: 12 }),
        note(Noted::Order(ordered)),
        note(Noted::Plugin(plugin.clone())),
        note(Noted::Reload { outcome: "2 changed".into() }),
        note(Noted::Backend { before: Routing::default(), now: locked }),
        note(Noted::HostStarted { pid: 7, version: "0.1.0".into() }),
        note(Noted::HostEnded { code: 1 }),
    ];
    all.extend(decisions());
    all.push(Record::InForce { at: at(400), plugin });
    all
}

fn bytes(record: &Record) -> Vec<u8> {
    let (mut scratch, mut bytes) = (Vec::new(), Vec::new());
    encode(record, &mut scratch, &mut bytes);
    bytes
}

#[test]
fn the_bytes_of_every_kind_and_version_are_those_that_were_committed() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines: Vec<String> =
        all().iter().map(|record| format!("{} {}", record.kind().as_str(), hex(bytes(record)))).collect();
    let golden = include_str!("golden.txt");
    assert_eq!(lines.join("\n"), golden.trim_end());
}

#[test]
fn every_record_is_read_back_from_its_bytes_and_from_no_part_of_them() {
    for record in all() {
        let bytes = bytes(&record);
        let frame = Frames(&bytes).next().unwrap();
        assert_eq!(frame.decode().unwrap(), record);
        for cut in 0..bytes.len() {
            assert!(Frames(&bytes[..cut]).next().is_none(), "cut at {cut}");
        }
    }
}

#[test]
fn a_record_of_an_unknown_kind_or_version_is_passed_over() {
    let mut two = bytes(&note(Noted::HostEnded { code: 1 }));
    two[2] = 9;
    two.extend(bytes(&note(Noted::HostEnded { code: 2 })));
    let mut frames = Frames(&two);
    let error = frames.next().unwrap().decode().unwrap_err();
    assert_eq!(error.to_string(), "kind 11 of version 9 is not known to this program");
    assert_eq!(frames.next().unwrap().decode().unwrap(), note(Noted::HostEnded { code: 2 }));
    assert!(frames.next().is_none());
}
