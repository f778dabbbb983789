//! What all threads of a run share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use provost_tests::runs::{Problems, Tally};

use crate::fleet;
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
    /// From when until when there was no keeper, in nanoseconds of the monotonic clock. How a process ended then may not be known.
    pub(crate) orphaned: Mutex<Vec<(u64, u64)>>,
    over: AtomicBool,
}

impl Chaos {
    pub(crate) fn new(seed: u64, machine: Machine) -> Self {
        Self {
            seed,
            machine,
            model: Model::new(&fleet::members(0)),
            tally: Tally::default(),
            problems: Problems::default(),
            version: AtomicU64::new(0),
            orphaned: Mutex::default(),
            over: AtomicBool::new(false),
        }
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
