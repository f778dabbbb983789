//! Specs and settings that change while the host runs.

use std::time::Duration;

use provost_state::{Health, ProcessType};
use provost_supervisor::{Check, HealthCheck, Motive, Readiness};

use super::*;

fn runs(name: &str, program: &str) -> ProcessSpec {
    ProcessSpec::new(name, CommandLine::Argv(vec![program.into()]))
}

fn says(text: &str) -> Option<Readiness> {
    let check = Check::LogLine(text.into());
    Some(Readiness { check, every_ms: 100, timeout_ms: 50, within_ms: Some(60_000), own_port: false })
}

impl World {
    async fn reconfigure(&self, spec: ProcessSpec) {
        let id = self.id(&spec.name);
        self.supervisor.reconfigure(id, spec).await.unwrap();
    }

    /// Returns the program of the living child.
    fn program(&self, name: &str) -> CommandLine {
        self.supervisor.spawned_with(self.id(name)).unwrap().spec.command.clone()
    }

    /// Returns what the living child has of old values.
    fn outdated(&self, name: &str) -> Vec<&'static str> {
        let id = self.id(name);
        let spawned = self.supervisor.spawned_with(id).unwrap();
        spawned.spec.changed_at_spawn(&self.supervisor.spec(id).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn new_policies_judge_the_next_end_and_the_former_ones_are_dropped() {
    let dropped = Arc::new(());
    let held = dropped.clone();
    let old = judge("old", move |_| {
        let _ = &held;
        Ok(Decision::new(restart(0), "the old one"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![old], ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    let new = judge("new", decides(RulingAction::GiveUp(Default::default()), "the new one"));
    world.reconfigure(ProcessSpec { policies: vec![new], ..spec("web") }).await;
    assert_eq!(Arc::strong_count(&dropped), 1);
    let judging: Vec<_> = world.supervisor.policies_of(world.id("web"));
    assert_eq!(judging.iter().map(|policy| &**policy.name()).collect::<Vec<_>>(), ["new"]);
    world.children.end("web", Exit::Code(1));
    assert_eq!(&*world.until_phase("web", PhaseKind::Fatal).await.reason, "the new one");
}

#[tokio::test(start_paused = true)]
async fn a_new_grace_time_and_a_new_stop_signal_hold_for_the_living_child() {
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    let hup: Signal = "HUP".parse().unwrap();
    world.reconfigure(ProcessSpec { stop_grace_ms: 1_500, stop_signal: hup, ..spec("web") }).await;
    assert_eq!(world.outdated("web"), [""; 0]);
    world.supervisor.stop(world.id("web"), Cause::User).await.unwrap();
    let stopping = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(stopping.next_action_at().unwrap().ms_since(stopping.changed_at), 1_500);
    assert_eq!(world.children.signals("web"), [hup, CONT]);
}

#[tokio::test(start_paused = true)]
async fn dependencies_that_are_dropped_no_longer_hold_a_process_back_and_new_ones_do() {
    let world = World::new(vec![
        ProcessSpec { autostart: false, ..spec("db") },
        after("app", Condition::Ready, "db"),
        spec("web"),
    ]);
    world.until("app", |state| state.cause == Cause::Dependency).await;
    world.until_phase("web", PhaseKind::Running).await;
    world.reconfigure(spec("app")).await;
    world.until_phase("app", PhaseKind::Running).await;
    world.reconfigure(after("web", Condition::Ready, "db")).await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Running, "what runs goes on");
    world.children.end("web", Exit::Code(1));
    world.until("web", |state| state.cause == Cause::Dependency).await;
    world.supervisor.start(world.id("db"), Cause::User).await.unwrap();
    world.until("web", |state| state.incarnation.0 == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_command_takes_effect_with_the_next_life_and_until_then_the_difference_is_shown() {
    let world = World::new(vec![runs("web", "old")]);
    world.until_phase("web", PhaseKind::Running).await;
    let env = [("A".to_owned(), "1".to_owned())].into();
    world.reconfigure(ProcessSpec { env, ..runs("web", "new") }).await;
    assert_eq!(world.outdated("web"), ["command", "env"]);
    assert_eq!(world.program("web"), runs("", "old").command);
    let before = world.state("web");
    let motive = Motive::because(Cause::Reload, "restarted by a reload: command and env have changed");
    world.supervisor.renew(before.id, motive).await.unwrap();
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Stopping);
    world.children.end("web", Exit::Signal(TERM.number()));
    let after =
        world.until("web", |state| state.incarnation == before.incarnation.next() && state.ready()).await;
    assert_eq!(
        (after.cause, &*after.reason),
        (Cause::Reload, "restarted by a reload: command and env have changed")
    );
    assert_eq!((world.outdated("web"), world.program("web")), (vec![], runs("", "new").command));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_leaves_alone_what_is_down_or_is_about_to_be_spawned_anyway() {
    let later = judge("later", decides(restart(60_000), "in a minute"));
    let world = World::new(vec![
        ProcessSpec { autostart: false, ..spec("down") },
        ProcessSpec { policies: vec![later], ..spec("crashed") },
        after("waiting", Condition::Ready, "down"),
    ]);
    world.until_phase("crashed", PhaseKind::Running).await;
    world.children.end("crashed", Exit::Code(1));
    world.until_phase("crashed", PhaseKind::Backoff).await;
    world.until("waiting", |state| state.cause == Cause::Dependency).await;
    for name in ["down", "crashed", "waiting"] {
        let before = world.state(name);
        assert_eq!(world.supervisor.renew(before.id, Cause::Reload).await, Err(Refusal::NotRunning));
        assert_eq!(
            (world.state(name).version, world.supervisor.spawned_with(before.id).is_none()),
            (before.version, true)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_spawn_in_progress_is_begun_anew_with_the_new_command() {
    let world = World::new(vec![ProcessSpec { autostart: false, ..runs("web", "old") }]);
    world.children.hold_spawns();
    world.supervisor.start(world.id("web"), Cause::User).await.unwrap();
    world.until_phase("web", PhaseKind::Waiting).await;
    world.reconfigure(runs("web", "new")).await;
    world.children.release_spawns();
    let running = world.until_phase("web", PhaseKind::Running).await;
    assert_eq!((running.incarnation.0, running.failures), (1, 0));
    assert_eq!((world.program("web"), world.children.spawns("web")), (runs("", "new").command, 1));
}

#[tokio::test(start_paused = true)]
async fn a_new_readiness_check_is_waited_for_instead_of_the_former_one() {
    let world = World::new(vec![ProcessSpec { ready: says("old"), ..spec("web") }]);
    world.until("web", |state| state.reason.contains("it has not said `old`")).await;
    world.reconfigure(ProcessSpec { ready: says("new"), ..spec("web") }).await;
    world.until("web", |state| state.reason.contains("it has not said `new`")).await;
    world.reconfigure(spec("web")).await;
    world.until_phase("web", PhaseKind::Running).await;
    world.reconfigure(ProcessSpec { ready: says("again"), ..spec("web") }).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Running, "what is ready stays ready");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_for_readiness_counts_from_the_spawn_also_when_it_is_new() {
    let world = World::new(vec![ProcessSpec { ready: says("x"), ..spec("web") }]);
    let starting = world.until_phase("web", PhaseKind::Starting).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let ready = says("x").map(|ready| Readiness { within_ms: Some(8_000), ..ready });
    world.reconfigure(ProcessSpec { ready, ..spec("web") }).await;
    let overdue = world.until_phase("web", PhaseKind::Stopping).await;
    assert_eq!(overdue.changed_at.ms_since(starting.started_at.unwrap()), 8_000);
}

#[tokio::test(start_paused = true)]
async fn a_health_check_comes_and_goes_while_its_process_runs() {
    let failing = |failures| {
        Some(HealthCheck { check: Check::LogLine("x".into()), every_ms: 100, timeout_ms: 50, failures })
    };
    let calm = Arc::new(Judge {
        name: "calm".into(),
        probe: Some(Box::new(|_| Ok(Decision::new(HealthAction::Hold(Health::Degraded), "so so")))),
        ..Judge::default()
    });
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    let policies: Vec<Arc<dyn Policy>> = vec![calm];
    world.reconfigure(ProcessSpec { health: failing(3), policies, ..spec("web") }).await;
    world.until("web", |state| state.health == Health::Degraded).await;
    world.reconfigure(spec("web")).await;
    let unchecked = world.state("web");
    assert_eq!(
        (unchecked.health, &*unchecked.reason, unchecked.failing.is_none()),
        (Health::Unknown, "its health check was removed from the config", true)
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.state("web").version, unchecked.version, "nothing checks it any more");
    world.reconfigure(ProcessSpec { health: failing(2), ..spec("web") }).await;
    world.until_phase("web", PhaseKind::Stopping).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_a_former_policy_has_deferred_is_decided_anew() {
    let never = Arc::new(Judge {
        name: "never".into(),
        start: Some(Box::new(|_| Ok(Decision::new(StartAction::Wait { delay_ms: 3_000_000 }, "not now")))),
        ..Judge::default()
    });
    let world = World::new(vec![ProcessSpec { policies: vec![never], ..spec("web") }]);
    world.until("web", |state| state.cause == Cause::Policy).await;
    let began = tokio::time::Instant::now();
    world.reconfigure(spec("web")).await;
    world.until_phase("web", PhaseKind::Running).await;
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn another_name_group_or_type_is_refused_and_changes_nothing() {
    let world = World::new(vec![spec("web")]);
    let others = [
        spec("other"),
        ProcessSpec { group: "g".into(), ..spec("web") },
        ProcessSpec { process_type: ProcessType::Job { success_codes: Arc::from([0]) }, ..spec("web") },
    ];
    for other in others {
        let other = ProcessSpec { stop_grace_ms: 1, ..other };
        let refused = world.supervisor.reconfigure(world.id("web"), other).await;
        assert_eq!(refused, Err(Refusal::OtherIdentity));
        assert_eq!(world.supervisor.spec(world.id("web")).unwrap().stop_grace_ms, 10_000);
    }
}

#[tokio::test(start_paused = true)]
async fn new_bounds_hold_from_the_next_decision_on() {
    let patient = || judge("patient", decides(restart(5_000), "5 s"));
    let world = World::new(vec![ProcessSpec { policies: vec![patient()], ..spec("web") }]);
    for (min_ms, expected_ms) in [(0, 5_000), (7_000, 7_000)] {
        let dir = std::path::PathBuf::new();
        let settings = Settings { restart_delay_ms_min: min_ms, ..Settings::new(dir) };
        world.supervisor.retune(&settings);
        world.until_phase("web", PhaseKind::Running).await;
        world.children.end("web", Exit::Code(1));
        let waiting = world.until_phase("web", PhaseKind::Backoff).await;
        let Phase::Backoff { until } = waiting.phase else { unreachable!() };
        assert_eq!(until.ms_since(waiting.ended_at.unwrap()), expected_ms);
    }
}
