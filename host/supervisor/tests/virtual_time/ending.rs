//! Completion: when everything has ended for good, and whether waiting processes still can start.

use std::time::Duration;

use provost_state::ProcessType;
use tokio::time::timeout;

use provost_supervisor::Completion;

use super::*;

fn gives_up() -> Arc<dyn Policy> {
    judge("strict", decides(RulingAction::GiveUp(Default::default()), "enough"))
}

fn job(name: &str) -> ProcessSpec {
    ProcessSpec { process_type: ProcessType::job(), ..spec(name) }
}

fn names(failed: &[Completion]) -> Vec<&str> {
    failed.iter().map(|one| &**one.state.name()).collect()
}

impl World {
    async fn is_not_completed(&self) {
        let completed = timeout(Duration::from_secs(600), self.supervisor.until_all_completed()).await;
        assert!(completed.is_err(), "{completed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_is_completed_when_everything_has_ended_for_good_and_failures_are_named() {
    let world = World::new(vec![
        job("first"),
        ProcessSpec { process_type: ProcessType::job(), ..after("second", Condition::Ready, "first") },
        ProcessSpec { policies: vec![gives_up()], ..spec("bad") },
        ProcessSpec { autostart: false, ..spec("spare") },
    ]);
    world.until_phase("bad", PhaseKind::Running).await;
    world.is_not_completed().await;
    world.children.end("bad", Exit::Code(1));
    world.children.end("first", Exit::Code(0));
    world.until_phase("second", PhaseKind::Running).await;
    world.is_not_completed().await;
    world.children.end("second", Exit::Code(0));
    assert_eq!(names(&world.supervisor.until_all_completed().await), ["bad"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_completed_before_the_first_start_nor_while_a_restart_is_pending() {
    let policy = judge("patient", decides(restart(3_000_000), "later"));
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    // The order to start has not been handled yet.
    world.is_not_completed().await;
    world.children.end("web", Exit::Code(1));
    world.until_phase("web", PhaseKind::Backoff).await;
    world.is_not_completed().await;
    world.supervisor.stop(world.id("web"), Cause::User).await.unwrap();
    assert!(world.supervisor.until_all_completed().await.is_empty(), "a stopped process has not failed");
}

#[tokio::test(start_paused = true)]
async fn without_anything_to_run_all_is_completed_at_once() {
    let world = World::new(vec![ProcessSpec { autostart: false, ..spec("web") }]);
    assert!(world.supervisor.until_all_completed().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_dependents_of_a_fatal_process_are_hopeless_and_the_chain_is_named() {
    let world = World::new(vec![
        ProcessSpec { policies: vec![gives_up()], ..spec("disk") },
        after("db", Condition::Ready, "disk"),
        after("app", Condition::Started, "db"),
    ]);
    world.until_phase("disk", PhaseKind::Running).await;
    let hopeful = world.supervisor.reader().snapshot();
    assert!(!world.supervisor.outlook(&hopeful).is_hopeless("app"));
    world.children.end("disk", Exit::Code(1));
    world.until_phase("disk", PhaseKind::Fatal).await;
    // `db` is running, so it has to be restarted in order to wait.
    world.supervisor.restart(world.id("db"), Cause::User).await.unwrap();
    world.children.end("db", Exit::Signal(TERM.number()));
    world.until("db", |state| state.cause == Cause::Dependency).await;
    world.supervisor.restart(world.id("app"), Cause::User).await.unwrap();
    world.children.end("app", Exit::Signal(TERM.number()));
    let app = world.until("app", |state| state.cause == Cause::Dependency).await;
    let now = world.supervisor.reader().snapshot();
    let outlook = world.supervisor.outlook(&now);
    assert!(outlook.is_hopeless("app") && outlook.is_hopeless("db"));
    assert_eq!(outlook.root("app").as_deref(), Some("disk"));
    assert_eq!(
        outlook.chain(&app),
        "app waits for db to be started; db waits for disk to be ready; disk is fatal: enough"
    );
    assert_eq!(names(&world.supervisor.until_all_completed().await), ["disk", "db", "app"]);
    let ended = world.supervisor.until_completed(app.id).await.unwrap();
    assert!(ended.failed, "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn one_process_has_ended_for_good_when_nothing_will_start_it_again() {
    let policy = judge("twice", |ended| {
        let action = if ended.failures < 2 { restart(1_000) } else { RulingAction::StayDown };
        Ok(Decision::new(action, "as it may be"))
    });
    let world = World::new(vec![
        ProcessSpec { policies: vec![policy], autostart: false, ..spec("web") },
        spec("other"),
    ]);
    let id = world.id("web");
    let supervisor = world.supervisor.clone();
    let completed = tokio::spawn(async move { supervisor.until_completed(id).await });
    world.until_phase("other", PhaseKind::Running).await;
    assert!(!completed.is_finished(), "it was not started yet");
    world.supervisor.start(id, Cause::User).await.unwrap();
    for code in [3, 4] {
        world.until_phase("web", PhaseKind::Running).await;
        assert!(!completed.is_finished());
        world.children.end("web", Exit::Code(code));
        world.until("web", |state| state.phase.kind() != PhaseKind::Running).await;
    }
    let Completion { state, failed } = completed.await.unwrap().unwrap();
    assert_eq!((state.exit.clone(), failed), (Some(Exit::Code(4)), true));
}
