//! The first stage of `[journal]`: whether a journal is kept, how much of it, and when it is synced.

use std::time::Duration;

use provost_journal::{Bounds, Sync};

use super::section::Section;
use super::units;

/// The smallest size of a journal: four segments of a useful size.
const BYTES_MIN: u64 = 1 << 20;

/// The longest time until a sync, in milliseconds.
const SYNC_MS_MAX: u64 = 60_000;

const SYNC_HINT: &str = "write sync = \"1s\", which is the default, or sync = \"decision\"";

/// Reads the whole section. Returns `None` if no journal is to be kept.
pub(super) fn read(mut section: Section<'_>) -> Option<Bounds> {
    let mut bounds = Bounds::default();
    let is_enabled = section.flag("enabled").unwrap_or(true);
    if let Some(bytes) = section.size_bytes("max_bytes") {
        if bytes < BYTES_MIN {
            let span = section.key_span("max_bytes");
            section.problem(span, "`max_bytes` must be at least 1MiB", "the default is \"256MiB\"");
        }
        bounds.bytes_max = bytes;
    }
    if let Some(age_ms) = section.duration_ms("max_age") {
        bounds.age_ms_max = age_ms;
    }
    if let Some(text) = section.text("sync") {
        match (text.get_ref().as_str(), units::duration_ms(text.get_ref())) {
            ("decision", _) => bounds.sync = Sync::Decision,
            (_, Some(ms)) if ms <= SYNC_MS_MAX => bounds.sync = Sync::Within(Duration::from_millis(ms)),
            (_, Some(_)) => section.problem(text.span(), "`sync` must be at most one minute", SYNC_HINT),
            (word, None) => {
                section.problem(text.span(), format!("`sync` cannot be `{word}`"), SYNC_HINT);
            }
        }
    }
    section.finish();
    is_enabled.then_some(bounds)
}
