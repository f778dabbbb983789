//! Times by a clock that may have been set since they were noted.

use provost_state::Moment;
use provost_supervisor::rfc3339;

/// If the clocks have gone apart by more than this since a moment, the one for people was set; less is its ordinary
/// correction.
const CLOCK_SET_MS: u64 = 2_000;

/// The time of a moment by the clock as it is set `now`: as far away as the monotonic clock says.
pub(crate) fn time_at(moment: Moment, now: Moment) -> String {
    let since = (i128::from(moment.mono_ns) - i128::from(now.mono_ns)) / 1_000_000;
    let seen = u64::try_from(i128::from(now.wall_ms) + since).unwrap_or(0);
    let was_set = seen.abs_diff(moment.wall_ms) > CLOCK_SET_MS;
    rfc3339(if was_set { seen } else { moment.wall_ms })
}
