//! Streams the lines that processes write, and those of the host's own log.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use provost_supervisor::{HOST_LOG, LogItem, LogPattern, LogQuery, LogReader, POSITIONS_MAX, Positions};
use schemars::JsonSchema;
use serde::Deserialize;

use super::context::AppState;
use super::extract::{Flag, is_on, targets, time_ms};
use super::framing::{Accepted, Framing};
use super::refused::Refused;
use super::select::select_or_all;
use super::streaming::{Source, body_of};
use crate::convert;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsQuery {
    /// Targets, separated by commas; none mean all processes.
    #[serde(default)]
    select: String,
    /// Whether to continue with new lines.
    #[serde(default)]
    follow: Option<Flag>,
    /// The number of past lines of each process, counted after filtering.
    #[serde(default = "ten")]
    n: usize,
    /// Only lines at or after this time (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    /// Only lines before this time (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
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

/// Lines of output.
struct Output {
    lines: LogReader,
    framing: Framing,
    /// The processes of which a resumed stream does not know what its client has.
    unknown: Vec<Arc<str>>,
}

impl Output {
    /// Appends an item with the id from which the stream can be resumed after it, if there is one.
    fn push(&self, to: &mut Vec<u8>, item: LogItem) {
        let id = self.lines.resumable_after(&item);
        let item = convert::log_item(item);
        match id {
            // No type of the API has a map key that JSON cannot represent.
            Some(id) => self.framing.push(to, id, |to| drop(serde_json::to_writer(to, &item))),
            None => self.framing.push_json(to, &item),
        }
    }
}

impl Source for Output {
    async fn next(&mut self) -> Option<Bytes> {
        let mut bytes = Vec::new();
        for process in std::mem::take(&mut self.unknown) {
            self.push(&mut bytes, LogItem::Missed { process, lines: None });
        }
        if bytes.is_empty() {
            let first = self.lines.recv().await?;
            self.push(&mut bytes, first);
        }
        // Lines that are already available are sent together.
        while bytes.len() < 64 << 10
            && let Some(item) = self.lines.try_recv()
        {
            self.push(&mut bytes, item);
        }
        Some(bytes.into())
    }

    fn finish(&mut self) {
        self.lines.close();
    }
}

pub(super) async fn logs(
    State(app): State<AppState>,
    accepted: Accepted,
    Query(query): Query<LogsQuery>,
) -> Result<Response, Refused> {
    let supervisor = &app.context.supervisor;
    let follow = is_on(query.follow);
    let of_host = is_on(query.host) || query.plugin.is_some();
    let wanted = wanted(&query)?;
    let framing = accepted.of_list("lines", follow)?;
    let mut unknown = Vec::new();
    let last: Option<Positions> = accepted.last_event_id().and_then(|id| id.parse().ok());
    let lines = if of_host {
        if !query.select.is_empty() {
            let what = "`select` names processes, and `host` and `plugin` ask for the host's own log";
            return Err(Refused::bad_request(what.to_owned()));
        }
        // A place of another log is not one of this log.
        let after = last.as_ref().filter(|after| after.has(HOST_LOG));
        if accepted.last_event_id().is_some() && after.is_none() {
            unknown.push(Arc::from(HOST_LOG));
        }
        let lines = supervisor.logs().follow_host(wanted, follow, after);
        lines.ok_or_else(|| Refused::bad_request("the log of the host itself is not available".to_owned()))?
    } else {
        let snapshot = supervisor.reader().snapshot();
        let chosen = select_or_all(&snapshot, &targets(&query.select))?;
        let is_resumable = framing == Framing::Events && chosen.len() <= POSITIONS_MAX;
        let after = last.filter(|_| is_resumable);
        if accepted.last_event_id().is_some() && after.is_none() {
            let names = chosen.iter().filter_map(|id| snapshot.get(*id)).map(|state| state.name().clone());
            unknown.extend(names);
        }
        match is_resumable {
            true => supervisor.logs().follow_resumably(&chosen, wanted, follow, after),
            false => supervisor.logs().follow(&chosen, wanted, follow),
        }
    };
    body_of(Output { lines, framing, unknown }, framing, app)
}

fn wanted(query: &LogsQuery) -> Result<LogQuery, Refused> {
    let pattern = query.grep.as_deref().map(LogPattern::new).transpose();
    Ok(LogQuery {
        lines: query.n,
        since_ms: time_ms("since", query.since.as_deref())?,
        until_ms: time_ms("until", query.until.as_deref())?,
        pattern: pattern.map_err(|error| Refused::bad_request(error.to_string()))?,
        plugin: query.plugin.clone(),
    })
}
