//! The state of processes, replicas, plugins and the host at one generation: everything, some parts, some fields, or only what
//! has changed; once, or again and again.
//!
//! | room | owns |
//! |---|---|
//! | `watch` | the stream of what has changed |
//! | `message` | a message of several pieces |
//! | `render` | the parts of an answer in JSON |
//! | `asked` | what a request asks for |
//! | `parts` | the parts of a status |

mod asked;
mod message;
mod parts;
mod render;
mod watch;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

pub(super) use self::asked::{Asked, ProcessesQuery};
use self::asked::{Since, Wanted};
use self::parts::Part;
use self::watch::Watch;
use super::answers::Tag;
use super::context::AppState;
use super::extract::IfNoneMatch;
use super::framing::Accepted;
use super::host;
use super::pieces::Pieces;
use super::refused::Refused;
use super::select::select_some;
use super::streaming::body_of;

/// Answers from one snapshot, or with a stream. Only the look at the file of the config, at most once in a second, may take a
/// moment.
pub(super) async fn status(
    State(app): State<AppState>,
    known: IfNoneMatch,
    accepted: Accepted,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let wanted = Wanted::of(&asked)?;
    if let Some(framing) = accepted.framing {
        let watch = Watch::begin(&app, wanted, &asked, &accepted, framing)?;
        return body_of(watch, framing, app);
    }
    if asked.every_ms.is_some() {
        let what = "`every_ms` asks for a stream: say so with `Accept: application/x-ndjson` or `Accept: text/event-stream`";
        return Err(Refused::bad_request(what.to_owned()));
    }
    once(&app, &wanted, &asked, &known).await
}

async fn once(
    app: &AppState,
    wanted: &Wanted,
    asked: &Asked,
    known: &IfNoneMatch,
) -> Result<Response, Refused> {
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
    let chosen = select_some(&world, &wanted.targets)?;
    let since = Since::of(asked, app, &world);
    let rest = render::rest(app, &world, wanted.parts, chosen.as_deref(), host);
    let tag = app.answers.tag(world.generation(), wall, &rest);
    if known.has(&tag) {
        return Ok(not_modified(&tag));
    }
    let mut head = Vec::with_capacity(160);
    render::push_head(app, &world, wall, since, &mut head);
    let processes = match wanted.parts.has(Part::Processes) {
        true => {
            head.extend_from_slice(br#","processes":"#);
            render::processes(app, &world, wanted.fields.as_ref(), chosen.as_deref(), since, wall)
        }
        false => Bytes::new(),
    };
    let body = Body::new(Pieces::of([head.into(), processes, rest.into()]));
    Ok(([(CONTENT_TYPE, "application/json"), (ETAG, tag.as_str())], body).into_response())
}

fn not_modified(tag: &Tag) -> Response {
    (StatusCode::NOT_MODIFIED, [(ETAG, tag.as_str())]).into_response()
}
