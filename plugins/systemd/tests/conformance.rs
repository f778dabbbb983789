//! Tests systemd's semantics: the table of `Restart=` in systemd.service(5), the formula of `RestartSteps=`, and the limit
//! of starts.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, ended};
use provost_guest::{Action, Exit, RestartPolicy, Signal, settings};
use provost_plugin_systemd::Systemd;

fn policy(json: &str) -> Systemd {
    let policy: Systemd = settings::parse(json).expect("these settings are good");
    policy.check().expect("these settings agree");
    policy
}

fn action(json: &str, exit: Exit) -> Action {
    let world = MadeUpWorld::default().with_deaths_at("web", [(exit.clone(), 60_000, 100_000)]);
    let mut trigger = ended("web", exit, 60_000);
    trigger.now = 100_000;
    policy(json).on_exit(&trigger, &world).action
}

/// The rows are causes of the end, the columns are values of `Restart=`, and an `x` means that it is restarted.
const TABLE: &str = "
                no  always  on-success  on-failure  on-abnormal  on-abort  on-watchdog
code 0          .   x       x           .           .            .         .
SIGHUP          .   x       x           .           .            .         .
SIGINT          .   x       x           .           .            .         .
SIGTERM         .   x       x           .           .            .         .
SIGPIPE         .   x       x           .           .            .         .
code 1          .   x       .           x           .            .         .
SIGKILL         .   x       .           x           x            x         .
SIGSEGV         .   x       .           x           x            x         .
timeout         .   x       .           x           x            .         .
";

fn exit_of(words: &[&str]) -> Exit {
    match words {
        ["timeout"] => Exit::NotReady("no answer".to_owned()),
        ["code", code] => Exit::Code(code.parse().expect("a number")),
        [signal] => Exit::Signal(signal.parse::<Signal>().expect("a signal").number()),
        _ => panic!("no end: {words:?}"),
    }
}

#[test]
fn every_cell_of_the_table_of_restart_holds() {
    let mut rows = TABLE.lines().filter(|line| !line.trim().is_empty());
    let columns: Vec<&str> = rows.next().expect("a head").split_whitespace().collect();
    assert_eq!(columns.len(), 7);
    for row in rows {
        let words: Vec<&str> = row.split_whitespace().collect();
        let (end, cells) = words.split_at(words.len() - columns.len());
        for (restart, cell) in columns.iter().zip(cells) {
            let action = action(&format!("{{\"restart\": \"{restart}\"}}"), exit_of(end));
            let wanted = if *cell == "x" { Action::restart(100) } else { Action::StayDown };
            assert_eq!(action, wanted, "{end:?} with Restart={restart}");
        }
    }
}

#[test]
fn lists_of_ends_override_the_table_and_prevent_overrides_force() {
    let success = r#"{"restart": "on-failure", "success_exit_status": [75, "SIGUSR1"]}"#;
    assert_eq!(action(success, Exit::Code(75)), Action::StayDown);
    assert_eq!(action(success, Exit::Signal(10)), Action::StayDown);
    assert_eq!(
        action(r#"{"restart": "always", "restart_prevent_exit_status": [255]}"#, Exit::Code(255)),
        Action::StayDown
    );
    assert_eq!(
        action(r#"{"restart_force_exit_status": ["SIGABRT"]}"#, Exit::Signal(6)),
        Action::restart(100)
    );
    let both = r#"{"restart_force_exit_status": [3], "restart_prevent_exit_status": [3]}"#;
    assert_eq!(action(both, Exit::Code(3)), Action::StayDown);
}

/// Returns the delays before the first `n` restarts of a process that runs for a second each time.
fn delays(json: &str, n: usize) -> Vec<u64> {
    let policy = policy(json);
    let mut deaths: Vec<(Exit, u64, u64)> = Vec::new();
    let mut now = 1_000_000;
    (0..n)
        .map(|_| {
            now += 1_000;
            deaths.insert(0, (Exit::Signal(9), 1_000, now));
            let world = MadeUpWorld::default().with_deaths_at("web", deaths.clone());
            let mut trigger = ended("web", Exit::Signal(9), 1_000);
            trigger.now = now;
            let delay = policy.on_exit(&trigger, &world).action.delay_ms().expect("a restart");
            now += delay;
            delay
        })
        .collect()
}

#[test]
fn the_delay_grows_by_the_formula_of_restart_steps_and_then_stays() {
    let json = r#"{"restart": "always", "restart_sec": "2s", "restart_steps": 5, "restart_max_delay_sec": "2m",
                   "start_limit_interval_sec": 0}"#;
    // 2 * 60^(i/5). Measured with systemd, including its own time to start: 2.1, 4.6, 10.4, 23.4, 52.9 s.
    assert_eq!(delays(json, 7), [2_000, 4_536, 10_287, 23_330, 52_912, 120_000, 120_000]);
}

#[test]
fn steps_without_a_longest_delay_and_a_longest_delay_without_steps_are_ignored() {
    for half in [r#""restart_steps": 5"#, r#""restart_max_delay_sec": "1h""#] {
        let json = format!(r#"{{"restart": "always", "start_limit_interval_sec": 0, {half}}}"#);
        assert_eq!(delays(&json, 3), [100, 100, 100], "{half}");
    }
}

#[test]
fn the_sixth_start_within_ten_seconds_hits_the_limit() {
    let policy = policy(r#"{"restart": "always"}"#);
    let dying_every = |period: u64, n: u64| {
        // Newest first; each lived for 100 ms less than the period.
        let deaths = (1..=n).rev().map(|i| (Exit::Code(1), period - 100, i * period));
        let world = MadeUpWorld::default().with_deaths_at("web", deaths);
        let mut trigger = ended("web", Exit::Code(1), period - 100);
        trigger.now = n * period;
        policy.on_exit(&trigger, &world)
    };
    assert_eq!(dying_every(1_000, 4).action, Action::restart(100), "the fifth start");
    let hit = dying_every(1_000, 5);
    assert_eq!(hit.action.delay_ms(), None, "the sixth");
    assert_eq!(hit.reason, "exited with code 1: start-limit-hit (5 starts in 10 s)");
    assert_eq!(dying_every(2_000, 50).action, Action::restart(100), "five in ten seconds, for ever");
}

#[test]
fn the_start_limit_does_not_count_starts_of_before_the_clock_was_set_back() {
    let hourly = |n: u64| (1..=n).rev().map(|i| (Exit::Code(1), 3_599_900, i * 3_600_000));
    // Five deaths before a step by a day; real systemd measures by the monotonic clock.
    let before = hourly(5).map(|(exit, uptime, at)| (exit, uptime, at + 86_400_000));
    let now = 2 * 3_600_000;
    let deaths = [(Exit::Code(1), 3_599_900, now)].into_iter().chain(before);
    let world = MadeUpWorld::default().with_deaths_at("web", deaths);
    let mut trigger = ended("web", Exit::Code(1), 3_599_900);
    trigger.now = now;
    let decision = policy(r#"{"restart": "always"}"#).on_exit(&trigger, &world);
    assert_eq!(decision.action, Action::restart(100), "{}", decision.reason);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let error =
        |json| settings::parse::<Systemd>(json).expect("it can be read").check().expect_err("it is refused");
    assert!(error(r#"{"start_limit_burst": 100}"#).contains("at most 99"));
    assert!(
        error(r#"{"restart_sec": "2s", "restart_max_delay_sec": "1s"}"#).contains("restart_max_delay_sec")
    );
}
