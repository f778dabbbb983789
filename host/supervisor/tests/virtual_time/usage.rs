//! Usage policies, with a scripted source of samples. What real children use is in `tests/usage.rs`.

use std::sync::Mutex;
use std::time::Duration;

use provost_state::{Sample, Usage, UsageAction};

use super::*;

const RESTART: UsageAction = UsageAction::Restart { drain_ms: None };

fn meters(
    name: &str,
    answer: impl Fn(&Sample) -> Result<Decision<UsageAction>, Fault> + Send + Sync + 'static,
) -> Arc<Judge> {
    Arc::new(Judge { name: name.into(), usage: Some(Box::new(answer)), ..Judge::default() })
}

/// Wants a restart above this much resident memory.
fn above(rss_bytes: u64, action: UsageAction) -> Arc<Judge> {
    meters("recycler", move |sample| match sample.usage.rss_bytes {
        rss if rss > rss_bytes => Ok(Decision::new(action, format!("{rss} bytes"))),
        _ => Ok(Decision::new(None, "enough room")),
    })
}

fn metered(policies: Vec<Arc<dyn Policy>>) -> ProcessSpec {
    ProcessSpec { usage_every_ms: Some(5_000), policies, ..spec("web") }
}

fn uses(world: &World, rss_bytes: u64) {
    world.children.uses("web", Usage { rss_bytes, threads: 1, members: 1, ..Usage::default() });
}

#[tokio::test(start_paused = true)]
async fn a_process_that_uses_too_much_is_restarted_by_its_policy_and_that_is_not_a_crash() {
    let world = World::new(vec![metered(vec![above(100, RESTART)])]);
    uses(&world, 100);
    let running = world.until_phase("web", PhaseKind::Running).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.state("web").version, running.version, "a sample is no commit");
    uses(&world, 101);
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!((stopping.cause, &*stopping.reason), (Cause::Policy, "101 bytes (policy recycler)"));
    assert_eq!(world.children.signals("web"), [TERM, CONT]);
    uses(&world, 1);
    world.children.end("web", Exit::Signal(TERM.number()));
    let again = world.until("web", |state| state.incarnation.0 == 2 && state.ready()).await;
    assert_eq!((again.failures, again.deaths.len(), again.cause), (0, 0, Cause::Policy));
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_asked_at_its_interval_with_the_samples_of_this_life_before() {
    let seen: Arc<Mutex<Vec<Sample>>> = Arc::default();
    let samples = seen.clone();
    let policy = meters("curious", move |sample| {
        samples.lock().unwrap().push(sample.clone());
        Ok(Decision::new(None, ""))
    });
    let world = World::new(vec![metered(vec![policy])]);
    uses(&world, 7);
    let started = world.until_phase("web", PhaseKind::Running).await.started_at.unwrap();
    tokio::time::sleep(Duration::from_secs(400)).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!((75..=80).contains(&seen.len()), "{}", seen.len());
    for (at, sample) in seen.iter().enumerate() {
        let age_ms = sample.usage.at.ms_since(started);
        let expected = 5_000 * (at as u64 + 1);
        assert!((expected..expected + 250 * (at as u64 + 1)).contains(&age_ms), "sample {at}: {age_ms} ms");
        assert_eq!(sample.former.len(), at.min(Sample::FORMER_MAX));
        let before = seen[..at].iter().rev().map(|earlier| earlier.usage);
        assert!(sample.former.iter().copied().eq(before.take(Sample::FORMER_MAX)), "newest first");
    }
    assert_eq!((&*seen[0].name, seen[0].incarnation.0, seen[0].usage.rss_bytes), ("web", 1, 7));
}

#[tokio::test(start_paused = true)]
async fn the_drain_time_of_a_policy_replaces_the_grace_time_up_to_the_ceiling() {
    for (wanted_ms, granted_ms, overruled) in
        [(120_000, 120_000, ""), (7_200_000, 3_600_000, "restart_delay_max")]
    {
        let drain = UsageAction::Restart { drain_ms: Some(wanted_ms) };
        let policy = above(100, drain);
        let world = World::new(vec![metered(vec![policy.clone()])]);
        uses(&world, 101);
        let stopping = world.until_phase("web", PhaseKind::Stopping).await;
        let Phase::Stopping { kill_at, .. } = stopping.phase else { panic!("{stopping:?}") };
        assert_eq!(kill_at.ms_since(stopping.changed_at), granted_ms);
        assert!(stopping.reason.contains(overruled), "{}", stopping.reason);
        assert_eq!(policy.clamps(), usize::from(!overruled.is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_by_a_usage_policy_are_held_to_the_budget_and_counted() {
    let policy = above(100, RESTART);
    let budget = provost_supervisor::RestartBudget { restarts: 2, per_ms: 600_000 };
    let world = World::with(vec![metered(vec![policy.clone()])], Vec::new(), |settings| Settings {
        restart_budget: budget,
        ..settings
    });
    uses(&world, 101);
    for life in 1..=2 {
        let stopping = |state: &ProcessState| {
            state.incarnation.0 == life && matches!(state.phase, Phase::Stopping { .. })
        };
        world.until("web", stopping).await;
        world.children.end("web", Exit::Signal(TERM.number()));
    }
    world.until("web", |state| state.incarnation.0 == 3 && state.ready()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let held = world.state("web");
    assert_eq!((held.phase.kind(), held.incarnation.0), (PhaseKind::Running, 3));
    assert!(policy.clamps() > 0);
    world.until("web", |state| matches!(state.phase, Phase::Stopping { .. })).await;
}

#[tokio::test(start_paused = true)]
async fn a_usage_policy_that_fails_restarts_nothing_and_the_next_one_is_asked() {
    let broken = meters("broken", traps);
    let world = World::new(vec![metered(vec![broken.clone()])]);
    uses(&world, 1_000);
    let running = world.until_phase("web", PhaseKind::Running).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.state("web").version, running.version);

    let world = World::new(vec![metered(vec![broken, above(100, RESTART)])]);
    uses(&world, 1_000);
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(&*stopping.reason, "policy broken: it trapped: unreachable; 1000 bytes (policy recycler)");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_keeps_the_process_ends_the_chain() {
    let keeps = meters("keeps", |_| Ok(Decision::new(UsageAction::Keep, "it is fine")));
    let world = World::new(vec![metered(vec![keeps, above(100, RESTART)])]);
    uses(&world, 1_000);
    world.until_phase("web", PhaseKind::Running).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.state("web").incarnation.0, 1);
}

#[tokio::test(start_paused = true)]
async fn samples_are_published_with_a_revision_and_end_with_the_life() {
    let world = World::new(vec![spec("web")]);
    uses(&world, 42);
    world.until_phase("web", PhaseKind::Running).await;
    let mut revision = world.supervisor.usage_revision();
    let id = world.state("web").id;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let first = world.supervisor.usages();
    assert_eq!(first.of(id).map(|one| (one.incarnation.0, one.usage.rss_bytes)), Some((1, 42)));
    assert!(world.supervisor.usage_history(id).len() >= 9);
    revision.borrow_and_update();
    revision.changed().await.unwrap();
    assert!(world.supervisor.usages().revision > first.revision);
    world.children.end("web", Exit::Code(0));
    world.until_phase("web", PhaseKind::Exited).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(world.supervisor.usages().of(id).is_none());
    assert!(world.supervisor.usage_history(id).is_empty());
}
