//! The state of processes, replicas, plugins and the host at one generation: everything, some parts, some fields, or only what
//! has changed.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use provost_api as api;
use provost_state::naming::replica_of;
use provost_state::{Generation, ProcessId, ProcessState, Snapshot};
use serde::{Deserialize, Serialize};

use super::answers::Tag;
use super::context::AppState;
use super::extract::{Flag, IfNoneMatch, is_on, targets};
use super::host;
use super::parts::{Part, Parts};
use super::pieces::Pieces;
use super::refused::Refused;
use super::select::select;
use super::usage;
use crate::convert::{self, Wall};
use crate::fragments::Fields;

/// The query of a status.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Targets, separated by commas; none mean all processes.
    #[serde(default)]
    select: String,
    /// Fields of processes, separated by commas; none mean all.
    #[serde(default)]
    fields: String,
    /// Parts of the answer, separated by commas; none mean all.
    #[serde(default)]
    parts: String,
    /// Whether the resources that the processes use are a part, too.
    usage: Option<Flag>,
    /// Only what has changed after this generation.
    since: Option<u64>,
    /// The life of the host that counted `since`.
    boot: Option<String>,
}

/// What a status is to contain.
struct Wanted {
    parts: Parts,
    fields: Option<Fields>,
    targets: Vec<String>,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Refused> {
        let names = targets(&asked.fields);
        let fields = match names.is_empty() {
            true => None,
            false => Some(
                Fields::named(names.iter().map(String::as_str))
                    .map_err(|unknown| Refused::bad_request(unknown.to_string()))?,
            ),
        };
        let parts = Parts::named(&targets(&asked.parts))?.with_usage(is_on(asked.usage));
        Ok(Self { parts, fields, targets: targets(&asked.select) })
    }
}

/// The changes that a client asks for with `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// They are not known: it gets everything.
    Unknown,
    /// Those after this generation.
    Known(Generation),
}

impl Since {
    /// A generation of another host, or one that is not reached yet, says nothing about this one.
    fn of(asked: &Asked, app: &AppState, world: &Snapshot) -> Option<Self> {
        let since = Generation(asked.since?);
        let ours = asked.boot.as_ref().is_none_or(|boot| *boot == app.answers.boot);
        let known = ours && since <= world.generation() && world.removed_since(since).is_some();
        Some(if known { Self::Known(since) } else { Self::Unknown })
    }
}

/// Answers from one snapshot. Only the look at the file of the config, at most once in a second, may take a moment.
pub(super) async fn status(
    State(app): State<AppState>,
    known: IfNoneMatch,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let wanted = Wanted::of(&asked)?;
    let reader = app.context.supervisor.reader();
    let wall = app.wall();
    // Nothing of the processes changes without a commit, so the number of the last one is enough.
    if wanted.parts.are_only(Part::Processes) && !known.is_none() {
        let tag = app.answers.tag(reader.latest(), wall, &[]);
        if known.has(&tag) {
            return Ok(not_modified(&tag));
        }
    }
    let host = match wanted.parts.has(Part::Host) {
        true => Some(host::described(&app.context).await),
        false => None,
    };
    let world = reader.snapshot();
    let chosen = match wanted.targets.is_empty() {
        true => None,
        false => Some(select(&world, &wanted.targets)?),
    };
    let since = Since::of(&asked, &app, &world);
    let rest = rest(&app, &world, &wanted, chosen.as_deref(), host);
    let tag = app.answers.tag(world.generation(), wall, &rest);
    if known.has(&tag) {
        return Ok(not_modified(&tag));
    }
    let head = head(&app, &world, wall, since, wanted.parts.has(Part::Processes));
    let processes = match wanted.parts.has(Part::Processes) {
        true => processes(&app, &world, &wanted, chosen.as_deref(), since, wall),
        false => Bytes::new(),
    };
    let body = Body::new(Pieces::of([head.into(), processes, rest.into()]));
    Ok(([(CONTENT_TYPE, "application/json"), (ETAG, tag.as_str())], body).into_response())
}

fn not_modified(tag: &Tag) -> Response {
    (StatusCode::NOT_MODIFIED, [(ETAG, tag.as_str())]).into_response()
}

/// Returns the answer up to the processes.
fn head(app: &AppState, world: &Snapshot, wall: Wall, since: Option<Since>, processes: bool) -> Vec<u8> {
    let mut to = Vec::with_capacity(160);
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
            push(&mut to, "whole", &false);
            push(&mut to, "removed", &names);
        }
    }
    if processes {
        to.extend_from_slice(br#","processes":"#);
    }
    to
}

/// Returns the array of the wanted processes.
fn processes(
    app: &AppState,
    world: &Snapshot,
    wanted: &Wanted,
    chosen: Option<&[ProcessId]>,
    since: Option<Since>,
    wall: Wall,
) -> Bytes {
    let fragments = &app.answers.fragments;
    let fields = wanted.fields.as_ref();
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
fn rest(
    app: &AppState,
    world: &Snapshot,
    wanted: &Wanted,
    chosen: Option<&[ProcessId]>,
    host: Option<api::Host>,
) -> Vec<u8> {
    let mut to = Vec::with_capacity(512);
    if wanted.parts.has(Part::Replicas) {
        let names = chosen.map(|chosen| {
            let names = chosen.iter().filter_map(|id| world.get(*id)).map(|state| &**state.name());
            names.filter_map(replica_of).map(|(base, _)| base).collect::<HashSet<&str>>()
        });
        let sets = app.context.supervisor.replica_sets();
        let sets = sets.iter().filter(|set| names.as_ref().is_none_or(|names| names.contains(&*set.name)));
        push(&mut to, "replicas", &sets.map(|set| convert::replicas(set, world)).collect::<Vec<_>>());
    }
    if wanted.parts.has(Part::Plugins) {
        to.extend_from_slice(br#","plugins":"#);
        to.extend_from_slice(&app.plugins(world.generation()));
    }
    if wanted.parts.has(Part::Usage) {
        to.extend_from_slice(br#","usage":"#);
        to.extend_from_slice(&usage::json(app, chosen));
    }
    if let Some(host) = host {
        to.extend_from_slice(br#","host":"#);
        to.extend_from_slice(&app.answers.host.rendered(host, api::Host::clone));
        let listing = app.context.supervisor.listing();
        // Usually snapshots have the order of the config.
        if !listing.is_of_snapshots {
            to.extend_from_slice(br#","order":"#);
            to.extend_from_slice(&app.answers.order.rendered(listing, |listing| listing.names.clone()));
        }
    }
    to.push(b'}');
    to
}

/// Appends a member of an object that has one already.
fn push(to: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    let _ = write!(to, r#","{name}":"#);
    // No type of the API has a map key that JSON cannot represent.
    let _ = serde_json::to_writer(to, value);
}
