//! Searching and reading output.

use provost_api::client::LogsOf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, ToolEntry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::reading::logs::{LogLine, LogsFound, LogsWanted, literal, read};
use crate::{page, time};

/// Arguments of `logs_search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Only lines that contain this text.
    #[serde(default)]
    text: Option<String>,
    /// Only lines that match this regular expression (syntax of the Rust crate `regex`); not together with `text`.
    #[serde(default)]
    regex: Option<String>,
    /// Whether upper and lower case are the same. False by default.
    #[serde(default)]
    ignore_case: bool,
    /// Names of processes, `NAME:*` for a group; all processes if it is left out.
    #[serde(default)]
    names: Vec<String>,
    /// Only lines of this time or later: a span before now such as `15m`, or RFC 3339.
    #[serde(default)]
    since: Option<String>,
    /// The most lines of the result: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page, for older lines.
    #[serde(default)]
    cursor: Option<String>,
}

/// Arguments of `logs_tail`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tail {
    /// Names of processes, `NAME:*` for a group; all processes if it is left out.
    #[serde(default)]
    names: Vec<String>,
    /// Whether to read the host's own log instead: starts, exits, decisions, and what plugins logged.
    #[serde(default)]
    host: bool,
    /// The number of lines: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page, for older lines.
    #[serde(default)]
    cursor: Option<String>,
}

/// The result of `logs_search` and `logs_tail`.
#[derive(Debug, Serialize, JsonSchema)]
struct Lines {
    /// `newest_first` or `oldest_first`. Lines are not ranked.
    order: String,
    /// The lines.
    lines: Vec<LogLine>,
    /// The cursor of the page with older lines, if there is one.
    next_cursor: Option<String>,
    /// Whether the search was ended by its limit of 10 seconds, so that lines are missing. A later `since` or fewer `names`
    /// make it faster.
    incomplete: bool,
}

fn targets(names: Vec<String>) -> LogsOf {
    LogsOf::Processes(if names.is_empty() { vec!["all".to_owned()] } else { names })
}

async fn logs_search(caller: Caller, asked: Search) -> Result<Lines, Fault> {
    let pattern = match (asked.text, asked.regex) {
        (Some(_), Some(_)) => {
            return Err(Fault::bad_request("`text` and `regex` exclude each other", "leave one of them out"));
        }
        (Some(text), None) => Some(literal(&text)),
        (None, regex) => regex,
    };
    let pattern = pattern.map(|pattern| if asked.ignore_case { format!("(?i:{pattern})") } else { pattern });
    let since = asked.since.map(|since| time::read("since", &since, time::now())).transpose()?;
    let limit = page::limit(asked.limit);
    let wanted = LogsWanted { of: targets(asked.names), since, pattern, limit, cursor: asked.cursor };
    let LogsFound { lines, next_cursor, incomplete } = read(&caller.client, wanted).await?;
    Ok(Lines { order: "newest_first".to_owned(), lines, next_cursor, incomplete })
}

async fn logs_tail(caller: Caller, asked: Tail) -> Result<Lines, Fault> {
    if asked.host && !asked.names.is_empty() {
        return Err(Fault::bad_request("`host` and `names` exclude each other", "leave one of them out"));
    }
    let of = if asked.host { LogsOf::Host } else { targets(asked.names) };
    let limit = page::limit(asked.limit);
    let wanted = LogsWanted { of, since: None, pattern: None, limit, cursor: asked.cursor };
    let LogsFound { mut lines, next_cursor, incomplete } = read(&caller.client, wanted).await?;
    lines.reverse();
    Ok(Lines { order: "oldest_first".to_owned(), lines, next_cursor, incomplete })
}

pub(super) fn entries() -> [ToolEntry; 2] {
    [
        ToolEntry::new(
            About::reading(
                "logs_search",
                "Search output",
                "Searches the output of one, several or all processes for a text or a regular expression. The newest lines come first.",
            ),
            logs_search,
        ),
        ToolEntry::new(
            About::reading(
                "logs_tail",
                "Last lines of output",
                "Returns the last lines of output of processes, merged by time with the newest line last, or of the host's own log.",
            ),
            logs_tail,
        ),
    ]
}
