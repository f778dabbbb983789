//! What processes wait for before they are started.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use provost_api as api;
use provost_state::ProcessState;
use provost_supervisor::Supervisor;

use super::context::AppState;
use crate::convert;

pub(super) async fn dependencies(State(app): State<AppState>) -> Json<api::Dependencies> {
    let supervisor = &app.context.supervisor;
    let world = supervisor.reader().snapshot();
    let mut processes: Vec<api::Dependent> = world.iter().map(|state| dependent(supervisor, state)).collect();
    let listing = supervisor.listing();
    if !listing.is_of_snapshots {
        let places: HashMap<&str, usize> = listing.names.iter().map(|name| &**name).zip(0..).collect();
        // One that was added just now is not in it.
        processes.sort_by_key(|process| places.get(&*process.name).copied().unwrap_or(usize::MAX));
    }
    Json(api::Dependencies { generation: world.generation().0, processes })
}

/// Converts a process. One that is being removed has no dependencies any more.
fn dependent(supervisor: &Supervisor, state: &ProcessState) -> api::Dependent {
    let spec = supervisor.spec(state.id);
    let group = state.group();
    let depends_on = spec.iter().flat_map(|spec| &spec.depends_on);
    api::Dependent {
        name: state.name().to_string(),
        process_type: convert::process_type(&state.identity.process_type),
        group: (!group.is_empty()).then(|| group.to_string()),
        phase: convert::phase(state.phase.kind()),
        ready: state.ready(),
        autostart: supervisor.is_autostarted(state.id),
        depends_on: depends_on.map(convert::dependency).collect(),
    }
}
