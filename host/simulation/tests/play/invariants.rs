//! What each invariant finds, and where: for a policy that keeps it, one that breaks it, and a course that says nothing about it.

use provost_simulation::{Order, OrderKind};

use super::*;

#[test]
fn restarts_per_minute_are_counted_for_each_process() {
    let at = |delay_ms| {
        let mut it = scenario(vec![process("web", &always(delay_ms))], HOUR);
        it.faults = vec![crash(window(0, 10 * MINUTE), 1_000)];
        it
    };
    let most = Invariant::MaxRestartsPerMinute(6);
    assert_eq!(verdict(&at(9_000), most.clone()), Verdict::Held(60));
    let (at_ms, what) = broken(&at(1_000), most.clone());
    assert_eq!((at_ms, &*what), (14_000, "it was restarted 7 times within a minute, more than 6"));
    let calm = scenario(vec![process("web", &always(0))], HOUR);
    assert_eq!(verdict(&calm, most), Verdict::Untested);
}

#[test]
fn restarts_per_hour_tell_what_is_restarted_less_and_less_often_from_what_is_not() {
    let never_works = |policy: Arc<dyn Policy>| {
        let mut it = scenario(vec![process("web", &policy)], DAY);
        it.faults = vec![crash(window(0, None), 20 * SECOND)];
        it
    };
    let most = || Invariant::MaxRestartsPerHour(100);
    assert!(matches!(verdict(&never_works(doubling()), most()), Verdict::Held(_)));
    let (at_ms, what) = broken(&never_works(always(SECOND)), most());
    assert_eq!(
        (at_ms, &*what),
        (101 * 21 * SECOND, "it was restarted 101 times within an hour, more than 100")
    );
}

#[test]
fn a_life_that_fails_is_found_and_one_that_was_told_to_end_is_not() {
    let mut it = scenario(vec![process("web", &always(0))], HOUR);
    assert_eq!(verdict(&it, Invariant::NeverFails), Verdict::Untested);
    let order = Order { at_ms: MINUTE, every_ms: None, kind: OrderKind::Restart, of: Targets::All };
    it.orders = vec![order];
    assert_eq!(verdict(&it, Invariant::NeverFails), Verdict::Held(1));
    it.faults = vec![kill(2 * MINUTE, None)];
    let (at_ms, what) = broken(&it, Invariant::NeverFails);
    assert_eq!((at_ms, &*what), (2 * MINUTE, "life 2 failed after 1m: exited with code 1"));
}

#[test]
fn a_herd_is_many_processes_that_are_restarted_at_once() {
    let storm = |policy: Arc<dyn Policy>| {
        let mut it = scenario((0..40).map(|n| process(&format!("w{n}"), &policy)).collect(), HOUR);
        it.faults = vec![kill(10 * MINUTE, None)];
        it
    };
    let herd = || Invariant::NoThunderingHerd { processes: 10, within_ms: 1_000 };
    let (at_ms, what) = broken(&storm(always(5_000)), herd());
    assert_eq!((at_ms, &*what), (605_000, "11 processes were restarted within 1s, more than 10"));
    let spread = judge(|ended, _| (restart(ended.seed % 60_000), "spread".to_owned()));
    assert_eq!(verdict(&storm(spread), herd()), Verdict::Held(40));
}

#[test]
fn a_process_recovers_once_nothing_affects_it_any_more() {
    let outage = |policy: &Arc<dyn Policy>| {
        let mut it = scenario(vec![process("web", policy)], 2 * HOUR);
        let window = window(10 * MINUTE, 40 * MINUTE);
        it.faults = vec![fault(FaultKind::Outage { window, after: after(100), exits: signal(9) })];
        it
    };
    let recovers = || Invariant::RecoversWithin(2 * MINUTE);
    assert_eq!(
        verdict(&outage(&doubling()), recovers()),
        Verdict::Held(2),
        "before the outage, and after it"
    );
    let (at_ms, what) = broken(&outage(&strict(5)), recovers());
    assert_eq!(at_ms, 42 * MINUTE);
    assert_eq!(what, "it was not ready although no fault had affected it for 2m, since 40m");
    // A process that waits for an hour has not recovered either.
    let (at_ms, _) = broken(&outage(&always(HOUR)), recovers());
    assert_eq!(at_ms, 42 * MINUTE);
}

#[test]
fn a_life_that_began_in_the_window_of_a_crash_and_ends_after_it_is_affected_then() {
    let mut it = scenario(vec![process("web", &always(SECOND))], HOUR);
    it.faults = vec![crash(window(0, MINUTE), 10 * MINUTE)];
    assert_eq!(verdict(&it, Invariant::RecoversWithin(2 * SECOND)), Verdict::Held(2));
}

#[test]
fn a_process_that_is_not_wanted_or_done_need_not_run() {
    let done = judge(|ended, _| match ended.exit.is_success() {
        true => (RulingAction::StayDown, "done".to_owned()),
        false => (restart(0), "again".to_owned()),
    });
    let mut it = scenario(vec![process("web", &done)], HOUR);
    let exits = Exits { any_of: vec![Exit::Code(0)], out_of_memory: false };
    it.faults = vec![fault(FaultKind::Kill { at_ms: MINUTE, every_ms: None, exits })];
    assert_eq!(verdict(&it, Invariant::RecoversWithin(SECOND)), Verdict::Held(2));
}

#[test]
fn a_limit_that_never_fires_is_found() {
    let loops = |policy: Arc<dyn Policy>| {
        let mut it = scenario(vec![process("web", &policy)], HOUR);
        it.faults = vec![crash(window(0, None), 100)];
        it
    };
    assert_eq!(verdict(&loops(strict(5)), Invariant::GivesUpAfter(5)), Verdict::Held(1));
    let (at_ms, what) = broken(&loops(always(1_000)), Invariant::GivesUpAfter(5));
    assert_eq!((at_ms, &*what), (4_500, "it is restarted after 5 failures in a row: always 1000 ms"));
    let mut calm = loops(always(1_000));
    calm.faults.clear();
    assert_eq!(verdict(&calm, Invariant::GivesUpAfter(5)), Verdict::Untested);
}

#[test]
fn a_process_that_is_given_up_during_a_named_fault_is_found() {
    let outage = |policy: Arc<dyn Policy>| {
        let mut it = scenario(vec![process("web", &policy)], HOUR);
        let kind =
            FaultKind::Outage { window: window(MINUTE, 10 * MINUTE), after: after(100), exits: signal(9) };
        it.faults = vec![Fault { name: "database down".into(), ..fault(kind) }];
        it
    };
    let never = || Invariant::NeverGivesUpWhile("database down".into());
    assert_eq!(verdict(&outage(doubling()), never()), Verdict::Held(1));
    let (at_ms, what) = broken(&outage(strict(3)), never());
    assert_eq!(
        (at_ms, &*what),
        (62_200, "it was given up while the fault `database down` lasted: failure 3")
    );
    // A life that began before the fault is not hit by it, so nothing ends that could be given up.
    let mut idle = scenario(vec![process("web", &strict(3))], HOUR);
    idle.faults =
        vec![Fault { name: "database down".into(), ..crash(window(10 * MINUTE, Some(20 * MINUTE)), 1_000) }];
    assert_eq!(verdict(&idle, never()), Verdict::Untested);
}

#[test]
fn a_delay_that_shrinks_within_a_streak_is_found_and_one_that_starts_anew_is_not() {
    let flaky = |policy: Arc<dyn Policy>| {
        let mut it = scenario(vec![process("web", &policy)], DAY);
        it.faults = vec![Fault { times: Some(6), ..crash(window(0, None), 100) }, kill(HOUR, HOUR)];
        it
    };
    let never = || Invariant::DelayNeverShrinksInAStreak { tolerance: 0.0 };
    assert!(matches!(verdict(&flaky(doubling()), never()), Verdict::Held(5)));
    let wraps = judge(|ended, _| (restart(100 << (ended.failures % 4)), "wraps".to_owned()));
    let (_, what) = broken(&flaky(wraps), never());
    assert_eq!(what, "the delay after failure 4 in a row is 100ms, after 800ms before");
}

#[test]
fn a_back_off_that_never_resets_is_found() {
    let flaky = |policy: Arc<dyn Policy>| {
        let mut it = scenario(vec![process("web", &policy)], 90 * DAY);
        it.faults = vec![Fault { times: Some(4), ..crash(window(0, None), 100) }, kill(30 * DAY, 30 * DAY)];
        it
    };
    let back = || Invariant::BackToFirstDelayAfter { uptime_ms: HOUR, tolerance: 0.0 };
    assert_eq!(verdict(&flaky(doubling()), back()), Verdict::Held(2));
    // It counts restarts and never forgets them.
    let grows = judge(|ended, _| (restart(100 << ended.restarts.min(16)), "grows".to_owned()));
    let (at_ms, what) = broken(&flaky(grows), back());
    assert_eq!(at_ms, 30 * DAY);
    assert!(what.contains("the delay is 1600ms; the first one was 100ms"), "{what}");
}

/// A policy that traps.
#[derive(Debug)]
struct Broken(Arc<str>);

impl Policy for Broken {
    fn name(&self) -> &Arc<str> {
        &self.0
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, _: &Ended, _: &Arc<Snapshot>) -> Result<Decision, provost_state::Fault> {
        let message = "it trapped".into();
        Err(provost_state::Fault { kind: provost_state::FaultKind::Trap, message })
    }
}

#[test]
fn a_policy_that_fails_is_found() {
    let broken_one: Arc<dyn Policy> = Arc::new(Broken("subject".into()));
    let mut it = scenario(vec![process("web", &broken_one)], HOUR);
    it.faults = vec![kill(MINUTE, None)];
    let (at_ms, what) = broken(&it, Invariant::NoFaults);
    assert_eq!((at_ms, &*what), (MINUTE, "the policy subject failed: it trapped"));
}
