//! One run: the supervisor on tokio's paused clock, from the boot to the end of the scenario. It has one thread, and no job waits for
//! another one, so that the clock goes on exactly when nothing is left to do at its time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use provost_state::{Cause, Identity, ProcessState, ProcessType};
use provost_supervisor::{
    Adopted, BootError, Check, Clock, CommandLine, FormerStash, Motive, ProcessSpec, Scripted, Settings,
    Supervisor,
};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance, sleep_until};

use crate::cast::Cast;
use crate::coupling::Coupling;
use crate::course::Course;
use crate::impact::Affected;
use crate::observer::Observer;
use crate::scenario::{FaultKind, Order, OrderKind, Scenario};

/// How long a policy may take for a decision, in milliseconds of virtual time, in which it takes none. Its limits bound it.
const DECISION_DEADLINE_MS: u64 = 60_000;

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Played {
    /// What happened.
    pub course: Course,
    /// When faults have affected which processes.
    pub affected: Vec<Affected>,
    /// The faults that have hit nothing, by their places among those of the scenario.
    pub idle_faults: Vec<usize>,
}

/// Why a scenario could not be played.
#[derive(Debug, thiserror::Error)]
pub enum NotPlayed {
    /// The supervisor could not be booted.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The system has refused something.
    #[error("cannot set up the simulation: {0}")]
    Io(#[from] io::Error),
    /// There were more lives than are kept.
    #[error("there are more than {most} lives after {}: make the scenario shorter, or the restarts rarer",
        provost_state::span::exact(*.after_ms))]
    TooManyLives {
        /// The most that may be.
        most: usize,
        /// How long the scenario had lasted by then, in milliseconds.
        after_ms: u64,
    },
}

/// Plays a scenario.
///
/// # Errors
/// [`NotPlayed`].
pub fn play(scenario: &Scenario) -> Result<Played, NotPlayed> {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let dir = tempfile::tempdir()?;
    let played = runtime.block_on(run(scenario, dir.path().join("logs")));
    runtime.shutdown_background();
    played
}

async fn run(scenario: &Scenario, log_dir: std::path::PathBuf) -> Result<Played, NotPlayed> {
    let began = Instant::now();
    let clock = Clock::made_up(scenario.starts_at_ms);
    if let Some(begun) = &scenario.begun {
        advance(Duration::from_millis(begun.at_ms)).await;
    }
    let (coupled, ends_shared) = mpsc::unbounded_channel();
    let cast = Arc::new(Cast::of(scenario, coupled));
    let kinds = scenario
        .processes
        .iter()
        .map(|spec| (spec.name.clone(), matches!(spec.process_type, ProcessType::Job { .. })));
    let observer = Observer::of(kinds);
    let settings = Settings {
        decision_deadline_ms: DECISION_DEADLINE_MS,
        restart_delay_ms_max: scenario.restart_delay_ms_max,
        restart_delay_ms_min: scenario.restart_delay_ms_min,
        restart_budget: scenario.restart_budget,
        recorder: Some(Arc::new(observer.clone())),
        ..Settings::new(log_dir)
    };
    let specs = scenario.processes.iter().map(playable).collect();
    let children = Scripted::directed(cast.clone(), clock.clone());
    let adopted = adopted(scenario, &children);
    let coupling = Coupling::of(&cast, &observer, &children);
    let sets = scenario.replica_sets.clone();
    let supervisor = children.prepare(settings, specs, sets, Vec::new(), adopted)?.start();
    let steps = Steps::of(scenario).run(&supervisor, &clock, began);
    let mut shutdown = supervisor.shutdown_wanted();
    let ends = began + Duration::from_millis(scenario.lasts_ms);
    let shut_down = tokio::select! {
        biased;
        () = observer.follow(supervisor.reader(), supervisor.changed(), scenario.lives_max) => {
            let after_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            return Err(NotPlayed::TooManyLives { most: scenario.lives_max, after_ms });
        }
        never = coupling.run(ends_shared, began) => match never {},
        wanted = shutdown.wait_for(Option::is_some) => wanted.ok().and_then(|code| *code),
        () = async {
            steps.await;
            sleep_until(ends).await;
        } => None,
    };
    let lasted_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let course = observer.course(supervisor.reader(), lasted_ms, shut_down);
    let names: Vec<Arc<str>> = scenario.processes.iter().map(|spec| spec.name.clone()).collect();
    let idle_faults = cast.idle_faults(&course);
    Ok(Played { course, affected: cast.affected(&names), idle_faults })
}

/// Returns what the supervisor goes on from: the states that the scenario begins with, and a child for each that has one.
fn adopted(scenario: &Scenario, children: &Scripted) -> Adopted {
    let Some(begun) = &scenario.begun else { return Adopted::default() };
    let mut states = Vec::new();
    for spec in &scenario.processes {
        let Some(state) = begun.states.iter().find(|state| *state.name() == spec.name) else { continue };
        let identity = Identity::new(spec.name.clone(), spec.group.clone());
        // Another identity would be that of a process whose config was changed, which is restarted.
        let identity = Arc::new(identity.of_type(spec.process_type.clone()));
        if let Some(started_at) = state.started_at.filter(|_| state.phase.kind().is_live()) {
            children.lives_on(&spec.name, state.incarnation, started_at);
        }
        states.push(ProcessState { identity, ..state.clone() });
    }
    let stash = FormerStash::of_states(begun.generation, states);
    Adopted { held: children.held(), stash, ..Adopted::default() }
}

/// Returns a spec that can be played: its checks are those that the faults answer, whatever they would look at; nothing is opened,
/// set or read for it.
fn playable(spec: &ProcessSpec) -> ProcessSpec {
    let check = || Check::Exec(CommandLine::Argv(vec!["played".to_owned()]));
    let mut spec = spec.clone();
    if let Some(ready) = &mut spec.ready {
        (ready.check, ready.own_port) = (check(), false);
    }
    if let Some(health) = &mut spec.health {
        health.check = check();
    }
    spec.sockets = Vec::new();
    spec.watchdog_ms = None;
    spec.env_files = Vec::new();
    spec.cgroup = None;
    spec.setup = provost_supervisor::Setup::default();
    spec
}

/// Something to be done at a time.
enum Step {
    /// An order to these processes, which is given again after this time.
    Order {
        kind: OrderKind,
        names: Vec<Arc<str>>,
        every_ms: Option<u64>,
    },
    Clock(i64),
}

/// What is to be done: the next time of each, with its place in the scenario, which is the order of those at the same time. An order
/// that is given again and again is there once.
struct Steps {
    next: BTreeMap<(u64, usize), Step>,
    lasts_ms: u64,
}

impl Steps {
    fn of(scenario: &Scenario) -> Self {
        let names = |order: &Order| {
            let names = scenario.processes.iter().map(|spec| spec.name.clone());
            names.filter(|name| order.of.include(name)).collect()
        };
        let orders = scenario.orders.iter().map(|order| {
            let every_ms = order.every_ms.filter(|every_ms| *every_ms > 0);
            (order.at_ms, Step::Order { kind: order.kind, names: names(order), every_ms })
        });
        let clocks = scenario.faults.iter().filter_map(|fault| match fault.kind {
            FaultKind::ClockStep { at_ms, by_ms } => Some((at_ms, Step::Clock(by_ms))),
            _ => None,
        });
        let next = orders.chain(clocks).enumerate().map(|(place, (at_ms, step))| ((at_ms, place), step));
        Self { next: next.collect(), lasts_ms: scenario.lasts_ms }
    }

    async fn run(mut self, supervisor: &Supervisor, clock: &Clock, began: Instant) {
        while let Some(((at_ms, place), step)) = self.next.pop_first() {
            if at_ms > self.lasts_ms {
                return;
            }
            sleep_until(began + Duration::from_millis(at_ms)).await;
            match &step {
                Step::Clock(by_ms) => clock.step(*by_ms),
                Step::Order { kind, names, .. } => {
                    for name in names {
                        order(supervisor, *kind, name).await;
                    }
                }
            }
            if let Step::Order { every_ms: Some(every_ms), .. } = step {
                self.next.insert((at_ms.saturating_add(every_ms), place), step);
            }
        }
    }
}

/// Gives an order. One that is refused, because the process is removed or the host is stopping, has no effect.
async fn order(supervisor: &Supervisor, kind: OrderKind, name: &str) {
    let Some(handle) = supervisor.reader().handle(name) else { return };
    let motive = Motive::because(Cause::User, "the scenario orders it");
    let _ = match kind {
        OrderKind::Start => supervisor.start(handle.id, motive).await,
        OrderKind::Stop => supervisor.stop(handle.id, motive).await,
        OrderKind::Restart => supervisor.restart(handle.id, motive).await,
    };
}
