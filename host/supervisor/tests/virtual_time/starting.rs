//! Start policies: they allow a start with variables, wait, or refuse; a stop wins over all of it.

use std::sync::Mutex;

use super::*;

fn starts(
    name: &str,
    answer: impl Fn(&Plan) -> Result<Decision<StartAction>, Fault> + Send + Sync + 'static,
) -> Arc<Judge> {
    Arc::new(Judge { name: name.into(), start: Some(Box::new(answer)), ..Judge::default() })
}

#[tokio::test(start_paused = true)]
async fn variables_of_a_start_policy_hold_for_one_incarnation() {
    let policy = starts("ports", |plan| {
        let env = vec![("PORT".to_owned(), (8_000 + plan.incarnation.0).to_string())];
        Ok(Decision::new(StartAction::Allow { env }, "a free port"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    let first = world.until_phase("web", PhaseKind::Running).await;
    assert!(first.reason.contains("allowed: a free port (policy ports)"), "{}", first.reason);
    assert_eq!(world.children.env("web"), [("PORT".to_owned(), "8001".to_owned())]);
    world.children.end("web", Exit::Code(1));
    world.until("web", |state| state.incarnation == Incarnation(2) && state.ready()).await;
    assert_eq!(
        world.children.env("web"),
        [("PORT".to_owned(), "8002".to_owned())],
        "it is asked after a back-off, too"
    );
}

#[tokio::test(start_paused = true)]
async fn an_invalid_variable_name_is_overruled_and_counted() {
    let policy = starts("odd", |_| {
        let env = vec![("A=B".to_owned(), String::new())];
        Ok(Decision::new(StartAction::Allow { env }, "odd"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy.clone()], ..spec("web") }]);
    let running = world.until_phase("web", PhaseKind::Running).await;
    assert!(
        running.reason.contains("policy odd: wanted to set a variable called \"A=B\""),
        "{}",
        running.reason
    );
    assert_eq!((world.children.env("web"), policy.clamps()), (Vec::new(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_start_policy_that_waits_is_asked_again_after_its_delay_with_the_time_waited() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let policy = starts("window", move |plan| {
        seen.lock().unwrap().push((plan.cause, plan.waited_ms));
        let action = match plan.waited_ms {
            0..1_000 => StartAction::Wait { delay_ms: 500 },
            _ => StartAction::Allow { env: Vec::new() },
        };
        Ok(Decision::new(action, "not yet"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    let waiting = world.until("web", |state| state.reason.contains("not yet")).await;
    assert_eq!((waiting.phase.kind(), &*waiting.reason), (PhaseKind::Waiting, "not yet (policy window)"));
    world.until_phase("web", PhaseKind::Running).await;
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.iter().map(|(cause, _)| *cause).collect::<Vec<_>>(), [Cause::Boot; 3]);
    assert!(asked[0].1 == 0 && (500..600).contains(&asked[1].1) && asked[2].1 >= 1_000, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_start_by_hand_asks_a_policy_that_waits_at_once() {
    let policy = starts("patient", |plan| {
        let action = match plan.waited_ms {
            0 => StartAction::Wait { delay_ms: 9_000_000 },
            _ => StartAction::Allow { env: Vec::new() },
        };
        Ok(Decision::new(action, "an hour"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy.clone()], ..spec("web") }]);
    let waiting = world.until("web", |state| state.reason.contains("an hour")).await;
    assert!(waiting.reason.contains("more than restart_delay_max: 3600000 ms"), "{}", waiting.reason);
    assert_eq!(policy.clamps(), 1);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    world.supervisor.start(waiting.id, Cause::User).await.unwrap();
    let running = world.until_phase("web", PhaseKind::Running).await;
    assert!(running.changed_at.ms_since(waiting.changed_at) < 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_refused_start_is_fatal_until_somebody_starts_it() {
    let policy = starts("strict", decides_start(StartAction::Refuse, "no licence"));
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    let fatal = world.until_phase("web", PhaseKind::Fatal).await;
    assert_eq!((&*fatal.reason, fatal.cause), ("no licence (policy strict)", Cause::Policy));
    assert_eq!(world.supervisor.remove_policy("strict"), [fatal.id]);
    world.supervisor.start(fatal.id, Cause::User).await.unwrap();
    world.until_phase("web", PhaseKind::Running).await;
}

fn decides_start(
    action: StartAction,
    reason: &'static str,
) -> impl Fn(&Plan) -> Result<Decision<StartAction>, Fault> {
    move |_| Ok(Decision::new(action.clone(), reason))
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_start_policy_thinks_wins() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let policy = starts("slow", move |_| {
        gate.lock().unwrap().recv().ok();
        Ok(Decision::new(StartAction::Allow { env: Vec::new() }, "at last"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    let waiting = world.until_phase("web", PhaseKind::Waiting).await;
    world.supervisor.stop(waiting.id, Cause::User).await.unwrap();
    release.send(()).unwrap();
    let stopped = world.until_phase("web", PhaseKind::Stopped).await;
    assert_eq!((stopped.cause, world.children.spawns("web")), (Cause::User, 0));
}

#[tokio::test(start_paused = true)]
async fn a_start_policy_that_fails_lets_it_start() {
    let policy = starts("broken", traps);
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    let running = world.until_phase("web", PhaseKind::Running).await;
    assert!(running.reason.contains("policy broken: it trapped"), "{}", running.reason);
}
