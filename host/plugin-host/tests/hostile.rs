//! Hostile components: each is stopped with the cause and the limit, and another plugin still answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guests;

use guests::{Bench, ask};
use provost_plugin_host::Limits;
use provost_state::{Batch, Fault, FaultKind, Generation, Plugins, ViewRequest};
use provost_tests::components::{self, policy};
use provost_tests::hostile;

/// Asks a hostile policy, and then another one. Returns the fault of the first.
fn suffer(limits: Limits, bytes: &[u8]) -> Fault {
    let bench = Bench::new();
    let other = bench.policy("other", &components::good_policy());
    let mut spec = bench.spec("hostile", bytes);
    spec.limits = limits;
    bench.load(spec).unwrap();
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
    says(
        &suffer(Limits::default(), &hostile::storm_of_host_calls()),
        FaultKind::Deadline,
        "took longer than its 100 ms (limits.call_time)",
    );
}

#[test]
fn a_loop_ends_when_its_fuel_is_used_up() {
    let limits = Limits { fuel_max: 5_000_000, ..guests::patient() };
    let fault = suffer(limits, &policy("(call $forever) (i32.const 64)"));
    says(&fault, FaultKind::Fuel, "used more than its 5000000 units of fuel (limits.fuel)");
}

#[test]
fn deep_recursion_ends_with_the_stack_that_the_operator_set() {
    let limits = Limits { stack_bytes_max: 128 << 10, ..guests::patient() };
    let fault = suffer(limits, &policy("(call $deeper) (i32.const 64)"));
    says(&fault, FaultKind::Trap, "trapped: its stack of 128 KiB is exhausted (limits.stack)");
}

#[test]
fn a_table_bomb_ends_at_the_memory_limit() {
    let limits = Limits { memory_bytes_max: 512 << 10, ..guests::patient() };
    let fault = suffer(limits, &hostile::table_bomb());
    assert_eq!(fault.kind, FaultKind::Memory, "{fault}");
    assert!(
        fault.message.ends_with(" of memory, and at most 512 KiB are allowed (limits.memory)"),
        "{fault}"
    );
}

#[test]
fn text_that_is_not_utf_8_is_a_fault() {
    let fault = suffer(guests::patient(), &hostile::invalid_text());
    assert_eq!(fault.kind, FaultKind::Answer);
    assert!(fault.message.contains("utf-8"), "{fault}");
}

#[test]
fn a_scope_that_does_not_exist_is_a_fault() {
    assert_eq!(suffer(guests::patient(), &hostile::enum_out_of_range()).kind, FaultKind::Answer);
}

#[test]
fn a_trap_while_the_trigger_is_passed_is_a_fault() {
    assert_eq!(suffer(guests::patient(), &hostile::trap_in_realloc()).kind, FaultKind::Trap);
}

#[test]
fn a_snapshot_that_was_dropped_cannot_be_used() {
    let fault = suffer(guests::patient(), &hostile::use_after_drop());
    assert_eq!(fault.kind, FaultKind::Answer);
    assert!(fault.message.contains("unknown handle index"), "{fault}");
}

#[test]
fn a_hundred_megabytes_of_answer_are_a_fault_that_names_the_limit() {
    let bench = Bench::new();
    let mut spec = bench.spec("page", &hostile::hundred_megabytes());
    spec.limits = Limits { memory_bytes_max: 128 << 20, ..guests::patient() };
    bench.load(spec).unwrap();
    let (_registry, world) = guests::one_crash();
    let fault = bench.host.view("page").unwrap().render(&ViewRequest::default(), &world).unwrap_err();
    says(
        &fault,
        FaultKind::Answer,
        "passed more data in one call than an answer of 8 MiB (limits.answer) plus 256 KiB (limits.handed)",
    );
}

#[test]
fn ten_thousand_imports_are_refused() {
    let bench = Bench::new();
    let other = bench.policy("other", &components::good_policy());
    bench.load(bench.spec("many", &hostile::ten_thousand_imports("func"))).unwrap();
    let fault = ask(&bench.host.policy("many").unwrap()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Refused);
    assert!(fault.message.starts_with("it imports `test:many/i0`, `test:many/i1`"), "{fault}");
    assert!(fault.message.contains("`test:many/i7` and 9992 others"), "{fault}");
    // A valid component may have at most a thousand instances.
    let error =
        bench.load(bench.spec("more", &hostile::ten_thousand_imports("instance"))).unwrap_err().to_string();
    assert!(error.contains("instances count exceeds limit of 1000"), "{error}");
    ask(&other).unwrap();
}

#[test]
fn a_leak_of_handles_ends_at_the_limit() {
    let fault = suffer(guests::patient(), &hostile::handle_leak());
    says(&fault, FaultKind::Memory, "wanted more than its 64 handles (limits.handles)");
}

#[test]
fn a_flood_of_lines_is_dropped_and_counted() {
    let bench = Bench::new();
    let mut spec = bench.spec("chatty", &hostile::log_flood());
    spec.limits.lines_per_second = 1;
    bench.load(spec).unwrap();
    ask(&bench.host.policy("chatty").unwrap()).unwrap();
    let dropped = bench.host.reports()[0].active.figures.lines_dropped;
    // The trial may have written the one line of this second.
    assert!((9_000..=10_000).contains(&dropped), "{dropped}");
}

#[test]
fn a_consumer_that_never_returns_ends_at_its_deadline() {
    let bench = Bench::new();
    let mut spec = bench.spec("stuck", &hostile::consumer_that_never_returns());
    spec.limits = Limits::default();
    bench.load(spec).unwrap();
    let mut consumer = bench.host.consumer("stuck").unwrap();
    consumer.told_until(Generation(30));
    let (_registry, world) = guests::one_crash();
    let fault = consumer.on_change(&Batch { missed: 3, ..Batch::default() }, &world).unwrap_err();
    says(&fault, FaultKind::Deadline, "took longer than its 1000 ms (limits.call_time)");
    let report = &bench.host.reports()[0];
    assert_eq!((report.queued(Generation(42)), report.active.figures.missed), (12, 3));
    assert_eq!(report.queued(Generation(29)), 0, "a reader may have an older generation");
    bench.host.unload("stuck").unwrap();
    assert!(consumer.is_gone());
}

#[test]
fn more_instances_memories_or_tables_than_it_may_have_are_a_fault_with_the_limit_that_was_hit() {
    for (limits, words) in [
        (Limits { instances_max: 0, ..guests::patient() }, "core instances (limits.instances)"),
        (Limits { memories_max: 0, ..guests::patient() }, "memories (limits.memories)"),
        (Limits { tables_max: 0, ..guests::patient() }, "tables (limits.tables)"),
    ] {
        let fault = suffer(limits, &hostile::table_bomb());
        says(&fault, FaultKind::Memory, &format!("wanted more than its 0 {words}"));
    }
}
