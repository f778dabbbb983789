//! Streams events and logs as they happen, one JSON object per line.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use provost_state::Generation;
use provost_supervisor::{LogPattern, LogQuery, Supervisor};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::answers::Answers;
use super::context::AppState;
use super::extract::{Flag, is_on, targets};
use super::refused::Refused;
use super::select::select_or_all;
use crate::convert;

/// The number of changes read at once.
const PAGE: usize = 512;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    #[serde(default)]
    follow: Option<Flag>,
    /// Only changes after this generation.
    #[serde(default)]
    since: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsQuery {
    #[serde(default)]
    select: String,
    #[serde(default)]
    follow: Option<Flag>,
    /// The number of past lines of each process, counted after filtering.
    #[serde(default = "ten")]
    n: usize,
    /// Only lines at or after this time (RFC 3339).
    since: Option<String>,
    /// Only lines before this time (RFC 3339).
    until: Option<String>,
    /// Only lines that match this regular expression.
    grep: Option<String>,
    /// Read the host's own log instead of those of processes.
    #[serde(default)]
    host: Option<Flag>,
    /// Read only the lines of this plugin in the host's own log.
    plugin: Option<String>,
}

fn ten() -> usize {
    10
}

/// The state of a streamed body.
struct Lines<T> {
    source: T,
    ended: watch::Receiver<bool>,
    /// The host is ending: the source yields what is buffered and then ends.
    finishing: bool,
    /// The permit of a request that follows or waits.
    _lasting: OwnedSemaphorePermit,
}

/// A source of lines.
pub(super) trait Source: Send + 'static {
    /// Returns the next whole lines, or `None` at the end. Dropping the future before it resolves loses nothing.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;

    /// Stops following; lines that are already there are still returned.
    fn finish(&mut self);
}

/// Streams the lines of a source until it ends or the host does.
pub(super) fn body_of<T: Source>(source: T, app: AppState) -> Result<Response, Refused> {
    let lasting = app.lasting()?;
    Ok(lasting_body(source, app, lasting))
}

/// Does the same with a permit that was acquired before anything was begun.
pub(super) fn lasting_body<T: Source>(source: T, app: AppState, lasting: OwnedSemaphorePermit) -> Response {
    let lines = Lines { source, ended: app.ended, finishing: false, _lasting: lasting };
    let lines = stream::unfold(lines, async |mut lines| {
        if !lines.finishing {
            let more = tokio::select! {
                bytes = lines.source.next() => Some(bytes),
                _ = lines.ended.wait_for(|ended| *ended) => None,
            };
            if let Some(bytes) = more {
                return Some((Ok(bytes?), lines));
            }
            lines.finishing = true;
            lines.source.finish();
        }
        // A slow reader still receives everything up to the end.
        let bytes = lines.source.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), lines))
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(Box::pin(lines))).into_response()
}

/// Appends a value as one line of JSON.
pub(super) fn push_line(bytes: &mut Vec<u8>, item: &impl Serialize) {
    // No type of the API has a map key that JSON cannot represent.
    if serde_json::to_writer(&mut *bytes, item).is_ok() {
        bytes.push(b'\n');
    }
}

/// The changes after a cursor, and with `follow` all later ones.
struct Events {
    supervisor: Supervisor,
    answers: Arc<Answers>,
    changed: watch::Receiver<Generation>,
    cursor: Generation,
    follow: bool,
}

impl Source for Events {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.changed.mark_unchanged();
            let page = self.supervisor.reader().changes_since(self.cursor, PAGE);
            self.cursor = page.cursor;
            let mut bytes = Vec::new();
            if page.missed > 0 {
                push_line(&mut bytes, &convert::missed(page.missed));
            }
            let wall = self.answers.anchor.at(self.supervisor.now());
            for change in &page.changes {
                self.answers.lines.push(change, wall, &mut bytes);
            }
            if !bytes.is_empty() {
                return Some(bytes.into());
            }
            if !self.follow {
                return None;
            }
            self.changed.changed().await.ok()?;
        }
    }

    fn finish(&mut self) {
        self.follow = false;
    }
}

pub(super) async fn events(
    State(app): State<AppState>,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Refused> {
    let supervisor = &app.context.supervisor;
    let events = Events {
        supervisor: supervisor.clone(),
        answers: app.answers.clone(),
        changed: supervisor.changed(),
        cursor: Generation(query.since),
        follow: is_on(query.follow),
    };
    body_of(events, app)
}

/// Lines of output.
struct Output(provost_supervisor::LogReader);

impl Source for Output {
    async fn next(&mut self) -> Option<Bytes> {
        let mut bytes = Vec::new();
        let first = self.0.recv().await?;
        push_line(&mut bytes, &convert::log_item(first));
        // Lines that are already available are sent together.
        while bytes.len() < 64 << 10
            && let Some(item) = self.0.try_recv()
        {
            push_line(&mut bytes, &convert::log_item(item));
        }
        Some(bytes.into())
    }

    fn finish(&mut self) {
        self.0.close();
    }
}

pub(super) async fn logs(
    State(app): State<AppState>,
    Query(query): Query<LogsQuery>,
) -> Result<Response, Refused> {
    let supervisor = &app.context.supervisor;
    let follow = is_on(query.follow);
    let of_host = is_on(query.host) || query.plugin.is_some();
    let wanted = wanted(&query)?;
    let lines = if of_host {
        if !query.select.is_empty() {
            let what = "`select` names processes, and `host` and `plugin` ask for the host's own log";
            return Err(Refused::bad_request(what.to_owned()));
        }
        let lines = supervisor.logs().follow_host(wanted, follow);
        lines.ok_or_else(|| Refused::bad_request("the log of the host itself is not available".to_owned()))?
    } else {
        let chosen = select_or_all(&supervisor.reader().snapshot(), &targets(&query.select))?;
        supervisor.logs().follow(&chosen, wanted, follow)
    };
    body_of(Output(lines), app)
}

fn wanted(query: &LogsQuery) -> Result<LogQuery, Refused> {
    let ms = |key: &str, time: &Option<String>| match time.as_deref().map(str::parse::<jiff::Timestamp>) {
        None => Ok(None),
        Some(Ok(time)) => Ok(Some(u64::try_from(time.as_millisecond()).unwrap_or(0))),
        Some(Err(_)) => Err(Refused::bad_request(format!(
            "`{key}` is not an RFC 3339 time, such as 2026-11-25T14:05:30Z"
        ))),
    };
    let pattern = query.grep.as_deref().map(LogPattern::new).transpose();
    Ok(LogQuery {
        lines: query.n,
        since_ms: ms("since", &query.since)?,
        until_ms: ms("until", &query.until)?,
        pattern: pattern.map_err(|error| Refused::bad_request(error.to_string()))?,
        plugin: query.plugin.clone(),
    })
}
