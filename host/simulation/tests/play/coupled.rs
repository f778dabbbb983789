//! A fault with `with = "dependents"`: what depends on a process fails with it.

use provost_simulation::{Order, OrderKind};
use provost_state::Cause;
use provost_supervisor::{Condition, Dependency};

use super::*;

fn on(names: &[&str]) -> Vec<Dependency> {
    let ready = |name: &&str| Dependency { name: (*name).into(), condition: Condition::Ready };
    names.iter().map(ready).collect()
}

/// A broker, two workers that depend on it, a gateway that depends on one of them, and a process that depends on none.
fn chain(policy: &Arc<dyn Policy>, lasts_ms: u64, fault: Fault) -> Scenario {
    let depends = |name, names: &[&str]| ProcessSpec { depends_on: on(names), ..process(name, policy) };
    let processes = vec![
        process("broker", policy),
        depends("worker.1", &["broker"]),
        depends("worker.2", &["broker"]),
        depends("gateway", &["worker.1"]),
        process("other", policy),
    ];
    let of = Targets::Named(vec!["broker".into()]);
    Scenario {
        faults: vec![Fault { of, with_dependents: true, name: "flaps".into(), ..fault }],
        ..scenario(processes, lasts_ms)
    }
}

/// Returns when the lives of a process have ended that nobody has told to end.
fn ends(course: &Course, name: &str) -> Vec<u64> {
    let ends = course.track(name).unwrap().lives.iter().filter_map(|life| life.end.as_ref());
    ends.filter(|end| !end.is_asked).map(|end| end.at_ms).collect()
}

#[test]
fn what_depends_on_a_process_fails_within_a_second_of_its_end_and_waits_until_it_is_back() {
    let it = chain(&always(5 * SECOND), HOUR, kill(10 * MINUTE, 10 * MINUTE));
    let course = course(&it);
    let of_broker: Vec<u64> = (1..=6).map(|nth| nth * 10 * MINUTE).collect();
    assert_eq!(ends(&course, "broker"), of_broker[..5], "the scenario ends with the sixth");
    let mut delays = Vec::new();
    for name in ["worker.1", "worker.2", "gateway"] {
        let track = course.track(name).unwrap();
        let ended = ends(&course, name);
        assert_eq!(ended.len(), 5, "{name}: {ended:?}");
        delays.extend(ended.iter().zip(&of_broker).map(|(end, of_broker)| end - of_broker));
        assert!(track.decisions.iter().all(|made| made.exit == Exit::Code(1)), "{name}");
        let back = track.lives.iter().skip(1).map(|life| life.started_ms);
        assert!(back.zip(&of_broker).all(|(back, down)| back >= down + 5 * SECOND), "{name}");
    }
    assert!(delays.iter().all(|delay| (1..=1_000).contains(delay)), "{delays:?}");
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 10, "they are drawn for each life: {delays:?}");
    assert_eq!(starts(&course, "other"), [0]);
    assert_eq!(course, self::course(&it), "the same seed has the same course");
}

#[test]
fn without_the_coupling_nothing_else_ends() {
    let mut it = chain(&always(5 * SECOND), HOUR, kill(10 * MINUTE, 10 * MINUTE));
    it.faults[0].with_dependents = false;
    let course = course(&it);
    for name in ["worker.1", "worker.2", "gateway", "other"] {
        assert_eq!(starts(&course, name).len(), 1, "{name}");
    }
}

#[test]
fn only_an_end_by_the_fault_takes_the_dependents_with_it() {
    // The broker is restarted a minute before it would crash, and its next life is short of its crash as well.
    let fault = crash(window(0, None), 10 * MINUTE);
    let mut it = chain(&always(5 * SECOND), 25 * MINUTE, fault);
    let of = Targets::Named(vec!["broker".into()]);
    it.orders = vec![Order { at_ms: 9 * MINUTE, every_ms: None, kind: OrderKind::Restart, of }];
    let course = course(&it);
    let crash_ms = 19 * MINUTE + 100;
    assert_eq!(ends(&course, "broker"), [crash_ms], "it takes 100 ms to end when it is told to");
    for name in ["worker.1", "worker.2", "gateway"] {
        let ended = ends(&course, name);
        assert!(ended.len() == 1 && ended[0] > crash_ms, "{name}: {ended:?}");
    }
}

#[test]
fn a_dependent_that_is_down_anyway_is_not_ended_and_what_a_process_restarts_at_once_is() {
    let mut it = chain(&always(0), HOUR, kill(10 * MINUTE, None));
    let of = Targets::Named(vec!["worker.2".into()]);
    it.orders = vec![Order { at_ms: 5 * MINUTE, every_ms: None, kind: OrderKind::Stop, of }];
    let course = course(&it);
    assert_eq!(starts(&course, "broker"), [0, 10 * MINUTE], "it is back before the others fail");
    assert_eq!(ends(&course, "worker.1").len(), 1);
    assert_eq!((ends(&course, "worker.2").len(), starts(&course, "worker.2")), (0, vec![0]));
    let again = &course.track("worker.1").unwrap().lives[1];
    assert!(again.is_restart() && again.cause != Cause::Boot, "{again:?}");
}

#[test]
fn dependents_are_affected_by_the_fault_and_can_be_expected_to_recover() {
    // The broker is down for a minute; what depends on it is ready 5 s after its own end, or when the broker is.
    let slow = judge(|ended, _| {
        let delay_ms = if &*ended.name == "broker" { MINUTE } else { 5 * SECOND };
        (restart(delay_ms), "as long as it takes".to_owned())
    });
    let it = chain(&slow, HOUR, kill(10 * MINUTE, None));
    assert!(matches!(verdict(&it, Invariant::RecoversWithin(MINUTE + SECOND)), Verdict::Held(_)));
    let (at_ms, what) = broken(&it, Invariant::RecoversWithin(30 * SECOND));
    assert!((10 * MINUTE + 30 * SECOND..11 * MINUTE).contains(&at_ms), "{at_ms}: {what}");
    // Nothing is wrong with the workers, and they are given up for it.
    let blames = judge(|ended, _| {
        let is_broker = &*ended.name == "broker";
        let action = if is_broker { restart(0) } else { RulingAction::GiveUp(Escalation::default()) };
        (action, "it has failed".to_owned())
    });
    for fault in [kill(10 * MINUTE, None), crash(window(0, 20 * MINUTE), 10 * MINUTE)] {
        let mut it = chain(&blames, HOUR, fault);
        let never = Invariant::NeverGivesUpWhile("flaps".into());
        let (at_ms, what) = broken(&it, never.clone());
        assert!(at_ms > 10 * MINUTE && at_ms <= 10 * MINUTE + SECOND, "{at_ms}: {what}");
        it.faults[0].with_dependents = false;
        assert!(matches!(verdict(&it, never), Verdict::Held(_)), "the broker itself is not given up");
    }
}
