//! Components that mean harm: each is stopped with its cause and its limit, and another plugin still answers.

#![expect(clippy::unwrap_used, reason = "a test whose ground gives way has failed")]

mod guests;

use guests::{Bench, ask, policy, policy_module};
use provost_plugin_host::Limits;
use provost_state::{Batch, Fault, FaultKind, Plugins, ViewRequest};

fn component(module: &str) -> Vec<u8> {
    guests::component(&guests::contract(), "restart-judge", module)
}

/// Asks it, and then another.
fn suffer(limits: Limits, bytes: &[u8]) -> Fault {
    let bench = Bench::new();
    let other = bench.policy("other", &guests::good_policy());
    let mut spec = bench.spec("hostile", bytes);
    spec.limits = limits;
    bench.host.load(spec).unwrap();
    let fault = ask(&bench.host.policy("hostile").unwrap()).unwrap_err();
    ask(&other).unwrap();
    let report = bench.host.reports().remove(1);
    assert_eq!((&*report.name, report.active.figures.last_fault.as_ref()), ("hostile", Some(&fault)));
    fault
}

fn says(fault: &Fault, kind: FaultKind, message: &str) {
    assert_eq!((fault.kind, &*fault.message), (kind, message));
}

#[test]
fn a_storm_of_host_calls_ends_at_its_deadline() {
    let module = policy_module(
        r#"(import "provost:plugin/snapshots@0.1.0" "[method]snapshot.size"
            (func $size (param i32) (result i32)))"#,
        "(loop $again (drop (call $size (local.get $world))) (br $again)) (i32.const 64)",
    );
    says(&suffer(Limits::default(), &component(&module)), FaultKind::Deadline, "took longer than its 100 ms");
}

#[test]
fn a_loop_ends_when_its_fuel_does() {
    let limits = Limits { fuel_max: 5_000_000, ..guests::patient() };
    let fault = suffer(limits, &policy("(call $forever) (i32.const 64)"));
    says(&fault, FaultKind::Fuel, "used more than its 5000000 units of fuel");
}

#[test]
fn deep_recursion_ends_with_the_stack_that_the_operator_set() {
    let limits = Limits { stack_bytes_max: 128 << 10, ..guests::patient() };
    let fault = suffer(limits, &policy("(call $deeper) (i32.const 64)"));
    says(&fault, FaultKind::Trap, "trapped: its stack of 128 KiB is exhausted");
}

#[test]
fn a_table_bomb_ends_at_the_memory_limit() {
    let module = policy_module(
        "",
        "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))))
         unreachable",
    )
    .replacen("(func $deeper", "(table $t 0 funcref) (func $deeper", 1);
    let limits = Limits { memory_bytes_max: 512 << 10, ..guests::patient() };
    let fault = suffer(limits, &component(&module));
    assert_eq!(fault.kind, FaultKind::Memory, "{fault}");
    assert!(fault.message.ends_with(" of memory and may have 512 KiB"), "{fault}");
}

#[test]
fn text_that_is_no_utf_8_is_a_fault() {
    let bytes =
        policy("(i32.store8 (i32.const 32) (i32.const 255)) (call $drop (local.get $world)) (i32.const 64)");
    let fault = suffer(guests::patient(), &bytes);
    assert_eq!(fault.kind, FaultKind::Answer);
    assert!(fault.message.contains("utf-8"), "{fault}");
}

#[test]
fn a_scope_that_does_not_exist_is_a_fault() {
    let bytes =
        policy("(i32.store8 (i32.const 80) (i32.const 7)) (call $drop (local.get $world)) (i32.const 64)");
    assert_eq!(suffer(guests::patient(), &bytes).kind, FaultKind::Answer);
}

#[test]
fn a_trap_while_it_is_handed_the_trigger_is_a_fault() {
    let module = policy_module("", "(i32.const 64)").replacen(
        "(global.set $free (i32.and",
        "unreachable (global.set $free (i32.and",
        1,
    );
    assert_eq!(suffer(guests::patient(), &component(&module)).kind, FaultKind::Trap);
}

#[test]
fn a_snapshot_that_was_dropped_cannot_be_used() {
    let module = policy_module(
        r#"(import "provost:plugin/snapshots@0.1.0" "[method]snapshot.size"
            (func $size (param i32) (result i32)))"#,
        "(call $drop (local.get $world)) (drop (call $size (local.get $world))) (i32.const 64)",
    );
    let fault = suffer(guests::patient(), &component(&module));
    assert_eq!(fault.kind, FaultKind::Answer);
    assert!(fault.message.contains("unknown handle index"), "{fault}");
}

#[test]
fn a_hundred_megabytes_of_answer_are_a_fault_that_names_the_limit() {
    let bench = Bench::new();
    let mut spec = bench.spec(
        "page",
        &guests::view(
            "(drop (memory.grow (i32.const 1700)))
             (i32.store (i32.const 88) (i32.const 1024)) (i32.store (i32.const 92) (i32.const 100000000))
             (i32.const 80)",
        ),
    );
    spec.limits = Limits { memory_bytes_max: 128 << 20, ..guests::patient() };
    bench.host.load(spec).unwrap();
    let (_registry, world) = guests::one_crash();
    let fault = bench.host.view("page").unwrap().render(&ViewRequest::default(), &world).unwrap_err();
    says(&fault, FaultKind::Answer, "handed over more than it may: 8448 KiB at once");
}

/// A component with ten thousand imports of this sort.
fn greedy(sort: &str) -> Vec<u8> {
    use std::fmt::Write as _;
    let imports = (0..10_000).fold(String::new(), |mut text, i| {
        write!(text, "(import \"test:many/i{i}\" ({sort}))").unwrap();
        text
    });
    wat::parse_str(format!("(component {imports})")).unwrap()
}

#[test]
fn ten_thousand_imports_are_refused() {
    let bench = Bench::new();
    let other = bench.policy("other", &guests::good_policy());
    bench.host.load(bench.spec("many", &greedy("func"))).unwrap();
    let fault = ask(&bench.host.policy("many").unwrap()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.message.starts_with("it imports `test:many/i0`, `test:many/i1`"), "{fault}");
    assert!(fault.message.contains("`test:many/i7` and 9992 others"), "{fault}");
    // Of interfaces there may be a thousand in a component that is valid at all.
    let error = bench.host.load(bench.spec("more", &greedy("instance"))).unwrap_err().to_string();
    assert!(error.contains("instances count exceeds limit of 1000"), "{error}");
    ask(&other).unwrap();
}

#[test]
fn a_leak_of_handles_ends_at_the_limit() {
    let resolve = guests::with_package(
        guests::contract(),
        "package test:leak; interface things { resource thing; make: func(); }
         world leaky { include provost:plugin/restart-judge@0.1.0; export things; }",
    );
    let module = policy_module(
        r#"(import "[export]test:leak/things" "[resource-new]thing" (func $new (param i32) (result i32)))"#,
        "(loop $again (drop (call $new (i32.const 1))) (br $again)) (i32.const 64)",
    )
    .replacen("(func $deeper", r#"(func (export "test:leak/things#make")) (func $deeper"#, 1);
    let fault = suffer(guests::patient(), &guests::component(&resolve, "leaky", &module));
    says(&fault, FaultKind::Memory, "wanted more than its 64 handles");
}

#[test]
fn a_flood_of_lines_is_dropped_and_counted() {
    let bench = Bench::new();
    let module = policy_module(
        r#"(import "provost:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))"#,
        "(local $i i32)
         (loop $again
            (call $write (i32.const 0) (i32.const 32) (i32.const 7))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 10000))))
         (call $drop (local.get $world)) (i32.const 64)",
    );
    let mut spec = bench.spec("chatty", &component(&module));
    spec.limits.lines_per_second = 1;
    bench.host.load(spec).unwrap();
    ask(&bench.host.policy("chatty").unwrap()).unwrap();
    let dropped = bench.host.reports()[0].active.figures.lines_dropped;
    assert!((9_000..10_000).contains(&dropped), "{dropped}");
}

#[test]
fn a_consumer_that_never_returns_ends_at_its_deadline() {
    let bench = Bench::new();
    let module = r#"(module
        (import "provost:plugin/snapshots@0.1.0" "[resource-drop]snapshot" (func $drop (param i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
        (func (export "provost:plugin/status-consumer@0.1.0#on-change") (param i32 i32 i64 i32)
            (loop $again (br $again))))"#;
    let bytes = guests::component(&guests::contract(), "status-listener", module);
    let mut spec = bench.spec("stuck", &bytes);
    spec.limits = Limits::default();
    bench.host.load(spec).unwrap();
    let mut consumer = bench.host.consumer("stuck").unwrap();
    consumer.behind(12);
    let (_registry, world) = guests::one_crash();
    let fault = consumer.on_change(&Batch { missed: 3, ..Batch::default() }, &world).unwrap_err();
    says(&fault, FaultKind::Deadline, "took longer than its 1000 ms");
    let figures = &bench.host.reports()[0].active.figures;
    assert_eq!((figures.queued, figures.missed), (12, 3));
    bench.host.unload("stuck").unwrap();
    assert!(consumer.is_gone());
}
