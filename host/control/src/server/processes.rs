//! Processes and their groups, without the rest of a status; one process with the names of its variables and its checks.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use provost_api as api;
use serde::Serialize;

use super::context::AppState;
use super::extract::IfNoneMatch;
use super::framing::Accepted;
use super::pieces::{Pieces, more};
use super::refused::Refused;
use super::select::select_one;
use super::status::{self, ProcessesQuery};
use crate::convert;

/// What an answer about one process has beside its fields.
#[derive(Serialize)]
struct Rest {
    environment: Option<BTreeSet<String>>,
    checks: api::Checks,
}

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
    let (supervisor, wall) = (&app.context.supervisor, app.wall());
    let mut process = app.answers.fragments.one(&world, state, wall);
    // The rest follows within the same object.
    process.truncate(process.len().saturating_sub(1));
    let rest = Rest {
        environment: supervisor.variables(state.id),
        checks: supervisor
            .spec(state.id)
            .map(|spec| convert::checks(&spec, supervisor.tried(state.id), wall))
            .unwrap_or_default(),
    };
    let body = Body::new(Pieces::of([process, more(&rest)]));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
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
