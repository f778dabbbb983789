//! Scenarios that are played with policies in Rust: what faults do to processes, and what the invariants find.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod begun;
mod coupled;
mod faults;
mod idle;
mod invariants;
mod runs;

use std::fmt;
use std::sync::Arc;

use provost_simulation::{
    Course, Exits, Expectation, Fault, FaultKind, Invariant, Played, Scenario, Span, Targets, Verdict,
    Window, check, play,
};
use provost_state::{Decision, Ended, Escalation, Exit, Judgement, Policy, RulingAction, Scope, Snapshot};
use provost_supervisor::{CommandLine, ProcessSpec, RestartBudget};

type Answer = Box<dyn Fn(&Ended, &Snapshot) -> (RulingAction, String) + Send + Sync>;

/// A restart policy made of a closure.
struct Judge {
    name: Arc<str>,
    answer: Answer,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Policy for Judge {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn judges(&self, judgement: Judgement) -> bool {
        judgement == Judgement::Restart
    }

    fn on_exit(&self, ended: &Ended, world: &Arc<Snapshot>) -> Result<Decision, provost_state::Fault> {
        let (action, reason) = (self.answer)(ended, world);
        Ok(Decision::new(action, reason))
    }
}

fn judge(
    answer: impl Fn(&Ended, &Snapshot) -> (RulingAction, String) + Send + Sync + 'static,
) -> Arc<dyn Policy> {
    Arc::new(Judge { name: "subject".into(), answer: Box::new(answer) })
}

fn restart(delay_ms: u64) -> RulingAction {
    RulingAction::Restart { delay_ms, scope: Scope::Itself }
}

/// Restarts after this delay, whatever happens.
fn always(delay_ms: u64) -> Arc<dyn Policy> {
    judge(move |_, _| (restart(delay_ms), format!("always {delay_ms} ms")))
}

/// Doubles the delay from 100 ms on with each failure in a row, up to a minute.
fn doubling() -> Arc<dyn Policy> {
    judge(|ended, _| {
        let delay_ms = 100_u64 << ended.failures.saturating_sub(1).min(20);
        (restart(delay_ms.min(60_000)), format!("failure {}", ended.failures))
    })
}

/// Gives up at this failure in a row.
fn strict(failures: u32) -> Arc<dyn Policy> {
    judge(move |ended, _| {
        let action = match ended.failures {
            n if n >= failures => RulingAction::GiveUp(Escalation::default()),
            _ => restart(1_000),
        };
        (action, format!("failure {}", ended.failures))
    })
}

fn process(name: &str, policy: &Arc<dyn Policy>) -> ProcessSpec {
    ProcessSpec {
        policies: vec![policy.clone()],
        ..ProcessSpec::new(name, CommandLine::Argv(vec![name.to_owned()]))
    }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns a scenario without faults.
fn scenario(processes: Vec<ProcessSpec>, lasts_ms: u64) -> Scenario {
    Scenario {
        processes,
        replica_sets: Vec::new(),
        restart_delay_ms_max: HOUR,
        restart_delay_ms_min: 0,
        restart_budget: RestartBudget::default(),
        faults: Vec::new(),
        orders: Vec::new(),
        expectations: Vec::new(),
        starts_at_ms: 1_767_600_000_000,
        lasts_ms,
        seed: 1,
        begun: None,
        lives_max: Scenario::LIVES_MAX,
    }
}

fn fault(kind: FaultKind) -> Fault {
    Fault { name: "".into(), of: Targets::All, kind, chance: 1.0, times: None, with_dependents: false }
}

fn window(from_ms: u64, until_ms: impl Into<Option<u64>>) -> Window {
    Window { from_ms, until_ms: until_ms.into() }
}

fn after(ms: u64) -> Span {
    Span::Between(ms, ms)
}

fn crash(window: Window, after_ms: u64) -> Fault {
    fault(FaultKind::Crash { window, after: after(after_ms), exits: Exits::default() })
}

fn kill(at_ms: u64, every_ms: impl Into<Option<u64>>) -> Fault {
    fault(FaultKind::Kill { at_ms, every_ms: every_ms.into(), exits: Exits::default() })
}

fn played(scenario: &Scenario) -> Played {
    play(scenario).unwrap()
}

fn course(scenario: &Scenario) -> Course {
    played(scenario).course
}

/// Returns the times at which the lives of a process began.
fn starts(course: &Course, name: &str) -> Vec<u64> {
    course.track(name).unwrap().lives.iter().map(|life| life.started_ms).collect()
}

/// Returns whether an invariant of all processes holds in a scenario.
fn verdict(scenario: &Scenario, invariant: Invariant) -> Verdict {
    let Played { course, affected, .. } = played(scenario);
    check(&Expectation { of: Targets::All, invariant }, &course, &affected)
}

/// Returns when an invariant is broken for the first time, and what was found.
fn broken(scenario: &Scenario, invariant: Invariant) -> (u64, String) {
    match verdict(scenario, invariant) {
        Verdict::Broken { breaches, .. } => (breaches[0].at_ms, breaches[0].what.clone()),
        other => panic!("it is not broken: {other:?}"),
    }
}

fn signal(number: i32) -> Exits {
    Exits { any_of: vec![Exit::Signal(number)], out_of_memory: false }
}
