//! Processes that are removed while the host runs.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use provost_state::{Batch, ChangeKind, Consumer, Generation};

use super::*;

fn why() -> Arc<str> {
    "removed from the config".into()
}

impl World {
    async fn remove(&self, id: ProcessId) -> Result<(), Refusal> {
        self.supervisor.remove(id, why()).await
    }

    fn exists(&self, name: &str) -> bool {
        self.supervisor.reader().snapshot().id(name).is_some()
    }

    /// Removes a process in a task.
    fn removing(&self, id: ProcessId) -> tokio::task::JoinHandle<Result<(), Refusal>> {
        let supervisor = self.supervisor.clone();
        tokio::spawn(async move { supervisor.remove(id, why()).await })
    }

    async fn add_and_start(&self, spec: ProcessSpec) -> ProcessId {
        let id = self.supervisor.add(vec![spec]).unwrap()[0];
        self.supervisor.start(id, Cause::Reload).await.unwrap();
        id
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_is_stopped_before_it_is_removed_and_then_nobody_knows_it() {
    let world = World::new(vec![spec("web"), spec("other")]);
    let id = world.until_phase("web", PhaseKind::Running).await.id;
    assert!(!world.supervisor.is_leaving(id));
    let removing = world.removing(id);
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert!(world.supervisor.is_leaving(id) && world.supervisor.spec(id).is_some());
    assert_eq!((stopping.cause, stopping.reason.clone()), (Cause::Reload, why()));
    world.children.end("web", Exit::Code(0));
    removing.await.unwrap().unwrap();
    assert!(!world.exists("web") && world.supervisor.reader().state(id).is_none());
    assert!(world.supervisor.is_leaving(id));
    assert!(world.supervisor.spec(id).is_none() && world.supervisor.spawned_with(id).is_none());
    for answer in [
        world.supervisor.start(id, Cause::User).await,
        world.supervisor.stop(id, Cause::User).await,
        world.supervisor.restart(id, Cause::User).await,
        world.supervisor.signal(id, TERM).await,
        world.supervisor.renew(id, Cause::User).await,
        world.supervisor.reconfigure(id, spec("web")).await,
        world.remove(id).await,
    ] {
        assert_eq!(answer, Err(Refusal::Removed));
    }
    assert_eq!(world.state("other").phase.kind(), PhaseKind::Running);
}

#[tokio::test(start_paused = true)]
async fn its_name_is_free_at_once_and_the_old_id_never_means_the_new_process() {
    let world = World::new(vec![ProcessSpec { group: "old".into(), ..spec("web") }]);
    world.children.cast("web", Manner::Obedient);
    let old = world.until_phase("web", PhaseKind::Running).await.id;
    world.remove(old).await.unwrap();
    let new = world.add_and_start(ProcessSpec { group: "new".into(), ..spec("web") }).await;
    let running = world.until_phase("web", PhaseKind::Running).await;
    assert_ne!(old, new);
    assert_eq!((&**running.group(), running.incarnation.0), ("new", 1));
    assert_eq!(world.supervisor.stop(old, Cause::User).await, Err(Refusal::Removed));
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Running);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_hangs_holds_up_nobody_and_ends_when_the_child_does() {
    let world = World::new(vec![spec("stuck"), spec("web"), spec("db")]);
    for name in ["stuck", "web", "db"] {
        world.until_phase(name, PhaseKind::Running).await;
    }
    let stuck = world.id("stuck");
    let began = world.supervisor.now();
    let leaving = ["stuck", "web", "db"].map(|name| (world.id(name), why()));
    let mut results = world.supervisor.remove_in_order(leaving.to_vec());
    for name in ["web", "db"] {
        let id = world.id(name);
        world.until_phase(name, PhaseKind::Stopping).await;
        world.children.end(name, Exit::Code(0));
        assert_eq!(results.recv().await.unwrap(), (id, Ok(())));
    }
    let id = world.add_and_start(spec("web")).await;
    world.until_phase("web", PhaseKind::Running).await;
    assert!(world.supervisor.now().ms_since(began) < 1_000, "nobody has waited for the grace time");
    assert_eq!(results.recv().await.unwrap(), (stuck, Err(Refusal::Stuck)));
    assert_eq!(results.recv().await, None);
    assert_eq!(world.supervisor.now().ms_since(began), 15_000, "5 s after its SIGKILL");
    assert_eq!(world.children.signals("stuck"), [TERM, CONT, KILL]);
    assert!(world.exists("stuck"), "what lives is not removed");
    assert!(world.supervisor.is_leaving(stuck), "it goes on leaving");
    assert_eq!(world.supervisor.start(stuck, Cause::User).await, Err(Refusal::Removed));
    let again = world.removing(stuck);
    tokio::task::yield_now().await;
    world.children.end("stuck", Exit::Signal(KILL.number()));
    again.await.unwrap().unwrap();
    assert!(!world.exists("stuck") && world.supervisor.reader().state(id).is_some());
}

#[tokio::test(start_paused = true)]
async fn orders_in_the_mailbox_of_a_process_that_is_removed_are_refused_and_never_hang() {
    let world = World::new(vec![spec("web")]);
    let id = world.until_phase("web", PhaseKind::Running).await.id;
    let removing = world.removing(id);
    world.until_phase("web", PhaseKind::Stopping).await;
    let order = |number: usize| {
        let supervisor = world.supervisor.clone();
        tokio::spawn(async move {
            match number % 3 {
                0 => supervisor.start(id, Cause::User).await,
                1 => supervisor.restart(id, Cause::Api).await,
                _ => supervisor.reconfigure(id, spec("web")).await,
            }
        })
    };
    // More than fit into the mailbox.
    let mut orders: Vec<_> = (0..200).map(order).collect();
    tokio::task::yield_now().await;
    world.children.end("web", Exit::Code(0));
    orders.extend((0..200).map(order));
    for order in orders {
        assert_eq!(order.await.unwrap(), Err(Refusal::Removed));
    }
    assert_eq!(removing.await.unwrap(), Ok(()));
    assert_eq!(world.children.spawns("web"), 1);
}

#[tokio::test(start_paused = true)]
async fn of_those_that_are_removed_the_dependents_go_first() {
    let world = World::new(vec![
        spec("db"),
        after("app", Condition::Ready, "db"),
        after("proxy", Condition::Ready, "app"),
        after("stays", Condition::Ready, "db"),
    ]);
    world.until_phase("proxy", PhaseKind::Running).await;
    world.until_phase("stays", PhaseKind::Running).await;
    let ids = ["db", "app", "proxy"].map(|name| world.id(name));
    let mut results = world.supervisor.remove_in_order(ids.iter().map(|id| (*id, why())).collect());
    for (name, id) in [("proxy", ids[2]), ("app", ids[1]), ("db", ids[0])] {
        world.until_phase(name, PhaseKind::Stopping).await;
        let signalled = |name: &&str| world.exists(name) && !world.children.signals(name).is_empty();
        assert_eq!(["db", "app", "proxy"].into_iter().filter(signalled).collect::<Vec<_>>(), [name]);
        world.children.end(name, Exit::Code(0));
        assert_eq!(results.recv().await, Some((id, Ok(()))));
    }
    assert_eq!(world.state("stays").phase.kind(), PhaseKind::Running, "it is not asked to go");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_process_that_is_removed_says_so_and_starts_once_it_no_longer_has_to() {
    let world = World::new(vec![
        ProcessSpec { autostart: false, ..spec("db") },
        after("app", Condition::Ready, "db"),
    ]);
    world.until("app", |state| state.cause == Cause::Dependency).await;
    world.remove(world.id("db")).await.unwrap();
    world.until("app", |state| &*state.reason == "waiting for db, which does not exist").await;
    world.supervisor.reconfigure(world.id("app"), spec("app")).await.unwrap();
    world.until_phase("app", PhaseKind::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_in_any_phase_can_be_removed() {
    let later = || judge("later", decides(restart(600_000), "later"));
    let lost = || judge("lost", decides(RulingAction::GiveUp(Default::default()), "lost"));
    let done = || judge("done", decides(RulingAction::StayDown, "done"));
    let dying = |name: &str, policy| ProcessSpec { policies: vec![policy], ..spec(name) };
    let world = World::new(vec![
        ProcessSpec { autostart: false, ..spec("stopped") },
        after("waiting", Condition::Ready, "stopped"),
        dying("backoff", later()),
        dying("fatal", lost()),
        dying("exited", done()),
        ProcessSpec { autostart: false, ..spec("spawning") },
    ]);
    for (name, phase) in
        [("backoff", PhaseKind::Backoff), ("fatal", PhaseKind::Fatal), ("exited", PhaseKind::Exited)]
    {
        world.until_phase(name, PhaseKind::Running).await;
        world.children.end(name, Exit::Code(1));
        world.until(name, |state| state.phase.kind() == phase && state.decision.is_some()).await;
    }
    world.until_phase("waiting", PhaseKind::Waiting).await;
    world.children.hold_spawns();
    world.supervisor.start(world.id("spawning"), Cause::User).await.unwrap();
    let ids: Vec<ProcessId> = world.supervisor.reader().snapshot().iter().map(|state| state.id).collect();
    for id in ids {
        world.remove(id).await.unwrap();
    }
    world.children.release_spawns();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert!(world.supervisor.reader().snapshot().is_empty());
    assert_eq!(world.children.spawns("spawning") + world.children.spawns("waiting"), 0);
    assert_eq!(world.children.spawns("backoff"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_is_removed_in_the_middle_of_a_storm_of_crashes() {
    let hasty = || judge("hasty", decides(restart(0), "at once"));
    let stormy = |name: &str| ProcessSpec { policies: vec![hasty()], ..spec(name) };
    let names = ["a", "b", "c", "d"];
    let dir_bounds = |settings: Settings| Settings {
        restart_budget: provost_supervisor::RestartBudget { restarts: 1, per_ms: 0 },
        ..settings
    };
    let world = World::with(Vec::new(), Vec::new(), dir_bounds);
    names.iter().for_each(|name| world.children.cast(name, Manner::Brief(Exit::Code(1))));
    for round in 0..50 {
        for name in names {
            world.add_and_start(stormy(name)).await;
        }
        world.until(names[round % 4], |state| state.restarts > 3).await;
        let ids = names.map(|name| (world.id(name), why()));
        let mut results = world.supervisor.remove_in_order(ids.to_vec());
        while let Some((_, removed)) = results.recv().await {
            removed.unwrap();
        }
        let spawns = names.map(|name| world.children.spawns(name));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(names.map(|name| world.children.spawns(name)), spawns, "nothing is spawned any more");
    }
    assert_eq!(world.supervisor.reader().counters().illegal, 0);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_removed_while_its_group_is_restarted_holds_up_nobody() {
    let together = |name: &str| {
        let policy = judge("together", |_| {
            let action = RulingAction::Restart { delay_ms: 1_000, scope: Scope::Group };
            Ok(Decision::new(action, "all of them"))
        });
        ProcessSpec { group: "g".into(), policies: vec![policy], ..spec(name) }
    };
    let world = World::new(["a", "b", "c"].map(together).to_vec());
    for name in ["a", "b", "c"] {
        world.until_phase(name, PhaseKind::Running).await;
    }
    world.children.end("a", Exit::Code(1));
    // The last member is held first, and does not end.
    world.until_phase("c", PhaseKind::Stopping).await;
    let removing = world.removing(world.id("c"));
    world.until("c", |state| state.cause == Cause::Reload).await;
    world.children.end("c", Exit::Code(0));
    removing.await.unwrap().unwrap();
    world.until_phase("b", PhaseKind::Stopping).await;
    world.children.end("b", Exit::Code(0));
    for name in ["a", "b"] {
        world.until(name, |state| state.incarnation.0 == 2 && state.ready()).await;
    }
    let census = world.supervisor.census();
    assert_eq!((census.mailboxes, census.groups), (2, 1));
    for name in ["a", "b"] {
        let removing = world.removing(world.id(name));
        world.until_phase(name, PhaseKind::Stopping).await;
        world.children.end(name, Exit::Code(0));
        removing.await.unwrap().unwrap();
    }
    assert_eq!(world.supervisor.census().groups, 0);
}

/// A consumer that notes what happened to each process.
#[derive(Debug)]
struct Registrar {
    name: Arc<str>,
    seen: Arc<Mutex<HashMap<ProcessId, Vec<ChangeKind>>>>,
    until: tokio::sync::watch::Sender<Generation>,
}

impl Consumer for Registrar {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn on_change(&mut self, batch: &Batch, world: &Arc<Snapshot>) -> Result<(), Fault> {
        assert_eq!(batch.missed, 0);
        for change in &batch.changes {
            if matches!(change.kind, ChangeKind::Added | ChangeKind::Removed) {
                self.seen.lock().unwrap().entry(change.state.id).or_default().push(change.kind);
            }
        }
        self.until.send_replace(world.generation());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_sees_each_process_added_once_and_removed_once() {
    let world = World::new(vec![spec("first")]);
    world.children.cast("web", Manner::Obedient);
    let (seen, until) =
        (Arc::new(Mutex::new(HashMap::new())), tokio::sync::watch::Sender::new(Generation(0)));
    let mut heard = until.subscribe();
    let consumer = Registrar { name: "registrar".into(), seen: seen.clone(), until };
    world.supervisor.consume(Box::new(consumer));
    let mut ids = Vec::new();
    for _ in 0..200 {
        let id = world.add_and_start(spec("web")).await;
        world.remove(id).await.unwrap();
        ids.push(id);
        // The thread of the consumer is a real one.
        let now = world.supervisor.reader().snapshot().generation();
        heard.wait_for(|heard| *heard >= now).await.unwrap();
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 200);
    for id in ids {
        assert_eq!(seen[&id], [ChangeKind::Added, ChangeKind::Removed]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_during_a_removal_ends_both() {
    let world = World::new(vec![spec("leaves"), spec("stays"), after("on", Condition::Ready, "leaves")]);
    world.until_phase("on", PhaseKind::Running).await;
    let removing = world.removing(world.id("leaves"));
    world.until_phase("leaves", PhaseKind::Stopping).await;
    let supervisor = world.supervisor.clone();
    let shutdown = tokio::spawn(async move { supervisor.shutdown(Cause::Shutdown).await });
    for name in ["on", "stays", "leaves"] {
        world.until_phase(name, PhaseKind::Stopping).await;
        world.children.end(name, Exit::Code(0));
    }
    removing.await.unwrap().unwrap();
    shutdown.await.unwrap();
    assert!(!world.exists("leaves"));
    assert_eq!(world.state("stays").phase, Phase::Stopped);
    assert!(world.supervisor.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_does_not_wait_for_ever_for_a_process_that_is_stuck_in_its_removal() {
    let world = World::new(vec![spec("stuck")]);
    world.until_phase("stuck", PhaseKind::Running).await;
    let removing = world.removing(world.id("stuck"));
    world.until_phase("stuck", PhaseKind::Stopping).await;
    world.supervisor.shutdown(Cause::Shutdown).await;
    assert_eq!(removing.await.unwrap(), Err(Refusal::Stuck));
}

#[tokio::test(start_paused = true)]
async fn a_removal_ends_the_wait_for_the_end_of_a_process_and_of_all() {
    let world = World::new(vec![spec("web")]);
    world.children.cast("web", Manner::Obedient);
    let id = world.until_phase("web", PhaseKind::Running).await.id;
    let (one, all) = (world.supervisor.clone(), world.supervisor.clone());
    let changing = world.supervisor.changing();
    let one = tokio::spawn(async move { one.until_completed(id).await });
    let all = tokio::spawn(async move { all.until_all_completed().await });
    world.remove(id).await.unwrap();
    let new = world.supervisor.add(vec![spec("web")]).unwrap()[0];
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!all.is_finished(), "a change is in progress");
    world.supervisor.start(new, Cause::Reload).await.unwrap();
    drop(changing);
    assert!(one.await.unwrap().is_none());
    world.until_phase("web", PhaseKind::Running).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!all.is_finished(), "the new process runs");
    world.remove(new).await.unwrap();
    assert_eq!(all.await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_thousands_of_processes_that_came_and_went() {
    let world = World::new(vec![spec("stays")]);
    world.until_phase("stays", PhaseKind::Running).await;
    let hasty = judge("hasty", decides(restart(0), "at once"));
    let watched = Arc::downgrade(&hasty);
    let before = world.supervisor.census();
    for round in 0..40 {
        let specs = (0..100).map(|n| ProcessSpec {
            group: format!("group-{}", n % 7).into(),
            policies: vec![hasty.clone()],
            ..match n % 3 {
                0 => after(&format!("p-{n}"), Condition::Started, "stays"),
                _ => spec(&format!("p-{n}")),
            }
        });
        for n in 0..100 {
            let manner = if n % 10 == round % 10 { Manner::Brief(Exit::Code(1)) } else { Manner::Obedient };
            world.children.cast(&format!("p-{n}"), manner);
        }
        let ids = world.supervisor.add(specs.collect()).unwrap();
        for id in ids.iter().skip(round % 5) {
            world.supervisor.start(*id, Cause::Reload).await.unwrap();
        }
        assert_eq!(world.supervisor.census().mailboxes, 101);
        let leaving = ids.into_iter().map(|id| (id, why())).collect();
        let mut results = world.supervisor.remove_in_order(leaving);
        while let Some((id, removed)) = results.recv().await {
            assert_eq!((id, removed), (id, Ok(())));
        }
    }
    // The last tasks end.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.supervisor.census(), before);
    drop(hasty);
    assert_eq!(watched.strong_count(), 0, "no chain holds the policy any more");
    assert_eq!(world.supervisor.reader().snapshot().len(), 1);
    assert_eq!(world.supervisor.degraded().list(), []);
}
