//! Decisions when a policy fails: which policy answers, by when, and within which bounds.

use std::sync::mpsc::channel;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use tokio::sync::Notify;

use provost_supervisor::RestartBudget;

use super::*;

/// A policy whose calls do not return before the sender is dropped; the bell rings when it is asked.
fn stuck(name: &str) -> (Arc<dyn Policy>, mpsc::Sender<()>, Arc<Notify>) {
    let (release, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let asked = Arc::new(Notify::new());
    let bell = asked.clone();
    let policy = judge(name, move |_| {
        bell.notify_one();
        gate.lock().unwrap().recv().ok();
        Ok(Decision::new(RulingAction::StayDown, "too late"))
    });
    (policy, release, asked)
}

#[tokio::test(start_paused = true)]
async fn when_the_chain_has_no_answer_the_last_good_of_those_that_failed_is_asked_then_the_failsafe() {
    let former = judge("new", decides(restart(7), "as before"));
    let swapped =
        Judge { name: "new".into(), end: Some(Box::new(traps)), former: Some(former), ..Judge::default() };
    let shy = judge("shy", decides(None, "no opinion"));
    let world = World::new(vec![
        ProcessSpec { policies: vec![Arc::new(swapped), shy.clone()], ..spec("web") },
        ProcessSpec { policies: vec![judge("broken", traps), shy], ..spec("db") },
    ]);
    for (name, by, overruled) in [
        ("web", "new", "policy new: it trapped: unreachable"),
        ("db", "failsafe", "policy broken: it trapped: unreachable"),
    ] {
        world.until_phase(name, PhaseKind::Running).await;
        world.children.end(name, Exit::Code(1));
        let ruling = world.until_phase(name, PhaseKind::Backoff).await.decision.clone().unwrap();
        assert_eq!((&*ruling.by, ruling.overruled.as_deref()), (by, Some(overruled)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_stuck_for_ever_leaves_time_for_the_next_and_is_not_asked_again() {
    let (stuck, release, asked) = stuck("stuck");
    let firm = judge("firm", decides(restart(5), "firm"));
    let world = World::with(
        vec![ProcessSpec { policies: vec![stuck, firm], ..spec("web") }],
        Vec::new(),
        |settings| Settings { decision_deadline_ms: 900, ..settings },
    );
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    let ended = world.until_phase("web", PhaseKind::Exited).await;
    asked.notified().await;
    // A blocked thread keeps the paused clock from advancing.
    tokio::time::advance(Duration::from_millis(301)).await;
    let ruled = world.until("web", |state| state.restarts == 1).await;
    assert!(ruled.changed_at.ms_since(ended.changed_at) < 900, "within the deadline");
    let ruling = ruled.decision.clone().unwrap();
    assert_eq!(
        (&*ruling.by, ruling.overruled.as_deref().unwrap()),
        ("firm", "policy stuck: no answer within 300 ms, its share of decision_deadline (900 ms)")
    );
    world.until("web", |state| state.incarnation == Incarnation(2) && state.ready()).await;
    world.children.end("web", Exit::Code(1));
    let ruling = world.until("web", |state| state.restarts == 2).await.decision.clone().unwrap();
    assert!(ruling.overruled.as_ref().unwrap().contains("has not returned"), "{ruling:?}");
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn if_the_only_policy_is_stuck_the_failsafe_answers_within_the_deadline() {
    let (stuck, release, asked) = stuck("stuck");
    let world =
        World::with(vec![ProcessSpec { policies: vec![stuck], ..spec("web") }], Vec::new(), |settings| {
            Settings { decision_deadline_ms: 1_000, ..settings }
        });
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    world.until_phase("web", PhaseKind::Exited).await;
    asked.notified().await;
    tokio::time::advance(Duration::from_millis(501)).await;
    let ruling = world.until("web", |state| state.restarts == 1).await.decision.clone().unwrap();
    assert_eq!(&*ruling.by, "failsafe");
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn a_delay_below_the_floor_is_raised_to_it_and_counted() {
    let hasty = Arc::new(Judge {
        name: "hasty".into(),
        end: Some(Box::new(decides(restart(0), "now"))),
        ..Judge::default()
    });
    let world = World::with(
        vec![ProcessSpec { policies: vec![hasty.clone()], ..spec("web") }],
        Vec::new(),
        |settings| Settings { restart_delay_ms_min: 250, ..settings },
    );
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    let ruling = world.until_phase("web", PhaseKind::Backoff).await.decision.clone().unwrap();
    assert_eq!((ruling.action, hasty.clamps()), (RulingAction::restart(250), 1));
    assert_eq!(
        ruling.overruled.as_deref(),
        Some("policy hasty: wanted to wait 0 ms, less than restart_delay_min: 250 ms")
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_restart_budget_is_used_up_the_next_restart_waits_for_the_oldest_to_leave_the_period() {
    let hasty = Arc::new(Judge {
        name: "hasty".into(),
        end: Some(Box::new(decides(restart(0), "now"))),
        ..Judge::default()
    });
    let budget = RestartBudget { restarts: 3, per_ms: 60_000 };
    let world = World::with(
        vec![ProcessSpec { policies: vec![hasty.clone()], ..spec("web") }],
        Vec::new(),
        |settings| Settings { restart_budget: budget, ..settings },
    );
    for life in 1..=4 {
        world.until("web", |state| state.incarnation.0 == life && state.ready()).await;
        world.children.end("web", Exit::Code(1));
    }
    let held = world.until("web", |state| state.restarts == 4).await;
    let Phase::Backoff { until } = held.phase else { panic!("not held back: {held:?}") };
    let oldest = held.deaths.iter().nth(3).unwrap().at;
    assert!((59_999..=60_000).contains(&until.ms_since(oldest)), "{}", until.ms_since(oldest));
    assert!(held.reason.contains("restart_budget (3 in 60000 ms) is used up"), "{}", held.reason);
    assert_eq!(hasty.clamps(), 1);
    world.until("web", |state| state.incarnation.0 == 5 && state.ready()).await;
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_is_replaced_judges_the_next_end() {
    let world = World::new(vec![ProcessSpec {
        policies: vec![judge("old", decides(restart(1), "old"))],
        ..spec("web")
    }]);
    let id = world.id("web");
    world.supervisor.prepend_policy(&[id], &judge("new", decides(RulingAction::StayDown, "new")));
    assert_eq!(world.supervisor.remove_policy("old"), [id]);
    assert_eq!(
        world.supervisor.policies_of(id).iter().map(|it| it.name().to_string()).collect::<Vec<_>>(),
        ["new"]
    );
    world.until_phase("web", PhaseKind::Running).await;
    world.children.end("web", Exit::Code(1));
    let done = world.until("web", |state| state.decision.is_some()).await;
    assert_eq!(&*done.decision.as_ref().unwrap().by, "new");
}

/// A policy that restarts after a millisecond.
fn prompt(name: &str) -> Arc<dyn Policy> {
    judge(name, decides(restart(1), "at once"))
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_stuck_in_all_its_calls_delays_no_decision_of_another() {
    let (stuck, release, asked) = stuck("stuck");
    let name = |number: usize| format!("held.{number}");
    let mut specs: Vec<_> =
        (0..20).map(|at| ProcessSpec { policies: vec![stuck.clone()], ..spec(&name(at)) }).collect();
    specs.push(ProcessSpec { policies: vec![prompt("prompt")], ..spec("web") });
    let world =
        World::with(specs, Vec::new(), |settings| Settings { decision_deadline_ms: 1_000, ..settings });
    for at in 0..20 {
        world.until_phase(&name(at), PhaseKind::Running).await;
        world.children.end(&name(at), Exit::Code(1));
    }
    asked.notified().await;
    world.until_phase("web", PhaseKind::Running).await;
    for life in 1..=5 {
        world.children.end("web", Exit::Code(1));
        let ruled = world.until("web", |state| state.restarts == life).await;
        let ruling = ruled.decision.clone().unwrap();
        assert_eq!((&*ruling.by, ruling.overruled.as_deref()), ("prompt", None));
        let Phase::Backoff { until } = ruled.phase else { panic!("it is {ruled:?}") };
        // A blocked thread keeps the paused clock from advancing.
        tokio::time::advance(Duration::from_millis(1)).await;
        let next = world.until("web", |state| state.incarnation.0 == life + 1 && state.ready()).await;
        assert!(next.changed_at.ms_since(until) <= 2, "the decision did not wait for the stuck policy");
    }
    tokio::time::advance(Duration::from_millis(1_001)).await;
    for at in 0..20 {
        let ruling = world.until(&name(at), |state| state.restarts == 1).await.decision.clone().unwrap();
        assert_eq!(&*ruling.by, "failsafe", "{ruling:?}");
    }
    drop(release);
}

/// A policy as each process holds it: a separate object of the same plugin.
#[derive(Debug)]
struct Handle(Arc<dyn Policy>);

impl Policy for Handle {
    fn name(&self) -> &Arc<str> {
        self.0.name()
    }

    fn judges(&self, judgement: Judgement) -> bool {
        self.0.judges(judgement)
    }

    fn on_exit(&self, ended: &Ended, world: &Arc<Snapshot>) -> Result<Decision, Fault> {
        self.0.on_exit(ended, world)
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_stuck_is_known_by_its_name_to_all_processes_that_it_judges() {
    let (stuck, release, asked) = stuck("stuck");
    let of = |name: &str| {
        let policies: Vec<Arc<dyn Policy>> = vec![Arc::new(Handle(stuck.clone())), prompt("prompt")];
        ProcessSpec { policies, ..spec(name) }
    };
    let world = World::with(vec![of("web"), of("db")], Vec::new(), |settings| Settings {
        decision_deadline_ms: 900,
        ..settings
    });
    for name in ["web", "db"] {
        world.until_phase(name, PhaseKind::Running).await;
    }
    world.children.end("web", Exit::Code(1));
    asked.notified().await;
    tokio::time::advance(Duration::from_millis(301)).await;
    let ruling = world.until("web", |state| state.restarts == 1).await.decision.clone().unwrap();
    assert!(ruling.overruled.as_ref().unwrap().contains("no answer within 300 ms"), "{ruling:?}");
    world.children.end("db", Exit::Code(1));
    let ruling = world.until("db", |state| state.restarts == 1).await.decision.clone().unwrap();
    assert!(ruling.overruled.as_ref().unwrap().contains("has not returned"), "{ruling:?}");
    drop(release);
}
