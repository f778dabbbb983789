//! Which faults of a scenario have hit something. One that has not says nothing about a policy, and may be a mistake in the scenario.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::course::{Course, Track};
use crate::scenario::{Fault, FaultKind};

/// An end to come, by a fault.
#[derive(Clone, Debug)]
pub(crate) struct PlannedEnd {
    /// When it is, if nothing ends the life before.
    pub(crate) at_ms: u64,
    /// The index of the fault.
    pub(crate) fault: usize,
    pub(crate) process: Arc<str>,
    /// The number of the life.
    pub(crate) incarnation: u64,
}

/// What is known of the effects of the faults.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// The indices of the faults that have hit something for certain.
    seen: HashSet<usize>,
    /// The ends to come by the others. Whether they have come is known at the end of the course.
    planned: Vec<PlannedEnd>,
}

impl Effects {
    /// Notes that a fault has hit something.
    pub(crate) fn note(&mut self, fault: usize) {
        self.seen.insert(fault);
    }

    /// Notes an end to come.
    pub(crate) fn plan(&mut self, end: &PlannedEnd) {
        if !self.seen.contains(&end.fault) {
            self.planned.push(end.clone());
        }
    }

    /// Returns the indices of those of these faults that have hit nothing in this course.
    pub(crate) fn idle<'f>(
        &mut self,
        faults: impl Iterator<Item = &'f Fault>,
        course: &Course,
    ) -> Vec<usize> {
        let tracks: HashMap<&str, &Track> = course.tracks.iter().map(|track| (&*track.name, track)).collect();
        for planned in std::mem::take(&mut self.planned) {
            if !self.seen.contains(&planned.fault)
                && tracks.get(&*planned.process).is_some_and(|track| has_come(&planned, track))
            {
                self.seen.insert(planned.fault);
            }
        }
        let is_idle = |(index, fault): &(usize, &Fault)| match fault.kind {
            FaultKind::ClockStep { at_ms, .. } => at_ms > course.lasted_ms,
            _ => !self.seen.contains(index),
        };
        faults.enumerate().filter(is_idle).map(|(index, _)| index).collect()
    }
}

/// Whether an end has come as it was planned.
fn has_come(planned: &PlannedEnd, track: &Track) -> bool {
    let at = track.lives.partition_point(|life| life.incarnation < planned.incarnation);
    let life = track.lives.get(at).filter(|life| life.incarnation == planned.incarnation);
    let end = life.and_then(|life| life.end.as_ref());
    end.is_some_and(|end| !end.is_asked && end.at_ms >= planned.at_ms)
}
