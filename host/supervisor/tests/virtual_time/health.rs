//! Health checks, with and without a policy. Checks of real children are in `tests/real_children.rs`.

use std::sync::Mutex;

use provost_state::Health;

use provost_supervisor::{Check, HealthCheck};

use super::*;

/// A check that always fails, without a socket or a child.
fn failing(failures: u32) -> Option<HealthCheck> {
    Some(HealthCheck { check: Check::LogLine("x".into()), every_ms: 100, timeout_ms: 50, failures })
}

fn checks(
    name: &str,
    answer: impl Fn(&Observation) -> Result<Decision<HealthAction>, Fault> + Send + Sync + 'static,
) -> Arc<Judge> {
    Arc::new(Judge { name: name.into(), probe: Some(Box::new(answer)), ..Judge::default() })
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_three_failures_in_a_row_restart_it_and_that_is_not_a_crash() {
    let world = World::new(vec![ProcessSpec { health: failing(3), ..spec("web") }]);
    let unhealthy = world.until("web", |state| state.health == Health::Unhealthy).await;
    assert!(unhealthy.reason.starts_with("3 failed checks in a row: "), "{}", unhealthy.reason);
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(stopping.cause, Cause::Health);
    assert_eq!(world.children.signals("web"), [TERM, CONT]);
    world.children.end("web", Exit::Signal(TERM.number()));
    let again = world.until("web", |state| state.incarnation.0 == 2 && state.ready()).await;
    assert_eq!((again.failures, again.deaths.len(), again.health), (0, 0, Health::Unknown));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_while_checks_find_the_same() {
    let asked = Arc::new(Mutex::new(0_u32));
    let count = asked.clone();
    let policy = checks("calm", move |seen| {
        *count.lock().unwrap() += 1;
        Ok(Decision::new(HealthAction::Hold(Health::Degraded), format!("failure {}", seen.in_a_row)))
    });
    let world = World::new(vec![ProcessSpec { health: failing(1), policies: vec![policy], ..spec("web") }]);
    let degraded = world.until("web", |state| state.health == Health::Degraded).await;
    assert_eq!(&*degraded.reason, "failure 1 (policy calm)");
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert!(*asked.lock().unwrap() > 20);
    assert_eq!(world.state("web").version, degraded.version);
}

#[tokio::test(start_paused = true)]
async fn a_health_policy_that_fails_is_answered_for_and_the_reason_says_so() {
    let policy = checks("broken", traps);
    let world = World::new(vec![ProcessSpec { health: failing(1), policies: vec![policy], ..spec("web") }]);
    let unhealthy = world.until("web", |state| state.health == Health::Unhealthy).await;
    assert!(unhealthy.reason.starts_with("policy broken: it trapped: unreachable; "), "{}", unhealthy.reason);
}

#[tokio::test(start_paused = true)]
async fn restarts_by_a_health_policy_are_held_to_the_budget_and_counted() {
    let policy = checks("trigger-happy", |_| Ok(Decision::new(HealthAction::Restart, "again")));
    let budget = provost_supervisor::RestartBudget { restarts: 2, per_ms: 60_000 };
    let world = World::with(
        vec![ProcessSpec { health: failing(1), policies: vec![policy.clone()], ..spec("web") }],
        Vec::new(),
        |settings| Settings { restart_budget: budget, ..settings },
    );
    for life in 1..=2 {
        let stopping = |state: &ProcessState| {
            state.incarnation.0 == life && matches!(state.phase, Phase::Stopping { .. })
        };
        world.until("web", stopping).await;
        world.children.end("web", Exit::Signal(TERM.number()));
    }
    let held = world.until("web", |state| state.reason.contains("restart_budget (2 in 60000 ms)")).await;
    assert_eq!(
        (held.health, held.phase.kind(), held.incarnation.0),
        (Health::Unhealthy, PhaseKind::Running, 3)
    );
    assert!(policy.clamps() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_health_result_of_an_earlier_incarnation_changes_nothing() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let (asked, mut is_asked) = tokio::sync::mpsc::channel(1);
    let policy = checks("slow", move |seen| {
        if seen.incarnation.0 == 1 {
            asked.blocking_send(()).unwrap();
            gate.lock().unwrap().recv().ok();
        }
        Ok(Decision::new(HealthAction::Hold(Health::Degraded), format!("of life {}", seen.incarnation)))
    });
    let world = World::new(vec![ProcessSpec { health: failing(9), policies: vec![policy], ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    is_asked.recv().await.unwrap();
    world.children.end("web", Exit::Code(0));
    let done = world.until("web", |state| state.decision.is_some()).await;
    world.supervisor.start(done.id, Cause::User).await.unwrap();
    release.send(()).unwrap();
    let found = world.until("web", |state| state.health == Health::Degraded).await;
    assert_eq!(&*found.reason, "of life 2 (policy slow)");
}
