//! What can be expected of the course of a scenario.

use std::fmt;
use std::sync::Arc;

use provost_state::span::exact;

use crate::targets::Targets;

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
    /// The same within any hour: what is restarted less and less often stays below it for as long as it lasts.
    MaxRestartsPerHour(u32),
    /// Whenever no fault affects a process for this many milliseconds, it runs and is ready by then, until the next fault affects
    /// it. A process that nobody wants up, and one that has ended with success, need not run.
    RecoversWithin(u64),
    /// A process is not restarted after this many failures in a row, as the host counts them.
    GivesUpAfter(u32),
    /// No process is restarted that has ended with exit code 0.
    NeverRestartsASuccess,
    /// No life ends in a failure unless it was told to end: the policy acts before something goes wrong.
    NeverFails,
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
            Self::MaxRestartsPerHour(_) => "max_restarts_per_hour",
            Self::RecoversWithin(_) => "recovers_within",
            Self::GivesUpAfter(_) => "gives_up_after",
            Self::NeverGivesUpWhile(_) => "never_gives_up_while",
            Self::NoThunderingHerd { .. } => "no_thundering_herd",
            Self::DelayNeverShrinksInAStreak { .. } => "delay_never_shrinks_in_a_streak",
            Self::BackToFirstDelayAfter { .. } => "back_to_first_delay_after",
            Self::NeverRestartsASuccess => "never_restarts_a_success",
            Self::NeverFails => "never_fails",
            Self::NoFaults => "no_faults",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::MaxRestartsPerMinute(most) | Self::MaxRestartsPerHour(most) => write!(f, "{name} = {most}"),
            Self::RecoversWithin(ms) => write!(f, "{name} = {}", exact(*ms)),
            Self::GivesUpAfter(failures) => write!(f, "{name} = {failures}"),
            Self::NeverGivesUpWhile(fault) => write!(f, "{name} = {fault}"),
            Self::NoThunderingHerd { processes, within_ms } => {
                write!(f, "{name} = {processes} within {}", exact(*within_ms))
            }
            Self::DelayNeverShrinksInAStreak { .. }
            | Self::NeverRestartsASuccess
            | Self::NeverFails
            | Self::NoFaults => f.write_str(name),
            Self::BackToFirstDelayAfter { uptime_ms, .. } => write!(f, "{name} = {}", exact(*uptime_ms)),
        }
    }
}
