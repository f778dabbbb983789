//! The last removals, as a part of each snapshot: who reads only what has changed learns from them what is gone.

use std::sync::Arc;

use crate::process::{Generation, ProcessId};

/// The number of removals that are kept.
pub const REMOVALS_KEPT: usize = 256;

/// A process that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its id, which no process has any more.
    pub id: ProcessId,
    /// Its name, which another process may have now.
    pub name: Arc<str>,
    /// The generation of the removal.
    pub generation: Generation,
}

/// The last removals, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Removals {
    /// Every removal after this generation is among those that are kept.
    complete_after: Generation,
    kept: Arc<[Arc<Removed>]>,
}

impl Removals {
    /// Creates the list of a registry that begins at `generation`: no removal is known before it.
    pub(crate) fn from(generation: Generation) -> Self {
        Self { complete_after: generation, kept: Arc::default() }
    }

    /// Returns the list after these removals, which are later than those in it.
    pub(crate) fn with(&self, more: impl ExactSizeIterator<Item = Removed>) -> Self {
        if more.len() == 0 {
            return self.clone();
        }
        let mut all: Vec<Arc<Removed>> = self.kept.iter().cloned().chain(more.map(Arc::new)).collect();
        let excess = all.len().saturating_sub(REMOVALS_KEPT);
        let forgotten = all.drain(..excess).next_back().map(|removed| removed.generation);
        Self { complete_after: forgotten.unwrap_or(self.complete_after), kept: all.into() }
    }

    /// Returns the removals after `generation`, oldest first; `None` if some of them are forgotten.
    pub(crate) fn since(&self, generation: Generation) -> Option<&[Arc<Removed>]> {
        let first = self.kept.partition_point(|removed| removed.generation <= generation);
        if generation < self.complete_after { None } else { self.kept.get(first..) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Epoch;

    fn removed(generation: u64) -> Removed {
        let generation = Generation(generation);
        Removed { id: ProcessId::new(0, Epoch::of(generation)), name: "web".into(), generation }
    }

    fn numbers(removals: &Removals, since: u64) -> Option<Vec<u64>> {
        let since = removals.since(Generation(since))?;
        Some(since.iter().map(|removed| removed.generation.0).collect())
    }

    #[test]
    fn the_last_removals_are_kept_and_what_is_forgotten_is_said() {
        let mut removals = Removals::from(Generation(10));
        assert_eq!((numbers(&removals, 9), numbers(&removals, 10)), (None, Some(vec![])));
        removals = removals.with([12, 14, 20].map(removed).into_iter());
        assert_eq!(numbers(&removals, 10), Some(vec![12, 14, 20]));
        assert_eq!(numbers(&removals, 14), Some(vec![20]));
        assert_eq!(numbers(&removals, 13), Some(vec![14, 20]));
        let before = removals.clone();
        for generation in 21..21 + REMOVALS_KEPT as u64 {
            removals = removals.with([removed(generation)].into_iter());
        }
        assert_eq!(numbers(&removals, 19), None, "the removal at 20 is forgotten");
        assert_eq!(numbers(&removals, 20).map(|all| all.len()), Some(REMOVALS_KEPT));
        assert_eq!(numbers(&removals, 9_999), Some(vec![]));
        assert_eq!(numbers(&before, 10), Some(vec![12, 14, 20]), "an older list is unchanged");
    }
}
