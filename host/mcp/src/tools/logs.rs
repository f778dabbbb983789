//! Searching and reading output.

use provost_api::client::LogsOf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{About, ToolEntry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::reading::lines::{LogLine, literal};
use crate::reading::ranking::Words;
use crate::reading::search::{LogsFound, LogsWanted, read};
use crate::{page, time};

/// The order of found lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// The newest lines first.
    #[default]
    Newest,
    /// The lines first that match `text` best. `text` is words then, and a line that contains any of them matches. The newest 2,000
    /// of these lines are ranked (BM25).
    Relevance,
}

/// Arguments of `logs_search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Only lines that contain this text; with the order `relevance`, any of its words.
    #[serde(default)]
    text: Option<String>,
    /// Only lines that match this regular expression (syntax of the Rust crate `regex`); not together with `text`.
    #[serde(default)]
    regex: Option<String>,
    /// Whether upper and lower case are the same. False by default.
    #[serde(default)]
    ignore_case: bool,
    /// Which lines come first: `newest` (the default) or `relevance`, which needs `text`.
    #[serde(default)]
    order: Order,
    /// Names of processes, `NAME:*` for a group; all processes if it is left out.
    #[serde(default)]
    names: Vec<String>,
    /// Only lines of this time or later: a span before now such as `15m`, or RFC 3339.
    #[serde(default)]
    since: Option<String>,
    /// The most lines of the result: 1 to 500, by default 100.
    #[serde(default)]
    limit: Option<u32>,
    /// The `next_cursor` of the former page, for more lines.
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
    /// `newest_first`, `oldest_first` or `relevance`.
    order: String,
    /// The lines.
    lines: Vec<LogLine>,
    /// The cursor of the page with more lines, if there is one.
    next_cursor: Option<String>,
    /// Whether everything that was asked for was searched. If not, the search ran out of time (10 seconds) or found more lines than
    /// can be ranked: `next_cursor` goes on with the other processes or lines. A later `since` or fewer `names` make it faster.
    complete: bool,
    /// With the order `relevance`: the number of lines that were ranked, of which `lines` are the best.
    ranked: Option<usize>,
}

async fn logs_search(caller: Caller, asked: Search) -> Result<Lines, Fault> {
    let ranked_by = ranking(&asked)?;
    let pattern = match (asked.text, asked.regex, &ranked_by) {
        (Some(_), Some(_), _) => {
            return Err(Fault::bad_request("`text` and `regex` exclude each other", "leave one of them out"));
        }
        (_, None, Some(words)) => Some(words.iter().map(literal).collect::<Vec<_>>().join("|")),
        (Some(text), None, None) => Some(literal(&text)),
        (None, regex, _) => regex,
    };
    let pattern = pattern.map(|pattern| if asked.ignore_case { format!("(?i:{pattern})") } else { pattern });
    let since = asked.since.map(|since| time::read("since", &since, time::now())).transpose()?;
    let (of, limit) = (LogsOf::Processes(asked.names), page::limit(asked.limit)?);
    let wanted = LogsWanted { of, since, pattern, ranked_by, limit, cursor: asked.cursor };
    let order = if asked.order == Order::Relevance { "relevance" } else { "newest_first" };
    Ok(Lines::of(order, read(&caller.client, wanted).await?))
}

/// Returns the words by which found lines are ranked, if they are.
fn ranking(asked: &Search) -> Result<Option<Words>, Fault> {
    match (asked.order, &asked.text) {
        (Order::Newest, _) => Ok(None),
        (Order::Relevance, Some(text)) => Words::of(text, asked.ignore_case).map(Some),
        (Order::Relevance, None) => {
            let hint = "name the words to look for in `text`";
            Err(Fault::bad_request("the order `relevance` needs `text`", hint))
        }
    }
}

async fn logs_tail(caller: Caller, asked: Tail) -> Result<Lines, Fault> {
    if asked.host && !asked.names.is_empty() {
        return Err(Fault::bad_request("`host` and `names` exclude each other", "leave one of them out"));
    }
    let of = if asked.host { LogsOf::Host } else { LogsOf::Processes(asked.names) };
    let limit = page::limit(asked.limit)?;
    let wanted = LogsWanted { of, since: None, pattern: None, ranked_by: None, limit, cursor: asked.cursor };
    let mut found = read(&caller.client, wanted).await?;
    found.lines.reverse();
    Ok(Lines::of("oldest_first", found))
}

impl Lines {
    fn of(order: &str, found: LogsFound) -> Self {
        let LogsFound { lines, next_cursor, complete, ranked } = found;
        Self { order: order.to_owned(), lines, next_cursor, complete, ranked }
    }
}

pub(super) fn entries() -> [ToolEntry; 2] {
    [
        ToolEntry::new(
            About::reading(
                "logs_search",
                "Search output",
                "Searches the output of one, several or all processes for a text or a regular expression. The newest lines come first, or those that match best.",
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
