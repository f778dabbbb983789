//! Every pair of phase and event, cell by cell: the table below is the diagram in the documentation of the crate.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use provost_state::{
    Cause, Desired, Escalation, Event, EventKind, Exit, Failing, Health, Identity, Moment, Phase, PhaseKind,
    ProcessState, ProcessType, Ruling, RulingAction, registry,
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
        PhaseKind::Exited => Phase::Exited { settled: false },
        PhaseKind::Fatal => Phase::Fatal,
    };
    ProcessState { phase, desired, started_at: Some(Moment::default()), ..(*added).clone() }
}

fn ruling(action: RulingAction) -> Event {
    Event::Decided {
        ruling: Arc::new(Ruling { action, by: "p".into(), reason: "because".into(), overruled: None }),
    }
}

fn failing() -> Arc<Failing> {
    Arc::new(Failing { why: "no answer".into(), since: NOW })
}

fn events() -> Vec<(&'static str, Event)> {
    vec![
        ("start", Event::Start { cause: Cause::User, reason: "r".into() }),
        ("stop", Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: NOW }),
        ("wait", Event::Wait { cause: Cause::Dependency, reason: "r".into() }),
        ("spawned", Event::Spawned { pid: 9, reason: "r".into() }),
        ("spawn-failed", Event::SpawnFailed { error: "e".into() }),
        ("not-ready", Event::NotReady { failing: failing() }),
        ("overdue", Event::Overdue { reason: "r".into(), kill_at: NOW }),
        ("ready", Event::Ready { reason: "r".into() }),
        ("exited", Event::Exited { exit: Exit::Code(1), out_of_memory: false }),
        ("restart", ruling(RulingAction::restart(5))),
        ("stay-down", ruling(RulingAction::StayDown)),
        ("give-up", ruling(RulingAction::GiveUp(Escalation::Nothing))),
        ("refused", Event::Refused { reason: "r".into() }),
        ("late-end", Event::Exited { exit: Exit::NotReady("n".into()), out_of_memory: false }),
        ("health", Event::Health { health: Health::Degraded, reason: "r".into(), failing: None }),
        ("taken-over", Event::TakenOver { reason: "r".into() }),
    ]
}

/// Rows are phases (`stopping` once for each requested state), columns are the events above. A dot means no such edge.
const TABLE: &str = "
                start     stop      wait     spawned   spawn-failed not-ready overdue   ready    exited   restart  stay-down give-up  refused  late-end health   taken-over
stopped    up   waiting   .         .        .         .            .         .         .        .        .        .         .        fatal    .        .        stopped
waiting    up   .         stopped   waiting  starting  exited       .         .         .        .        .        .         .        fatal    .        .        waiting
starting   up   .         stopping  .        .         .            starting  stopping  running  exited   .        .         .        .        exited   .        starting
running    up   .         stopping  .        .         .            .         .         .        exited   .        .         .        .        exited   running  running
stopping   down stopping  stopping  .        .         .            .         .         .        stopped  .        .         .        .        stopped  .        stopping
stopping   up   stopping  stopping  .        .         .            .         .         .        waiting  .        .         .        .        exited   .        stopping
backoff    up   waiting   stopped   waiting  starting  exited       .         .         .        .        .        .         .        fatal    .        .        backoff
exited     up   waiting   stopped   .        .         .            .         .         .        .        backoff  exited    fatal    fatal    .        .        exited
fatal      up   waiting   stopped   .        .         .            .         .         .        .        .        .         .        .        .        .        fatal
";

#[test]
fn every_phase_accepts_exactly_the_events_of_the_table() {
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
fn only_an_unasked_end_is_a_death() {
    let exited = Event::Exited { exit: Exit::Signal(15), out_of_memory: false };
    let asked = state(PhaseKind::Stopping, Desired::Down).apply(&exited, NOW).unwrap();
    assert_eq!((asked.deaths.len(), asked.failures), (0, 0));
    let unasked = state(PhaseKind::Running, Desired::Up).apply(&exited, NOW).unwrap();
    assert_eq!((unasked.deaths.len(), unasked.failures, unasked.cause), (1, 1, Cause::Crash));
    assert_eq!(unasked.deaths.first().unwrap().uptime_ms, 5_000);
    assert_eq!(&*unasked.reason, "killed by SIGTERM");
}

#[test]
fn a_streak_of_failures_ends_with_a_success_and_with_a_long_life() {
    let dying = |failures, lived_ms, code| {
        let before = ProcessState { failures, ..state(PhaseKind::Running, Desired::Up) };
        let now = Moment::default().plus_ms(lived_ms);
        before.apply(&Event::Exited { exit: Exit::Code(code), out_of_memory: false }, now).unwrap().failures
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
        state = state.apply(&Event::Exited { exit: Exit::Code(number), out_of_memory: false }, NOW).unwrap();
    }
    assert_eq!(state.deaths.len(), provost_state::process::DEATHS_KEPT);
    assert_eq!(state.deaths.first().unwrap().exit, Exit::Code(249));
    let revived = state.apply(&Event::Start { cause: Cause::User, reason: "r".into() }, NOW).unwrap();
    assert_eq!((revived.deaths.len(), revived.failures), (0, 0));
    let with_its_group = Event::Start { cause: Cause::Policy, reason: "r".into() };
    let kept = state.apply(&with_its_group, NOW).unwrap();
    assert_eq!(kept.deaths.len(), provost_state::process::DEATHS_KEPT, "only a start by a user forgets them");
}

#[test]
fn health_is_unknown_again_in_the_next_life() {
    let sick =
        Event::Health { health: Health::Unhealthy, reason: "no answer".into(), failing: Some(failing()) };
    let state = state(PhaseKind::Running, Desired::Up).apply(&sick, NOW).unwrap();
    assert_eq!((state.health, &*state.reason), (Health::Unhealthy, "no answer"));
    assert_eq!(state.failing, Some(failing()));
    let next = [
        Event::Exited { exit: Exit::Code(1), out_of_memory: false },
        ruling(RulingAction::restart(0)),
        Event::Spawned { pid: 9, reason: "r".into() },
    ];
    let next = next.iter().fold(state, |state, event| state.apply(event, NOW).unwrap());
    assert_eq!((next.health, next.failing), (Health::Unknown, None));
}

#[test]
fn a_failing_check_is_recorded_until_it_passes_or_the_life_ends() {
    let starting = state(PhaseKind::Starting, Desired::Up);
    let failing_now = starting.apply(&Event::NotReady { failing: failing() }, NOW).unwrap();
    assert_eq!((&*failing_now.reason, &failing_now.failing), ("not ready: no answer", &Some(failing())));
    let taken_over = failing_now.apply(&Event::TakenOver { reason: "r".into() }, NOW).unwrap();
    assert_eq!(taken_over.failing, Some(failing()));
    for event in
        [Event::Ready { reason: "r".into() }, Event::Exited { exit: Exit::Code(0), out_of_memory: false }]
    {
        assert_eq!(failing_now.apply(&event, NOW).unwrap().failing, None);
    }
}

#[test]
fn the_end_of_a_process_that_was_not_ready_in_time_is_a_failure_unless_it_is_requested_down() {
    let overdue = Event::Overdue { reason: "not ready in time".into(), kill_at: NOW };
    let stopping = state(PhaseKind::Starting, Desired::Up).apply(&overdue, NOW).unwrap();
    assert_eq!((stopping.desired, stopping.cause, stopping.failures), (Desired::Up, Cause::Health, 0));
    let late = Event::Exited { exit: Exit::NotReady("no answer (within 1s)".into()), out_of_memory: false };
    let ended = stopping.apply(&late, NOW).unwrap();
    assert_eq!((ended.failures, ended.deaths.len(), ended.is_at_rest()), (1, 1, false));
    assert_eq!(&*ended.reason, "did not become ready in time: no answer (within 1s)");
    let stop = Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: NOW };
    let stopped = stopping.apply(&stop, NOW).unwrap().apply(&late, NOW).unwrap();
    assert_eq!((stopped.phase.kind(), stopped.failures, stopped.deaths.len()), (PhaseKind::Stopped, 0, 0));
}

#[test]
fn an_end_for_want_of_memory_has_that_cause_unless_it_was_asked_for() {
    let killed = Event::Exited { exit: Exit::Signal(9), out_of_memory: true };
    let running = state(PhaseKind::Running, Desired::Up);
    let ended = running.apply(&killed, NOW).unwrap();
    assert_eq!((ended.cause, ended.failures, ended.deaths.len()), (Cause::Oom, 1, 1));
    assert_eq!(&*ended.reason, "killed by SIGKILL: its memory ran out");
    let stop = Event::Stop { cause: Cause::User, reason: "r".into(), kill_at: NOW };
    let stopped = running.apply(&stop, NOW).unwrap().apply(&killed, NOW).unwrap();
    assert_eq!((stopped.cause, stopped.phase.kind()), (Cause::User, PhaseKind::Stopped));
    let other = Event::Exited { exit: Exit::Signal(9), out_of_memory: false };
    assert_eq!(running.apply(&other, NOW).unwrap().cause, Cause::Crash);
}

#[test]
fn a_job_is_ready_and_at_rest_when_it_has_ended_with_a_success_code() {
    let success_codes = Arc::from([0, 3]);
    let identity = Identity::new("job", "").of_type(ProcessType::Job { success_codes });
    let running = ProcessState { identity: identity.into(), ..state(PhaseKind::Running, Desired::Up) };
    assert!(!running.ready(), "it is running, not done");
    let ended = |exit| running.apply(&Event::Exited { exit, out_of_memory: false }, NOW).unwrap();
    for code in [0, 3] {
        let done = ended(Exit::Code(code));
        assert!(done.ready() && done.is_done() && done.is_at_rest(), "code {code}");
        assert_eq!((&*done.reason, done.failures), (&*format!("done: exited with code {code}"), 0));
    }
    for exit in [Exit::Code(1), Exit::Signal(15), Exit::Unobserved] {
        let failed = ended(exit);
        assert!(!failed.ready() && !failed.is_at_rest() && failed.failures == 1, "{failed:?}");
    }
    let spawned = ProcessState { phase: Phase::Waiting, ..running.clone() };
    let spawned = spawned.apply(&Event::Spawned { pid: 9, reason: "r".into() }, NOW).unwrap();
    assert_eq!(spawned.phase, Phase::Running { pid: 9 }, "a job does not wait for readiness");
    let again = ended(Exit::Code(0)).apply(&Event::Start { cause: Cause::User, reason: "r".into() }, NOW);
    assert!(!again.unwrap().ready());
}
