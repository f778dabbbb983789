//! The last lines of logs, within a bound of lines and of bytes.

use std::collections::VecDeque;

use provost_api::{LogItem, LogStream};

/// The most lines that are kept.
const LINES_MAX: usize = 20_000;

/// The most bytes of text that are kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A line of a log, or a note in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line of output.
    Output {
        /// The process.
        process: String,
        /// Whether it was written to standard error.
        is_error: bool,
        /// When the host read it.
        at: String,
        /// The text, which is foreign; base64 of a line that is not UTF-8.
        text: String,
    },
    /// A note about the stream itself.
    Note(String),
    /// A mark that the user has set at this time (milliseconds since the Unix epoch).
    Mark(u64),
}

impl Line {
    fn of(item: LogItem) -> Option<Self> {
        Some(match item {
            LogItem::Text { process, stream, at, text, .. } => {
                Self::Output { process, is_error: stream == LogStream::Stderr, at, text }
            }
            LogItem::Binary { process, stream, at, base64, .. } => {
                let text = format!("base64:{base64}");
                Self::Output { process, is_error: stream == LogStream::Stderr, at, text }
            }
            LogItem::Missed { process, missed } => Self::Note(match missed {
                Some(missed) => format!("{process}: {missed} lines were skipped; they are in the log"),
                None => format!("{process}: lines may be missing here"),
            }),
            LogItem::Cleared { process, .. } => Self::Note(format!("{process}: the log was cleared")),
            LogItem::Unknown { .. } => return None,
        })
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Output { process, at, text, .. } => process.len() + at.len() + text.len(),
            Self::Note(text) => text.len(),
            Self::Mark(_) => 8,
        }
    }
}

/// The last lines of a stream, each with a number that it keeps.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The targets whose lines they are.
    of: Vec<String>,
    lines: VecDeque<Line>,
    /// The number of the first line that is kept.
    first: u64,
    bytes: usize,
}

impl Lines {
    /// Begins with the lines of other targets.
    pub(crate) fn begin(&mut self, of: Vec<String>) {
        self.clear();
        self.of = of;
    }

    /// Whether they are the lines of these targets, and not still those of others.
    pub(crate) fn are_of<T: AsRef<str>>(&self, targets: &[T]) -> bool {
        self.of.iter().map(String::as_str).eq(targets.iter().map(AsRef::as_ref))
    }

    /// Adds an item of the stream.
    pub(crate) fn push(&mut self, item: LogItem) {
        if let Some(line) = Line::of(item) {
            self.add(line);
        }
    }

    /// Adds a line, and drops the oldest ones beyond the bounds.
    pub(crate) fn add(&mut self, line: Line) {
        self.bytes += line.bytes();
        self.lines.push_back(line);
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX && self.lines.len() > 1 {
            if let Some(dropped) = self.lines.pop_front() {
                self.bytes -= dropped.bytes();
                self.first += 1;
            }
        }
    }

    /// Forgets all lines; their numbers are not used again.
    pub(crate) fn clear(&mut self) {
        self.first = self.end();
        self.lines.clear();
        self.bytes = 0;
    }

    /// Returns the number of the first line that is kept.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the number after that of the last line.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// Returns the line with this number.
    pub(crate) fn get(&self, number: u64) -> Option<&Line> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.lines.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> LogItem {
        LogItem::Text {
            process: "web".into(),
            stream: LogStream::Stdout,
            at: String::new(),
            text: text.into(),
            partial: false,
        }
    }

    #[test]
    fn the_oldest_lines_are_dropped_beyond_the_bound_and_numbers_stay() {
        let mut lines = Lines::default();
        for number in 0..LINES_MAX + 5 {
            lines.push(line(&number.to_string()));
        }
        assert_eq!((lines.first(), lines.end()), (5, LINES_MAX as u64 + 5));
        assert!(lines.get(4).is_none());
        assert!(matches!(lines.get(5), Some(Line::Output { text, .. }) if text == "5"));
        lines.clear();
        assert_eq!((lines.first(), lines.end()), (LINES_MAX as u64 + 5, LINES_MAX as u64 + 5));
    }

    #[test]
    fn long_lines_are_bounded_by_their_bytes() {
        let mut lines = Lines::default();
        let long = "x".repeat(BYTES_MAX / 2);
        for _ in 0..5 {
            lines.push(line(&long));
        }
        assert!(lines.end() - lines.first() == 1, "two of them exceed the bound with their names");
    }

    #[test]
    fn what_was_missed_or_cleared_is_a_note() {
        let mut lines = Lines::default();
        lines.push(LogItem::Missed { process: "web".into(), missed: Some(3) });
        lines.push(LogItem::Missed { process: "web".into(), missed: None });
        lines.push(LogItem::Unknown { process: "web".into() });
        lines.push(LogItem::Cleared { process: "web".into(), cleared: true });
        assert_eq!(lines.get(0), Some(&Line::Note("web: 3 lines were skipped; they are in the log".into())));
        assert_eq!(lines.get(1), Some(&Line::Note("web: lines may be missing here".into())));
        assert_eq!(lines.get(2), Some(&Line::Note("web: the log was cleared".into())));
    }
}
