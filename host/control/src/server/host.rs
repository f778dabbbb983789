//! The host itself: its identity, its shortages and its end.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use provost_api as api;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::{ApiContext, AppState};
use super::refused::Refused;
use crate::convert;
use crate::reloading::ConfigFile;

pub(super) async fn ping(State(app): State<AppState>) -> Json<api::Ping> {
    let host = &app.context.host;
    Json(api::Ping { pid: host.pid, version: host.version.clone() })
}

/// Describes the host with its current shortages and leftover processes, and with what has become of its config.
pub(super) async fn described(context: &ApiContext) -> api::Host {
    let ConfigFile { path, loaded_at, changed } = context.config.file().await;
    api::Host {
        keeper_pid: context.supervisor.keeper_pid(),
        config: path,
        config_loaded_at: loaded_at,
        config_changed: changed,
        degraded: context.supervisor.degraded().list().iter().map(convert::lack).collect(),
        left: context.supervisor.left().iter().map(convert::left).collect(),
        ..context.host.clone()
    }
}

/// The answer to a request to stop the host: at once who was asked, or at the end how it ended.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Stopping {
    Asked(api::Ping),
    Ended(api::Ended),
}

/// Asks the host to stop. An empty body means no `wait`.
pub(super) async fn shutdown(State(app): State<AppState>, body: Bytes) -> Result<Json<Stopping>, Refused> {
    let body = if body.is_empty() { b"{}" } else { &*body };
    let api::Shutdown { wait } =
        serde_json::from_slice(body).map_err(|error| Refused::bad_request(error.to_string()))?;
    // A full channel means that the host was already asked.
    let _ = app.context.shutdown.try_send(());
    if !wait {
        return Ok(Json(Stopping::Asked(ping(State(app)).await.0)));
    }
    let mut ended = app.context.ended.clone();
    let report = ended.wait_for(Option::is_some).await.map(|report| report.clone());
    match report {
        Ok(Some(report)) => Ok(Json(Stopping::Ended(report))),
        _ => Err(Refused::internal("the host ends without a report".to_owned())),
    }
}
