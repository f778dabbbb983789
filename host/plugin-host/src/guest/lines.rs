//! The lines of a plugin in the host's log: named, sanitized, and bounded in number.

use std::time::Duration;

use parking_lot::Mutex;

use crate::clock;
use crate::text::sanitize;

use super::bindings::log::Level;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// The lines that a plugin has written in the current second.
#[derive(Debug, Default)]
struct Second {
    since: Duration,
    lines: u32,
    dropped: u64,
}

/// The decision about a line.
#[derive(Debug, PartialEq, Eq)]
enum Throttled {
    /// Write it, after a line that reports how many were dropped before.
    Write {
        dropped_before: u64,
    },
    Drop,
}

impl Second {
    fn admit(&mut self, now: Duration, lines_per_second: u32) -> Throttled {
        let mut dropped_before = 0;
        if now.saturating_sub(self.since) >= Duration::from_secs(1) {
            dropped_before = self.dropped;
            *self = Self { since: now, lines: 0, dropped: 0 };
        }
        if self.lines >= lines_per_second {
            self.dropped += 1;
            return Throttled::Drop;
        }
        self.lines += 1;
        Throttled::Write { dropped_before }
    }
}

/// A line that a plugin has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginLine {
    /// Its severity, as one word: `trace`, `debug`, `info`, `warn` or `error`.
    pub level: &'static str,
    /// Its text, as the host's log would have it.
    pub text: String,
}

/// The lines of one plugin, over all of its instances.
#[derive(Debug, Default)]
pub(crate) struct LogLines {
    second: Mutex<Second>,
    /// Where the lines are kept instead of the host's log, if they are.
    kept: Option<Mutex<Vec<PluginLine>>>,
}

impl LogLines {
    /// Returns lines that are kept until they are taken, and are not written into the host's log.
    pub(crate) fn kept() -> Self {
        Self { kept: Some(Mutex::default()), ..Self::default() }
    }

    /// Takes the lines that were kept, with the number of those that were dropped since they were last taken. The next line
    /// begins a new second.
    pub(crate) fn take(&self) -> (Vec<PluginLine>, u64) {
        let second = std::mem::take(&mut *self.second.lock());
        let lines = self.kept.as_ref().map(|kept| std::mem::take(&mut *kept.lock()));
        (lines.unwrap_or_default(), second.dropped)
    }

    /// Writes one line into the host's log; returns false if it was dropped instead.
    pub(crate) fn write(&self, plugin: &str, level: Level, message: &str, lines_per_second: u32) -> bool {
        let mut second = self.second.lock();
        let throttled = second.admit(clock::monotonic(), lines_per_second);
        drop(second);
        let Throttled::Write { dropped_before } = throttled else {
            return false;
        };
        if let Some(kept) = &self.kept {
            let line = PluginLine { level: word(level), text: sanitize(message, LINE_BYTES_MAX) };
            kept.lock().push(line);
            return true;
        }
        if dropped_before > 0 {
            tracing::warn!(
                target: "provost::plugin",
                plugin,
                "{dropped_before} lines dropped: more than {lines_per_second} a second"
            );
        }
        let line = sanitize(message, LINE_BYTES_MAX);
        match level {
            Level::Trace => tracing::trace!(target: "provost::plugin", plugin, "{line}"),
            Level::Debug => tracing::debug!(target: "provost::plugin", plugin, "{line}"),
            Level::Info => tracing::info!(target: "provost::plugin", plugin, "{line}"),
            Level::Warn => tracing::warn!(target: "provost::plugin", plugin, "{line}"),
            Level::Error => tracing::error!(target: "provost::plugin", plugin, "{line}"),
        }
        true
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_a_flood_says_how_many_were_dropped() {
        let mut second = Second::default();
        let at = Duration::from_millis;
        for _ in 0..3 {
            assert_eq!(second.admit(at(5), 3), Throttled::Write { dropped_before: 0 });
        }
        assert_eq!(second.admit(at(6), 3), Throttled::Drop);
        assert_eq!(second.admit(at(999), 3), Throttled::Drop);
        assert_eq!(second.admit(at(1_005), 3), Throttled::Write { dropped_before: 2 });
        assert_eq!(second.admit(at(1_006), 3), Throttled::Write { dropped_before: 0 });
    }
}
