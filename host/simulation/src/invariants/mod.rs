//! Whether what is expected of a course holds. An invariant that no moment of the course has put to the test is said to be
//! untested, not to hold.
//!
//! | room | owns |
//! |---|---|
//! | `rates` | how many restarts there may be in how long |
//! | `recovery` | when a process has to run again, and when it may or must be given up |
//! | `delays` | how the delays of restarts follow each other |
//! | `verdict` | whether an expectation holds, and where it is broken |

mod delays;
mod rates;
mod recovery;
mod verdict;

use crate::course::{Course, Track};
use crate::expectation::{Expectation, Invariant};
use crate::impact::Affected;

use verdict::Checked;
pub use verdict::{Breach, Verdict};

/// Checks an expectation of a scenario on its course, with the times in which its faults have affected processes.
#[must_use]
pub fn check(expectation: &Expectation, course: &Course, affected: &[Affected]) -> Verdict {
    let mut checked = Checked::default();
    let tracks: Vec<&Track> =
        course.tracks.iter().filter(|track| expectation.of.include(&track.name)).collect();
    match &expectation.invariant {
        Invariant::MaxRestartsPerMinute(most) => rates::per_minute(&tracks, *most, &mut checked),
        Invariant::MaxRestartsPerHour(most) => rates::per_hour(&tracks, *most, &mut checked),
        Invariant::NoThunderingHerd { processes, within_ms } => {
            rates::herd(&tracks, *processes, *within_ms, &mut checked);
        }
        Invariant::RecoversWithin(within_ms) => {
            recovery::within(&tracks, *within_ms, course.lasted_ms, affected, &mut checked);
        }
        Invariant::GivesUpAfter(failures) => recovery::gives_up(&tracks, *failures, &mut checked),
        Invariant::NeverGivesUpWhile(fault) => {
            recovery::keeps_on(&tracks, fault, affected, &mut checked);
        }
        Invariant::NeverFails => recovery::never_fails(&tracks, &mut checked),
        Invariant::NeverRestartsASuccess => recovery::leaves_success(&tracks, &mut checked),
        Invariant::DelayNeverShrinksInAStreak { tolerance } => {
            delays::never_shrink(&tracks, *tolerance, &mut checked);
        }
        Invariant::BackToFirstDelayAfter { uptime_ms, tolerance } => {
            delays::back_to_first(&tracks, *uptime_ms, *tolerance, &mut checked);
        }
        Invariant::NoFaults => {
            checked.held += course.decisions;
            for fault in course.faults.iter().filter(|fault| expectation.of.include(&fault.process)) {
                let what = format!("the policy {} failed: {}", fault.policy, fault.why);
                checked.broken(fault.at_ms, Some(&fault.process), || what);
            }
        }
    }
    checked.verdict()
}
