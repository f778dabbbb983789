//! Which faults have hit nothing.

use provost_simulation::{Order, OrderKind};
use provost_supervisor::{Check, HealthCheck};

use super::*;

fn idle(scenario: &Scenario) -> Vec<usize> {
    played(scenario).idle_faults
}

#[test]
fn a_fault_after_the_end_or_of_what_does_not_run_at_its_time_has_hit_nothing() {
    let policy = always(SECOND);
    let mut it = scenario(vec![process("web", &policy)], HOUR);
    let step = |at_ms| fault(FaultKind::ClockStep { at_ms, by_ms: 1 });
    it.faults = vec![kill(30 * MINUTE, None), kill(2 * HOUR, None), step(HOUR), step(HOUR + 1)];
    assert_eq!(idle(&it), [1, 3]);
    // The life that the first fault would have ended is stopped before.
    let order = |at_ms, kind| Order { at_ms, every_ms: None, kind, of: Targets::All };
    it.orders = vec![order(20 * MINUTE, OrderKind::Stop), order(40 * MINUTE, OrderKind::Start)];
    assert_eq!(idle(&it), [0, 1, 3]);
}

#[test]
fn of_two_faults_that_would_end_each_life_only_the_earlier_one_has_hit_something() {
    let policy = always(SECOND);
    let mut it = scenario(vec![process("web", &policy)], HOUR);
    it.faults = vec![crash(window(0, None), 3_000), crash(window(0, None), 2_000)];
    assert_eq!(idle(&it), [0]);
    // The life that begins after the window of the earlier one is ended by the other.
    it.faults[1] = crash(window(0, MINUTE), 2_000);
    assert_eq!(idle(&it), [0_usize; 0]);
}

#[test]
fn faults_of_starts_memory_and_checks_have_hit_something_if_there_was_a_start_or_a_check() {
    let policy = always(SECOND);
    let kinds = |window| {
        vec![
            fault(FaultKind::NoStart { window, error: "no".into() }),
            fault(FaultKind::SlowStart { window, after: after(10) }),
            fault(FaultKind::Leak { window, base_bytes: 1, per_hour_bytes: 1, limit_bytes: None }),
            fault(FaultKind::Unhealthy { window }),
        ]
    };
    let mut it = scenario(vec![process("web", &policy)], HOUR);
    it.faults = kinds(window(MINUTE, None));
    assert_eq!(idle(&it), [0, 1, 2, 3], "it starts once, and has no checks");
    it.faults = kinds(window(0, 10 * MINUTE));
    it.faults[0] = fault(FaultKind::NoStart { window: window(0, 5 * SECOND), error: "no".into() });
    let check = || Check::Exec(CommandLine::Argv(vec!["check".to_owned()]));
    it.processes[0].health =
        Some(HealthCheck { check: check(), every_ms: 10_000, timeout_ms: 1_000, failures: 3 });
    assert_eq!(idle(&it), [0_usize; 0]);
}
