//! What can be expected of a course, and whether it holds. An invariant that no moment of the course has put to the test is said to be
//! untested, not to hold.
//!
//! | room | owns |
//! |---|---|
//! | `rates` | how many restarts there may be in how long |
//! | `recovery` | when a process has to run again, and when it may or must be given up |
//! | `delays` | how the delays of restarts follow each other |
//! | `breach` | a place of a course where an expectation is broken |

mod breach;
mod delays;
mod rates;
mod recovery;

use std::fmt;
use std::sync::Arc;

use provost_state::span::exact;

use crate::course::{Course, Track};
use crate::impact::Affected;
use crate::scenario::Targets;

pub use breach::Breach;
use breach::Checked;

/// An invariant that a scenario expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The processes that it is about.
    pub of: Targets,
    /// The invariant.
    pub invariant: Invariant,
}

/// Something that can be expected of a course.
#[derive(Clone, Debug, PartialEq)]
pub enum Invariant {
    /// Within any minute, no process is restarted more often than this. Orders do not count.
    MaxRestartsPerMinute(u32),
    /// Whenever no fault affects a process for this many milliseconds, it runs and is ready by then, until the next fault affects
    /// it. A process that nobody wants up, and one that has ended with success, need not run.
    RecoversWithin(u64),
    /// A process is not restarted after this many failures in a row, as the host counts them.
    GivesUpAfter(u32),
    /// No process is given up while the fault of this name affects it.
    NeverGivesUpWhile(Arc<str>),
    /// Within any `within_ms`, at most so many processes are restarted. Orders do not count.
    NoThunderingHerd {
        /// The number of processes.
        processes: u32,
        /// The time, in milliseconds.
        within_ms: u64,
    },
    /// From one failure of a streak to the next, the delay does not become shorter, except by this share of it (for policies that
    /// spread their delays at random).
    DelayNeverShrinksInAStreak {
        /// From 0 to 1.
        tolerance: f64,
    },
    /// After a life of at least this length, the delay is as short as it was after the first failure of the process.
    BackToFirstDelayAfter {
        /// The length of the life, in milliseconds.
        uptime_ms: u64,
        /// By which share it may be longer, from 0 to 1.
        tolerance: f64,
    },
    /// No call of a policy fails.
    NoFaults,
}

impl Invariant {
    /// Returns the name of the invariant, as scenarios have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MaxRestartsPerMinute(_) => "max_restarts_per_minute",
            Self::RecoversWithin(_) => "recovers_within",
            Self::GivesUpAfter(_) => "gives_up_after",
            Self::NeverGivesUpWhile(_) => "never_gives_up_while",
            Self::NoThunderingHerd { .. } => "no_thundering_herd",
            Self::DelayNeverShrinksInAStreak { .. } => "delay_never_shrinks_in_a_streak",
            Self::BackToFirstDelayAfter { .. } => "back_to_first_delay_after",
            Self::NoFaults => "no_faults",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::MaxRestartsPerMinute(most) => write!(f, "{name} = {most}"),
            Self::RecoversWithin(ms) => write!(f, "{name} = {}", exact(*ms)),
            Self::GivesUpAfter(failures) => write!(f, "{name} = {failures}"),
            Self::NeverGivesUpWhile(fault) => write!(f, "{name} = {fault}"),
            Self::NoThunderingHerd { processes, within_ms } => {
                write!(f, "{name} = {processes} within {}", exact(*within_ms))
            }
            Self::DelayNeverShrinksInAStreak { .. } | Self::NoFaults => f.write_str(name),
            Self::BackToFirstDelayAfter { uptime_ms, .. } => write!(f, "{name} = {}", exact(*uptime_ms)),
        }
    }
}

/// Whether an expectation holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It held, this many times.
    Held(u64),
    /// Nothing in the course has put it to the test.
    Untested,
    /// It was broken.
    Broken {
        /// The first places, at most [`Breach::KEPT`].
        breaches: Vec<Breach>,
        /// The number of places.
        count: u64,
    },
}

impl Verdict {
    /// Whether it was broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }
}

/// Checks an expectation of a scenario on its course, with the times in which its faults have affected processes.
#[must_use]
pub fn check(expectation: &Expectation, course: &Course, affected: &[Affected]) -> Verdict {
    let mut checked = Checked::default();
    let tracks: Vec<&Track> =
        course.tracks.iter().filter(|track| expectation.of.include(&track.name)).collect();
    match &expectation.invariant {
        Invariant::MaxRestartsPerMinute(most) => rates::per_minute(&tracks, *most, &mut checked),
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
