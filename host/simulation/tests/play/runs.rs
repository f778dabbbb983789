//! Runs as a whole: the same seed has the same course, orders are carried out, and a run is bounded.

use provost_simulation::{NotPlayed, Order, OrderKind};
use provost_state::PhaseKind;
use provost_supervisor::{Condition, Dependency};

use super::*;

/// Forty processes that end at random, some of which depend on others.
fn stormy(seed: u64) -> Scenario {
    let policy = judge(|ended, _| (restart(ended.seed % 10_000), format!("failure {}", ended.failures)));
    let name = |number: usize| format!("worker-{number}");
    let depends = |number: usize| {
        let on = Dependency { name: name(number % 5).into(), condition: Condition::Ready };
        if number < 5 { Vec::new() } else { vec![on] }
    };
    let one = |number| ProcessSpec { depends_on: depends(number), ..process(&name(number), &policy) };
    let mut it = scenario((0..40).map(one).collect(), 6 * HOUR);
    let exits = Exits { any_of: vec![Exit::Code(1), Exit::Signal(11)], out_of_memory: false };
    let crash = FaultKind::Crash { window: Window::default(), after: Span::Mean(10 * MINUTE), exits };
    let outage =
        FaultKind::Outage { window: window(HOUR, HOUR + MINUTE), after: after(500), exits: signal(9) };
    it.faults = vec![fault(crash), fault(outage)];
    it.seed = seed;
    it
}

#[test]
fn the_same_seed_has_the_same_course_and_another_seed_another_one() {
    let first = course(&stormy(7));
    assert!(first.restarts() > 1_000, "{}", first.restarts());
    assert_eq!(first, course(&stormy(7)));
    assert_ne!(first, course(&stormy(8)));
    let exits: std::collections::HashSet<_> =
        first.tracks.iter().flat_map(|track| &track.decisions).map(|made| made.exit.clone()).collect();
    assert_eq!(exits.len(), 3, "both ends are drawn, and that of the outage: {exits:?}");
}

#[test]
fn orders_are_carried_out_and_are_no_restarts() {
    let policy = always(0);
    let mut it = scenario(vec![process("web", &policy), process("db", &policy)], 8 * MINUTE + SECOND);
    let order =
        |at_ms, kind, every_ms| Order { at_ms, every_ms, kind, of: Targets::Named(vec!["web".into()]) };
    it.orders = vec![
        order(2 * MINUTE, OrderKind::Restart, Some(2 * MINUTE)),
        order(5 * MINUTE, OrderKind::Stop, None),
        order(7 * MINUTE, OrderKind::Start, None),
    ];
    let course = course(&it);
    assert_eq!((course.restarts(), starts(&course, "db")), (0, vec![0]));
    // It takes 100 ms to end. A restart of a process that is down starts it.
    assert_eq!(starts(&course, "web"), [0, 120_100, 240_100, 360_000, 480_100]);
    let web = course.track("web").unwrap();
    let restarted = |at_ms| (at_ms, Some(at_ms));
    let stopped = (5 * MINUTE, Some(6 * MINUTE));
    let expected = &[restarted(2 * MINUTE), restarted(4 * MINUTE), stopped, restarted(8 * MINUTE)][..];
    assert_eq!((web.phase, &*web.unwanted), (PhaseKind::Running, expected));
}

#[test]
fn a_policy_that_restarts_without_end_is_held_by_the_budget_of_the_host() {
    let policy = always(0);
    let mut it = scenario(vec![process("web", &policy)], HOUR);
    it.faults = vec![crash(window(0, None), 0)];
    let course = course(&it);
    // The first life is no restart, and after the first minute each restart waits until the one 60 before it is a minute old.
    assert_eq!(course.restarts(), 60 * 60 - 1 + 60);
    // One in each minute waits for the budget, and the others begin at the same moment.
    assert_eq!(course.bounded, 60);
}

#[test]
fn a_run_with_too_many_lives_ends_with_an_error_although_no_time_passes() {
    let policy = always(0);
    let mut it = scenario(vec![process("web", &policy)], HOUR);
    it.restart_budget = RestartBudget { restarts: 10, per_ms: 0 };
    it.lives_max = 1_000;
    it.faults = vec![crash(window(0, None), 0)];
    assert!(matches!(play(&it), Err(NotPlayed::TooManyLives { .. })));
}

#[test]
fn a_shutdown_that_a_policy_asks_for_ends_the_run() {
    let policy = judge(|_, _| (RulingAction::GiveUp(Escalation::ShutDown { code: 7 }), "enough".to_owned()));
    let mut it = scenario(vec![process("web", &policy)], HOUR);
    it.faults = vec![kill(MINUTE, None)];
    let course = course(&it);
    assert_eq!((course.shut_down, course.lasted_ms), (Some(7), MINUTE));
}
