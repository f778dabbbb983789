//! What all threads of a soak share.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fleet::Member;
use crate::machine::Machine;
use crate::model::Model;
use provost_tests::runs::{Problems, Tally};

/// What all threads of a soak share.
#[derive(Debug)]
pub(crate) struct Soak {
    pub(crate) seed: u64,
    pub(crate) machine: Machine,
    pub(crate) members: Vec<Member>,
    pub(crate) model: Model,
    pub(crate) tally: Tally,
    pub(crate) problems: Problems,
    /// Locked for reading during an order to single processes, and for writing during one to many.
    pub(crate) turn: RwLock<()>,
    over: AtomicBool,
}

impl Soak {
    pub(crate) fn new(seed: u64, machine: Machine, members: Vec<Member>) -> Self {
        Self {
            seed,
            machine,
            model: Model::new(&members),
            members,
            tally: Tally::default(),
            problems: Problems::default(),
            turn: RwLock::new(()),
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
