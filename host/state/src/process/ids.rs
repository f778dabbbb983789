//! Ids of processes, and the counters of incarnations, versions and generations.

use std::fmt;

/// The id of a process: its slot in the registry, and the epoch that tells it from the others that had the slot before or
/// get it after. Cheap to copy. It never means another process: after the removal it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId {
    slot: u32,
    epoch: Epoch,
}

/// Which tenant of a slot is meant: the generation at which the process was added, so that no two processes share slot and
/// epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// The epoch of a slot without a process. No process is added at generation 0.
    pub(crate) const NOBODY: Self = Self(0);
    /// The epoch that stands for any process whose state is kept behind locks.
    pub(crate) const ELSEWHERE: Self = Self(u64::MAX);

    /// Returns the epoch of a process that is added at `generation`.
    pub(crate) fn of(generation: Generation) -> Self {
        Self(generation.0)
    }

    /// Returns the generation at which the process was added.
    pub(crate) fn generation(self) -> Generation {
        Generation(self.0)
    }
}

impl ProcessId {
    /// The id of a process that is in no registry, such as one in a record of the past. Every registry refuses it.
    pub const NOBODY: Self = Self { slot: u32::MAX, epoch: Epoch::NOBODY };

    pub(crate) fn new(slot: u32, epoch: Epoch) -> Self {
        Self { slot, epoch }
    }

    /// Returns the generation at which the process was added to its registry. A process that got the name of a removed
    /// one has a later one.
    #[must_use]
    pub fn added_at(self) -> Generation {
        self.epoch.generation()
    }

    /// Returns the slot. Slots are numbered from 0; the slot of a removed process is given to another one later.
    #[must_use]
    pub fn index(self) -> usize {
        self.slot as usize
    }

    pub(crate) fn slot(self) -> u32 {
        self.slot
    }

    pub(crate) fn epoch(self) -> Epoch {
        self.epoch
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// Returns the next number.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter! {
    /// The number of a life of a process: counts up at every spawn; 0 before the first.
    Incarnation
}
counter! {
    /// The number of commits to one process.
    Version
}
counter! {
    /// The number of commits to the whole registry; each commit has its own.
    Generation
}
