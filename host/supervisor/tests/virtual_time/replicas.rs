//! Replica sets: which replicas are started, and what a scale policy can do.

use std::sync::atomic::AtomicU32;

use super::*;

fn set(policies: Vec<Arc<dyn Policy>>) -> (Vec<ProcessSpec>, ReplicaSet) {
    let replica = |number: u32| ProcessSpec { replica: Some(number), ..spec(&format!("web.{number}")) };
    let set = ReplicaSet {
        name: "web".into(),
        group: "".into(),
        least: 1,
        most: 4,
        wanted_at_start: 2,
        every_ms: 1_000,
        policies,
    };
    ((1..=4).map(replica).collect(), set)
}

/// A set whose policy wants the number in the cell, or passes if that is 0.
fn scaled() -> (World, Arc<Judge>, Arc<AtomicU32>) {
    let wanted = Arc::new(AtomicU32::new(0));
    let cell = wanted.clone();
    let policy = Arc::new(Judge {
        name: "queue".into(),
        scale: Some(Box::new(move |_| {
            let action = match cell.load(Ordering::Relaxed) {
                0 => None,
                wanted => Some(wanted),
            };
            Ok(Decision::new(action, "the queue"))
        })),
        ..Judge::default()
    });
    let (specs, set) = set(vec![policy.clone()]);
    let names: Vec<Arc<str>> = specs.iter().map(|spec| spec.name.clone()).collect();
    let world = World::with(specs, vec![set], |settings| settings);
    names.iter().for_each(|name| world.children.cast(name, Manner::Obedient));
    (world, policy, wanted)
}

#[tokio::test(start_paused = true)]
async fn spare_replicas_stay_down_and_say_so() {
    let (world, ..) = scaled();
    for name in ["web.1", "web.2"] {
        world.until_phase(name, PhaseKind::Running).await;
    }
    let spare = world.until("web.3", |state| state.reason.starts_with("not needed")).await;
    assert_eq!(
        (spare.phase.kind(), &*spare.reason),
        (PhaseKind::Stopped, "not needed: 2 of at most 4 replicas")
    );
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!((world.children.spawns("web.3"), world.children.spawns("web.4")), (0, 0));
    let count = &world.supervisor.replica_sets()[0];
    assert_eq!((&*count.name, count.wanted, count.least, count.most), ("web", 2, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn the_lowest_numbers_are_started_and_the_highest_stopped() {
    let (world, _, wanted) = scaled();
    world.until_phase("web.2", PhaseKind::Running).await;
    wanted.store(3, Ordering::Relaxed);
    let third = world.until_phase("web.3", PhaseKind::Running).await;
    assert_eq!(
        (third.cause, &*third.reason),
        (Cause::Policy, "needed: 3 of at most 4 replicas: the queue (policy queue)")
    );
    wanted.store(1, Ordering::Relaxed);
    for name in ["web.3", "web.2"] {
        let stopped = world.until_phase(name, PhaseKind::Stopped).await;
        assert!(stopped.reason.starts_with("not needed: 1 of at most 4"), "{}", stopped.reason);
    }
    assert_eq!(world.state("web.1").incarnation.0, 1);
    assert_eq!(world.children.spawns("web.4"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_beyond_the_bounds_is_held_to_them_and_counted() {
    let (world, policy, wanted) = scaled();
    wanted.store(99, Ordering::Relaxed);
    let last = world.until_phase("web.4", PhaseKind::Running).await;
    assert!(last.reason.contains("wanted 99 replicas, 1 to 4 are allowed: 4"), "{}", last.reason);
    assert!(policy.clamps() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_was_stopped_by_hand_is_not_started_by_its_set() {
    let (world, _, wanted) = scaled();
    world.until_phase("web.2", PhaseKind::Running).await;
    world.supervisor.stop(world.id("web.2"), Cause::User).await.unwrap();
    world.until_phase("web.2", PhaseKind::Stopped).await;
    wanted.store(3, Ordering::Relaxed);
    world.until_phase("web.3", PhaseKind::Running).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(world.state("web.2").phase.kind(), PhaseKind::Stopped);
}
