//! Tests the kubelet's semantics: crash-loop back-off, rules by exit code, liveness.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, ended, observation};
use provost_guest::{Action, Exit, HealthAction, HealthPolicy, RestartPolicy, settings};
use provost_plugin_kubernetes::Kubernetes;

const CRASH: Exit = Exit::Code(1);

fn policy(json: &str) -> Kubernetes {
    let policy: Kubernetes = settings::parse(json).expect("these settings are good");
    RestartPolicy::check(&policy).expect("these settings agree");
    policy
}

fn action(json: &str, deaths: &[(Exit, u64)]) -> Action {
    let (exit, uptime_ms) = deaths.first().cloned().expect("there is a death");
    let world = MadeUpWorld::default().with_deaths("web", deaths.iter().cloned());
    policy(json).on_exit(&ended("web", exit, uptime_ms), &world).action
}

#[test]
fn the_first_restart_is_immediate_and_the_next_wait_from_10_s_to_300_s() {
    let delays: Vec<_> = (1..=9).filter_map(|n| action("{}", &vec![(CRASH, 1_000); n]).delay_ms()).collect();
    assert_eq!(delays, [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    assert_eq!(action("{}", &vec![(CRASH, 1_000); 100]).delay_ms(), Some(300_000));
}

#[test]
fn ten_minutes_of_running_reset_the_back_off() {
    let after = |deaths: &[u64]| {
        let deaths: Vec<_> = deaths.iter().map(|uptime_ms| (CRASH, *uptime_ms)).collect();
        action("{}", &deaths).delay_ms()
    };
    assert_eq!(after(&[600_000, 1_000, 1_000, 1_000]), Some(0));
    assert_eq!(after(&[1_000, 600_000, 1_000, 1_000]), Some(0));
    assert_eq!(after(&[1_000, 1_000, 600_000]), Some(10_000));
    assert_eq!(after(&[599_999, 1_000]), Some(10_000));
}

#[test]
fn restart_policy_decides_about_success_and_failure() {
    for (word, after_success, after_failure) in [
        ("Always", Action::restart(0), Action::restart(0)),
        ("OnFailure", Action::StayDown, Action::restart(0)),
        ("Never", Action::StayDown, Action::StayDown),
    ] {
        let json = format!("{{\"restart_policy\": \"{word}\"}}");
        assert_eq!(action(&json, &[(Exit::Code(0), 1)]), after_success, "{word}");
        assert_eq!(action(&json, &[(CRASH, 1)]), after_failure, "{word}");
        assert_eq!(action(&json, &[(Exit::Signal(9), 1)]), after_failure, "{word}");
        let late = Exit::NotReady("no answer".into());
        assert_eq!(action(&json, &[(late, 30_000)]), after_failure, "{word}, as after a startup probe");
    }
}

#[test]
fn the_first_rule_that_matches_overrides_the_restart_policy() {
    let json = r#"{"restart_policy": "Never", "restart_policy_rules": [
        {"action": "Restart", "exit_codes": {"operator": "In", "values": [42, 137]}},
        {"action": "Restart", "exit_codes": {"operator": "NotIn", "values": [0, 1, 42]}}]}"#;
    for (exit, wanted) in [
        (Exit::Code(42), Action::restart(0)),
        (Exit::Signal(9), Action::restart(0)),
        (Exit::Code(7), Action::restart(0)),
        (Exit::Code(0), Action::StayDown),
        (Exit::Code(1), Action::StayDown),
    ] {
        assert_eq!(action(json, &[(exit.clone(), 1)]), wanted, "{exit:?}");
    }
    assert!(settings::parse::<Kubernetes>(&json.replace("NotIn", "Outside")).is_err());
}

#[test]
fn liveness_restarts_at_the_threshold_of_failures() {
    let world = MadeUpWorld::default();
    let judged = |json: &str, passed, in_a_row| {
        policy(json).on_probe(&observation("web", passed, in_a_row), &world).action
    };
    let failures: Vec<_> = (1..=4).map(|n| judged("{}", false, n)).collect();
    assert_eq!(
        failures,
        [HealthAction::Unhealthy, HealthAction::Unhealthy, HealthAction::Restart, HealthAction::Restart]
    );
    assert_eq!(judged("{}", true, 1), HealthAction::Healthy);
    let slow = r#"{"success_threshold": 2, "failure_threshold": 1}"#;
    assert_eq!(
        (judged(slow, true, 1), judged(slow, true, 2)),
        (HealthAction::Unhealthy, HealthAction::Healthy)
    );
    assert_eq!(judged(slow, false, 1), HealthAction::Restart);
}
