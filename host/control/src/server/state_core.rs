//! Describes the state core and its backends, and changes the backend at run time.

use axum::Json;
use axum::extract::State;
use provost_api as api;
use provost_state::{Backend, BackendFigures, Rollout, Routing};

use super::context::AppState;
use super::extract::Body;
use super::refused::Refused;
use crate::convert;

pub(super) async fn show(State(app): State<AppState>) -> Json<api::StateCore> {
    Json(described(&app))
}

/// Changes the fields that are present and keeps the others.
pub(super) async fn change(
    State(app): State<AppState>,
    Body(change): Body<api::StateChange>,
) -> Result<Json<api::StateCore>, Refused> {
    let backend = change.backend.map(|word| word.as_str().parse::<Backend>()).transpose();
    let backend = backend.map_err(|error| Refused::bad_request(format!("`backend`: {error}")))?;
    let rollout = change.rollout.map(Rollout::new).transpose();
    let rollout = rollout.map_err(|error| Refused::bad_request(format!("`rollout`: {error}")))?;
    app.context.supervisor.reroute(|before| Routing {
        backend: backend.unwrap_or(before.backend),
        rollout: rollout.unwrap_or(before.rollout),
    });
    Ok(Json(described(&app)))
}

fn described(app: &AppState) -> api::StateCore {
    let reader = app.context.supervisor.reader();
    let routing = reader.routing();
    let counters = reader.counters();
    api::StateCore {
        backend: convert::backend(routing.backend),
        rollout: routing.rollout.percent(),
        generation: reader.snapshot().generation().0,
        commits: counters.commits,
        stale_incarnation: counters.stale_incarnation,
        stale_version: counters.stale_version,
        illegal: counters.illegal,
        backends: Backend::ALL.map(|backend| figures(backend, &reader.figures(backend))).into(),
    }
}

fn figures(backend: Backend, figures: &BackendFigures) -> api::BackendFigures {
    api::BackendFigures {
        backend: convert::backend(backend),
        reads: figures.reads,
        commits: figures.commits,
        retries: figures.retries,
        stale: figures.stale,
        differences: figures.differences,
        read: convert::latency(&figures.read),
        commit: convert::latency(&figures.commit),
        snapshot: convert::latency(&figures.snapshot),
    }
}
