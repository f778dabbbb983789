//! Answers that machines ask for: whether the host is alive, whether its processes are ready, and its metrics.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use provost_api::{self as api, ErrorCode};
use provost_state::naming::shown;

use super::context::AppState;
use super::refused::Refused;
use super::views;
use crate::access::{Access, Scope};
use crate::convert;

/// Answers while the host serves requests.
pub(super) async fn livez() -> Json<api::Liveness> {
    Json(api::Liveness { alive: true })
}

/// Tells whether every process is ready that a start of the host would start. What is not ready is named to callers that may read.
pub(super) async fn readyz(State(app): State<AppState>, Extension(access): Extension<Access>) -> Response {
    let supervisor = &app.context.supervisor;
    let world = supervisor.reader().snapshot();
    let not_ready: Vec<api::NotReady> = world
        .iter()
        .filter(|state| !state.ready() && supervisor.is_autostarted(state.id))
        .map(|state| api::NotReady {
            name: state.name().to_string(),
            phase: convert::phase(state.phase.kind()),
            reason: state.reason.to_string(),
        })
        .collect();
    let ready = not_ready.is_empty();
    let not_ready = access.allows(Scope::Read).then_some(not_ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(api::Readiness { ready, not_ready })).into_response()
}

/// Renders the metrics by the plugin that the config names.
pub(super) async fn metrics(State(app): State<AppState>) -> Result<Response, Refused> {
    let name = &app.context.rules.get().metrics;
    views::rendered(&app, name, "metrics".to_owned(), String::new()).await.unwrap_or_else(|| {
        let message = format!("there is no active plugin called `{}` that renders the metrics", shown(name));
        let hint = format!(
            "`provost plugin load {name} bundled:prometheus` loads it, or write [plugins.{name}] with component = \"bundled:prometheus\"; \
             `metrics` of [api] names another plugin"
        );
        Err(Refused::not_found(ErrorCode::UnknownView, message, hint))
    })
}
