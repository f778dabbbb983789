//! Explains why a process is in its state, from the remembered changes.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use provost_api as api;
use provost_state::changes::CHANGES_KEPT;
use provost_state::{Cause, Generation, Phase};
use serde::Serialize;

use super::context::AppState;
use super::pieces::{Pieces, more};
use super::refused::Refused;
use super::select::select_one;
use crate::convert;

/// At most this many events of the process are shown.
const HISTORY_MAX: usize = 50;

/// An explanation without its first field, the process.
#[derive(Serialize)]
struct Rest {
    sentence: String,
    history: Vec<api::Event>,
    forgotten: u64,
    deaths: Vec<api::Death>,
    policies: Vec<String>,
}

pub(super) async fn explain(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let supervisor = &app.context.supervisor;
    let reader = supervisor.reader();
    let world = reader.snapshot();
    let state = select_one(&world, &name)?;
    let wall = app.wall();
    let page = reader.changes_until(Generation(0), &world, CHANGES_KEPT);
    let mut history: Vec<_> = page.changes.iter().filter(|change| change.state.id == state.id).collect();
    let cut = history.len().saturating_sub(HISTORY_MAX);
    let history = history.split_off(cut);
    let rest = Rest {
        sentence: match state.phase {
            Phase::Waiting if state.cause == Cause::Dependency => {
                format!(
                    "{} is waiting: {} (cause: dependency).",
                    state.name(),
                    supervisor.outlook(&world).chain(state)
                )
            }
            _ => convert::sentence(state, wall),
        },
        history: history.into_iter().map(|change| convert::event(change, wall)).collect(),
        forgotten: page.missed + u64::try_from(cut).unwrap_or(u64::MAX),
        deaths: state.deaths.iter().map(|death| convert::death(death, wall)).collect(),
        policies: supervisor.policies_of(state.id).iter().map(|policy| policy.name().to_string()).collect(),
    };
    let process = app.answers.fragments.one(&world, state, wall);
    let pieces = [Bytes::from_static(br#"{"process":"#), process, more(&rest)];
    Ok(([(CONTENT_TYPE, "application/json")], Body::new(Pieces::of(pieces))).into_response())
}
