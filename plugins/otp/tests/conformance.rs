//! Tests the semantics of OTP's `supervisor`: kinds of children, strategies, intensity and period, escalation.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, ended, process};
use provost_guest::{
    Action, Decision, Escalation, Exit, Phase, ProcessState, RestartPolicy, Scope, settings,
};
use provost_plugin_otp::Otp;

const NOW: u64 = 1_000_000;
const CRASH: Exit = Exit::Code(1);

fn policy(json: &str) -> Otp {
    let policy: Otp = settings::parse(json).expect("these settings are good");
    policy.check().expect("these settings agree");
    policy
}

fn member(name: &str) -> ProcessState {
    ProcessState { group: "g".to_owned(), ..process(name, Phase::Running) }
}

/// Decides about an end of `a`, in a group of `a` and `b` that died this many seconds ago.
fn decide(json: &str, exit: Exit, a: &[u64], b: &[u64]) -> Decision {
    let deaths = |ago: &[u64]| -> Vec<_> { ago.iter().map(|s| (exit.clone(), 5, NOW - s * 1_000)).collect() };
    let world = MadeUpWorld::of([member("a"), member("b"), process("other", Phase::Running)])
        .with_deaths_at("a", deaths(a))
        .with_deaths_at("b", deaths(b))
        .with_deaths_at("other", deaths(&[0, 0, 0, 0]));
    let mut trigger = ended("a", exit, 5);
    (trigger.group, trigger.now) = ("g".to_owned(), NOW);
    policy(json).on_exit(&trigger, &world)
}

#[test]
fn each_kind_of_child_is_restarted_when_it_should_be() {
    for (kind, after_success, after_failure) in [
        ("permanent", Action::restart(0), Action::restart(0)),
        ("transient", Action::StayDown, Action::restart(0)),
        ("temporary", Action::StayDown, Action::StayDown),
    ] {
        let json = format!("{{\"restart\": \"{kind}\"}}");
        assert_eq!(decide(&json, Exit::Code(0), &[0], &[]).action, after_success, "{kind}");
        assert_eq!(decide(&json, CRASH, &[0], &[]).action, after_failure, "{kind}");
        let late = Exit::NotReady("no answer".into());
        assert_eq!(
            decide(&json, late, &[0], &[]).action,
            after_failure,
            "{kind}, as after an init that times out"
        );
    }
}

#[test]
fn each_strategy_has_its_scope() {
    for (strategy, scope) in
        [("one_for_one", Scope::Itself), ("one_for_all", Scope::Group), ("rest_for_one", Scope::Rest)]
    {
        let json = format!("{{\"strategy\": \"{strategy}\"}}");
        let Action::Restart(restarting) = decide(&json, CRASH, &[0], &[]).action else {
            unreachable!("the first death is tolerated")
        };
        assert_eq!((restarting.scope, restarting.delay), (scope, 0), "{strategy}");
    }
}

#[test]
fn more_than_the_intensity_within_the_period_escalates_and_the_group_counts_as_a_whole() {
    let gives_up = |a: &[u64], b: &[u64]| {
        decide(r#"{"intensity": 2, "period": 10}"#, CRASH, a, b).action.delay_ms().is_none()
    };
    assert!(!gives_up(&[0, 9], &[]), "two are tolerated");
    assert!(gives_up(&[0, 5, 9], &[]), "three are not");
    assert!(!gives_up(&[0, 5, 10], &[]), "the third is ten seconds ago");
    assert!(gives_up(&[0], &[3, 4]), "those of its sibling count");
    assert!(decide(r#"{"intensity": 0}"#, CRASH, &[0], &[]).action.delay_ms().is_none());
    let told = decide(r#"{"intensity": 2, "period": 10}"#, CRASH, &[0, 5, 9], &[]).reason;
    assert_eq!(told, "exited with code 1: 3 restarts in 10 s, 2 tolerated");
}

#[test]
fn restarts_of_before_the_clock_was_set_back_do_not_count_as_restarts_of_now() {
    let hour = 3_600_000;
    let world = MadeUpWorld::of([member("a")]).with_deaths_at(
        "a",
        [(CRASH, hour, NOW), (CRASH, hour, NOW + 24 * hour), (CRASH, hour, NOW + 23 * hour)],
    );
    let mut trigger = ended("a", CRASH, hour);
    (trigger.group, trigger.now) = ("g".to_owned(), NOW);
    let decision = policy(r#"{"intensity": 1, "period": 60}"#).on_exit(&trigger, &world);
    assert_eq!(decision.action, Action::restart(0), "{}", decision.reason);
}

#[test]
fn ends_that_are_not_restarted_do_not_count() {
    let json = r#"{"restart": "transient", "intensity": 1, "period": 10}"#;
    let world = MadeUpWorld::of([member("a")])
        .with_deaths_at("a", [(CRASH, 5, NOW), (Exit::Code(0), 5, NOW), (Exit::Code(0), 5, NOW)]);
    let mut trigger = ended("a", CRASH, 5);
    (trigger.group, trigger.now) = ("g".to_owned(), NOW);
    assert_eq!(policy(json).on_exit(&trigger, &world).action, Action::restart(0));
}

#[test]
fn it_escalates_as_the_settings_say() {
    for (written, escalation) in [
        (r#""group""#, Escalation::GiveUpGroup),
        (r#""dependents""#, Escalation::StopDependents),
        (r#""nothing""#, Escalation::Nothing),
        (r#"{"shut_down": 3}"#, Escalation::ShutDown(3)),
    ] {
        let json = format!("{{\"intensity\": 0, \"escalate\": {written}}}");
        assert_eq!(decide(&json, CRASH, &[0], &[]).action, Action::GiveUp(escalation), "{written}");
    }
    assert!(settings::parse::<Otp>(r#"{"escalate": "boss"}"#).is_err());
}
