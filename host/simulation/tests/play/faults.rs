//! What each kind of fault does to a process.

use provost_state::{Cause, PhaseKind};
use provost_supervisor::{Check, HealthCheck, Readiness};

use super::*;

#[test]
fn a_life_that_begins_in_the_window_of_a_crash_lasts_as_long_as_it_says() {
    let policy = always(500);
    let mut it = scenario(vec![process("web", &policy)], 10 * SECOND);
    it.faults = vec![crash(window(0, 5 * SECOND), 1_000)];
    // Each life lasts a second, and each restart takes half of one; the one that begins after the window lasts.
    assert_eq!(starts(&course(&it), "web"), [0, 1_500, 3_000, 4_500, 6_000]);
}

#[test]
fn a_fault_hits_no_more_lives_than_it_says_and_only_its_targets() {
    let policy = always(0);
    let mut it = scenario(vec![process("web", &policy), process("db", &policy)], HOUR);
    let of = Targets::Named(vec!["web".into()]);
    it.faults = vec![Fault { times: Some(3), of, ..crash(window(0, None), 1_000) }];
    let course = course(&it);
    assert_eq!(starts(&course, "web"), [0, 1_000, 2_000, 3_000]);
    assert_eq!(starts(&course, "db"), [0]);
}

#[test]
fn an_outage_ends_what_lives_when_it_begins_and_what_begins_meanwhile() {
    let policy = always(20 * SECOND);
    let mut it = scenario(vec![process("web", &policy), process("db", &policy)], HOUR);
    let kind =
        FaultKind::Outage { window: window(MINUTE, 2 * MINUTE), after: after(5_000), exits: signal(9) };
    it.faults = vec![fault(kind)];
    let course = course(&it);
    for name in ["web", "db"] {
        assert_eq!(starts(&course, name), [0, 80_000, 105_000, 130_000], "{name}");
        let end = course.track(name).unwrap().lives[0].end.clone().unwrap();
        assert_eq!((end.at_ms, end.exit, end.is_asked), (MINUTE, Exit::Signal(9), false));
    }
}

#[test]
fn a_monthly_kill_takes_a_year_of_virtual_time() {
    let policy = always(0);
    let mut it = scenario(vec![process("web", &policy)], 365 * DAY);
    it.faults = vec![kill(30 * DAY, 30 * DAY)];
    let course = course(&it);
    assert_eq!(starts(&course, "web"), (0..=12).map(|month| month * 30 * DAY).collect::<Vec<_>>());
    assert_eq!(course.track("web").unwrap().decisions[11].uptime_ms, 30 * DAY);
}

#[test]
fn what_cannot_be_started_ends_without_a_life() {
    let policy = always(SECOND);
    let mut it = scenario(vec![process("web", &policy)], MINUTE);
    it.faults = vec![fault(FaultKind::NoStart { window: window(0, 2_500), error: "no such file".into() })];
    let course = course(&it);
    let track = course.track("web").unwrap();
    assert_eq!(track.decisions.len(), 3);
    assert_eq!(track.decisions[0].exit, Exit::NotSpawned("no such file".into()));
    assert_eq!(starts(&course, "web"), [3_000]);
}

fn readiness(within_ms: u64) -> Readiness {
    Readiness {
        check: Check::LogLine("listening".to_owned()),
        every_ms: 1_000,
        timeout_ms: 1_000,
        within_ms: Some(within_ms),
        own_port: true,
    }
}

#[test]
fn a_slow_start_delays_readiness_and_is_ended_if_it_takes_too_long() {
    let policy = always(SECOND);
    let web = ProcessSpec { ready: Some(readiness(10_000)), ..process("web", &policy) };
    let mut it = scenario(vec![web], 5 * MINUTE);
    let slow = |window, ms| fault(FaultKind::SlowStart { window, after: after(ms) });
    it.faults = vec![slow(window(0, SECOND), 4_000)];
    let ready = course(&it).track("web").unwrap().lives[0].ready_ms;
    assert_eq!(ready, Some(4_000), "checks are made every second");

    it.faults = vec![slow(window(0, SECOND), MINUTE)];
    let course = course(&it);
    let lives = &course.track("web").unwrap().lives;
    assert_eq!(
        (lives[0].ready_ms, lives[1].started_ms),
        (None, 11_100),
        "it obeys its stop signal in 100 ms"
    );
    assert_eq!(lives[1].ready_ms, Some(11_100));
    assert!(matches!(course.track("web").unwrap().decisions[0].exit, Exit::NotReady(_)));
}

#[test]
fn what_does_not_answer_its_health_check_is_restarted() {
    let policy = always(SECOND);
    let check = Check::Tcp("127.0.0.1:1".to_owned());
    let health = Some(HealthCheck { check, every_ms: 10_000, timeout_ms: 1_000, failures: 3 });
    let mut it = scenario(vec![ProcessSpec { health, ..process("web", &policy) }], 10 * MINUTE);
    it.faults = vec![fault(FaultKind::Unhealthy { window: window(MINUTE, 2 * MINUTE) })];
    let course = course(&it);
    let lives = &course.track("web").unwrap().lives;
    assert_eq!(lives.len(), 3, "{lives:#?}");
    // The checks at 60, 70 and 80 s fail.
    assert_eq!((lives[1].started_ms, lives[1].cause), (80_100, Cause::Health));
    assert!(lives[0].end.as_ref().unwrap().is_asked);
}

#[test]
fn a_leak_ends_at_its_limit_as_out_of_memory() {
    let policy = always(0);
    let mut it = scenario(vec![process("web", &policy)], 9 * HOUR);
    let kind = FaultKind::Leak {
        window: window(0, None),
        base_bytes: 100 << 20,
        per_hour_bytes: 100 << 20,
        limit_bytes: Some(300 << 20),
    };
    it.faults = vec![fault(kind)];
    let course = course(&it);
    assert_eq!(starts(&course, "web"), [0, 2 * HOUR, 4 * HOUR, 6 * HOUR, 8 * HOUR]);
    assert_eq!(course.track("web").unwrap().decisions[0].exit, Exit::Signal(9));
}

#[test]
fn a_step_of_the_wall_clock_changes_what_policies_are_told_and_no_delay() {
    let policy = judge(|ended, _| (restart(10_000), ended.now.wall_ms.to_string()));
    let mut it = scenario(vec![process("web", &policy)], MINUTE + SECOND);
    it.faults = vec![kill(10_000, 20_000), fault(FaultKind::ClockStep { at_ms: 15_000, by_ms: -3_600_000 })];
    let course = course(&it);
    let track = course.track("web").unwrap();
    assert_eq!(starts(&course, "web"), [0, 20_000, 40_000, 60_000]);
    let told: Vec<u64> = track.decisions.iter().map(|made| made.reason.parse().unwrap()).collect();
    let start = it.starts_at_ms;
    assert_eq!(told, [start + 10_000, start + 30_000 - HOUR, start + 50_000 - HOUR]);
    assert_eq!(track.phase, PhaseKind::Running);
}
