//! Explains why a process is in its state, from the remembered changes.

use axum::Json;
use axum::extract::{Path, State};
use provost_api as api;
use provost_state::changes::CHANGES_KEPT;
use provost_state::{Cause, Generation, Moment, Phase, ProcessState};
use provost_supervisor::Supervisor;

use super::context::AppState;
use super::refused::Refused;
use super::select::select;
use crate::convert;

/// At most this many events of the process are shown.
const HISTORY_MAX: usize = 50;

pub(super) async fn explain(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Json<api::Explanation>, Refused> {
    explained(&app.context.supervisor, name).map(Json)
}

fn explained(supervisor: &Supervisor, name: String) -> Result<api::Explanation, Refused> {
    let reader = supervisor.reader();
    let world = reader.snapshot();
    let chosen = select(&world, std::slice::from_ref(&name))?;
    let [id] = chosen[..] else {
        let names: Vec<&str> =
            chosen.iter().filter_map(|id| world.get(*id)).map(|one| &**one.name()).take(5).collect();
        let hint = format!("explain one of them, such as {}", names.join(", "));
        return Err(Refused::not_one(format!("`{name}` names {} processes", chosen.len()), hint));
    };
    let Some(state) = world.get(id) else {
        return Err(Refused::bad_request(format!("`{name}` is gone")));
    };
    let now = supervisor.now();
    let page = reader.changes_until(Generation(0), &world, CHANGES_KEPT);
    let mut history: Vec<_> = page.changes.iter().filter(|change| change.state.id == id).collect();
    let cut = history.len().saturating_sub(HISTORY_MAX);
    let history = history.split_off(cut);
    Ok(api::Explanation {
        process: convert::process(state, now),
        sentence: match state.phase {
            Phase::Waiting if state.cause == Cause::Dependency => {
                format!("{name} is waiting: {} (cause: dependency).", supervisor.outlook(&world).chain(state))
            }
            _ => sentence(state, now),
        },
        history: history.into_iter().map(|change| convert::event(change, now)).collect(),
        forgotten: page.missed + u64::try_from(cut).unwrap_or(u64::MAX),
    })
}

/// Describes the phase and its reason in one sentence.
fn sentence(state: &ProcessState, now: Moment) -> String {
    let name = state.name();
    let because = format!("{} (cause: {})", state.reason, state.cause.as_str());
    match state.phase {
        Phase::Running { pid } => format!("{name} is running with pid {pid}; {because}."),
        Phase::Starting { pid } if state.failing.is_some() => {
            format!("{name} is starting with pid {pid}, {because}.")
        }
        Phase::Starting { pid } => format!("{name} is starting with pid {pid} and not ready yet; {because}."),
        Phase::Backoff { until } => {
            format!(
                "{name} is in backoff and will be started again at {}: {because}.",
                convert::time_at(until, now)
            )
        }
        Phase::Stopping { kill_at, .. } => {
            format!("{name} is stopping and will be killed at {}: {because}.", convert::time_at(kill_at, now))
        }
        Phase::Fatal => format!("{name} was given up on: {because}. `provost start {name}` revives it."),
        Phase::Exited { .. } if state.is_done() => format!("{name} is {because}."),
        Phase::Stopped | Phase::Waiting | Phase::Exited { .. } => {
            format!("{name} is {}: {because}.", state.phase.kind())
        }
    }
}
