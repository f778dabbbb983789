//! Tests the lines of the notify consumer natively, with made-up changes.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use provost_guest::testing::{MadeUpWorld, event, logged, process};
use provost_guest::{Batch, Event, EventKind, Phase, StatusConsumer, log::Level, settings};
use provost_plugin_notify::Notify;

fn change(before: Phase, after: Phase, reason: &str) -> Event {
    let mut process = process("web", after);
    process.reason = reason.to_owned();
    process.incarnation = 3;
    event(EventKind::Exited, before, process)
}

/// Returns the lines that the consumer writes about these events.
fn lines(json: &str, events: Vec<Event>, missed: u64) -> Vec<(Level, String)> {
    let mut notify: Notify = settings::parse(json).expect("these settings are good");
    notify.on_change(&Batch { events, missed }, &MadeUpWorld::default());
    logged()
}

#[test]
fn each_change_of_phase_is_one_line() {
    let events = vec![
        change(Phase::Running, Phase::Backoff, "killed by SIGKILL: restart in 100 ms"),
        change(Phase::Backoff, Phase::Fatal, "gave up"),
        change(Phase::Stopped, Phase::Starting, ""),
    ];
    let expected = [
        (Level::Warn, "web (life 3): running -> backoff: killed by SIGKILL: restart in 100 ms"),
        (Level::Error, "web (life 3): backoff -> fatal: gave up"),
        (Level::Info, "web (life 3): stopped -> starting"),
    ];
    assert_eq!(lines("{}", events, 0), expected.map(|(level, line)| (level, line.to_owned())));
}

#[test]
fn a_change_within_a_phase_is_not_reported() {
    assert_eq!(lines("{}", vec![change(Phase::Exited, Phase::Exited, "decided")], 0), []);
}

#[test]
fn a_removal_is_one_line_if_its_phase_is_reported() {
    let removed = || {
        let mut process = process("web", Phase::Fatal);
        process.incarnation = 3;
        event(EventKind::Removed, Phase::Fatal, process)
    };
    let expected = [(Level::Info, "web (life 3): removed while fatal".to_owned())];
    assert_eq!(lines("{}", vec![removed()], 0), expected);
    assert_eq!(lines(r#"{"phases": ["fatal"]}"#, vec![removed()], 0), expected);
    assert_eq!(lines(r#"{"phases": ["backoff"]}"#, vec![removed()], 0), []);
}

#[test]
fn missed_changes_are_reported_with_their_number() {
    assert_eq!(
        lines("{}", Vec::new(), 1),
        [(Level::Warn, "missed 1 change: too many came at once".to_owned())]
    );
    assert_eq!(
        lines("{}", Vec::new(), 7),
        [(Level::Warn, "missed 7 changes: too many came at once".to_owned())]
    );
}

#[test]
fn only_the_configured_phases_are_reported() {
    let events =
        vec![change(Phase::Running, Phase::Exited, "no"), change(Phase::Exited, Phase::Fatal, "gave up")];
    let told = lines(r#"{"phases": ["fatal"]}"#, events, 0);
    assert_eq!(told, [(Level::Error, "web (life 3): exited -> fatal: gave up".to_owned())]);
}

#[test]
fn an_unknown_phase_is_refused_with_the_known_ones() {
    let message = settings::parse::<Notify>(r#"{"phases": ["dead"]}"#).expect_err("there is no such phase");
    assert_eq!(
        message,
        "settings: phases[0]: there is no phase \"dead\"; the phases are stopped, waiting, starting, running, \
         stopping, backoff, exited, fatal"
    );
}
