//! The host itself: its identity, its shortages, its end, and the program that takes its place.

use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use provost_api::{self as api, ErrorCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::context::{ApiContext, AppState};
use super::extract::Body;
use super::refused::Refused;
use crate::convert;
use crate::reloading::ConfigFile;
use crate::upgrading::UpgradeRefusal;

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
        trial: context.place.as_ref().is_some_and(|place| place.is_on_trial()),
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

/// How long a new program may take to be in service, unless the request says otherwise, in milliseconds.
const TRIAL_MS: u64 = 30_000;

/// Gives the place of the host to another program.
pub(super) async fn upgrade(
    State(app): State<AppState>,
    Body(order): Body<api::UpgradeOrder>,
) -> Result<Json<api::Upgrading>, Refused> {
    let program = PathBuf::from(order.program);
    if !program.is_absolute() {
        return Err(Refused::bad_request("`program` must be an absolute path".to_owned()));
    }
    let deadline = Duration::from_millis(order.timeout_ms.unwrap_or(TRIAL_MS));
    let place = app.context.place.as_ref().ok_or(UpgradeRefusal::NoKeeper)?;
    Ok(Json(place.upgrade(program, deadline).await?))
}

/// Replaces the program of the keeper by the one that the host carries.
pub(super) async fn upgrade_keeper(
    State(app): State<AppState>,
) -> Result<Json<api::KeeperUpgraded>, Refused> {
    let place = app.context.place.as_ref().ok_or(UpgradeRefusal::NoKeeper)?;
    Ok(Json(place.upgrade_keeper().await?))
}

impl From<UpgradeRefusal> for Refused {
    fn from(refusal: UpgradeRefusal) -> Self {
        match refusal {
            UpgradeRefusal::BadProgram { message, hint } => {
                Self::unprocessable(ErrorCode::BadProgram, message, hint)
            }
            UpgradeRefusal::NoKeeper => {
                let message = "the host has no keeper, which an upgrade in place needs".to_owned();
                let hint = "`provost down` and `provost up` with the new program; with `keeper = true` in [host], later \
                            upgrades keep the processes";
                Self::conflict(ErrorCode::NoKeeper, message, hint.to_owned())
            }
            UpgradeRefusal::OnTrial => {
                let message = "the host is itself a new program that is not in service yet".to_owned();
                Self::conflict(ErrorCode::OnTrial, message, "try again in a moment".to_owned())
            }
            UpgradeRefusal::Changing => {
                let message = "the config is being changed".to_owned();
                Self::conflict(ErrorCode::Busy, message, "try again when the reload has ended".to_owned())
            }
            UpgradeRefusal::ShuttingDown => provost_supervisor::Refusal::ShuttingDown.into(),
            UpgradeRefusal::KeeperStays(why) => {
                let message = format!("the keeper goes on with its present program: {why}");
                let hint = "try again in a moment; nothing was changed".to_owned();
                Self::conflict(ErrorCode::BadProgram, message, hint)
            }
            UpgradeRefusal::Internal(message) => Self::internal(message),
        }
    }
}
