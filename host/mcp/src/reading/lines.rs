//! Lines of output as clients get them, and reading them from the host.

use std::collections::VecDeque;

use provost_api::LogItem;
use provost_api::client::{Client, LogsAsked};
use schemars::JsonSchema;
use serde::Serialize;

use crate::fault::Fault;
use crate::page;

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

/// Reads the last lines that are asked for, oldest first.
///
/// # Errors
/// [`Fault`] of the API.
pub(super) async fn newest(client: &Client, asked: &LogsAsked) -> Result<VecDeque<LogLine>, Fault> {
    let mut newest = VecDeque::new();
    let mut items = client.logs(asked).await?;
    while let Some(item) = items.next().await? {
        newest.extend(line_of(item));
        if newest.len() > asked.lines {
            newest.pop_front();
        }
    }
    Ok(newest)
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

    #[test]
    fn a_literal_pattern_escapes_what_has_a_meaning() {
        assert_eq!(literal("a.b*[c] ä_1"), r"a\.b\*\[c\] ä\_1");
    }
}
