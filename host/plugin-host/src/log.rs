//! The host's side of `log`: lines of plugins, named, tamed and bounded.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use provost_state::text;

use crate::bindings::log::Level;
use crate::clock;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 4096;

/// What a plugin has written in the current second.
#[derive(Debug, Default)]
struct Second {
    since: Duration,
    lines: u32,
    dropped: u64,
}

/// What is to be done with a line.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Let it through, and say first that so many were dropped before it.
    Write {
        dropped_before: u64,
    },
    Drop,
}

impl Second {
    fn admit(&mut self, now: Duration, lines_per_second: u32) -> Verdict {
        let mut dropped_before = 0;
        if now.saturating_sub(self.since) >= Duration::from_secs(1) {
            dropped_before = self.dropped;
            *self = Self { since: now, lines: 0, dropped: 0 };
        }
        if self.lines >= lines_per_second {
            self.dropped += 1;
            return Verdict::Drop;
        }
        self.lines += 1;
        Verdict::Write { dropped_before }
    }
}

/// The lines of one plugin, over all of its instances.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    second: Mutex<Second>,
}

impl Lines {
    /// Writes one line into the host's log, or counts it among the `dropped`.
    pub(crate) fn write(
        &self,
        plugin: &str,
        level: Level,
        message: &str,
        lines_per_second: u32,
        dropped: &AtomicU64,
    ) {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = second.admit(clock::monotonic(), lines_per_second);
        drop(second);
        let Verdict::Write { dropped_before } = verdict else {
            dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if dropped_before > 0 {
            tracing::warn!(
                target: "provost::plugin",
                plugin,
                "{dropped_before} lines dropped: more than {lines_per_second} a second"
            );
        }
        let line = tame(message, LINE_BYTES_MAX);
        match level {
            Level::Trace => tracing::trace!(target: "provost::plugin", plugin, "{line}"),
            Level::Debug => tracing::debug!(target: "provost::plugin", plugin, "{line}"),
            Level::Info => tracing::info!(target: "provost::plugin", plugin, "{line}"),
            Level::Warn => tracing::warn!(target: "provost::plugin", plugin, "{line}"),
            Level::Error => tracing::error!(target: "provost::plugin", plugin, "{line}"),
        }
    }
}

/// Text of a plugin as it may stand in a log or on a terminal: in one line, cut to `bytes_max` bytes at a character, with a
/// space for each character that a terminal would obey or a reader would not see ([`provost_state::text`]).
pub(crate) fn tame(text: &str, bytes_max: usize) -> String {
    let cut = &text[..text.floor_char_boundary(bytes_max)];
    text::fit(cut.trim_end(), ' ').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_a_flood_says_how_many_were_dropped() {
        let mut second = Second::default();
        let at = Duration::from_millis;
        for _ in 0..3 {
            assert_eq!(second.admit(at(5), 3), Verdict::Write { dropped_before: 0 });
        }
        assert_eq!(second.admit(at(6), 3), Verdict::Drop);
        assert_eq!(second.admit(at(999), 3), Verdict::Drop);
        assert_eq!(second.admit(at(1_005), 3), Verdict::Write { dropped_before: 2 });
        assert_eq!(second.admit(at(1_006), 3), Verdict::Write { dropped_before: 0 });
    }

    #[test]
    fn text_is_cut_at_a_character_and_cannot_steer_a_terminal() {
        assert_eq!(tame("äöü", 3), "ä");
        assert_eq!(tame("two\nlines\n", 100), "two lines");
        assert_eq!(tame("\u{1b}[2Jgone", 100), " [2Jgone");
        assert_eq!(tame("a\u{202e}b\u{200b}c\u{feff}", 100), "a b c ");
    }
}
