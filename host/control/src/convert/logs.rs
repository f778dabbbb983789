//! Converts log lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_api as api;
use provost_supervisor::{LogItem, LogStream, rfc3339};

/// Converts a log item; a line that is not UTF-8 becomes base64.
#[must_use]
pub fn log_item(item: LogItem) -> api::LogItem {
    let line = match item {
        LogItem::Missed { process, lines } => {
            return api::LogItem::Missed { process: process.to_string(), missed: lines };
        }
        LogItem::Cleared { process } => {
            return api::LogItem::Cleared { process: process.to_string(), cleared: true };
        }
        LogItem::Line(line) => line,
    };
    let process = line.process.to_string();
    let stream = match line.stream {
        LogStream::Out => api::LogStream::Stdout,
        LogStream::Err => api::LogStream::Stderr,
    };
    let (at, partial) = (rfc3339(line.at_ms), line.partial);
    match std::str::from_utf8(&line.text) {
        Ok(text) => api::LogItem::Text { process, stream, at, text: text.to_owned(), partial },
        Err(_) => {
            let base64 = STANDARD.encode(&line.text);
            api::LogItem::Binary { process, stream, at, base64, partial }
        }
    }
}
