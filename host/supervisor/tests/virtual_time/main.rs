//! The life of processes in virtual time: scripted children, tokio's paused clock, no real waiting. This file has the
//! fixtures and the tests of a single process; each file below has one subject.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod adding;
mod ending;
mod groups;
mod health;
mod hearing;
mod jobs;
mod judging;
mod readiness;
mod reconfiguring;
mod removing;
mod replicas;
mod scaling;
mod starting;
mod surviving;
mod swapping;
mod telling;
mod usage;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use provost_state::{
    Backend, Cause, Decision, Demand, Desired, Ended, Exit, Fault, FaultKind, HealthAction, Incarnation,
    Judgement, MemoryChange, Observation, Phase, PhaseKind, Plan, Policy, ProcessId, ProcessState, Routing,
    RulingAction, Sample, Scope, Settled, Signal, Snapshot, StartAction, UsageAction,
};
use provost_supervisor::{
    Act, Check, CommandLine, Condition, Dependency, Manner, ProcessSpec, Readiness, Refusal, ReplicaSet,
    Scripted, Settings, Supervisor,
};

const TERM: Signal = Signal::TERM;
const CONT: Signal = Signal::CONT;
const KILL: Signal = Signal::KILL;

type Answer<T, A> = Box<dyn Fn(&T) -> Result<Decision<A>, Fault> + Send + Sync>;

/// A policy made of closures; it judges those triggers that have one.
#[derive(Default)]
struct Judge {
    name: Arc<str>,
    end: Option<Answer<Ended, RulingAction>>,
    start: Option<Answer<Plan, StartAction>>,
    probe: Option<Answer<Observation, HealthAction>>,
    scale: Option<Answer<Demand, u32>>,
    usage: Option<Answer<Sample, UsageAction>>,
    former: Option<Arc<dyn Policy>>,
    clamps: AtomicUsize,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn answer<T, A>(judge: Option<&Answer<T, A>>, trigger: &T) -> Result<Decision<A>, Fault> {
    judge.expect("it is asked only about what it judges")(trigger)
}

impl Policy for Judge {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn judges(&self, judgement: Judgement) -> bool {
        match judgement {
            Judgement::Restart => self.end.is_some(),
            Judgement::Start => self.start.is_some(),
            Judgement::Health => self.probe.is_some(),
            Judgement::Scale => self.scale.is_some(),
            Judgement::Usage => self.usage.is_some(),
        }
    }

    fn on_exit(&self, ended: &Ended, _: &Arc<Snapshot>) -> Result<Decision, Fault> {
        answer(self.end.as_ref(), ended)
    }

    fn before_start(&self, plan: &Plan, _: &Arc<Snapshot>) -> Result<Decision<StartAction>, Fault> {
        answer(self.start.as_ref(), plan)
    }

    fn on_probe(&self, seen: &Observation, _: &Arc<Snapshot>) -> Result<Decision<HealthAction>, Fault> {
        answer(self.probe.as_ref(), seen)
    }

    fn replicas(&self, demand: &Demand, _: &Arc<Snapshot>) -> Result<Decision<u32>, Fault> {
        answer(self.scale.as_ref(), demand)
    }

    fn on_sample(&self, sample: &Sample, _: &Arc<Snapshot>) -> Result<Decision<UsageAction>, Fault> {
        answer(self.usage.as_ref(), sample)
    }

    fn last_good(&self) -> Option<Arc<dyn Policy>> {
        self.former.clone()
    }

    fn clamped(&self) {
        self.clamps.fetch_add(1, Ordering::Relaxed);
    }
}

impl Judge {
    fn clamps(&self) -> usize {
        self.clamps.load(Ordering::Relaxed)
    }
}

fn judge(
    name: &str,
    answer: impl Fn(&Ended) -> Result<Decision, Fault> + Send + Sync + 'static,
) -> Arc<dyn Policy> {
    Arc::new(Judge { name: name.into(), end: Some(Box::new(answer)), ..Judge::default() })
}

fn decides<A: Clone>(
    action: impl Into<Option<A>>,
    reason: &'static str,
) -> impl Fn(&Ended) -> Result<Decision<A>, Fault> {
    let action = action.into();
    move |_| Ok(Decision::new(action.clone(), reason))
}

fn traps<T, A>(_: &T) -> Result<Decision<A>, Fault> {
    Err(Fault { kind: FaultKind::Trap, message: "it trapped: unreachable".into() })
}

fn restart(delay_ms: u64) -> RulingAction {
    RulingAction::Restart { delay_ms, scope: Scope::Itself }
}

fn spec(name: &str) -> ProcessSpec {
    ProcessSpec::new(name, CommandLine::Argv(vec!["scripted".into()]))
}

fn after(name: &str, condition: Condition, dependency: &str) -> ProcessSpec {
    ProcessSpec { depends_on: vec![Dependency { name: dependency.into(), condition }], ..spec(name) }
}

struct World {
    supervisor: Supervisor,
    children: Scripted,
    _dir: tempfile::TempDir,
}

impl World {
    fn new(specs: Vec<ProcessSpec>) -> Self {
        Self::with(specs, Vec::new(), |settings| settings)
    }

    fn with(
        specs: Vec<ProcessSpec>,
        sets: Vec<ReplicaSet>,
        change: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { decision_deadline_ms: 60_000, ..Settings::new(dir.path().join("logs")) };
        let children = Scripted::default();
        let supervisor = children.boot(change(settings), specs, sets, Vec::new()).unwrap();
        Self { supervisor, children, _dir: dir }
    }

    /// Returns the names of the processes spawned after the first `before` acts, and those of the processes that were
    /// sent the stop signal with a `-` before them, in order.
    fn acts_after(&self, before: usize) -> Vec<String> {
        let named = |act: Act| match act {
            Act::Spawned(name, _) => Some(name.to_string()),
            Act::Signalled(name, TERM) => Some(format!("-{name}")),
            Act::Signalled(..) => None,
        };
        self.children.history().into_iter().skip(before).filter_map(named).collect()
    }

    fn state(&self, name: &str) -> Arc<ProcessState> {
        self.supervisor.reader().snapshot().by_name(name).unwrap().clone()
    }

    fn id(&self, name: &str) -> ProcessId {
        self.state(name).id
    }

    async fn until(&self, name: &str, holds: impl Fn(&ProcessState) -> bool) -> Arc<ProcessState> {
        let mut changed = self.supervisor.changed();
        loop {
            changed.mark_unchanged();
            let state = self.state(name);
            if holds(&state) {
                return state;
            }
            changed.changed().await.unwrap();
        }
    }

    async fn until_phase(&self, name: &str, phase: PhaseKind) -> Arc<ProcessState> {
        self.until(name, |state| state.phase.kind() == phase).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_is_judged_and_runs_again_as_a_new_incarnation() {
    let policy = judge("steady", decides(restart(250), "always 250 ms"));
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Signal(KILL.number()));
    let waiting = world.until_phase("web", PhaseKind::Backoff).await;
    assert_eq!(&*waiting.reason, "always 250 ms");
    assert_eq!(waiting.cause, Cause::Policy);
    let Phase::Backoff { until } = waiting.phase else { unreachable!() };
    assert_eq!(
        until,
        waiting.ended_at.unwrap().plus_ms(250),
        "the delay counts from the end of the incarnation"
    );
    let again = world.until_phase("web", PhaseKind::Running).await;
    assert_eq!((again.incarnation, again.restarts, again.failures), (Incarnation(2), 1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_policy_the_failsafe_doubles_the_delay_and_believes_exit_code_0() {
    let world = World::new(vec![spec("web")]);
    for expected_ms in [100, 200, 400] {
        world.until_phase("web", PhaseKind::Running).await;
        world.children.end("web", Exit::Code(1));
        let waiting = world.until_phase("web", PhaseKind::Backoff).await;
        let Phase::Backoff { until } = waiting.phase else { unreachable!() };
        assert_eq!(until.ms_since(waiting.ended_at.unwrap()), expected_ms);
        assert_eq!(&*waiting.decision.as_ref().unwrap().by, "failsafe");
    }
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(0));
    let stays =
        |state: &ProcessState| state.decision.as_ref().is_some_and(|it| it.action == RulingAction::StayDown);
    let done = world.until("web", stays).await;
    assert_eq!((done.phase.kind(), done.restarts, done.failures), (PhaseKind::Exited, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_fails_is_answered_for_by_the_next_and_the_ruling_says_so() {
    let broken = judge("broken", traps);
    let shy = judge("shy", decides(None, "no opinion"));
    let firm = judge("firm", decides(RulingAction::GiveUp(Default::default()), "enough"));
    let world = World::new(vec![ProcessSpec { policies: vec![broken, shy, firm], ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    let fatal = world.until_phase("web", PhaseKind::Fatal).await;
    assert_eq!(&*fatal.reason, "policy broken: it trapped: unreachable; firm: enough");
}

#[tokio::test(start_paused = true)]
async fn an_absurd_delay_is_overruled_by_the_failsafe() {
    let absurd = judge("absurd", decides(restart(1_000_000_000_000_000_000), "later"));
    let world = World::new(vec![ProcessSpec { policies: vec![absurd], ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    let again = world.until("web", |state| state.incarnation == Incarnation(2)).await;
    let ruling = again.decision.clone().unwrap();
    assert_eq!(&*ruling.by, "failsafe");
    assert!(ruling.overruled.as_ref().unwrap().contains("1000000000000000000 ms"), "{ruling:?}");
}

#[tokio::test(start_paused = true)]
async fn giving_up_is_final_until_somebody_starts_it() {
    let policy = judge("strict", |ended| {
        let action = if ended.failures >= 2 { RulingAction::GiveUp(Default::default()) } else { restart(0) };
        Ok(Decision::new(action, format!("failure {}", ended.failures)))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![policy], ..spec("web") }]);
    for incarnation in [1, 2] {
        world.until("web", |state| state.incarnation.0 == incarnation && state.ready()).await;
        world.children.end("web", Exit::Code(1));
    }
    let fatal = world.until_phase("web", PhaseKind::Fatal).await;
    assert_eq!(&*fatal.reason, "failure 2");
    world.supervisor.start(fatal.id, Cause::User).await.unwrap();
    let revived = world.until_phase("web", PhaseKind::Running).await;
    assert_eq!((revived.failures, revived.deaths.len(), revived.incarnation.0), (0, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_its_stop_signal_is_killed_after_the_grace_time() {
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    world.supervisor.stop(world.id("web"), Cause::User).await.unwrap();
    assert_eq!(world.children.signals("web"), [TERM, CONT]);
    let stopping = world.state("web");
    let kill_at = stopping.next_action_at().unwrap();
    // Virtual time advances when every task waits; the kill must come at its time, and once.
    while world.children.signals("web").len() < 3 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(world.children.signals("web"), [TERM, CONT, KILL]);
    assert_eq!(kill_at.ms_since(stopping.changed_at), 10_000);
    world.children.end("web", Exit::Signal(KILL.number()));
    let stopped = world.until_phase("web", PhaseKind::Stopped).await;
    assert!(stopped.deaths.is_empty(), "a requested end is not a death");
}

#[tokio::test(start_paused = true)]
async fn a_spawn_that_fails_is_a_death_with_a_reason() {
    let children = World::new(vec![ProcessSpec { autostart: false, ..spec("web") }]);
    children.children.fail_next("web", "web: no such program");
    children.supervisor.start(children.id("web"), Cause::User).await.unwrap();
    let failed = children.until_phase("web", PhaseKind::Backoff).await;
    assert_eq!(failed.exit, Some(Exit::NotSpawned("web: no such program".into())));
    assert!(failed.reason.contains("no such program"), "{}", failed.reason);
    let running = children.until_phase("web", PhaseKind::Running).await;
    assert_eq!(running.incarnation, Incarnation(1), "a failed spawn is not an incarnation");
}

#[tokio::test(start_paused = true)]
async fn dependencies_hold_a_process_back_and_say_so() {
    let world = World::new(vec![
        after("app", Condition::Completed, "migrate"),
        after("tail", Condition::Started, "app"),
        spec("migrate"),
    ]);
    let held = world.until("app", |state| state.reason.starts_with("waiting for migrate to complete")).await;
    assert_eq!((held.phase.kind(), held.cause), (PhaseKind::Waiting, Cause::Dependency));
    world.until_phase("migrate", PhaseKind::Running).await;
    assert_eq!(world.children.spawns("app"), 0);
    world.children.end("migrate", Exit::Code(0));
    world.until_phase("app", PhaseKind::Running).await;
    world.until_phase("tail", PhaseKind::Running).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_stops_first_and_starts_once_the_old_life_has_ended() {
    let world = World::new(vec![spec("web")]);
    world.until_phase("web", PhaseKind::Running).await;
    world.supervisor.restart(world.id("web"), Cause::User).await.unwrap();
    assert_eq!(world.state("web").phase.kind(), PhaseKind::Stopping);
    assert_eq!(world.children.spawns("web"), 1);
    world.children.end("web", Exit::Signal(TERM.number()));
    let again = world.until("web", |state| state.incarnation == Incarnation(2) && state.ready()).await;
    assert_eq!((again.restarts, again.failures), (0, 0), "a restart by hand is not a failure");
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_decision_is_pending_wins() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let slow = judge("slow", move |_| {
        gate.lock().unwrap().recv().ok();
        Ok(Decision::new(restart(0), "at last"))
    });
    let world = World::new(vec![ProcessSpec { policies: vec![slow], ..spec("web") }]);
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    let ended = world.until_phase("web", PhaseKind::Exited).await;
    world.supervisor.stop(ended.id, Cause::User).await.unwrap();
    release.send(()).unwrap();
    let stopped = world.until_phase("web", PhaseKind::Stopped).await;
    assert_eq!(world.children.spawns("web"), 1);
    assert_eq!(stopped.cause, Cause::User);
}

#[tokio::test(start_paused = true)]
async fn everything_is_stopped_after_what_depends_on_it_and_nothing_starts_any_more() {
    let world = World::new(vec![
        spec("db"),
        after("app", Condition::Ready, "db"),
        after("proxy", Condition::Ready, "app"),
    ]);
    world.until_phase("proxy", PhaseKind::Running).await;
    let supervisor = world.supervisor.clone();
    let shutdown = tokio::spawn(async move { supervisor.shutdown(Cause::Shutdown).await });
    for name in ["proxy", "app", "db"] {
        world.until_phase(name, PhaseKind::Stopping).await;
        let stopped: Vec<_> = ["proxy", "app", "db"]
            .into_iter()
            .filter(|other| !world.children.signals(other).is_empty())
            .collect();
        assert_eq!(stopped.last(), Some(&name), "only {name} and its dependents were signalled so far");
        assert_eq!(world.supervisor.start(world.id("db"), Cause::User).await, Err(Refusal::ShuttingDown));
        world.children.end(name, Exit::Signal(TERM.number()));
    }
    shutdown.await.unwrap();
    assert_eq!(world.children.history().iter().filter(|act| matches!(act, Act::Spawned(..))).count(), 3);
}
