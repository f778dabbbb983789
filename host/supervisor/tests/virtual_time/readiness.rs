//! Readiness: what a failing check reports and how often, the deadline, and what wins if something else happens
//! meanwhile.

use std::sync::Mutex;
use std::time::Duration;

use provost_supervisor::{Check, Readiness};

use super::*;

/// A readiness check for a line of output, which scripted children never write.
fn silent(within_ms: Option<u64>) -> Option<Readiness> {
    let check = Check::LogLine("listening".into());
    Some(Readiness { check, every_ms: 100, timeout_ms: 50, within_ms, own_port: false })
}

const WHY: &str = "it has not said `listening`";

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_ready_says_why_and_says_it_once() {
    let world = World::new(vec![ProcessSpec { ready: silent(None), ..spec("web") }]);
    let starting = world.until("web", |state| state.failing.is_some()).await;
    assert_eq!(starting.phase.kind(), PhaseKind::Starting);
    assert_eq!(&*starting.reason, format!("not ready: {WHY}"));
    let failing = starting.failing.clone().unwrap();
    assert_eq!((&*failing.why, Some(failing.since)), (WHY, starting.started_at));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(world.state("web").version, starting.version, "another failed check makes no commit");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_ready_in_time_is_ended_and_judged_as_a_failure() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ends = seen.clone();
    let policy = judge("strict", move |ended| {
        ends.lock().unwrap().push((ended.exit.clone(), ended.was_ready, ended.uptime_ms, ended.failures));
        Ok(Decision::new(restart(1_000), "again"))
    });
    let spec = ProcessSpec { ready: silent(Some(5_000)), policies: vec![policy], ..spec("web") };
    let world = World::new(vec![spec]);
    // It exits with code 0 when it is stopped; that it was late still counts.
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(&*stopping.reason, format!("not ready within 5s: {WHY}"));
    assert_eq!((stopping.desired, stopping.cause), (Desired::Up, Cause::Health));
    assert_eq!(world.children.signals("web"), [TERM, CONT]);
    world.children.end("web", Exit::Code(0));
    let late = Exit::NotReady(format!("{WHY} (ready.within is 5s)").into());
    let waiting = world.until_phase("web", PhaseKind::Backoff).await;
    assert_eq!((waiting.failures, waiting.exit.as_ref(), waiting.deaths.len()), (1, Some(&late), 1));
    let seen = seen.lock().unwrap().clone();
    assert!(matches!(&seen[..], [(exit, false, 5_000..5_100, 1)] if *exit == late), "{seen:?}");
    world.until("web", |state| state.incarnation.0 == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_suspended_at_the_deadline_checks_once_more() {
    let world = World::new(vec![ProcessSpec { ready: silent(Some(5_000)), ..spec("web") }]);
    world.until_phase("web", PhaseKind::Starting).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    let lived_ms = stopping.changed_at.ms_since(stopping.started_at.unwrap());
    assert!((3_600_150..3_601_000).contains(&lived_ms), "{lived_ms}");
}

#[tokio::test(start_paused = true)]
async fn a_late_process_that_ignores_its_stop_is_killed_after_its_grace_time_and_judged() {
    let world = World::new(vec![ProcessSpec { ready: silent(Some(1_000)), ..spec("web") }]);
    world.until_phase("web", PhaseKind::Stopping).await;
    while world.children.signals("web") != [TERM, CONT, KILL] {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    world.children.end("web", Exit::Signal(KILL.number()));
    let judged = world.until_phase("web", PhaseKind::Backoff).await;
    assert!(matches!(judged.exit, Some(Exit::NotReady(_))), "{judged:?}");
    let ruling = judged.decision.clone().unwrap();
    assert_eq!(
        &*ruling.reason,
        format!("did not become ready in time: {WHY} (ready.within is 1s); restart 1 in a row, after 100 ms")
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_became_ready_in_time_is_left_alone() {
    let world = World::new(vec![ProcessSpec { ready: None, ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Running);
}

/// Returns a world in which `web` is being stopped because it was late.
async fn late(policies: Vec<Arc<dyn Policy>>) -> World {
    let world = World::new(vec![ProcessSpec { ready: silent(Some(1_000)), policies, ..spec("web") }]);
    world.until_phase("web", PhaseKind::Stopping).await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_late_process_ends_wins_and_nothing_is_judged() {
    let never = judge("never", |_| unreachable!("no policy is asked about a requested end"));
    let world = late(vec![never]).await;
    world.supervisor.stop(world.id("web"), Cause::User).await.unwrap();
    world.children.end("web", Exit::Signal(TERM.number()));
    let stopped = world.until_phase("web", PhaseKind::Stopped).await;
    assert_eq!((stopped.failures, stopped.deaths.len(), stopped.cause), (0, 0, Cause::User));
    assert_eq!(stopped.exit, Some(Exit::Signal(TERM.number())));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.children.spawns("web"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_while_a_late_process_ends_starts_it_again_and_a_start_leaves_it_to_be_judged() {
    let world = late(Vec::new()).await;
    world.supervisor.restart(world.id("web"), Cause::User).await.unwrap();
    world.children.end("web", Exit::Signal(TERM.number()));
    let again = world.until("web", |state| state.incarnation.0 == 2).await;
    assert_eq!((again.failures, again.deaths.len(), again.restarts), (0, 0, 0));

    let world = late(Vec::new()).await;
    world.supervisor.start(world.id("web"), Cause::User).await.unwrap();
    world.children.end("web", Exit::Signal(TERM.number()));
    let judged = world.until_phase("web", PhaseKind::Backoff).await;
    assert_eq!((judged.failures, judged.deaths.len()), (1, 1), "its desired state was up already");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_while_a_late_process_ends_stops_it() {
    let world = late(Vec::new()).await;
    let supervisor = world.supervisor.clone();
    let shutdown = tokio::spawn(async move { supervisor.shutdown(Cause::Shutdown).await });
    world.until("web", |state| state.cause == Cause::Shutdown).await;
    world.children.end("web", Exit::Signal(TERM.number()));
    shutdown.await.unwrap();
    assert_eq!((world.state("web").phase.kind(), world.children.spawns("web")), (PhaseKind::Stopped, 1));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_before_its_readiness_deadline_is_judged_by_its_exit() {
    let world = World::new(vec![ProcessSpec { ready: silent(Some(60_000)), ..spec("web") }]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.end("web", Exit::Code(3));
    let judged = world.until_phase("web", PhaseKind::Backoff).await;
    assert_eq!(judged.exit, Some(Exit::Code(3)));
}
