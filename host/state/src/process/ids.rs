//! Slots, and the counters of lives, of versions and of generations.

use std::fmt;

/// The slot of a process in the registry. Cheap to copy, valid for the life of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(pub(crate) u32);

impl ProcessId {
    /// The position in the order in which processes were added.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            /// The successor.
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
    /// One life of a process: counts up at every spawn; 0 before the first.
    Incarnation
}
counter! {
    /// Counts the commits of one process's state.
    Version
}
counter! {
    /// Counts the commits of the whole registry; every commit has exactly one.
    Generation
}
