//! Replica sets that are added, changed, removed and scaled by hand while the host runs.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use provost_supervisor::{Motive, NotScaled};

use super::*;

fn replica(number: u32) -> ProcessSpec {
    ProcessSpec { replica: Some(number), ..spec(&format!("web.{number}")) }
}

fn set(least: u32, most: u32, policies: Vec<Arc<dyn Policy>>) -> ReplicaSet {
    let (name, group) = ("web".into(), "".into());
    ReplicaSet { name, group, least, most, wanted_at_start: least, every_ms: 1_000, policies }
}

fn world(least: u32, most: u32, policies: Vec<Arc<dyn Policy>>) -> World {
    let world =
        World::with((1..=most).map(replica).collect(), vec![set(least, most, policies)], |settings| settings);
    cast(&world);
    world
}

fn cast(world: &World) {
    for number in 1..=9 {
        world.children.cast(&format!("web.{number}"), Manner::Obedient);
    }
}

/// A policy that wants the number in the cell, and counts how often it is asked.
fn wants(wanted: &Arc<AtomicU32>, asked: &Arc<AtomicUsize>) -> Arc<dyn Policy> {
    let (wanted, asked) = (wanted.clone(), asked.clone());
    Arc::new(Judge {
        name: "queue".into(),
        scale: Some(Box::new(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(Decision::new(Some(wanted.load(Ordering::Relaxed)), "the queue"))
        })),
        ..Judge::default()
    })
}

impl World {
    /// Waits until exactly the replicas up to this number run, of those that exist.
    async fn until_up_to(&self, number: u32) {
        let mut changed = self.supervisor.changed();
        loop {
            changed.mark_unchanged();
            let world = self.supervisor.reader().snapshot();
            let fits = |state: &Arc<ProcessState>| {
                let place: u32 = state.name().trim_start_matches("web.").parse().unwrap();
                let wanted = if place <= number { PhaseKind::Running } else { PhaseKind::Stopped };
                state.phase.kind() == wanted
            };
            if world.iter().all(fits) {
                return;
            }
            changed.changed().await.unwrap();
        }
    }

    fn count(&self) -> (u32, u32, u32, bool) {
        let count = &self.supervisor.replica_sets()[0];
        (count.wanted, count.least, count.most, count.by_hand)
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_by_hand_is_reached_at_once_and_says_who_wanted_it() {
    let world = world(2, 4, vec![]);
    world.until_up_to(2).await;
    let count = world.supervisor.scale("web", 4, Cause::User).await.unwrap();
    assert_eq!((count.wanted, count.by_hand), (4, true));
    world.until_up_to(4).await;
    let started = world.state("web.4");
    assert_eq!(
        (started.cause, &*started.reason),
        (Cause::User, "needed: 4 of at most 4 replicas: asked for by a user")
    );
    world.supervisor.scale("web", 1, Motive::because(Cause::Api, "a quiet night")).await.unwrap();
    world.until_up_to(1).await;
    let stopped = world.state("web.2");
    assert_eq!(
        (stopped.cause, &*stopped.reason),
        (Cause::Api, "not needed: 1 of at most 4 replicas: a quiet night")
    );
    assert_eq!(world.count(), (1, 2, 4, true), "fewer than a policy may want");
}

#[tokio::test(start_paused = true)]
async fn while_a_number_by_hand_holds_no_policy_is_asked_and_a_reload_ends_that() {
    let (wanted, asked) = (Arc::new(AtomicU32::new(3)), Arc::new(AtomicUsize::new(0)));
    let policy = wants(&wanted, &asked);
    let world = world(1, 4, vec![policy.clone()]);
    world.until_up_to(3).await;
    world.supervisor.scale("web", 2, Cause::User).await.unwrap();
    let before = asked.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((asked.load(Ordering::Relaxed), world.count()), (before, (2, 1, 4, true)));
    let count = world.supervisor.reconfigure_set(set(1, 4, vec![policy])).await.unwrap();
    assert_eq!((count.wanted, count.by_hand), (1, false), "what a start of the host begins with");
    world.until_up_to(3).await;
    assert_eq!(world.count(), (3, 1, 4, false));
}

#[tokio::test(start_paused = true)]
async fn more_replicas_than_there_are_processes_are_refused_until_they_were_added() {
    let world = world(1, 2, vec![]);
    world.until_up_to(1).await;
    let refused = world.supervisor.scale("web", 4, Cause::User).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no replica `web.3`");
    assert_eq!(world.count(), (1, 1, 2, false));
    world.supervisor.add(vec![replica(3), replica(4)]).unwrap();
    world.supervisor.scale("web", 4, Cause::User).await.unwrap();
    for number in 1..=2 {
        world.until_phase(&format!("web.{number}"), PhaseKind::Running).await;
    }
    assert_eq!(world.count(), (4, 1, 2, true));
    for number in 3..=4 {
        let id = world.id(&format!("web.{number}"));
        assert!(world.supervisor.is_autostarted(id));
        world.supervisor.start(id, Cause::User).await.unwrap();
    }
    world.until_up_to(4).await;
    world.supervisor.scale("web", 3, Cause::User).await.unwrap();
    world.until_up_to(3).await;
    let reason = world.state("web.4").reason.clone();
    assert_eq!(&*reason, "not needed: 3 replicas, more than the 2 of the config: asked for by a user");
    assert_eq!(
        world.supervisor.scale("other", 1, Cause::User).await.unwrap_err(),
        NotScaled::NoSuchSet("other".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_bounds_policies_and_period_and_keeps_what_a_policy_has_decided() {
    let (wanted, asked) = (Arc::new(AtomicU32::new(3)), Arc::new(AtomicUsize::new(0)));
    let world = world(1, 4, vec![wants(&wanted, &asked)]);
    world.until_up_to(3).await;
    let (other, calls) = (Arc::new(AtomicU32::new(3)), Arc::new(AtomicUsize::new(0)));
    let new = ReplicaSet { every_ms: 100, ..set(2, 6, vec![wants(&other, &calls)]) };
    let count = world.supervisor.reconfigure_set(new).await.unwrap();
    assert_eq!((count.wanted, count.least, count.most), (3, 2, 6));
    let added = world.supervisor.add((5..=6).map(replica).collect()).unwrap();
    assert!(!world.supervisor.is_autostarted(added[0]), "its set does not need it");
    assert_eq!(&*world.state("web.5").reason, "not needed: 3 of at most 6 replicas");
    let before = asked.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked.load(Ordering::Relaxed), before, "the former policy is not asked");
    assert!(calls.load(Ordering::Relaxed) >= 9, "the new one is, ten times a second");
    other.store(6, Ordering::Relaxed);
    world.until_up_to(6).await;
    let count = world.supervisor.reconfigure_set(set(1, 2, vec![])).await.unwrap();
    assert_eq!(count.wanted, 2);
    world.until_up_to(2).await;
    let stopped = world.state("web.6");
    assert_eq!(
        (stopped.cause, &*stopped.reason),
        (Cause::Reload, "not needed: 2 of at most 2 replicas: the config was reloaded")
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_by_hand_does_not_wait_for_a_policy_that_has_not_answered_yet() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let asked = Arc::new(tokio::sync::Notify::new());
    let bell = asked.clone();
    let slow = Arc::new(Judge {
        name: "slow".into(),
        scale: Some(Box::new(move |_| {
            bell.notify_one();
            gate.lock().unwrap().recv().ok();
            Ok(Decision::new(Some(4), "too late"))
        })),
        ..Judge::default()
    });
    let world = world(1, 4, vec![slow]);
    asked.notified().await;
    world.supervisor.scale("web", 2, Cause::User).await.unwrap();
    release.send(()).unwrap();
    world.until_up_to(2).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.count(), (2, 1, 4, true));
}

#[tokio::test(start_paused = true)]
async fn sets_are_added_and_removed_with_their_tasks() {
    let world = World::new(vec![]);
    cast(&world);
    let before = world.supervisor.census();
    let (wanted, asked) = (Arc::new(AtomicU32::new(2)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..100 {
        world.supervisor.add_set(set(1, 2, vec![wants(&wanted, &asked)])).unwrap();
        let twice = world.supervisor.add_set(set(1, 2, vec![])).unwrap_err();
        assert_eq!(twice, NotScaled::SetTaken("web".into()));
        world.supervisor.remove_set("web").unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.supervisor.census(), before);
    assert_eq!((world.supervisor.replica_sets(), asked.load(Ordering::Relaxed)), (vec![], 0));
    assert_eq!(world.supervisor.remove_set("web"), Err(NotScaled::NoSuchSet("web".into())));
    assert_eq!(
        world.supervisor.reconfigure_set(set(1, 2, vec![])).await,
        Err(NotScaled::NoSuchSet("web".into()))
    );
}
