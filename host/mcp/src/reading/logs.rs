//! Lines of output, newest first and by pages.

use std::collections::VecDeque;
use std::time::Duration;

use provost_api::LogItem;
use provost_api::client::{Client, LogsAsked, LogsOf};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::fault::Fault;
use crate::page::{self, Page};
use crate::time;

/// The longest time that one search takes.
const SEARCH_MAX: Duration = Duration::from_secs(10);

/// The most lines of one millisecond that pages can divide.
const SAME_TIME_MAX: usize = 100_000;

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct LogLine {
    /// When the host read it: RFC 3339 in UTC.
    pub(crate) at: String,
    /// The process that wrote it.
    pub(crate) process: String,
    /// `stdout` or `stderr`.
    pub(crate) stream: String,
    /// The line without colours; other control characters are replaced, and a long line is cut and ends with `…`.
    pub(crate) text: String,
    /// The line in base64 instead, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base64: Option<String>,
}

/// A request for lines.
#[derive(Clone, Debug)]
pub(crate) struct LogsWanted {
    /// The logs to read.
    pub(crate) of: LogsOf,
    /// Only lines at or after this time (RFC 3339).
    pub(crate) since: Option<String>,
    /// Only lines that match this regular expression.
    pub(crate) pattern: Option<String>,
    /// The most lines of the answer.
    pub(crate) limit: usize,
    /// Where the former page ended.
    pub(crate) cursor: Option<String>,
}

/// The lines that were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogsFound {
    /// The lines, newest first.
    pub(crate) lines: Vec<LogLine>,
    /// Where the next page begins, if there are older lines.
    pub(crate) next_cursor: Option<String>,
    /// Whether the search was ended by its time limit, so that lines may be missing.
    pub(crate) incomplete: bool,
}

/// The end of a page: the time of its last line, and how many lines of that time were on this and former pages.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    at: String,
    lines: usize,
}

impl End {
    fn parse(cursor: &str) -> Option<Self> {
        let (at, lines) = cursor.split_once('/')?;
        let lines = lines.parse().ok().filter(|lines| (1..=SAME_TIME_MAX).contains(lines))?;
        time::just_after(at).map(|_| Self { at: at.to_owned(), lines })
    }
}

/// Reads the newest matching lines before the cursor.
///
/// # Errors
/// [`Fault`] of the API, or of a cursor that no page ended with.
pub(crate) async fn read(client: &Client, wanted: LogsWanted) -> Result<LogsFound, Fault> {
    let end = match &wanted.cursor {
        None => None,
        Some(cursor) => Some(End::parse(cursor).ok_or_else(|| page::bad_cursor(cursor))?),
    };
    let skipped = end.as_ref().map_or(0, |end| end.lines);
    let most = wanted.limit + skipped + 1;
    let asked = LogsAsked {
        of: wanted.of,
        lines: most,
        follow: false,
        since: wanted.since,
        until: end.as_ref().and_then(|end| time::just_after(&end.at)),
        grep: wanted.pattern,
    };
    let (newest, incomplete) = newest(client, &asked, most).await?;
    let rest = newest.into_iter().rev().skip(skipped);
    let Page { items: lines, more } = page::first(rest, wanted.limit);
    let next_cursor = if more { after(&lines, end.as_ref()) } else { None };
    Ok(LogsFound { lines, next_cursor, incomplete })
}

/// Returns the last `most` lines of the answer, which come oldest first, and whether the time was too short for all.
async fn newest(client: &Client, asked: &LogsAsked, most: usize) -> Result<(VecDeque<LogLine>, bool), Fault> {
    let deadline = Instant::now() + SEARCH_MAX;
    let mut newest = VecDeque::new();
    let mut items = client.logs(asked).await?;
    loop {
        match tokio::time::timeout_at(deadline, items.next()).await {
            Err(_) => return Ok((newest, true)),
            Ok(item) => {
                let Some(item) = item? else { return Ok((newest, false)) };
                newest.extend(line_of(item));
                if newest.len() > most {
                    newest.pop_front();
                }
            }
        }
    }
}

fn line_of(item: LogItem) -> Option<LogLine> {
    match item {
        LogItem::Text { process, stream, at, text, .. } => {
            let text = page::shown(&text);
            Some(LogLine { at, process, stream: stream.as_str().to_owned(), text, base64: None })
        }
        LogItem::Binary { process, stream, at, mut base64, .. } => {
            // A multiple of four characters is whole bytes.
            base64.truncate(page::LINE_BYTES_MAX);
            let text = "(not UTF-8)".to_owned();
            Some(LogLine { at, process, stream: stream.as_str().to_owned(), text, base64: Some(base64) })
        }
        LogItem::Missed { .. } | LogItem::Cleared { .. } | LogItem::Unknown { .. } => None,
    }
}

/// Returns the cursor after the last of these lines.
fn after(lines: &[LogLine], end: Option<&End>) -> Option<String> {
    let at = &lines.last()?.at;
    let here = lines.iter().rev().take_while(|line| line.at == *at).count();
    // If the whole page is of the time at which the former one ended, its lines count as well.
    let before = end.filter(|end| end.at == *at && here == lines.len()).map_or(0, |end| end.lines);
    Some(format!("{at}/{}", here + before))
}

/// Returns a regular expression that matches exactly `text`.
pub(crate) fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: &str) -> LogLine {
        LogLine {
            at: at.to_owned(),
            process: "web".to_owned(),
            stream: "stdout".to_owned(),
            text: "x".to_owned(),
            base64: None,
        }
    }

    #[test]
    fn a_cursor_counts_all_lines_of_its_time() {
        let (early, late) = ("2026-11-25T14:00:00.000Z", "2026-11-25T14:00:01.000Z");
        let first = after(&[line(late), line(early), line(early)], None).unwrap();
        assert_eq!(End::parse(&first), Some(End { at: early.to_owned(), lines: 2 }));
        let second = after(&[line(early), line(early)], End::parse(&first).as_ref()).unwrap();
        assert_eq!(End::parse(&second), Some(End { at: early.to_owned(), lines: 4 }));
        assert_eq!(after(&[], None), None);
        for bad in
            ["", "x", "2026-11-25T14:00:00Z", "2026-11-25T14:00:00Z/0", "x/1", "2026-11-25T14:00:00Z/-1"]
        {
            assert_eq!(End::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_literal_pattern_escapes_what_has_a_meaning() {
        assert_eq!(literal("a.b*[c] ä_1"), r"a\.b\*\[c\] ä\_1");
    }
}
