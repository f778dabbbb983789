//! The parts of a status in JSON.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use provost_api as api;
use provost_state::naming::replica_of;
use provost_state::{ProcessId, ProcessState, Snapshot};
use provost_supervisor::Listing;
use serde::Serialize;

use super::asked::Since;
use super::parts::{Part, Parts};
use crate::convert::{self, Wall};
use crate::fragments::Fields;
use crate::server::context::AppState;
use crate::server::usage;

/// Appends the answer up to its parts.
pub(super) fn push_head(
    app: &AppState,
    world: &Snapshot,
    wall: Wall,
    since: Option<Since>,
    to: &mut Vec<u8>,
) {
    let (generation, boot) = (world.generation().0, &app.answers.boot);
    let taken_at = convert::time_at(world.taken_at(), wall);
    // Writing to memory does not fail.
    let _ = write!(to, r#"{{"generation":{generation},"boot":"{boot}","taken_at":"{taken_at}""#);
    match since {
        None => {}
        Some(Since::Unknown) => to.extend_from_slice(br#","whole":true,"removed":[]"#),
        Some(Since::Known(since)) => {
            let removed = world.removed_since(since).unwrap_or_default();
            let names: Vec<&str> = removed.iter().map(|one| &*one.name).collect();
            push(to, "whole", &false);
            push(to, "removed", &names);
        }
    }
}

/// Returns the array of the wanted processes.
pub(super) fn processes(
    app: &AppState,
    world: &Snapshot,
    fields: Option<&Fields>,
    chosen: Option<&[ProcessId]>,
    since: Option<Since>,
    wall: Wall,
) -> Bytes {
    let fragments = &app.answers.fragments;
    let mut to = Vec::new();
    match (since, chosen) {
        (Some(Since::Known(since)), chosen) => {
            let is_chosen = |state: &&Arc<ProcessState>| {
                chosen.is_none_or(|chosen| chosen.binary_search(&state.id).is_ok())
            };
            fragments.push(world, world.changed_since(since).filter(is_chosen), fields, wall, &mut to);
        }
        (_, Some(chosen)) => {
            let states = chosen.iter().filter_map(|id| world.get(*id));
            fragments.push(world, states, fields, wall, &mut to);
        }
        (_, None) => return fragments.all(world, fields, wall),
    }
    to.into()
}

/// Returns the answer after the processes: the parts that change without a commit.
pub(super) fn rest(
    app: &AppState,
    world: &Snapshot,
    parts: Parts,
    chosen: Option<&[ProcessId]>,
    host: Option<api::Host>,
) -> Vec<u8> {
    let mut to = Vec::with_capacity(512);
    if parts.has(Part::Replicas) {
        push_replicas(app, world, chosen, &mut to);
    }
    if parts.has(Part::Plugins) {
        push_plugins(app, world, &mut to);
    }
    if parts.has(Part::Usage) {
        push_usage(app, chosen, &mut to);
    }
    if let Some(host) = host {
        push_host(app, host, &mut to);
        let listing = app.context.supervisor.listing();
        // Usually snapshots have the order of the config.
        if !listing.is_of_snapshots {
            push_order(app, listing, &mut to);
        }
    }
    to.push(b'}');
    to
}

/// Appends the replica sets of the chosen processes.
pub(super) fn push_replicas(
    app: &AppState,
    world: &Snapshot,
    chosen: Option<&[ProcessId]>,
    to: &mut Vec<u8>,
) {
    let names = chosen.map(|chosen| {
        let names = chosen.iter().filter_map(|id| world.get(*id)).map(|state| &**state.name());
        names.filter_map(replica_of).map(|(base, _)| base).collect::<HashSet<&str>>()
    });
    let sets = app.context.supervisor.replica_sets();
    let sets = sets.iter().filter(|set| names.as_ref().is_none_or(|names| names.contains(&*set.name)));
    push(to, "replicas", &sets.map(|set| convert::replicas(set, world)).collect::<Vec<_>>());
}

/// Appends all plugins.
pub(super) fn push_plugins(app: &AppState, world: &Snapshot, to: &mut Vec<u8>) {
    to.extend_from_slice(br#","plugins":"#);
    to.extend_from_slice(&app.plugins(world.generation()));
}

/// Appends what the chosen processes use, or the host and all processes.
pub(super) fn push_usage(app: &AppState, chosen: Option<&[ProcessId]>, to: &mut Vec<u8>) {
    to.extend_from_slice(br#","usage":"#);
    to.extend_from_slice(&usage::json(app, chosen));
}

/// Appends the host.
pub(super) fn push_host(app: &AppState, host: api::Host, to: &mut Vec<u8>) {
    to.extend_from_slice(br#","host":"#);
    to.extend_from_slice(&app.answers.host.rendered(host, api::Host::clone));
}

/// Appends the order of the config.
pub(super) fn push_order(app: &AppState, listing: Arc<Listing>, to: &mut Vec<u8>) {
    to.extend_from_slice(br#","order":"#);
    to.extend_from_slice(&app.answers.order.rendered(listing, |listing| listing.names.clone()));
}

/// Appends a member of an object that has one already.
pub(super) fn push(to: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    let _ = write!(to, r#","{name}":"#);
    // No type of the API has a map key that JSON cannot represent.
    let _ = serde_json::to_writer(to, value);
}
