//! Renders how the host before the one that runs has ended.

use provost_api::{Host, HostEnding};

use super::humane::{ago, one_line, unix_ms};
use super::table::Width;

/// For how long an end of the host that nobody has asked for is shown, in milliseconds.
const END_SHOWN_MS: u64 = 24 * 3_600_000;

/// Says how the host before this one has ended, if nobody has asked for that and it was within a day, or in a wide table.
pub(super) fn text(host: &Host, width: Width, now_ms: u64) -> String {
    let Some(end) = &host.last_end else { return String::new() };
    let is_recent = unix_ms(&end.at).is_none_or(|at| now_ms.saturating_sub(at) < END_SHOWN_MS);
    if width != Width::Wide && (end.kind == HostEnding::Left || !is_recent) {
        return String::new();
    }
    let ago = ago(&end.at, now_ms).map(|ago| format!(" {ago} ago")).unwrap_or_default();
    format!("\nthe host before this one has ended{ago}: {}\n", one_line(&end.reason))
}
