//! What all threads of a run share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use provost_tests::runs::{Options, Problems, Tally};

use crate::fleet;
use crate::losses::{Losses, Orphans};
use crate::machine::Machine;
use crate::model::Model;

/// What all threads of a run share.
#[derive(Debug)]
pub(crate) struct Chaos {
    pub(crate) seed: u64,
    pub(crate) machine: Machine,
    pub(crate) model: Model,
    pub(crate) tally: Tally,
    pub(crate) problems: Problems,
    /// The version of the config that is in its file.
    pub(crate) version: AtomicU64,
    /// When a keeper was lost.
    pub(crate) losses: Losses,
    /// The processes that have ended as orphans.
    pub(crate) orphans: Orphans,
    /// Whether orphans are reaped as soon as they have ended.
    pub(crate) reaps_at_once: bool,
    over: AtomicBool,
}

impl Chaos {
    pub(crate) fn new(options: &Options, machine: Machine, orphans: Orphans) -> Self {
        Self {
            seed: options.seed,
            machine,
            model: Model::new(&fleet::members(0)),
            tally: Tally::default(),
            problems: Problems::default(),
            version: AtomicU64::new(0),
            losses: Losses::default(),
            orphans,
            reaps_at_once: !options.reaps_late,
            over: AtomicBool::new(false),
        }
    }

    /// Returns how many of these times are known to every later host, the last one included.
    pub(crate) fn known(&self, times: &[i64]) -> usize {
        let former = times.split_last().map_or(&[][..], |(_, former)| former);
        let known = former.iter().filter(|at| !self.losses.may_be_forgotten(**at)).count();
        known + times.len() - former.len()
    }

    /// Tells all that take part to stop.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Whether they are to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}
