//! Streams the lines that processes write, and those of the host's own log.

use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use provost_supervisor::{LogPattern, LogQuery};
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
struct Output(provost_supervisor::LogReader, Framing);

impl Source for Output {
    async fn next(&mut self) -> Option<Bytes> {
        let mut bytes = Vec::new();
        let first = self.0.recv().await?;
        self.1.push_json(&mut bytes, &convert::log_item(first));
        // Lines that are already available are sent together.
        while bytes.len() < 64 << 10
            && let Some(item) = self.0.try_recv()
        {
            self.1.push_json(&mut bytes, &convert::log_item(item));
        }
        Some(bytes.into())
    }

    fn finish(&mut self) {
        self.0.close();
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
    let framing = accepted.of_list("lines", follow)?;
    body_of(Output(lines, framing), framing, app)
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
