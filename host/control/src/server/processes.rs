//! Processes and their groups, without the rest of a status.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use provost_api as api;

use super::context::AppState;
use super::extract::IfNoneMatch;
use super::framing::Accepted;
use super::refused::Refused;
use super::select::select_one;
use super::status::{self, ProcessesQuery};
use crate::convert;

pub(super) async fn list(
    app: State<AppState>,
    known: IfNoneMatch,
    accepted: Accepted,
    Query(query): Query<ProcessesQuery>,
) -> Result<Response, Refused> {
    status::status(app, known, accepted, Query(query.into())).await
}

/// Answers with a process that is called like an order, whose path it has.
pub(super) async fn one_of_order(app: State<AppState>, uri: Uri) -> Result<Response, Refused> {
    let name = uri.path().rsplit('/').next().unwrap_or_default();
    one(app, Path(name.to_owned())).await
}

pub(super) async fn one(State(app): State<AppState>, Path(name): Path<String>) -> Result<Response, Refused> {
    let world = app.context.supervisor.reader().snapshot();
    let state = select_one(&world, &name)?;
    let process = app.answers.fragments.one(&world, state, app.wall());
    Ok(([(CONTENT_TYPE, "application/json")], Body::from(process)).into_response())
}

pub(super) async fn groups(State(app): State<AppState>) -> Json<api::GroupList> {
    let world = app.context.supervisor.reader().snapshot();
    let mut groups: BTreeMap<&str, api::Group> = BTreeMap::new();
    for state in world.iter().filter(|state| !state.group().is_empty()) {
        let group = groups.entry(state.group()).or_default();
        group.members.push(state.name().to_string());
        *group.desired.entry(convert::desired(state.desired)).or_default() += 1;
        *group.phases.entry(convert::phase(state.phase.kind())).or_default() += 1;
    }
    let named = |(name, group): (&str, api::Group)| api::Group { name: name.to_owned(), ..group };
    let groups = groups.into_iter().map(named).collect();
    Json(api::GroupList { generation: world.generation().0, groups })
}
