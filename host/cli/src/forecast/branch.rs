//! What one run has shown of the process. Times are milliseconds since the beginning.

use std::sync::Arc;

use provost_simulation::{Course, Made};
use provost_state::PhaseKind;

/// What one run has shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Branch {
    /// The names of the policies that judged, in the order in which they were asked.
    pub(crate) policies: Vec<String>,
    /// What was decided about the ends of the process, oldest first.
    pub(crate) decisions: Vec<Made>,
    /// The phase at the end.
    pub(crate) phase: PhaseKind,
    /// Why it is in that phase.
    pub(crate) reason: Arc<str>,
    /// The exit code with which a policy has had the host shut down; `None` if none has.
    pub(crate) shut_down: Option<u8>,
    /// How the first call of a policy has failed, if one has.
    pub(crate) first_fault: Option<Arc<str>>,
    /// The number of calls that have failed.
    pub(crate) faults: u64,
}

impl Branch {
    /// Returns what a course shows of the process `name`, of a scenario that went on `begin_ms` after its start.
    pub(super) fn of(course: Course, name: &str, policies: Vec<String>, begin_ms: u64) -> Self {
        let first_fault = course.faults.first().map(|fault| fault.why.clone());
        let (shut_down, faults) = (course.shut_down, course.faults_count);
        let track = course.tracks.into_iter().find(|track| *track.name == *name);
        let (decisions, phase, reason) = match track {
            Some(track) => (track.decisions, track.phase, track.reason),
            None => (Vec::new(), PhaseKind::Stopped, "".into()),
        };
        let since = |made: Made| Made { at_ms: made.at_ms.saturating_sub(begin_ms), ..made };
        let decisions = decisions.into_iter().map(since).collect();
        Self { policies, decisions, phase, reason, shut_down, first_fault, faults }
    }

    /// Returns the longest delay of a restart, in milliseconds.
    pub(super) fn longest_delay_ms(&self) -> Option<u64> {
        self.decisions.iter().filter_map(Made::delay_ms).max()
    }

    /// Returns when the two differ for the first time: the number of the decision, from 0.
    pub(super) fn first_difference(&self, other: &Self) -> Option<usize> {
        let same = |(ours, theirs): &(&Made, &Made)| ours.action == theirs.action;
        let common = self.decisions.iter().zip(&other.decisions).take_while(same).count();
        (common < self.decisions.len().max(other.decisions.len())).then_some(common)
    }
}
