//! A component on the workbench: it is called as in production, and everything that a call did is returned.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod guests;

use std::sync::Arc;

use guests::one_crash;
use provost_plugin_host::{InProcess, Limits, Outcome, Reply, Setup, SetupError, Source, Workbench};
use provost_state::{
    Ended, Exit, FaultKind, Incarnation, JudgedAction, Moment, PluginInput, RulingAction, Trigger,
};
use provost_tests::components::{self, counter};

fn open(bytes: &[u8]) -> Workbench {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("component.wasm");
    std::fs::write(&path, bytes).unwrap();
    Workbench::open(Source::Path(path), Arc::new(InProcess)).unwrap()
}

fn patient() -> Setup {
    Setup { limits: guests::patient(), ..Setup::default() }
}

fn question(failures: u32) -> PluginInput {
    PluginInput::Trigger(Trigger::Exit(Ended {
        name: "web".into(),
        group: "".into(),
        incarnation: Incarnation(1),
        exit: Exit::Code(1),
        uptime_ms: 5,
        was_ready: true,
        failures,
        restarts: 0,
        now: Moment::default(),
        seed: 1,
    }))
}

fn delay(outcome: &Outcome) -> u64 {
    match &outcome.reply {
        Ok(Reply::Decision {
            action: Some(JudgedAction::Exit(RulingAction::Restart { delay_ms, .. })),
            ..
        }) => *delay_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_sees_the_memory_that_it_is_given_and_what_it_writes_is_returned_and_not_kept() {
    let (_registry, world) = one_crash();
    let workbench = open(&counter());
    // The guest answers with the length of the value of `k` after it has added a byte.
    let empty = workbench.set_up(&patient()).unwrap();
    for _ in 0..2 {
        let outcome = empty.ask(&question(1), &world);
        assert_eq!((delay(&outcome), outcome.written.len()), (1, 1));
        assert_eq!((&*outcome.written[0].0, outcome.written[0].1.as_ref().unwrap().len()), ("k", 1));
        assert!(outcome.fuel > 0 && outcome.ns > 0 && outcome.memory_bytes >= 64 << 10, "{outcome:?}");
    }
    let memory = [("k".into(), [7, 7, 7].as_slice().into())].into();
    let full = workbench.set_up(&Setup { memory, ..patient() }).unwrap();
    let outcome = full.ask(&question(1), &world);
    assert_eq!(delay(&outcome), 4);
    full.ask_twice(&outcome, &question(1), &world).unwrap();
}

#[test]
fn a_call_that_fails_is_measured_as_well() {
    let (_registry, world) = one_crash();
    let bench = open(&counter()).set_up(&patient()).unwrap();
    let outcome = bench.ask(&question(9), &world);
    assert_eq!(outcome.reply.as_ref().unwrap_err().kind, FaultKind::Trap);
    assert!(outcome.fuel > 0 && outcome.written.len() == 1, "{outcome:?}");
    bench.ask_twice(&outcome, &question(9), &world).unwrap();
    let view = bench.ask(&PluginInput::Request(Default::default()), &world);
    let fault = view.reply.unwrap_err();
    assert_eq!((fault.kind, &*fault.message), (FaultKind::Refused, "it does not export status-view"));
}

#[test]
fn a_component_that_remembers_in_its_instance_is_impure() {
    let (_registry, world) = one_crash();
    let body = "(i64.store (i32.const 72) (i64.add (i64.load (i32.const 72)) (i64.const 1)))
                (call $drop (local.get $world)) (i32.const 64)";
    let bench = open(&components::policy(body)).set_up(&patient()).unwrap();
    let first = bench.ask(&question(1), &world);
    assert_eq!(delay(&first), 251);
    let impure = bench.ask_twice(&first, &question(1), &world).unwrap_err();
    assert_eq!((impure.in_one_instance, impure.what, delay(&impure.second)), (true, "answer", 252));
}

#[test]
fn lines_are_kept_for_each_call_and_bounded_as_in_production() {
    let (_registry, world) = one_crash();
    let bench = open(&provost_tests::hostile::log_flood()).set_up(&patient()).unwrap();
    for _ in 0..2 {
        let outcome = bench.ask(&question(1), &world);
        let bound = Limits::default().lines_per_second as usize;
        assert!(outcome.lines.len() >= bound && outcome.lines_dropped > 0, "{}", outcome.lines.len());
        assert_eq!((outcome.lines[0].level, outcome.lines[0].text.as_str()), ("trace", "crashed"));
    }
}

#[test]
fn a_component_that_is_refused_in_production_is_refused_here() {
    let workbench = open(&provost_tests::hostile::ten_thousand_imports("func"));
    let SetupError::Refused { reason, .. } = workbench.set_up(&Setup::default()).unwrap_err() else {
        panic!("it is refused")
    };
    assert!(reason.contains("it imports `test:many/i0`"), "{reason}");
    let mut impossible = Setup::default();
    impossible.limits.memory_bytes_max = 1 << 40;
    let error = workbench.set_up(&impossible).unwrap_err().to_string();
    assert!(error.contains("`limits.memory` of"), "{error}");
}
