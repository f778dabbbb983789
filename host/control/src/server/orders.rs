//! Start, stop, restart and signal for many processes at once, and waiting for their effect.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::join_all;
use provost_api::{self as api, ErrorCode};
use provost_state::naming::{replica_name, shown};
use provost_state::{
    Cause, Generation, Incarnation, NoSuchSignal, Phase, PhaseKind, ProcessId, ProcessState, Signal,
    Snapshot, Version, span,
};
use provost_supervisor::Supervisor;

use super::context::AppState;
use super::extract::{Body, Select, targets};
use super::refused::Refused;
use super::select::select;
use crate::convert;

/// The default time that an order waits.
pub(super) const TIMEOUT_MS: u64 = 30_000;

/// The number of changes read at once.
const PAGE: usize = 512;

pub(super) async fn start(app: State<AppState>, order: Body<api::ProcessOrder>) -> Answered {
    answer(app, order, |order| unsignalled(order, Action::Start)).await
}

pub(super) async fn stop(app: State<AppState>, order: Body<api::ProcessOrder>) -> Answered {
    answer(app, order, |order| unsignalled(order, Action::Stop)).await
}

pub(super) async fn restart(app: State<AppState>, order: Body<api::ProcessOrder>) -> Answered {
    answer(app, order, |order| unsignalled(order, Action::Restart)).await
}

/// Refuses a signal where it has no meaning.
fn unsignalled(order: &api::ProcessOrder, action: Action) -> Result<Action, Refused> {
    match order.signal {
        None => Ok(action),
        Some(_) => {
            Err(Refused::bad_request("`signal` has a meaning for the action `signal` only".to_owned()))
        }
    }
}

pub(super) async fn signal(app: State<AppState>, order: Body<api::ProcessOrder>) -> Answered {
    let action = |order: &api::ProcessOrder| {
        let signal = order.signal.as_ref();
        let signal = signal.ok_or_else(|| Refused::bad_request("`signal` is missing".to_owned()))?;
        signal_of(signal).map(Action::Signal)
    };
    answer(app, order, action).await
}

/// Refuses an order that does not exist.
pub(super) fn unknown(order: &str) -> Refused {
    let hint = "there are start, stop, restart, signal and scale".to_owned();
    Refused::not_found(ErrorCode::UnknownAction, format!("there is no action `{}`", shown(order)), hint)
}

type Answered = Result<Json<api::Outcome>, Refused>;

async fn answer(
    State(app): State<AppState>,
    Body(order): Body<api::ProcessOrder>,
    action: impl FnOnce(&api::ProcessOrder) -> Result<Action, Refused>,
) -> Answered {
    let action = action(&order)?;
    let _lasting = order.wait.then(|| app.lasting()).transpose()?;
    carry_out(&app.context.supervisor, action, order).await.map(Json)
}

pub(super) async fn clear_logs(
    State(app): State<AppState>,
    Query(query): Query<Select>,
) -> Result<Json<api::Outcome>, Refused> {
    let _lasting = app.lasting()?;
    clear(&app.context.supervisor, &targets(&query.select)).await.map(Json)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Start,
    Stop,
    Restart,
    Signal(Signal),
}

/// Returns the cause that an order gives.
pub(super) fn cause_of(cause: api::OrderCause) -> Cause {
    match cause {
        api::OrderCause::User => Cause::User,
        api::OrderCause::Api => Cause::Api,
    }
}

fn signal_of(signal: &api::Signal) -> Result<Signal, Refused> {
    let found = match signal {
        api::Signal::Number(number) => number.to_string().parse(),
        api::Signal::Name(name) => name.parse(),
    };
    found.map_err(|error: NoSuchSignal| Refused::bad_request(format!("`signal`: {error}")))
}

/// The incarnation and version before the order, to recognise its effect.
#[derive(Clone, Copy, Debug)]
struct Before {
    incarnation: Incarnation,
    version: Version,
}

/// Gives the order to all targets at the same time and, with `wait`, waits for its effect.
async fn carry_out(
    supervisor: &Supervisor,
    action: Action,
    order: api::ProcessOrder,
) -> Result<api::Outcome, Refused> {
    if order.select.is_empty() {
        return Err(no_targets());
    }
    let world = supervisor.reader().snapshot();
    let mut chosen = select(&world, &order.select)?;
    if matches!(action, Action::Start | Action::Restart) {
        leave_out_spares(supervisor, &world, &order.select, &mut chosen);
    }
    let cause = cause_of(order.cause);
    let given = chosen.iter().filter_map(|id| world.get(*id)).map(|state| async {
        let before = Before { incarnation: state.incarnation, version: state.version };
        (state.id, before, give(supervisor, state.id, action, cause).await)
    });
    let since = supervisor.reader().look().generation();
    let mut waits = Waits { action, pending: HashMap::new() };
    let mut done = HashMap::new();
    for (id, before, given) in join_all(given).await {
        match given {
            Ok(()) if order.wait => drop(waits.pending.insert(id, before)),
            given => drop(done.insert(id, given)),
        }
    }
    let timeout = Duration::from_millis(order.timeout_ms.unwrap_or(TIMEOUT_MS));
    done.extend(waits.settle(supervisor, since, timeout).await);
    let after = supervisor.reader().snapshot();
    let results = chosen.iter().filter_map(|id| outcome(&after, *id, done.remove(id)?)).collect();
    Ok(api::Outcome { results })
}

/// Clears the logs of all targets at the same time.
async fn clear(supervisor: &Supervisor, targets: &[String]) -> Result<api::Outcome, Refused> {
    if targets.is_empty() {
        return Err(no_targets());
    }
    let chosen = select(&supervisor.reader().snapshot(), targets)?;
    let cleared = chosen.iter().map(|id| async {
        let cleared = supervisor.logs().clear(*id).await;
        (*id, cleared.map_err(|error| Refused::not_cleared(error.to_string())))
    });
    let cleared = join_all(cleared).await;
    let world = supervisor.reader().snapshot();
    let results = cleared.into_iter().filter_map(|(id, cleared)| outcome(&world, id, cleared)).collect();
    Ok(api::Outcome { results })
}

fn no_targets() -> Refused {
    Refused::bad_request("`select` is empty: name processes, `group:*`, or `all`".to_owned())
}

/// Removes the replicas above the requested number, unless a target names them: a start of all must not start them.
fn leave_out_spares(
    supervisor: &Supervisor,
    world: &Snapshot,
    targets: &[String],
    chosen: &mut Vec<ProcessId>,
) {
    let named: HashSet<&str> = targets.iter().map(String::as_str).collect();
    let mut spares = HashSet::new();
    for set in supervisor.replica_sets() {
        let names = (set.wanted + 1..=set.most).map(|number| replica_name(&set.name, number));
        spares.extend(names.filter(|name| !named.contains(name.as_str())).filter_map(|name| world.id(&name)));
    }
    chosen.retain(|id| !spares.contains(id));
}

fn outcome(world: &Snapshot, id: ProcessId, done: Result<(), Refused>) -> Option<api::ProcessOutcome> {
    let state = world.get(id)?;
    Some(api::ProcessOutcome {
        name: state.name().to_string(),
        ok: done.is_ok(),
        phase: convert::phase(state.phase.kind()),
        reason: state.reason.to_string(),
        error: done.err().map(Refused::into_error),
    })
}

async fn give(supervisor: &Supervisor, id: ProcessId, action: Action, cause: Cause) -> Result<(), Refused> {
    match action {
        Action::Start => supervisor.start(id, cause).await?,
        Action::Stop => supervisor.stop(id, cause).await?,
        Action::Restart => supervisor.restart(id, cause).await?,
        Action::Signal(signal) => supervisor.signal(id, signal).await?,
    }
    Ok(())
}

/// The progress of an order.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Done,
    Pending,
    /// The order will have no effect without a further order.
    Failed,
}

fn progress(action: Action, before: Before, state: &ProcessState) -> Progress {
    let is_job = state.identity.process_type.is_job();
    match (action, &state.phase) {
        (Action::Signal(_), _) => Progress::Done,
        (Action::Stop, Phase::Stopped | Phase::Fatal) => Progress::Done,
        (Action::Stop, _) => Progress::Pending,
        (_, Phase::Running { .. }) if is_job => Progress::Pending,
        (Action::Restart, Phase::Running { .. }) if state.incarnation <= before.incarnation => {
            Progress::Pending
        }
        (_, Phase::Running { .. }) => Progress::Done,
        (_, Phase::Exited { .. }) if state.has_completed() && state.version > before.version => {
            Progress::Done
        }
        (_, Phase::Exited { settled: true } | Phase::Fatal | Phase::Stopped)
            if state.version > before.version =>
        {
            Progress::Failed
        }
        _ => Progress::Pending,
    }
}

/// The orders that wait for their effect.
#[derive(Debug)]
pub(super) struct Waits {
    action: Action,
    pending: HashMap<ProcessId, Before>,
}

impl Waits {
    /// Creates a wait for processes to run in a later incarnation than before.
    pub(super) fn of_restarts() -> Self {
        Self { action: Action::Restart, pending: HashMap::new() }
    }

    /// Also waits for a process that was in this incarnation and version before it was started.
    pub(super) fn add(&mut self, id: ProcessId, incarnation: Incarnation, version: Version) {
        self.pending.insert(id, Before { incarnation, version });
    }

    /// Waits until each order has taken effect, cannot take effect any more, or has timed out. Each commit is examined once,
    /// no matter how many orders wait.
    pub(super) async fn settle(
        mut self,
        supervisor: &Supervisor,
        since: Generation,
        timeout: Duration,
    ) -> Vec<(ProcessId, Result<(), Refused>)> {
        let mut settled = Vec::with_capacity(self.pending.len());
        let waiting = async {
            let mut changed = supervisor.changed();
            let (reader, mut cursor) = (supervisor.reader(), since);
            let world = reader.snapshot();
            self.look(&world, None, &mut settled);
            self.look_ahead(supervisor, &world, &mut settled);
            while !self.pending.is_empty() {
                changed.mark_unchanged();
                let page = reader.changes_since(cursor, PAGE);
                cursor = page.cursor;
                let ids = page.changes.iter().map(|change| change.state.id).collect();
                let world = reader.snapshot();
                self.look(&world, (page.missed == 0).then_some(ids), &mut settled);
                if page.missed > 0 || page.changes.iter().any(|change| change.state.is_at_rest()) {
                    self.look_ahead(supervisor, &world, &mut settled);
                }
                if self.pending.is_empty() {
                    return;
                }
                if page.changes.len() >= PAGE {
                    tokio::task::yield_now().await;
                } else if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        let late = tokio::time::timeout(timeout, waiting).await.is_err();
        let world = supervisor.reader().snapshot();
        let outlook = supervisor.outlook(&world);
        settled.extend(self.pending.into_keys().map(|id| match (late, world.get(id)) {
            (true, Some(state)) => (id, Err(late_refusal(timeout, state, &outlook.chain(state)))),
            _ => (id, Err(Refused::not_reached(described(&world, id)))),
        }));
        settled
    }

    /// Settles the starts that wait for a dependency that will never be ready.
    fn look_ahead(
        &mut self,
        supervisor: &Supervisor,
        world: &Snapshot,
        settled: &mut Vec<(ProcessId, Result<(), Refused>)>,
    ) {
        let waits = |id: &ProcessId| world.get(*id).is_some_and(|state| state.phase == Phase::Waiting);
        if !matches!(self.action, Action::Start | Action::Restart) || !self.pending.keys().any(waits) {
            return;
        }
        let outlook = supervisor.outlook(world);
        self.pending.retain(|id, _| {
            let Some(state) = world.get(*id).filter(|state| outlook.is_hopeless(state.name())) else {
                return true;
            };
            let root = outlook.root(state.name()).unwrap_or_else(|| state.name().clone());
            let message = format!("{} cannot be started: {}", state.name(), outlook.chain(state));
            settled.push((*id, Err(Refused::waits_in_vain(message, &root))));
            false
        });
    }

    /// Settles the orders among `ids`, or among all, that are no longer pending.
    fn look(
        &mut self,
        world: &Snapshot,
        ids: Option<HashSet<ProcessId>>,
        settled: &mut Vec<(ProcessId, Result<(), Refused>)>,
    ) {
        let ids: Vec<ProcessId> = match ids {
            Some(ids) => ids.into_iter().collect(),
            None => self.pending.keys().copied().collect(),
        };
        for id in ids {
            let Some(before) = self.pending.get(&id) else { continue };
            let so_far = world.get(id).map(|state| progress(self.action, *before, state));
            let outcome = match so_far.unwrap_or(Progress::Failed) {
                Progress::Pending => continue,
                Progress::Done => Ok(()),
                Progress::Failed => Err(Refused::not_reached(described(world, id))),
            };
            self.pending.remove(&id);
            settled.push((id, outcome));
        }
    }
}

/// Returns the refusal of an order that timed out; it says what the process still waits for, and why.
fn late_refusal(timeout: Duration, state: &ProcessState, chain: &str) -> Refused {
    let after = span::exact(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let (name, phase) = (state.name(), state.phase.kind());
    let message = match (state.phase == Phase::Waiting, state.identity.process_type.is_job()) {
        (true, _) => format!("{name} is still waiting after {after}: {chain}"),
        (false, true) if phase == PhaseKind::Running => {
            format!("{name} has not ended after {after}: it is a job, and still running")
        }
        (false, _) => format!("{name} is still {phase} after {after}: {}", state.reason),
    };
    Refused::timed_out(message, name)
}

fn described(world: &Snapshot, id: ProcessId) -> String {
    match world.get(id) {
        Some(state) => format!("{} is {}: {}", state.name(), state.phase.kind(), state.reason),
        None => "it is gone".to_owned(),
    }
}
