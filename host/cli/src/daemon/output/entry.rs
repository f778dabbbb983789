//! The entries of an output, and their layout as lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::Level;

use crate::render::style::{Paint, Style};

/// One line of an output.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A line of the host's log.
    Event(Event),
    /// Bytes as they are: the output of a process, a report.
    Raw(Box<[u8]>),
    /// The number of lines that were dropped because they did not fit.
    Dropped(u64),
    /// The line before was repeated.
    Repeated {
        /// The number of repetitions.
        times: u64,
        /// The time of the last repetition, in milliseconds since the Unix epoch.
        at_ms: u64,
    },
}

/// A line of the host's log, before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its time, in milliseconds since the Unix epoch.
    pub(crate) at_ms: u64,
    pub(crate) level: Level,
    /// The plugin that logged it; `None` for the host.
    pub(crate) name: Option<String>,
    /// One line, without control characters.
    pub(crate) text: String,
}

impl Event {
    /// Creates an event of the host itself, with the current time.
    pub(crate) fn of_host(level: Level, text: String) -> Self {
        Self { at_ms: now_ms(), level, name: None, text }
    }

    /// Whether both are equal except for their times.
    pub(super) fn is_repetition_of(&self, other: &Self) -> bool {
        self.level == other.level && self.name == other.name && self.text == other.text
    }
}

impl Entry {
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.text.len() + event.name.as_ref().map_or(0, String::len),
            Self::Raw(bytes) => bytes.len(),
            Self::Dropped(_) | Self::Repeated { .. } => 0,
        }
    }
}

/// The layout of the lines of an output.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) paint: Paint,
    /// The width of the names, in columns; it is set when the config has been read.
    pub(crate) width: Arc<AtomicUsize>,
    /// Whether lines begin with their time.
    pub(crate) timed: bool,
    /// Makes the text about dropped lines from their number.
    pub(crate) dropped: fn(u64) -> String,
}

impl Layout {
    /// Renders one entry, with its newline.
    pub(super) fn render(&self, entry: &Entry) -> Vec<u8> {
        match entry {
            Entry::Event(event) => {
                self.line(event.at_ms, event.level, event.name.as_deref(), &event.text).into()
            }
            Entry::Raw(bytes) => bytes.to_vec(),
            Entry::Dropped(count) => self.line(now_ms(), Level::WARN, None, &(self.dropped)(*count)).into(),
            Entry::Repeated { times, at_ms } => {
                let times = if *times == 1 { "once more".to_owned() } else { format!("{times} times") };
                self.line(*at_ms, Level::INFO, None, &format!("the line before was repeated {times}")).into()
            }
        }
    }

    /// Formats a line as `NAME ◆ message`.
    fn line(&self, at_ms: u64, level: Level, name: Option<&str>, text: &str) -> String {
        let (style, word) = match level {
            Level::ERROR => (Style::BoldRed, "error: "),
            Level::WARN => (Style::Yellow, "warning: "),
            Level::INFO => (Style::Dim, ""),
            Level::DEBUG => (Style::Dim, "debug: "),
            Level::TRACE => (Style::Dim, "trace: "),
        };
        let time = if self.timed { provost_supervisor::rfc3339(at_ms) + " " } else { String::new() };
        let width = self.width.load(Ordering::Relaxed);
        let name = self.paint.text(Style::Dim, &format!("{:<width$}", name.unwrap_or("provost")));
        let (mark, word) = (self.paint.text(style, "◆"), self.paint.text(style, word));
        format!("{time}{name} {mark} {word}{text}\n")
    }
}

pub(crate) fn now_ms() -> u64 {
    provost_supervisor::Clock::new().now().wall_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_name_of_its_source() {
        let layout = |timed| Layout {
            paint: Paint::OFF,
            width: Arc::new(8.into()),
            timed,
            dropped: |count| format!("{count} lines were dropped"),
        };
        let event = |level, name: Option<&str>, text: &str| {
            Entry::Event(Event { at_ms: 0, level, name: name.map(Into::into), text: text.into() })
        };
        let entries = [
            event(Level::INFO, None, "3 processes"),
            event(Level::WARN, Some("notify"), "web failed"),
            Entry::Raw(b"web | \xff\n"[..].into()),
            Entry::Repeated { times: 2, at_ms: 0 },
            Entry::Repeated { times: 1, at_ms: 0 },
            Entry::Dropped(4),
        ];
        let text = entries.iter().flat_map(|entry| layout(false).render(entry)).collect::<Vec<_>>();
        insta::assert_snapshot!(String::from_utf8_lossy(&text), @r"
        provost  ◆ 3 processes
        notify   ◆ warning: web failed
        web | �
        provost  ◆ the line before was repeated 2 times
        provost  ◆ the line before was repeated once more
        provost  ◆ warning: 4 lines were dropped
        ");
        let timed = layout(true).render(&entries[0]);
        assert_eq!(String::from_utf8(timed).unwrap(), "1970-01-01T00:00:00.000Z provost  ◆ 3 processes\n");
    }
}
