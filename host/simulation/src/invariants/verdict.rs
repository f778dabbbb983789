//! Whether an expectation holds, and where it is broken; the collection of what a check finds.

use std::sync::Arc;

use provost_state::span::exact;

/// A place where an expectation is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// When, in milliseconds since the start of the scenario.
    pub at_ms: u64,
    /// The process; `None` if it is about several.
    pub process: Option<Arc<str>>,
    /// What was found, in words for people.
    pub what: String,
}

impl Breach {
    /// The number of breaches of one expectation that are kept.
    pub const KEPT: usize = 10;
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

/// Formats a length of time for people: without milliseconds where they say nothing.
pub(super) fn about(ms: u64) -> String {
    const SHORT_MS: u64 = 10_000;
    exact(if ms < SHORT_MS { ms } else { (ms + 500) / 1_000 * 1_000 })
}

/// What a check has found so far.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// How often the expectation held.
    pub(super) held: u64,
    breaches: Vec<Breach>,
    count: u64,
}

impl Checked {
    pub(super) fn broken(&mut self, at_ms: u64, process: Option<&Arc<str>>, what: impl FnOnce() -> String) {
        self.count += 1;
        // The earliest ones are kept, in whichever order they are found.
        let at = self.breaches.partition_point(|breach| breach.at_ms <= at_ms);
        if at < Breach::KEPT {
            self.breaches.insert(at, Breach { at_ms, process: process.cloned(), what: what() });
            self.breaches.truncate(Breach::KEPT);
        }
    }

    pub(super) fn verdict(self) -> Verdict {
        match (self.count, self.held) {
            (0, 0) => Verdict::Untested,
            (0, held) => Verdict::Held(held),
            (count, _) => Verdict::Broken { breaches: self.breaches, count },
        }
    }
}
