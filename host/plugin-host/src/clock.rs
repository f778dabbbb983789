//! How long calls take, and how often plugins fail: the host's own affair. No decision and no state depends on it, and
//! no plugin sees it.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

static ORIGIN: LazyLock<Instant> = LazyLock::new(now);

#[expect(
    clippy::disallowed_methods,
    reason = "figures, rates of lines and the intensity of faults are the host's own affair: no decision depends on them"
)]
fn now() -> Instant {
    Instant::now()
}

/// The time since this process first asked.
pub(crate) fn monotonic() -> Duration {
    ORIGIN.elapsed()
}

/// The same in milliseconds.
pub(crate) fn monotonic_ms() -> u64 {
    u64::try_from(monotonic().as_millis()).unwrap_or(u64::MAX)
}

/// The time of day, by which files in the cache are told apart.
#[expect(clippy::disallowed_methods, reason = "the age of a file in the cache is the host's own affair")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}
