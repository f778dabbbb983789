//! What one run has shown: its course, the verdicts on what is expected, and the figures of each process.

use provost_simulation::{Fault, Invariant, Played, Track, Verdict};

use crate::config::Problem;
use crate::pictures::course;

/// What one run has shown.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The name of the scenario.
    pub(crate) name: String,
    /// What the scenario shows, in words for people.
    pub(crate) about: String,
    /// How long it was to last, in milliseconds of virtual time.
    pub(crate) lasts_ms: u64,
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) played: Played,
    /// What was expected, and whether it holds.
    pub(crate) verdicts: Vec<(Invariant, Verdict)>,
    /// What the scenario has and the course does not, with the places in its file.
    pub(crate) warnings: Vec<Problem>,
    /// How long the run took, in milliseconds of real time.
    pub(crate) took_ms: u64,
}

/// What has come of a whole scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Everything that is expected holds.
    Holds,
    /// Something that is expected does not hold.
    Broken,
    /// Nothing is broken, and something that is expected was not put to the test.
    Untested,
    /// Nothing is broken, because nothing is expected.
    Unexpecting,
}

/// The figures of one process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) lives: usize,
    pub(crate) restarts: usize,
    /// The most failures in a row, as the host counts them.
    pub(crate) failures_in_a_row: u32,
    /// The longest delay of a restart, in milliseconds.
    pub(crate) longest_delay_ms: Option<u64>,
    /// For how long it was ready, in milliseconds.
    pub(crate) ready_ms: u64,
    pub(crate) given_up: usize,
}

impl Outcome {
    /// Whether something that is expected does not hold.
    pub(crate) fn is_broken(&self) -> bool {
        self.verdicts.iter().any(|(_, verdict)| verdict.is_broken())
    }

    /// Returns how much of what is expected nothing in the course has put to the test.
    pub(crate) fn untested(&self) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Untested).count()
    }

    /// Returns what has come of the scenario.
    pub(crate) fn standing(&self) -> Standing {
        match (self.is_broken(), self.untested()) {
            (true, _) => Standing::Broken,
            (false, 0) if self.verdicts.is_empty() => Standing::Unexpecting,
            (false, 0) => Standing::Holds,
            (false, _) => Standing::Untested,
        }
    }

    /// Draws the course.
    pub(crate) fn picture(&self) -> String {
        course::svg(&self.name, self.seed, &self.faults, &self.played.course)
    }

    /// Returns the names of what does not hold.
    pub(crate) fn broken(&self) -> Vec<&'static str> {
        let broken = self.verdicts.iter().filter(|(_, verdict)| verdict.is_broken());
        broken.map(|(invariant, _)| invariant.name()).collect()
    }

    /// Returns the figures of a process.
    pub(crate) fn figures(&self, track: &Track) -> Figures {
        let lasted_ms = self.played.course.lasted_ms;
        let ready = track.lives.iter().filter_map(|life| {
            let end_ms = life.end.as_ref().map_or(lasted_ms, |end| end.at_ms);
            Some(end_ms.saturating_sub(life.ready_ms?))
        });
        Figures {
            lives: track.lives.len(),
            restarts: track.lives.iter().filter(|life| life.is_restart()).count(),
            failures_in_a_row: track.decisions.iter().map(|made| made.failures).max().unwrap_or(0),
            longest_delay_ms: track.decisions.iter().filter_map(|made| made.delay_ms()).max(),
            ready_ms: ready.sum(),
            given_up: track.given_up.len(),
        }
    }

    /// Returns for how much of the time a process was ready, in thousandths.
    pub(crate) fn ready_millis(&self, figures: &Figures) -> u64 {
        (figures.ready_ms * 1_000).checked_div(self.played.course.lasted_ms).unwrap_or(0)
    }
}
