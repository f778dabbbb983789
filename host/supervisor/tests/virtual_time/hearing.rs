//! What processes say about themselves: readiness, status, the watchdog. Sockets are in `tests/e2e`.

use std::time::Duration;

use provost_state::Health;

use super::*;

fn notified(within_ms: Option<u64>) -> Option<Readiness> {
    Some(Readiness { check: Check::Notified, every_ms: 100, timeout_ms: 50, within_ms, own_port: false })
}

fn watched(watchdog_ms: u64) -> ProcessSpec {
    ProcessSpec { ready: notified(None), watchdog_ms: Some(watchdog_ms), ..spec("web") }
}

#[tokio::test(start_paused = true)]
async fn a_process_is_ready_when_it_says_so_and_until_then_its_status_says_what_it_does() {
    let world = World::new(vec![ProcessSpec { ready: notified(None), ..spec("web") }]);
    let starting = world.until("web", |state| state.failing.is_some()).await;
    assert_eq!(&*starting.reason, "not ready: it has not sent READY=1");
    world.children.says("web", "STATUS=loading\nWATCHDOG=1\nUNKNOWN=1").await;
    let loading = world.until("web", |state| state.version > starting.version).await;
    assert_eq!(&*loading.reason, "not ready: it has not sent READY=1; it says: loading");
    world.children.says("web", "STATUS=serving\nREADY=1").await;
    let ready = world.until("web", ProcessState::ready).await;
    assert_eq!(ready.incarnation.0, 1);
    let told = world.until("web", |state| state.reason.starts_with("it says")).await;
    assert_eq!(
        (&*told.reason, told.health, told.failing.is_none()),
        ("it says: serving", Health::Unknown, true)
    );
    // A second one changes nothing.
    world.children.says("web", "READY=1").await;
    assert_eq!(world.state("web").version, told.version);
}

#[tokio::test(start_paused = true)]
async fn a_line_on_a_descriptor_and_a_message_are_not_taken_for_each_other() {
    let check = Check::Descriptor(3);
    let ready = Readiness { check, every_ms: 100, timeout_ms: 50, within_ms: None, own_port: false };
    let world = World::new(vec![ProcessSpec { ready: Some(ready), ..spec("web") }]);
    let starting = world.until("web", |state| state.failing.is_some()).await;
    assert_eq!(&*starting.reason, "not ready: it has not written a line to descriptor 3");
    world.children.says("web", "READY=1").await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Starting);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_say_so_in_time_is_ended_unless_it_asks_for_more_time() {
    let world = World::new(vec![ProcessSpec { ready: notified(Some(5_000)), ..spec("web") }]);
    world.until_phase("web", PhaseKind::Starting).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    world.children.says("web", "EXTEND_TIMEOUT_USEC=10000000").await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Starting);
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(&*stopping.reason, "not ready within 5s: it has not sent READY=1");
}

#[tokio::test(start_paused = true)]
async fn a_request_for_more_time_never_takes_time_away_and_outlasts_a_change_of_the_config() {
    let web = |within_ms| ProcessSpec { ready: notified(Some(within_ms)), ..spec("web") };
    let world = World::new(vec![web(5_000)]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.says("web", "EXTEND_TIMEOUT_USEC=60000000").await;
    world.children.says("web", "EXTEND_TIMEOUT_USEC=1000000").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.supervisor.reconfigure(world.state("web").id, web(6_000)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(49)).await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Starting);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Stopping);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_suspended_waits_once_more_also_for_a_process_that_has_asked_for_more_time() {
    let world = World::new(vec![ProcessSpec { ready: notified(Some(5_000)), ..spec("web") }]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.says("web", "EXTEND_TIMEOUT_USEC=10000000").await;
    // Each wake-up is followed by one more wait, in which the process says that it goes on, or that it is ready.
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(3_600)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(world.state("web").phase.kind(), PhaseKind::Starting);
        world.children.says("web", "EXTEND_TIMEOUT_USEC=10000000").await;
    }
    tokio::time::advance(Duration::from_secs(3_600)).await;
    world.children.says("web", "READY=1").await;
    world.until("web", ProcessState::ready).await;
    assert_eq!(world.state("web").incarnation.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_changes_all_the_time_is_committed_at_a_bounded_rate_and_the_last_one_always() {
    let world = World::new(vec![ProcessSpec { ready: notified(None), ..spec("web") }]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.says("web", "READY=1").await;
    let ready = world.until("web", ProcessState::ready).await;
    for number in 0..6_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        world.children.says("web", &format!("STATUS={number}")).await;
    }
    let last = world.until("web", |state| &*state.reason == "it says: 5999").await;
    let commits = last.version.0 - ready.version.0;
    assert!((3..=12).contains(&commits), "{commits} commits in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_silent_is_unhealthy_and_ended_and_one_that_speaks_is_not() {
    let world = World::new(vec![watched(10_000)]);
    world.until_phase("web", PhaseKind::Starting).await;
    // Before it is ready it may be silent.
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.children.says("web", "READY=1").await;
    let ready = world.until("web", ProcessState::ready).await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        world.children.says("web", "WATCHDOG=1").await;
    }
    assert_eq!(world.state("web").version, ready.version);
    let unhealthy = world.until("web", |state| state.health == Health::Unhealthy).await;
    assert!(unhealthy.reason.contains("it has not sent WATCHDOG=1 within 10s"), "{}", unhealthy.reason);
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(stopping.cause, Cause::Health);
    assert_eq!(world.children.signals("web"), [TERM, CONT]);
    world.children.end("web", Exit::Signal(TERM.number()));
    world.until("web", |state| state.incarnation.0 == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_keep_a_silent_process_and_its_next_word_is_a_passed_check() {
    let policy = Arc::new(Judge {
        name: "calm".into(),
        probe: Some(Box::new(|seen: &Observation| {
            let health = if seen.passed { Health::Healthy } else { Health::Degraded };
            Ok(Decision::new(HealthAction::Hold(health), seen.detail.clone()))
        })),
        ..Judge::default()
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..watched(1_000) }]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.says("web", "READY=1").await;
    world.until("web", |state| state.health == Health::Degraded).await;
    world.children.says("web", "WATCHDOG=1").await;
    let healthy = world.until("web", |state| state.health == Health::Healthy).await;
    assert_eq!(healthy.incarnation.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_may_say_itself_that_it_fails_and_how_long_it_may_be_silent() {
    let world = World::new(vec![watched(1_000)]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.says("web", "READY=1").await;
    world.until("web", ProcessState::ready).await;
    world.children.says("web", "WATCHDOG_USEC=60000000").await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(world.state("web").health, Health::Unknown);
    world.children.says("web", "WATCHDOG=trigger").await;
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert!(stopping.reason.contains("it has sent WATCHDOG=trigger"), "{}", stopping.reason);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_suspended_does_not_take_a_process_for_silent() {
    let world = World::new(vec![watched(10_000)]);
    world.until_phase("web", PhaseKind::Starting).await;
    world.children.says("web", "READY=1").await;
    let ready = world.until("web", ProcessState::ready).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.state("web").version, ready.version);
    world.until("web", |state| state.health == Health::Unhealthy).await;
}
