//! Converts times, corrected for a wall clock that was set since they were noted.

use provost_state::Moment;
use provost_supervisor::rfc3339;

/// If the wall clock and the monotonic clock have diverged by more than this since a moment, the wall clock was set. A
/// smaller difference is its ordinary correction.
const CLOCK_SET_MS: u64 = 2_000;

/// Returns the time of a moment. If the wall clock was set since, the time is computed from the monotonic distance to `now`.
pub(crate) fn time_at(moment: Moment, now: Moment) -> String {
    let since = (i128::from(moment.mono_ns) - i128::from(now.mono_ns)) / 1_000_000;
    let seen = u64::try_from(i128::from(now.wall_ms) + since).unwrap_or(0);
    let was_set = seen.abs_diff(moment.wall_ms) > CLOCK_SET_MS;
    rfc3339(if was_set { seen } else { moment.wall_ms })
}
