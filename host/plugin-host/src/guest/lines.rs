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

/// The lines of one plugin, over all of its instances.
#[derive(Debug, Default)]
pub(crate) struct LogLines {
    second: Mutex<Second>,
}

impl LogLines {
    /// Writes one line into the host's log; returns false if it was dropped instead.
    pub(crate) fn write(&self, plugin: &str, level: Level, message: &str, lines_per_second: u32) -> bool {
        let mut second = self.second.lock();
        let throttled = second.admit(clock::monotonic(), lines_per_second);
        drop(second);
        let Throttled::Write { dropped_before } = throttled else {
            return false;
        };
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
