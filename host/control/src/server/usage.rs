//! The resources that processes use.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use provost_api as api;
use provost_state::ProcessId;
use provost_supervisor::Usages;
use schemars::JsonSchema;
use serde::Deserialize;

use super::context::AppState;
use super::extract::{Flag, is_on, targets};
use super::pieces::Pieces;
use super::refused::Refused;
use super::select::select_some;
use crate::convert;

/// The history of at most this many processes is in one answer: each has up to 220 points.
const HISTORIES_MAX: usize = 100;

/// The query of a usage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageQuery {
    /// Targets, separated by commas; none mean the host and all processes.
    #[serde(default)]
    select: String,
    /// Whether the history of the last hour is in the answer.
    history: Option<Flag>,
}

pub(super) async fn usage(
    State(app): State<AppState>,
    Query(asked): Query<UsageQuery>,
) -> Result<Response, Refused> {
    let chosen = select_some(&app.context.supervisor.reader().snapshot(), &targets(&asked.select))?;
    let usages = app.context.supervisor.usages();
    let rows = if is_on(asked.history) {
        let count = chosen.as_ref().map_or(usages.processes.len(), Vec::len);
        if count > HISTORIES_MAX {
            let message = format!("the history of {count} processes is too much for one answer");
            return Err(Refused::bad_request(format!("{message}: select at most {HISTORIES_MAX} of them")));
        }
        let rows = with_history(&app, &usages, chosen.as_deref());
        // No type of the API has a map key that JSON cannot represent.
        serde_json::to_vec(&rows).unwrap_or_else(|_| b"null".to_vec()).into()
    } else {
        of(&app, &usages, chosen.as_deref())
    };
    let head = format!(r#"{{"revision":{},"usage":"#, usages.revision);
    let body = Body::new(Pieces::of([head.into(), rows, Bytes::from_static(b"}")]));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Returns the array of what the chosen processes use, or the host and all processes.
pub(super) fn json(app: &AppState, chosen: Option<&[ProcessId]>) -> Bytes {
    of(app, &app.context.supervisor.usages(), chosen)
}

/// Does what [`json`] does for these samples.
pub(super) fn of(app: &AppState, usages: &Arc<Usages>, chosen: Option<&[ProcessId]>) -> Bytes {
    let (rows, wall) = (&app.answers.usage, app.wall());
    match chosen {
        None => rows.all(usages, wall),
        Some(chosen) => rows.some(usages, chosen, wall),
    }
}

fn with_history(app: &AppState, usages: &Usages, chosen: Option<&[ProcessId]>) -> Vec<api::ProcessUsage> {
    let (wall, supervisor) = (app.wall(), &app.context.supervisor);
    let points =
        |id| supervisor.usage_history(id).iter().map(|point| convert::usage_point(point, wall)).collect();
    convert::usages(usages, chosen, wall, |id| Some(points(id)))
}
