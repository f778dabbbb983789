//! The only place that reads a clock, and the one that formats times for programs. Everything else is passed a
//! [`Moment`]. The wall clock of a simulation is made up: it goes with tokio's clock, and is set by its scenario.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provost_state::Moment;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Returns the name that the kernel gives this boot of the machine; empty if it gives none. Process ids and monotonic times
/// mean something within one boot only.
#[must_use]
pub fn boot_id() -> Arc<str> {
    const LONGEST: u64 = 64;
    let id = provost_files::read_named(Path::new("/proc/sys/kernel/random/boot_id"), LONGEST);
    String::from_utf8_lossy(&id.unwrap_or_default()).trim().into()
}

/// The wall clock and the monotonic clock, with the origin of the latter. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: Instant,
    wall: Wall,
}

/// What a clock shows as the time of day.
#[derive(Clone, Debug)]
enum Wall {
    /// That of the machine.
    Real,
    /// This many milliseconds after the Unix epoch at the origin of the clock, and from then on as much later as tokio's clock
    /// says. Setting the clock changes the number.
    MadeUp(Arc<AtomicI64>),
}

impl Clock {
    /// Returns a clock whose monotonic origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now(), wall: Wall::Real }
    }

    /// Returns a clock for a simulation, whose monotonic origin is now. Its wall clock shows `wall_ms` milliseconds since the
    /// Unix epoch now, and goes with tokio's clock.
    #[must_use]
    pub fn made_up(wall_ms: u64) -> Self {
        let start_ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
        Self { origin: Instant::now(), wall: Wall::MadeUp(Arc::new(AtomicI64::new(start_ms))) }
    }

    /// Sets the wall clock of a simulation forward by this number of milliseconds, or back. The clock of a machine is not
    /// changed by it.
    pub fn step(&self, by_ms: i64) {
        if let Wall::MadeUp(start_ms) = &self.wall {
            start_ms.fetch_add(by_ms, Ordering::Relaxed);
        }
    }

    /// Returns a clock whose monotonic origin is the start of the machine, as of the kernel's `CLOCK_MONOTONIC`. A moment
    /// that one host has read on it means the same to the next one, as long as the machine is not started anew.
    #[must_use]
    pub fn of_boot() -> Self {
        let now = Instant::now();
        Self { origin: now.checked_sub(since_boot(ClockId::Monotonic)).unwrap_or(now), wall: Wall::Real }
    }

    /// Converts a time of the kernel's `CLOCK_BOOTTIME`, in nanoseconds, into a moment of this clock. While the machine was
    /// suspended this clock stood still, so that a moment from before is only as exact as that.
    #[must_use]
    pub fn at_boottime(&self, boottime_ns: u64) -> Moment {
        let now = self.now();
        let ago = since_boot(ClockId::Boottime).saturating_sub(Duration::from_nanos(boottime_ns));
        Moment {
            wall_ms: now.wall_ms.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
            mono_ns: now.mono_ns.saturating_sub(u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX)),
        }
    }

    /// Returns the time of the kernel's `CLOCK_BOOTTIME` that is this much later than now, in nanoseconds.
    pub(crate) fn boottime_in(time: Duration) -> u64 {
        let at = since_boot(ClockId::Boottime).saturating_add(time);
        u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Returns the current time. Monotonic time is tokio's, so that tests can pause it.
    #[must_use]
    pub fn now(&self) -> Moment {
        let since_origin = self.origin.elapsed();
        let wall_ms = match &self.wall {
            Wall::Real => wall_ms(),
            Wall::MadeUp(start_ms) => {
                let later_ms = i64::try_from(since_origin.as_millis()).unwrap_or(i64::MAX);
                let shown_ms = start_ms.load(Ordering::Relaxed).saturating_add(later_ms);
                u64::try_from(shown_ms).unwrap_or(0)
            }
        };
        Moment { wall_ms, mono_ns: u64::try_from(since_origin.as_nanos()).unwrap_or(u64::MAX) }
    }

    /// Converts `moment` into an instant for timers, at most a century after the origin.
    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        self.origin + Duration::from_nanos(moment.mono_ns).min(CENTURY)
    }
}

/// A time as RFC 3339 in UTC with milliseconds, `2026-11-23T07:00:00.123Z`, as the API, the logs and the log of the host
/// have it. It is formatted without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp([u8; 24]);

/// The last millisecond that [`Stamp`] shows: the end of the calendar of jiff, which reads times back (it ends 26 hours
/// before the year 9999, so that every time zone has the instant).
const LAST_MS: u64 = 253_402_207_200_999;

impl Stamp {
    /// Formats a time in milliseconds since the Unix epoch. A time beyond the end of the calendar is shown as
    /// its end.
    #[must_use]
    pub fn of(wall_ms: u64) -> Self {
        const DAY_MS: u64 = 24 * 3_600_000;
        let wall_ms = wall_ms.min(LAST_MS);
        let (day, ms) = (wall_ms / DAY_MS, wall_ms % DAY_MS);
        // The calendar of "chrono-Compatible Low-Level Date Algorithms" (Hinnant), with years that begin in March.
        let since_0000_march = day + 719_468;
        let (era, day) = (since_0000_march / 146_097, since_0000_march % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |at: usize, width: usize, mut number: u64| {
            for digit in text[at..at + width].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, ms / 3_600_000);
        put(14, 2, ms / 60_000 % 60);
        put(17, 2, ms / 1_000 % 60);
        put(20, 3, ms % 1_000);
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It has digits and punctuation only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Formats a time in milliseconds since the Unix epoch like [`Stamp`], as a `String`.
#[must_use]
pub fn rfc3339(wall_ms: u64) -> String {
    Stamp::of(wall_ms).to_string()
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the time that a clock of the kernel shows since the start of the machine.
fn since_boot(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

/// Returns the nanoseconds of a monotonic clock, for measurements; it runs on where a test has paused tokio's clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn figure_ns() -> u64 {
    static ORIGIN: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    u64::try_from(ORIGIN.elapsed().as_nanos()).unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_of_one_clock_of_the_boot_means_the_same_to_another() {
        let (first, second) = (Clock::of_boot(), Clock::of_boot());
        let (before, between, after) = (first.now(), second.now(), first.now());
        // Two clocks are read when each is made, so that they differ by less than a look at them takes.
        assert!(before.mono_ns <= between.mono_ns + 1_000_000_000);
        assert!(between.mono_ns <= after.mono_ns + 1_000_000_000);
        assert!(before.mono_ns > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_made_up_clock_goes_with_that_of_tokio_and_can_be_set() {
        let clock = Clock::made_up(1_000_000);
        let other = clock.clone();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), Moment { wall_ms: 1_001_500, mono_ns: 1_500_000_000 });
        other.step(-3_600_000);
        assert_eq!(clock.now(), Moment { wall_ms: 0, mono_ns: 1_500_000_000 }, "never before the epoch");
        other.step(3_600_000 + 86_400_000);
        assert_eq!(clock.now().wall_ms, 1_001_500 + 86_400_000);
    }

    #[test]
    fn a_time_of_the_kernel_is_as_long_ago_as_it_says() {
        let clock = Clock::of_boot();
        let boottime = u64::try_from(since_boot(ClockId::Boottime).as_nanos()).unwrap();
        let minute_ago = clock.at_boottime(boottime - 60_000_000_000);
        let passed = clock.now().ms_since(minute_ago);
        assert!(passed >= 59_999, "{passed}");
        assert!(clock.now().wall_ms - minute_ago.wall_ms >= 59_000);
    }

    #[test]
    fn a_stamp_is_what_the_calendar_of_jiff_says() {
        let jiff = |ms: u64| {
            format!("{:.3}", jiff::Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap())
        };
        // Steps of 9 days and some, so that all months, years and leap days are met at different times of the day.
        let steps = (0..LAST_MS).step_by(800_000_123);
        // 1970, the leap days of 2000 and 2400 and the day after, the 28th of February of 2100.
        let special =
            [0, 951_782_400_000, 951_868_799_999, 951_868_800_000, 13_574_563_200_000, 4_107_455_999_999];
        for ms in steps.chain(special) {
            assert_eq!(Stamp::of(ms).as_str(), jiff(ms));
        }
        assert_eq!(rfc3339(1_795_417_200_123), "2026-11-23T07:00:00.123Z");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_shown_as_its_end() {
        assert_eq!(rfc3339(LAST_MS), "9999-12-30T22:00:00.999Z");
        assert_eq!(rfc3339(LAST_MS + 1), rfc3339(u64::MAX));
        assert_eq!(rfc3339(u64::MAX), format!("{:.3}", jiff::Timestamp::MAX));
    }
}
