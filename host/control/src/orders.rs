//! Start, stop, restart and signal, for many processes at once, and waiting for what they bring about.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use provost_state::{
    Cause, Exit, Incarnation, NoSuchSignal, PhaseKind, ProcessId, ProcessState, Signal, Snapshot, Version,
};
use provost_supervisor::Supervisor;

use crate::refused::Refused;
use crate::select::select;
use crate::wire;

/// How long an order waits unless told otherwise.
const TIMEOUT_MS: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Start,
    Stop,
    Restart,
    Signal(Signal),
}

impl Action {
    fn parse(action: &str, order: &wire::Order) -> Result<Self, Refused> {
        match action {
            "start" => Ok(Self::Start),
            "stop" => Ok(Self::Stop),
            "restart" => Ok(Self::Restart),
            "signal" => {
                let signal = order.signal.as_ref();
                let signal = signal.ok_or_else(|| Refused::bad_request("`signal` is missing".to_owned()))?;
                signal_of(signal).map(Self::Signal)
            }
            other => {
                let hint = "there are start, stop, restart and signal".to_owned();
                Err(Refused::not_found("unknown_action", format!("there is no action `{other}`"), hint))
            }
        }
    }
}

fn signal_of(signal: &wire::Signal) -> Result<Signal, Refused> {
    let found = match signal {
        wire::Signal::Number(number) => number.to_string().parse(),
        wire::Signal::Name(name) => name.parse(),
    };
    found.map_err(|error: NoSuchSignal| Refused::bad_request(format!("`signal`: {error}")))
}

/// What was so before the order, to tell its effect from what was so already.
#[derive(Clone, Copy, Debug)]
struct Before {
    incarnation: Incarnation,
    version: Version,
}

/// Gives the order to all at the same time, and waits for each if asked to.
pub(crate) async fn carry_out(
    supervisor: &Supervisor,
    action: &str,
    order: wire::Order,
) -> Result<wire::Outcome, Refused> {
    let action = Action::parse(action, &order)?;
    if order.select.is_empty() {
        return Err(Refused::bad_request(
            "`select` is empty: name processes, `group:*`, or `all`".to_owned(),
        ));
    }
    let world = supervisor.reader().snapshot();
    let mut chosen = select(&world, &order.select)?;
    if matches!(action, Action::Start | Action::Restart) {
        leave_out_spares(supervisor, &world, &order.select, &mut chosen);
    }
    let cause = match order.cause {
        wire::OrderCause::User => Cause::User,
        wire::OrderCause::Api => Cause::Api,
    };
    let timeout = Duration::from_millis(order.timeout_ms.unwrap_or(TIMEOUT_MS));
    let orders = chosen.into_iter().filter_map(|id| world.get(id)).map(|state| async {
        let done = one(supervisor, state, action, cause, order.wait.then_some(timeout)).await;
        outcome(supervisor, state.id, done)
    });
    let results = join_all(orders).await.into_iter().flatten().collect();
    Ok(wire::Outcome { results })
}

/// Replicas that are not wanted now are not started with the others, but only by their own name.
fn leave_out_spares(
    supervisor: &Supervisor,
    world: &Snapshot,
    targets: &[String],
    chosen: &mut Vec<ProcessId>,
) {
    for set in supervisor.replica_sets() {
        let spares = (set.wanted + 1..=set.most).map(|number| format!("{}.{number}", set.name));
        for spare in spares.filter(|spare| !targets.contains(spare)) {
            if let Some(id) = world.id(&spare) {
                chosen.retain(|other| *other != id);
            }
        }
    }
}

fn outcome(
    supervisor: &Supervisor,
    id: ProcessId,
    done: Result<(), Refused>,
) -> Option<wire::ProcessOutcome> {
    let world = supervisor.reader().snapshot();
    let state = world.get(id)?;
    Some(wire::ProcessOutcome {
        name: state.name().to_string(),
        ok: done.is_ok(),
        phase: state.phase.kind().as_str().to_owned(),
        reason: state.reason.to_string(),
        error: done.err().map(Refused::into_error),
    })
}

async fn one(
    supervisor: &Supervisor,
    state: &Arc<ProcessState>,
    action: Action,
    cause: Cause,
    wait: Option<Duration>,
) -> Result<(), Refused> {
    let before = Before { incarnation: state.incarnation, version: state.version };
    match action {
        Action::Start => supervisor.start(state.id, cause).await?,
        Action::Stop => supervisor.stop(state.id, cause).await?,
        Action::Restart => supervisor.restart(state.id, cause).await?,
        Action::Signal(signal) => supervisor.signal(state.id, signal).await?,
    }
    match wait {
        Some(timeout) => wait_for(supervisor, state.id, action, before, timeout).await,
        None => Ok(()),
    }
}

/// How far an order has got.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Done,
    Pending,
    /// It will not come about by itself any more.
    Failed,
}

fn progress(action: Action, before: Before, state: &ProcessState) -> Progress {
    let completed = state.exit.as_ref().is_some_and(Exit::is_success);
    // An end that nobody asked for has the cause `crash` until it is decided what comes of it.
    let left_down = state.cause == Cause::Policy;
    match (action, state.phase.kind()) {
        (Action::Signal(_), _) => Progress::Done,
        (Action::Stop, PhaseKind::Stopped | PhaseKind::Fatal) => Progress::Done,
        (Action::Stop, _) => Progress::Pending,
        (Action::Restart, PhaseKind::Running) if state.incarnation <= before.incarnation => Progress::Pending,
        (_, PhaseKind::Running) => Progress::Done,
        (_, PhaseKind::Exited) if completed && state.version > before.version => Progress::Done,
        (_, PhaseKind::Exited) if left_down && state.version > before.version => Progress::Failed,
        (_, PhaseKind::Fatal | PhaseKind::Stopped) if state.version > before.version => Progress::Failed,
        _ => Progress::Pending,
    }
}

async fn wait_for(
    supervisor: &Supervisor,
    id: ProcessId,
    action: Action,
    before: Before,
    timeout: Duration,
) -> Result<(), Refused> {
    let mut changed = supervisor.changed();
    let waiting = async {
        loop {
            changed.mark_unchanged();
            // Every commit of every process wakes every waiter: each look has to be a short one.
            let so_far = supervisor.reader().look().get(id).map(|state| progress(action, before, state));
            match so_far {
                Some(Progress::Pending) => {}
                settled => return settled.unwrap_or(Progress::Failed),
            }
            if changed.changed().await.is_err() {
                return Progress::Failed;
            }
        }
    };
    let waited = tokio::time::timeout(timeout, waiting).await;
    let so = described(&supervisor.reader().snapshot(), id);
    match waited {
        Ok(Progress::Done) => Ok(()),
        Ok(_) => Err(Refused::not_reached(so)),
        Err(_) => Err(Refused::timed_out(format!("after {} ms {so}", timeout.as_millis()))),
    }
}

fn described(world: &Snapshot, id: ProcessId) -> String {
    match world.get(id) {
        Some(state) => format!("{} is {}: {}", state.name(), state.phase.kind(), state.reason),
        None => "it is gone".to_owned(),
    }
}
