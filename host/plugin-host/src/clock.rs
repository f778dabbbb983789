//! Clocks for the duration of calls and the rate of faults. They are internal to the host: no decision and no state
//! depends on them, and no plugin sees them.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

static ORIGIN: LazyLock<Instant> = LazyLock::new(now);

#[expect(
    clippy::disallowed_methods,
    reason = "figures, rates of lines and the intensity of faults are internal to the host: no decision depends on them"
)]
fn now() -> Instant {
    Instant::now()
}

/// Returns the time since the first call of this function in this process.
pub(crate) fn monotonic() -> Duration {
    ORIGIN.elapsed()
}

/// Returns the same in milliseconds.
pub(crate) fn monotonic_ms() -> u64 {
    u64::try_from(monotonic().as_millis()).unwrap_or(u64::MAX)
}

/// Returns the time of day, which dates the files in the cache.
#[expect(clippy::disallowed_methods, reason = "the age of a file in the cache is internal to the host")]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}
