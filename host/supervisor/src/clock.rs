//! The only place that reads a clock, and the one that writes a time for programs. Everything else is handed a [`Moment`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use provost_state::Moment;
use tokio::time::Instant;

/// Both clocks, with the origin of the monotonic one.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose monotonic origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }

    /// This instant. Monotonic time is tokio's, so that tests can pause it.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment {
            wall_ms: wall_ms(),
            mono_ns: u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// The timer's instant of `moment`, at most a century away.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        self.origin + Duration::from_nanos(moment.mono_ns).min(CENTURY)
    }
}

/// A time in milliseconds since the Unix epoch as RFC 3339 in UTC with milliseconds, `2026-11-23T07:00:00.123Z`: so it stands in
/// the API, in the logs and in the log of the host. What lies beyond the end of the calendar is shown as its end.
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

/// Nanoseconds of a monotonic clock, for figures; real time also where a test has paused tokio's.
pub(crate) fn figure_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanoseconds.unwrap_or(0))
}

/// Milliseconds since the Unix epoch, for people only.
pub(crate) fn wall_ms() -> u64 {
    // A clock that was set: by how many milliseconds.
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
