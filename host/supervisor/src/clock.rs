//! The only place that reads a clock, and the one that formats times for programs. Everything else is passed a
//! [`Moment`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use provost_state::Moment;
use tokio::time::Instant;

/// The wall clock and the monotonic clock, with the origin of the latter.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// Returns a clock whose monotonic origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }

    /// Returns the current time. Monotonic time is tokio's, so that tests can pause it.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment {
            wall_ms: wall_ms(),
            mono_ns: u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// Converts `moment` into an instant for timers, at most a century after the origin.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        self.origin + Duration::from_nanos(moment.mono_ns).min(CENTURY)
    }
}

/// Formats a time in milliseconds since the Unix epoch as RFC 3339 in UTC with milliseconds,
/// `2026-11-23T07:00:00.123Z`, as the API, the logs and the log of the host have it. A time beyond the end of the
/// calendar is shown as its end.
#[must_use]
pub fn rfc3339(wall_ms: u64) -> String {
    let at = i64::try_from(wall_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", at.unwrap_or(Timestamp::MAX))
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the nanoseconds of a monotonic clock, for measurements; it runs on where a test has paused tokio's clock.
pub(crate) fn figure_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanoseconds.unwrap_or(0))
}

/// Returns the milliseconds since the Unix epoch, for display only.
pub(crate) fn wall_ms() -> u64 {
    // For tests: a clock that was set by this number of milliseconds.
    fail::fail_point!("clock.step", |by| {
        real_wall_ms().saturating_add_signed(by.and_then(|by| by.parse().ok()).unwrap_or(0))
    });
    real_wall_ms()
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn real_wall_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
