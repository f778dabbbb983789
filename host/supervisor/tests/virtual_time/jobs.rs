//! Jobs: ready once they have ended with a success code, and left alone from then on.

use std::time::Duration;

use provost_state::ProcessType;

use super::*;

fn job(name: &str) -> ProcessSpec {
    ProcessSpec { process_type: ProcessType::job(), ..spec(name) }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_opens_the_gate_and_no_policy_is_asked_about_it() {
    let eager = judge("eager", |_| unreachable!("no policy is asked about a success"));
    let world = World::new(vec![
        ProcessSpec { policies: vec![eager], ..job("migrate") },
        after("app", Condition::Ready, "migrate"),
        after("tail", Condition::Completed, "migrate"),
    ]);
    let running = world.until_phase("migrate", PhaseKind::Running).await;
    assert!(!running.ready());
    let held = world.until("app", |state| state.cause == Cause::Dependency).await;
    assert_eq!(&*held.reason, "waiting for migrate to complete");
    world.children.end("migrate", Exit::Code(0));
    world.until_phase("app", PhaseKind::Running).await;
    world.until_phase("tail", PhaseKind::Running).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let done = world.state("migrate");
    assert!(done.is_done() && done.ready() && done.decision.is_none(), "{done:?}");
    assert_eq!((&*done.reason, world.children.spawns("migrate")), ("done: exited with code 0", 1));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_is_judged_like_a_service_and_may_succeed_later() {
    let success_codes = Arc::from([3]);
    let world = World::new(vec![
        ProcessSpec { process_type: ProcessType::Job { success_codes }, ..spec("job") },
        after("app", Condition::Ready, "job"),
    ]);
    world.until_phase("job", PhaseKind::Running).await;
    world.children.end("job", Exit::Code(0));
    let failed = world.until_phase("job", PhaseKind::Backoff).await;
    assert_eq!((failed.failures, failed.restarts), (1, 1), "0 is not one of its success codes");
    world.until("job", |state| state.incarnation.0 == 2).await;
    assert_eq!(world.children.spawns("app"), 0);
    world.children.end("job", Exit::Code(3));
    world.until_phase("app", PhaseKind::Running).await;
    assert_eq!(world.state("job").failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_is_run_again_by_hand_and_is_not_ready_meanwhile() {
    let world = World::new(vec![job("job")]);
    world.children.cast("job", Manner::Brief(Exit::Code(0)));
    let done = world.until("job", ProcessState::is_done).await;
    world.children.cast("job", Manner::Deaf);
    world.supervisor.start(done.id, Cause::User).await.unwrap();
    let again = world.until("job", |state| state.incarnation.0 == 2).await;
    assert!(!again.ready());
    world.supervisor.stop(done.id, Cause::User).await.unwrap();
    world.children.end("job", Exit::Code(0));
    let stopped = world.until_phase("job", PhaseKind::Stopped).await;
    assert!(!stopped.ready(), "a stopped job does not count as done");
}
