//! Processes that are added while the host runs.

use provost_supervisor::{Motive, NotAdded};

use super::*;

fn names(world: &World) -> Vec<String> {
    world.supervisor.reader().snapshot().iter().map(|state| state.name().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_added_is_there_at_once_and_is_started_by_an_order_with_its_reason() {
    let world = World::new(vec![spec("web")]);
    let ids = world.supervisor.add(vec![spec("db"), spec("cache")]).unwrap();
    assert_eq!(names(&world), ["web", "db", "cache"]);
    assert_eq!(ids, [world.id("db"), world.id("cache")]);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!((world.state("db").phase.clone(), world.children.spawns("db")), (Phase::Stopped, 0));
    assert!(world.supervisor.is_autostarted(ids[0]));
    let motive = Motive::because(Cause::Reload, "added by a reload");
    world.supervisor.start(ids[0], motive).await.unwrap();
    let running = world.until_phase("db", PhaseKind::Running).await;
    assert_eq!((running.cause, &*running.reason), (Cause::Reload, "added by a reload"));
}

#[tokio::test(start_paused = true)]
async fn either_all_are_added_or_none() {
    let world = World::new(vec![spec("web")]);
    let before = world.supervisor.census();
    for taken in ["web", "twice"] {
        let specs = vec![spec("new"), spec("twice"), spec(taken)];
        let refused = world.supervisor.add(specs).unwrap_err();
        assert_eq!(refused.to_string(), format!("there is a process called `{taken}` already"));
    }
    assert_eq!((names(&world), world.supervisor.census()), (vec!["web".to_owned()], before));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_process_that_does_not_exist_yet_starts_when_it_was_added_and_is_ready() {
    let world = World::new(vec![after("app", Condition::Ready, "db")]);
    world.until("app", |state| &*state.reason == "waiting for db, which does not exist").await;
    let ids = world.supervisor.add(vec![spec("db")]).unwrap();
    world.until("app", |state| &*state.reason == "waiting for db to be ready (it is stopped)").await;
    world.supervisor.start(ids[0], Cause::Reload).await.unwrap();
    world.until_phase("app", PhaseKind::Running).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_added_to_a_host_that_is_stopping() {
    let world = World::new(vec![]);
    world.supervisor.shutdown(Cause::Shutdown).await;
    assert_eq!(world.supervisor.add(vec![spec("late")]), Err(NotAdded::ShuttingDown));
}

#[tokio::test(start_paused = true)]
async fn a_new_member_shares_the_fate_of_its_group_and_a_new_group_has_one() {
    let together = |group: &str, name: &str| {
        let policy = judge("together", |_| {
            let action = RulingAction::Restart { delay_ms: 10, scope: Scope::Group };
            Ok(Decision::new(action, "all of them"))
        });
        ProcessSpec { group: group.into(), policies: vec![policy], ..spec(name) }
    };
    let world = World::new(vec![together("old", "a")]);
    let added = vec![together("old", "b"), together("new", "c"), together("new", "d")];
    for id in world.supervisor.add(added).unwrap() {
        world.supervisor.start(id, Cause::Reload).await.unwrap();
    }
    for name in ["a", "b", "c", "d"] {
        world.children.cast(name, Manner::Obedient);
        world.until_phase(name, PhaseKind::Running).await;
    }
    for (dies, other) in [("a", "b"), ("c", "d")] {
        world.children.end(other, Exit::Code(1));
        for name in [dies, other] {
            // The first life of a process was deaf.
            if name == dies {
                world.until_phase(dies, PhaseKind::Stopping).await;
                world.children.end(dies, Exit::Code(0));
            }
            world.until(name, |state| state.incarnation.0 == 2 && state.ready()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_config_can_change_and_decides_who_is_restarted_with_whom() {
    let rest = || {
        judge("rest", |_| {
            let action = RulingAction::Restart { delay_ms: 10, scope: Scope::Rest };
            Ok(Decision::new(action, "those after it"))
        })
    };
    let member = |name: &str| ProcessSpec { group: "g".into(), policies: vec![rest()], ..spec(name) };
    let world = World::new(vec![member("a"), member("b")]);
    for name in ["a", "b", "c"] {
        world.children.cast(name, Manner::Obedient);
    }
    let ids = world.supervisor.add(vec![member("c")]).unwrap();
    world.supervisor.start(ids[0], Cause::Reload).await.unwrap();
    world.supervisor.arrange(&["c".into(), "a".into(), "missing".into()]);
    for name in ["a", "b", "c"] {
        world.until_phase(name, PhaseKind::Running).await;
    }
    world.children.end("a", Exit::Code(1));
    for name in ["a", "b"] {
        world.until(name, |state| state.incarnation.0 == 2 && state.ready()).await;
    }
    assert_eq!(world.state("c").incarnation.0, 1, "it comes before a, and b after it");
}

#[tokio::test(start_paused = true)]
async fn the_order_of_the_config_is_known_although_slots_are_used_again() {
    let replica = |name: &str, number: u32| ProcessSpec { replica: Some(number), ..spec(name) };
    let world = World::new(vec![spec("db"), replica("web.1", 1), replica("web.3", 3), spec("last")]);
    let names = || world.supervisor.listing().names.join(" ");
    assert!(world.supervisor.listing().is_of_snapshots);
    assert!(Arc::ptr_eq(&world.supervisor.listing(), &world.supervisor.listing()), "it is made once");
    let added = vec![replica("web.4", 4), replica("web.2", 2), replica("app.2", 2), replica("app.1", 1)];
    world.supervisor.add(added).unwrap();
    assert_eq!(names(), "db web.1 web.2 web.3 web.4 last app.1 app.2");
    assert!(!world.supervisor.listing().is_of_snapshots);
    world.children.cast("db", Manner::Obedient);
    world.supervisor.remove(world.id("db"), "gone".into()).await.unwrap();
    world.supervisor.add(vec![spec("new")]).unwrap();
    assert_eq!(names(), "web.1 web.2 web.3 web.4 last app.1 app.2 new");
    world.supervisor.arrange(&["new", "last"].map(Arc::from));
    assert_eq!(names(), "new last web.1 web.2 web.3 web.4 app.1 app.2");
}
