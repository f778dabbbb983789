//! Tests the decisions of the backoff policy natively, in made-up worlds.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, ended, invariants};
use provost_guest::{Action, Decision, Ended, Escalation, Exit, RestartPolicy, Span, settings};
use provost_plugin_backoff::Backoff;

const CRASH: Exit = Exit::Code(3);

fn policy(json: &str) -> Backoff {
    let policy: Backoff = settings::parse(json).expect("these settings are good");
    policy.check().expect("these settings agree");
    policy
}

/// Returns the error of these settings, from reading or from checking them.
fn refusal(json: &str) -> String {
    match settings::parse::<Backoff>(json) {
        Ok(policy) => policy.check().expect_err("these settings are bad"),
        Err(message) => message,
    }
}

/// Decides about the newest of these deaths, each with its uptime in milliseconds.
fn decide(policy: &Backoff, deaths: &[(Exit, u64)]) -> Decision {
    let (exit, uptime_ms) = deaths.first().cloned().expect("there is a death");
    let world = MadeUpWorld::default().with_deaths("web", deaths.iter().cloned());
    policy.on_exit(&ended("web", exit, uptime_ms), &world)
}

/// Returns the delay after `n` consecutive crashes.
fn delay_after(policy: &Backoff, n: usize) -> Option<u64> {
    decide(policy, &vec![(CRASH, 5); n]).action.delay_ms()
}

#[test]
fn any_history_is_answered_alike_and_within_the_bounds_of_the_settings() {
    let policy =
        policy(r#"{"first": "100ms", "factor": 1.5, "max": "20s", "jitter": 0, "give_up_after": 7}"#);
    invariants::never_panics::<Ended>(&policy);
    invariants::same_input_same_decision::<Ended>(&policy);
    invariants::delay_never_shrinks_in_a_streak(&policy);
    invariants::delay_at_most(&policy, Span::from_ms(20_000));
    // It restarts seven times.
    invariants::gives_up_within(&policy, 8);
}

#[test]
fn the_delay_grows_by_the_factor_up_to_the_longest() {
    let policy = policy(r#"{"first": "100ms", "factor": 2.0, "max": "1s"}"#);
    let delays: Vec<_> = (1..=6).filter_map(|n| delay_after(&policy, n)).collect();
    assert_eq!(delays, [100, 200, 400, 800, 1000, 1000]);
    assert_eq!(delay_after(&policy, 100), Some(1000));
}

#[test]
fn a_factor_of_one_is_a_constant_delay() {
    let policy = policy(r#"{"first": 250, "factor": 1}"#);
    assert_eq!((delay_after(&policy, 1), delay_after(&policy, 50)), (Some(250), Some(250)));
}

#[test]
fn a_first_delay_of_zero_stays_zero() {
    let policy = policy(r#"{"first": "0ms", "factor": 1e300}"#);
    assert_eq!((delay_after(&policy, 1), delay_after(&policy, 100)), (Some(0), Some(0)));
}

#[test]
fn the_reason_says_the_figures() {
    let policy = policy(r#"{"give_up_after": 10}"#);
    assert_eq!(
        decide(&policy, &[(CRASH, 5), (CRASH, 5)]).reason,
        "exited with code 3: failure 2 of 10, restart in 200 ms"
    );
    assert_eq!(
        decide(&policy, &[(Exit::NotReady("no answer".into()), 30_000)]).reason,
        "did not become ready in time: no answer: failure 1 of 10, restart in 100 ms"
    );
    assert_eq!(
        decide(&policy, &[(Exit::Signal(9), 5)]).reason,
        "killed by SIGKILL: failure 1 of 10, restart in 100 ms"
    );
}

#[test]
fn it_gives_up_on_the_failure_after_the_last_restart_allowed() {
    let policy = policy(r#"{"give_up_after": 10}"#);
    assert!(delay_after(&policy, 10).is_some());
    let decision = decide(&policy, &vec![(CRASH, 5); 11]);
    assert_eq!(decision.action, Action::GiveUp(Escalation::Nothing));
    assert_eq!(
        decision.reason,
        "exited with code 3: gave up after 10 restarts in a row (give_up_after = 10)"
    );
}

#[test]
fn giving_up_after_zero_restarts_never_restarts() {
    assert_eq!(
        decide(&policy(r#"{"give_up_after": 0}"#), &[(CRASH, 5)]).action,
        Action::GiveUp(Escalation::Nothing)
    );
}

#[test]
fn the_longest_streak_that_can_be_given_up_on_is_reached() {
    let policy = policy(r#"{"give_up_after": 99}"#);
    assert_eq!(decide(&policy, &vec![(CRASH, 5); 100]).action, Action::GiveUp(Escalation::Nothing));
}

#[test]
fn a_long_uptime_begins_a_new_streak() {
    let policy = policy(r#"{"reset_after": "60s"}"#);
    let short = (CRASH, 59_999);
    let long = (CRASH, 60_000);
    assert_eq!(decide(&policy, &[long.clone(), short.clone(), short.clone()]).action, Action::restart(100));
    assert_eq!(decide(&policy, &[short.clone(), long, short.clone()]).action, Action::restart(200));
    assert_eq!(decide(&policy, &[short.clone(), short.clone(), short]).action, Action::restart(400));
}

#[test]
fn a_success_ends_a_streak() {
    let policy = policy(r#"{"on": "always"}"#);
    let success = (Exit::Code(0), 5);
    assert_eq!(decide(&policy, &[(CRASH, 5), success.clone(), (CRASH, 5)]).action, Action::restart(100));
    let decision = decide(&policy, &[success]);
    assert_eq!(decision.reason, "exited with code 0: a success, restart in 100 ms (on = always)");
    assert_eq!(decision.action, Action::restart(100));
}

#[test]
fn a_success_stays_down_unless_always_is_asked_for() {
    let decision = decide(&policy("{}"), &[(Exit::Code(0), 5)]);
    assert_eq!(decision.action, Action::StayDown);
    assert_eq!(decision.reason, "exited with code 0: a success, it is done");
}

#[test]
fn other_exit_codes_can_count_as_success() {
    let policy = policy(r#"{"success_exit_codes": [0, 3]}"#);
    assert_eq!(decide(&policy, &[(CRASH, 5)]).action, Action::StayDown);
    assert_eq!(decide(&policy, &[(Exit::Code(4), 5)]).action, Action::restart(100));
}

#[test]
fn the_setting_never_restarts_nothing() {
    assert_eq!(decide(&policy(r#"{"on": "never"}"#), &[(CRASH, 5)]).action, Action::StayDown);
}

#[test]
fn a_failure_that_the_host_does_not_remember_is_the_first() {
    let decision = policy("{}").on_exit(&ended("web", CRASH, 5), &MadeUpWorld::default());
    assert_eq!(decision.action, Action::restart(100));
}

#[test]
fn jitter_spreads_the_delay_and_repeats_with_the_seed() {
    let policy = policy(r#"{"first": "10s", "max": "20s", "jitter": 0.5}"#);
    let world = MadeUpWorld::default();
    let delay = |seed| {
        let mut trigger = ended("web", CRASH, 5);
        trigger.seed = seed;
        policy.on_exit(&trigger, &world).action.delay_ms().expect("it restarts")
    };
    let delays: Vec<u64> = (0..1000).map(delay).collect();
    assert!(delays.iter().all(|delay| (5000..=15_000).contains(delay)));
    assert!(delays.iter().any(|&delay| delay < 6000) && delays.iter().any(|&delay| delay > 14_000));
    assert_eq!(delays, (0..1000).map(delay).collect::<Vec<u64>>());
}

#[test]
fn jitter_never_exceeds_the_longest_delay() {
    let policy = policy(r#"{"first": "10s", "max": "10s", "jitter": 1.0}"#);
    for seed in 0..100 {
        let mut trigger = ended("web", CRASH, 5);
        trigger.seed = seed;
        let delay = policy.on_exit(&trigger, &MadeUpWorld::default()).action.delay_ms();
        assert!(delay.is_some_and(|delay| delay <= 10_000));
    }
}

#[test]
fn bad_settings_are_refused_with_the_field() {
    let cases = [
        (r#"{"give_up_after": 100}"#, "give_up_after: it must be at most 99: the host remembers 100 deaths"),
        (r#"{"factor": 0.5}"#, "factor: it must be at least 1 (1 is a constant delay)"),
        (r#"{"jitter": 1.5}"#, "jitter: it must be between 0.0 and 1.0"),
        (r#"{"first": "1m"}"#, "first: it must not be longer than max (30 s)"),
        (
            r#"{"on": "sometimes"}"#,
            "settings: on: unknown variant `sometimes`, expected one of `always`, `failure`, `never`",
        ),
    ];
    for (json, message) in cases {
        assert_eq!(refusal(json), message);
    }
    assert!(
        refusal(r#"{"frist": 1}"#)
            .starts_with("settings: frist: unknown field `frist`, expected one of `first`")
    );
}
