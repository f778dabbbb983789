//! Every phase × event pair, cell by cell: the table below is the diagram of the crate's front page.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use provost_state::{
    Cause, Desired, Escalation, Event, EventKind, Exit, Health, Identity, Moment, Phase, PhaseKind,
    ProcessState, Ruling, RulingAction, registry,
};

const NOW: Moment = Moment { wall_ms: 1_700_000_000_000, mono_ns: 5_000_000_000 };

fn state(kind: PhaseKind, desired: Desired) -> ProcessState {
    let (registry, _) = registry(|| 0);
    let added = registry.add(Identity::new("web", ""), Moment::default()).unwrap();
    let phase = match kind {
        PhaseKind::Stopped => Phase::Stopped,
        PhaseKind::Waiting => Phase::Waiting,
        PhaseKind::Starting => Phase::Starting { pid: 7 },
        PhaseKind::Running => Phase::Running { pid: 7 },
        PhaseKind::Stopping => Phase::Stopping { pid: 7, kill_at: NOW },
        PhaseKind::Backoff => Phase::Backoff { until: NOW },
        PhaseKind::Exited => Phase::Exited,
        PhaseKind::Fatal => Phase::Fatal,
    };
    ProcessState { phase, desired, started_at: Some(Moment::default()), ..(*added).clone() }
}

fn ruling(action: RulingAction) -> Event {
    Event::Decided {
        ruling: Arc::new(Ruling { action, by: "p".into(), reason: "because".into(), overruled: None }),
    }
}

fn events() -> Vec<(&'static str, Event)> {
    vec![
        ("start", Event::Start { cause: Cause::User, reason: "r".into() }),
        ("stop", Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: NOW }),
        ("wait", Event::Wait { cause: Cause::Dependency, reason: "r".into() }),
        ("spawned", Event::Spawned { pid: 9, reason: "r".into() }),
        ("spawn-failed", Event::SpawnFailed { error: "e".into() }),
        ("ready", Event::Ready { reason: "r".into() }),
        ("exited", Event::Exited { exit: Exit::Code(1) }),
        ("restart", ruling(RulingAction::restart(5))),
        ("stay-down", ruling(RulingAction::StayDown)),
        ("give-up", ruling(RulingAction::GiveUp(Escalation::Nothing))),
        ("refused", Event::Refused { reason: "r".into() }),
        ("health", Event::Health { health: Health::Degraded, reason: "r".into() }),
        ("taken-over", Event::TakenOver { reason: "r".into() }),
    ]
}

/// Rows: phases (stopping once with each wish). Columns: the events above. A dot: no such edge.
const TABLE: &str = "
                start     stop      wait     spawned   spawn-failed ready    exited   restart  stay-down give-up  refused  health   taken-over
stopped    up   waiting   .         .        .         .            .        .        .        .         .  fatal    .        stopped
waiting    up   .         stopped   waiting  starting  exited       .        .        .        .         .  fatal    .        waiting
starting   up   .         stopping  .        .         .            running  exited   .        .         .  .        .        starting
running    up   .         stopping  .        .         .            .        exited   .        .         .  .        running  running
stopping   down stopping  stopping  .        .         .            .        stopped  .        .         .  .        .        stopping
stopping   up   stopping  stopping  .        .         .            .        waiting  .        .         .  .        .        stopping
backoff    up   waiting   stopped   waiting  starting  exited       .        .        .        .         .  fatal    .        backoff
exited     up   waiting   stopped   .        .         .            .        .        backoff  exited    fatal  fatal    .    exited
fatal      up   waiting   stopped   .        .         .            .        .        .        .         .  .        .        fatal
";

#[test]
fn every_phase_takes_exactly_the_events_of_the_table() {
    let mut rows = TABLE.lines().filter(|line| !line.trim().is_empty());
    let columns: Vec<&str> = rows.next().unwrap().split_whitespace().collect();
    assert_eq!(columns, events().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let mut seen = std::collections::HashSet::new();
    for row in rows {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let kind = *PhaseKind::ALL.iter().find(|kind| kind.as_str() == cells[0]).unwrap();
        seen.insert(kind);
        let before = state(kind, if cells[1] == "up" { Desired::Up } else { Desired::Down });
        for ((name, event), expected) in events().iter().zip(&cells[2..]) {
            let found = before.apply(event, NOW).map(|after| after.phase.kind().as_str());
            match found {
                Ok(phase) => assert_eq!(phase, *expected, "{kind} + {name}"),
                Err(illegal) => {
                    assert_eq!(*expected, ".", "{kind} + {name}");
                    assert_eq!((illegal.phase, illegal.event), (kind, event.kind()));
                }
            }
        }
    }
    assert_eq!(seen.len(), PhaseKind::ALL.len(), "the table has every phase");
    let kinds: std::collections::HashSet<EventKind> =
        events().iter().map(|(_, event)| event.kind()).collect();
    assert_eq!(kinds.len(), EventKind::ALL.len(), "the table has every event");
}

#[test]
fn stopping_twice_does_not_delay_the_kill() {
    let before = state(PhaseKind::Stopping, Desired::Down);
    let later = Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: NOW.plus_ms(1000) };
    assert_eq!(before.apply(&later, NOW).unwrap().phase, before.phase);
}

#[test]
fn an_end_that_was_asked_for_is_no_death_and_one_that_was_not_is() {
    let exited = Event::Exited { exit: Exit::Signal(15) };
    let asked = state(PhaseKind::Stopping, Desired::Down).apply(&exited, NOW).unwrap();
    assert_eq!((asked.deaths.len(), asked.failures), (0, 0));
    let unasked = state(PhaseKind::Running, Desired::Up).apply(&exited, NOW).unwrap();
    assert_eq!((unasked.deaths.len(), unasked.failures, unasked.cause), (1, 1, Cause::Crash));
    assert_eq!(unasked.deaths[0].uptime_ms, 5_000);
    assert_eq!(&*unasked.reason, "killed by SIGTERM");
}

#[test]
fn a_streak_of_failures_ends_with_a_success_and_with_a_long_life() {
    let dying = |failures, lived_ms, code| {
        let before = ProcessState { failures, ..state(PhaseKind::Running, Desired::Up) };
        let now = Moment::default().plus_ms(lived_ms);
        before.apply(&Event::Exited { exit: Exit::Code(code) }, now).unwrap().failures
    };
    assert_eq!(dying(4, 100, 1), 5);
    assert_eq!(dying(4, 60_000, 1), 1);
    assert_eq!(dying(4, 100, 0), 0);
}

#[test]
fn the_tally_of_deaths_is_bounded_and_newest_first() {
    let mut state = state(PhaseKind::Running, Desired::Up);
    for number in 0..250 {
        state.phase = Phase::Running { pid: 1 };
        state = state.apply(&Event::Exited { exit: Exit::Code(number) }, NOW).unwrap();
    }
    assert_eq!(state.deaths.len(), provost_state::process::DEATHS_KEPT);
    assert_eq!(state.deaths[0].exit, Exit::Code(249));
    let revived = state.apply(&Event::Start { cause: Cause::User, reason: "r".into() }, NOW).unwrap();
    assert_eq!((revived.deaths.len(), revived.failures), (0, 0));
    let with_its_group = Event::Start { cause: Cause::Policy, reason: "r".into() };
    let kept = state.apply(&with_its_group, NOW).unwrap();
    assert_eq!(kept.deaths.len(), provost_state::process::DEATHS_KEPT, "nobody has forgiven them");
}

#[test]
fn health_is_of_one_life() {
    let sick = Event::Health { health: Health::Unhealthy, reason: "no answer".into() };
    let state = state(PhaseKind::Running, Desired::Up).apply(&sick, NOW).unwrap();
    assert_eq!((state.health, &*state.reason), (Health::Unhealthy, "no answer"));
    let next = [
        Event::Exited { exit: Exit::Code(1) },
        ruling(RulingAction::restart(0)),
        Event::Spawned { pid: 9, reason: "r".into() },
    ];
    let next = next.iter().fold(state, |state, event| state.apply(event, NOW).unwrap());
    assert_eq!(next.health, Health::Unknown);
}
