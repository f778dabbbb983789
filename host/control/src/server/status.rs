//! The state of processes, replicas, plugins and the host at one generation.

use std::collections::HashSet;

use axum::Json;
use axum::extract::{Query, State};
use provost_api as api;
use provost_state::naming::replica_of;

use super::context::AppState;
use super::extract::{Select, targets};
use super::refused::Refused;
use super::select::select_or_all;
use super::{host, plugins};
use crate::convert;

/// Answers from one snapshot, without a lock or a wait.
pub(super) async fn status(
    State(app): State<AppState>,
    Query(query): Query<Select>,
) -> Result<Json<api::Status>, Refused> {
    let world = app.context.supervisor.reader().snapshot();
    let chosen = select_or_all(&world, &targets(&query.select))?;
    let now = app.context.supervisor.now();
    let host = host::described(&app.context).await;
    let names = chosen.iter().filter_map(|id| world.get(*id)).map(|state| &**state.name());
    let sets: HashSet<&str> = names.filter_map(replica_of).map(|(base, _)| base).collect();
    Ok(Json(api::Status {
        generation: world.generation().0,
        taken_at: convert::time_at(world.taken_at(), now),
        processes: chosen
            .iter()
            .filter_map(|id| world.get(*id))
            .map(|state| convert::process(state, now))
            .collect(),
        replicas: app
            .context
            .supervisor
            .replica_sets()
            .iter()
            .filter(|set| sets.contains(&*set.name))
            .map(|set| convert::replicas(set, &world))
            .collect(),
        plugins: plugins::reports(&app.context),
        host,
    }))
}
