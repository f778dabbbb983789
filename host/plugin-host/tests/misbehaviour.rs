//! One test for each misbehaviour of a component that is a policy: the call returns, reports what happened, and the
//! host goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, ask};
use provost_plugin_host::Limits;
use provost_state::{FaultKind, PluginStatus, Plugins};
use provost_tests::components::{self, policy};

#[test]
fn a_good_policy_decides() {
    let bench = Bench::new();
    let policy = bench.policy("good", &components::good_policy());
    let decision = ask(&policy).unwrap();
    assert_eq!(decision.action, guests::restart(250));
    assert_eq!(&*decision.reason, "crashed, again");
    let report = &bench.host.reports()[0];
    let figures = &report.active.figures;
    assert_eq!((figures.calls, figures.faults.len(), figures.call.timed), (1, 0, 1));
    assert!(figures.fuel_last > 0 && figures.memory_bytes_max >= 65_536, "{figures:?}");
    assert_eq!(report.status, PluginStatus::Active);
    assert_eq!(report.active.roles, ["restart-policy".into()]);
}

#[test]
fn an_endless_loop_ends_at_its_deadline() {
    let bench = Bench::new();
    let mut spec = bench.spec("loop", &policy("(call $forever) (i32.const 64)"));
    spec.limits = Limits::default();
    bench.load(spec).unwrap();
    let fault = ask(&bench.host.policy("loop").unwrap()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Deadline);
    assert_eq!(&*fault.message, "took longer than its 100 ms (limits.call_time)");
}

#[test]
fn a_deadline_can_be_set_by_the_operator() {
    let bench = Bench::new();
    let mut spec = bench.spec("loop", &policy("(call $forever) (i32.const 64)"));
    spec.limits = Limits { call_ms_max: Some(7), ..Limits::default() };
    bench.load(spec).unwrap();
    let fault = ask(&bench.host.policy("loop").unwrap()).unwrap_err();
    assert_eq!(&*fault.message, "took longer than its 7 ms (limits.call_time)");
}

#[test]
fn an_endless_loop_before_the_first_call_ends_at_its_deadline() {
    let bench = Bench::new();
    let module = components::policy_module("", "(i32.const 64)");
    let module = module.replacen("(func $deeper", "(start $forever) (func $deeper", 1);
    let component = components::component(&components::contract(), "restart-judge", &module);
    let mut spec = bench.spec("loop", &component);
    spec.limits = Limits::default();
    bench.load(spec).unwrap();
    let fault = ask(&bench.host.policy("loop").unwrap()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Deadline);
}

#[test]
fn a_trap_is_a_fault_and_the_next_call_answers() {
    let bench = Bench::new();
    // It traps at failure 1 and answers at all others.
    let policy = bench.policy(
        "trap",
        &policy(
            "(if (i32.eq (local.get $failures) (i32.const 1)) (then unreachable))
             (call $drop (local.get $world)) (i32.const 64)",
        ),
    );
    let fault = ask(&policy).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Trap);
    assert!(fault.message.starts_with("trapped: wasm `unreachable` instruction executed"), "{fault}");
    let (_registry, world) = guests::one_crash();
    let second = provost_state::Ended { failures: 2, ..guests::ended() };
    policy.on_exit(&second, &world).unwrap();
    let report = &bench.host.reports()[0];
    let figures = &report.active.figures;
    assert_eq!((figures.calls, figures.faults.as_slice()), (2, &[(FaultKind::Trap, 1)][..]));
    assert_eq!(figures.last_fault.as_ref(), Some(&fault));
}

#[test]
fn endless_recursion_is_a_trap() {
    let bench = Bench::new();
    let fault = ask(&bench.policy("deep", &policy("(call $deeper) (i32.const 64)"))).unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Trap, "trapped: its stack of 512 KiB is exhausted (limits.stack)")
    );
}

#[test]
fn memory_beyond_the_limit_is_a_fault_that_names_the_limit() {
    let bench = Bench::new();
    // It takes page after page, and traps when it gets no more, as an allocator does.
    let hog =
        policy("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable");
    let fault = ask(&bench.policy("hog", &hog)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Memory);
    assert_eq!(
        &*fault.message,
        "asked for 16448 KiB of memory, and at most 16 MiB are allowed (limits.memory)"
    );
}

#[test]
fn a_policy_that_is_refused_memory_and_goes_on_without_is_no_fault() {
    let bench = Bench::new();
    let modest =
        policy("(drop (memory.grow (i32.const 1000))) (call $drop (local.get $world)) (i32.const 64)");
    ask(&bench.policy("modest", &modest)).unwrap();
}

#[test]
fn a_component_that_begins_with_too_much_memory_is_refused() {
    let bench = Bench::new();
    let module = components::policy_module("", "(i32.const 64)")
        .replace(r#"(memory (export "memory") 1)"#, r#"(memory (export "memory") 512)"#);
    let fat = components::component(&components::contract(), "restart-judge", &module);
    let fault = ask(&bench.policy("fat", &fat)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert_eq!(
        &*fault.message,
        "it needs 32 MiB of memory from the start, and at most 16 MiB are allowed: raise its limit"
    );
}

#[test]
fn a_component_that_begins_with_more_than_anyone_can_have_is_refused() {
    let bench = Bench::new();
    let module = components::policy_module("", "(i32.const 64)")
        .replace(r#"(memory (export "memory") 1)"#, r#"(memory (export "memory") 8192)"#);
    let fat = components::component(&components::contract(), "restart-judge", &module);
    let fault = ask(&bench.policy("fat", &fat)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    // On a machine without room for a pool, a limit of the machine applies first.
    assert!(fault.message.starts_with("it wants "), "{fault}");
}

#[test]
fn a_delay_of_ten_to_the_eighteen_milliseconds_is_passed_on_for_the_host_to_overrule() {
    let bench = Bench::new();
    let patient = policy(
        "(i64.store (i32.const 72) (i64.const 1000000000000000000))
         (call $drop (local.get $world)) (i32.const 64)",
    );
    let decision = ask(&bench.policy("patient", &patient)).unwrap();
    assert_eq!(decision.action, guests::restart(1_000_000_000_000_000_000));
}

#[test]
fn a_reason_that_is_too_long_is_cut() {
    let bench = Bench::new();
    let chatty = policy(
        r#"(memory.fill (i32.const 8192) (i32.const 120) (i32.const 5000))
           (i32.store (i32.const 88) (i32.const 8192)) (i32.store (i32.const 92) (i32.const 5000))
           (call $drop (local.get $world)) (i32.const 64)"#,
    );
    assert_eq!(&*ask(&bench.policy("chatty", &chatty)).unwrap().reason, "x".repeat(512));
}

#[test]
fn an_answer_that_is_larger_than_what_may_be_handed_over_is_a_fault() {
    let bench = Bench::new();
    let chatty = policy(
        "(drop (memory.grow (i32.const 16)))
         (i32.store (i32.const 88) (i32.const 8192)) (i32.store (i32.const 92) (i32.const 300000))
         (call $drop (local.get $world)) (i32.const 64)",
    );
    let fault = ask(&bench.policy("chatty", &chatty)).unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Answer, "passed more data in one call than the allowed 256 KiB (limits.handed)")
    );
}

#[test]
fn an_answer_outside_of_its_memory_is_a_fault() {
    let bench = Bench::new();
    let fault =
        ask(&bench.policy("astray", &policy("(call $drop (local.get $world)) (i32.const -8)"))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Answer, "{fault}");
}

#[test]
fn an_action_that_does_not_exist_is_a_fault() {
    let bench = Bench::new();
    let odd =
        policy("(i32.store8 (i32.const 64) (i32.const 9)) (call $drop (local.get $world)) (i32.const 64)");
    let fault = ask(&bench.policy("odd", &odd)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Answer, "{fault}");
}

#[test]
fn a_snapshot_cannot_be_kept() {
    let bench = Bench::new();
    let fault = ask(&bench.policy("thief", &policy("(i32.const 64)"))).unwrap_err();
    assert_eq!(
        (fault.kind, &*fault.message),
        (FaultKind::Answer, "broke the contract: borrow handles still remain at the end of the call")
    );
}
