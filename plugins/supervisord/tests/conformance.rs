//! Tests supervisord's semantics, as `process.py` implements them.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, ended};
use provost_guest::{Decision, Exit, RestartPolicy, settings};
use provost_plugin_supervisord::Supervisord;

fn policy(json: &str) -> Supervisord {
    let policy: Supervisord = settings::parse(json).expect("these settings are good");
    policy.check().expect("these settings agree");
    policy
}

/// Decides about the newest of these deaths, each with its uptime in milliseconds.
fn decide(json: &str, deaths: &[(Exit, u64)]) -> String {
    let (exit, uptime_ms) = deaths.first().cloned().expect("there is a death");
    let world = MadeUpWorld::default().with_deaths("web", deaths.iter().cloned());
    said(&policy(json).on_exit(&ended("web", exit, uptime_ms), &world))
}

/// Returns a decision as a word: `restart 1000`, `down` or `fatal`.
fn said(decision: &Decision) -> String {
    match decision.action.delay_ms() {
        Some(delay_ms) => format!("restart {delay_ms}"),
        None if decision.action == Decision::stay_down("").action => "down".to_owned(),
        None => "fatal".to_owned(),
    }
}

#[test]
fn a_process_that_ends_too_quickly_is_retried_after_1_2_and_3_seconds_and_then_fatal() {
    let quick = (Exit::Code(1), 200);
    let said: Vec<_> = (1..=4).map(|n| decide("{}", &vec![quick.clone(); n])).collect();
    assert_eq!(said, ["restart 1000", "restart 2000", "restart 3000", "fatal"]);
    assert_eq!(decide(r#"{"startretries": 0}"#, std::slice::from_ref(&quick)), "fatal");
}

#[test]
fn an_expected_exit_code_within_startsecs_is_not_a_start_either() {
    assert_eq!(decide("{}", &[(Exit::Code(0), 999)]), "restart 1000");
    assert_eq!(decide("{}", &[(Exit::Code(0), 1_000)]), "down");
    assert_eq!(decide(r#"{"startsecs": 0}"#, &[(Exit::Code(0), 0)]), "down");
}

#[test]
fn a_program_that_cannot_be_spawned_backs_off_as_well() {
    let unspawned = (Exit::NotSpawned("no such file".into()), 0);
    assert_eq!(decide(r#"{"startsecs": 0}"#, &[unspawned.clone(), unspawned]), "restart 2000");
}

#[test]
fn a_process_that_never_becomes_ready_was_never_started_and_backs_off() {
    let late = (Exit::NotReady("no answer".into()), 60_000);
    let said: Vec<_> = (1..=4).map(|n| decide("{}", &vec![late.clone(); n])).collect();
    assert_eq!(said, ["restart 1000", "restart 2000", "restart 3000", "fatal"]);
    let settings = r#"{"startsecs": 0, "autorestart": false}"#;
    assert_eq!(decide(settings, std::slice::from_ref(&late)), "restart 1000");
}

#[test]
fn a_process_that_had_started_resets_the_count_of_retries() {
    let deaths = [(Exit::Code(1), 200), (Exit::Code(1), 5_000), (Exit::Code(1), 200), (Exit::Code(1), 200)];
    assert_eq!(decide("{}", &deaths), "restart 1000");
}

#[test]
fn autorestart_restarts_a_process_that_had_started_without_delay_and_without_limit() {
    for (autorestart, exit, wanted) in [
        ("false", Exit::Code(1), "down"),
        ("false", Exit::Signal(9), "down"),
        ("\"unexpected\"", Exit::Code(0), "down"),
        ("\"unexpected\"", Exit::Code(2), "restart 0"),
        ("\"unexpected\"", Exit::Signal(15), "restart 0"),
        ("true", Exit::Code(0), "restart 0"),
        ("true", Exit::Signal(9), "restart 0"),
    ] {
        let json = format!("{{\"autorestart\": {autorestart}}}");
        assert_eq!(decide(&json, &vec![(exit.clone(), 60_000); 90]), wanted, "{autorestart} {exit:?}");
    }
    let codes = r#"{"exitcodes": [0, 2]}"#;
    assert_eq!(decide(codes, &[(Exit::Code(2), 60_000)]), "down");
}

#[test]
fn wrong_settings_are_named() {
    let error = |json| settings::parse::<Supervisord>(json).expect_err("it should be refused");
    assert!(error(r#"{"autorestart": "maybe"}"#).contains("not one of false, \"unexpected\" and true"));
    assert!(error(r#"{"autostart": true}"#).contains("autostart"));
    let many: Supervisord = settings::parse(r#"{"startretries": 100}"#).expect("it is a number");
    assert!(many.check().expect_err("too many").contains("at most 99"));
}
