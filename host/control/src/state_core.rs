//! The state core itself: which backend is in force, what each has done, and changing it under way.

use axum::Json;
use axum::extract::State;
use provost_state::{Backend, BackendFigures, Rollout, Routing};

use crate::refused::Refused;
use crate::server::{Body, Served};
use crate::{convert, wire};

pub(crate) async fn show(State(served): State<Served>) -> Json<wire::StateCore> {
    Json(described(&served))
}

/// Changes what is named and leaves the rest.
pub(crate) async fn change(
    State(served): State<Served>,
    Body(change): Body<wire::StateChange>,
) -> Result<Json<wire::StateCore>, Refused> {
    let backend = change.backend.as_deref().map(str::parse::<Backend>).transpose();
    let backend = backend.map_err(|error| Refused::bad_request(format!("`backend`: {error}")))?;
    let rollout = change.rollout.map(Rollout::new).transpose();
    let rollout = rollout.map_err(|error| Refused::bad_request(format!("`rollout`: {error}")))?;
    served.desk.supervisor.reroute(|before| Routing {
        backend: backend.unwrap_or(before.backend),
        rollout: rollout.unwrap_or(before.rollout),
    });
    Ok(Json(described(&served)))
}

fn described(served: &Served) -> wire::StateCore {
    let reader = served.desk.supervisor.reader();
    let routing = reader.routing();
    let counters = reader.counters();
    wire::StateCore {
        backend: routing.backend.as_str().to_owned(),
        rollout: routing.rollout.percent(),
        generation: reader.snapshot().generation().0,
        commits: counters.commits,
        stale_incarnation: counters.stale_incarnation,
        stale_version: counters.stale_version,
        illegal: counters.illegal,
        backends: Backend::ALL.map(|backend| figures(backend, &reader.figures(backend))).into(),
    }
}

fn figures(backend: Backend, figures: &BackendFigures) -> wire::BackendFigures {
    wire::BackendFigures {
        backend: backend.as_str().to_owned(),
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
