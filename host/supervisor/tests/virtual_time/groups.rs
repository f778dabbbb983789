//! Restarts of groups in order, and what follows when a member is given up.

use provost_state::Escalation;

use super::*;

const ALL: RulingAction = RulingAction::Restart { delay_ms: 100, scope: Scope::Group };
const REST: RulingAction = RulingAction::Restart { delay_ms: 100, scope: Scope::Rest };

/// Members of one group. `db` is last in the config and starts first, because `app` depends on it; `alone` is in no
/// group.
fn team(policy: &Arc<dyn Policy>) -> Vec<ProcessSpec> {
    let member =
        |spec: ProcessSpec| ProcessSpec { group: "team".into(), policies: vec![policy.clone()], ..spec };
    vec![
        member(spec("cache")),
        member(after("app", Condition::Started, "db")),
        member(after("proxy", Condition::Ready, "app")),
        member(spec("db")),
        spec("alone"),
    ]
}

const NAMES: [&str; 5] = ["cache", "app", "proxy", "db", "alone"];

async fn up(world: &World) -> usize {
    for name in NAMES {
        world.children.cast(name, Manner::Obedient);
    }
    for name in NAMES {
        // The running child was spawned before its manner was set.
        world.until_phase(name, PhaseKind::Running).await;
    }
    for name in NAMES {
        world.supervisor.restart(world.id(name), Cause::User).await.unwrap();
        if world.state(name).incarnation.0 == 1 {
            world.children.end(name, Exit::Signal(TERM.number()));
        }
    }
    for name in NAMES {
        world.until(name, |state| state.incarnation.0 == 2 && state.ready()).await;
    }
    world.children.history().len()
}

async fn team_of(action: RulingAction) -> (World, usize) {
    let policy = judge("otp", decides(action, "together"));
    let world = World::new(team(&policy));
    let before = up(&world).await;
    (world, before)
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    let (world, before) = team_of(ALL).await;
    world.children.end("app", Exit::Code(1));
    world.until("proxy", |state| state.incarnation.0 == 3 && state.ready()).await;
    assert_eq!(world.acts_after(before), ["-proxy", "-db", "-cache", "cache", "db", "app", "proxy"]);
    for name in ["cache", "proxy", "db"] {
        let state = world.state(name);
        assert_eq!((state.incarnation.0, state.restarts, state.deaths.len()), (3, 0, 0), "{name}");
    }
    assert_eq!(world.state("app").deaths.len(), 1, "its death is kept");
    assert_eq!(world.state("alone").incarnation.0, 2);
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_what_comes_after_it_and_nothing_before() {
    let (world, before) = team_of(REST).await;
    world.children.end("app", Exit::Code(1));
    world.until("proxy", |state| state.incarnation.0 == 3 && state.ready()).await;
    assert_eq!(world.acts_after(before), ["-proxy", "app", "proxy"]);
    assert!(world.state("proxy").reason.contains("with the rest of its group"));
}

#[tokio::test(start_paused = true)]
async fn members_that_die_at_the_same_time_are_one_restart() {
    let (world, before) = team_of(ALL).await;
    for name in ["cache", "app", "db"] {
        world.children.end(name, Exit::Code(1));
    }
    for name in ["cache", "app", "proxy", "db"] {
        world.until(name, |state| state.incarnation.0 == 3 && state.ready()).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    assert_eq!(world.acts_after(before), ["-proxy", "cache", "db", "app", "proxy"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_by_hand_during_a_restart_of_its_group_wins_and_a_stopped_member_stays_down() {
    let (world, _) = team_of(ALL).await;
    world.supervisor.stop(world.id("cache"), Cause::User).await.unwrap();
    world.until_phase("cache", PhaseKind::Stopped).await;
    world.children.end("app", Exit::Code(1));
    let held = world.until("proxy", |state| state.phase == Phase::Waiting).await;
    world.supervisor.stop(held.id, Cause::User).await.unwrap();
    world.until("app", |state| state.incarnation.0 == 3 && state.ready()).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    for name in ["cache", "proxy"] {
        let state = world.state(name);
        assert_eq!(
            (state.phase.kind(), state.cause, state.incarnation.0),
            (PhaseKind::Stopped, Cause::User, 2)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_without_a_group_is_a_separate_group() {
    let policy = judge("otp", decides(ALL, "together"));
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }, spec("db")]);
    world.until_phase("db", PhaseKind::Running).await;
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    world.until("web", |state| state.incarnation.0 == 2 && state.ready()).await;
    assert_eq!(world.state("db").incarnation.0, 1);
}

#[tokio::test(start_paused = true)]
async fn giving_up_can_stop_the_dependents_last_ones_first() {
    let (world, before) = team_of(RulingAction::GiveUp(Escalation::StopDependents)).await;
    world.children.end("db", Exit::Code(1));
    let stopped = world.until_phase("app", PhaseKind::Stopped).await;
    assert_eq!(world.acts_after(before), ["-proxy", "-app"]);
    assert!(stopped.reason.contains("db was given up: together"), "{}", stopped.reason);
    assert_eq!(world.state("db").phase, Phase::Fatal);
    assert_eq!(world.state("cache").phase.kind(), PhaseKind::Running);
}

#[tokio::test(start_paused = true)]
async fn more_restarts_than_the_intensity_give_up_the_whole_group() {
    let policy = judge("otp", |ended| {
        let exceeded = ended.failures > 1;
        let action = if exceeded { RulingAction::GiveUp(Escalation::GiveUpGroup) } else { ALL };
        Ok(Decision::new(action, format!("failure {}", ended.failures)))
    });
    let world = World::new(team(&policy));
    up(&world).await;
    world.children.end("app", Exit::Code(1));
    world.until("proxy", |state| state.incarnation.0 == 3 && state.ready()).await;
    let before = world.children.history().len();
    world.children.end("app", Exit::Code(1));
    for name in ["cache", "app", "proxy", "db"] {
        world.until_phase(name, PhaseKind::Fatal).await;
    }
    assert_eq!(world.acts_after(before), ["-proxy", "-db", "-cache"]);
    assert_eq!(world.state("alone").phase.kind(), PhaseKind::Running);
}

#[tokio::test(start_paused = true)]
async fn giving_up_can_ask_for_the_end_of_the_host_and_the_first_code_stands() {
    let policy = judge("vital", |ended| {
        let code = if &*ended.name == "app" { 42 } else { 7 };
        Ok(Decision::new(RulingAction::GiveUp(Escalation::ShutDown { code }), "vital"))
    });
    let world = World::new(team(&policy));
    let mut wanted = world.supervisor.shutdown_wanted();
    assert_eq!(*wanted.borrow(), None);
    for name in ["app", "cache"] {
        world.until_phase(name, PhaseKind::Running).await;
        world.children.end(name, Exit::Code(1));
        world.until_phase(name, PhaseKind::Fatal).await;
    }
    assert_eq!(*wanted.wait_for(Option::is_some).await.unwrap(), Some(42));
}
