//! All states at one generation, as all readers see them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::names::Names;
use super::removals::{Removals, Removed};
use super::table::Table;
use crate::process::{Generation, Moment, PhaseKind, ProcessId, ProcessState};

/// How much of the truth a side holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Truth {
    /// All states.
    #[default]
    Whole,
    /// Some states.
    Divided,
    /// None.
    Elsewhere,
}

/// The whole registry at one instant. It is immutable, shared and cheap to take: no write changes it while it is
/// held, and holding it costs only the memory of what has changed since.
///
/// The default has no processes.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Whether this root holds the states. Only whole snapshots are returned to readers.
    pub(crate) truth: Truth,
    pub(crate) generation: Generation,
    pub(crate) taken_at: Moment,
    pub(crate) table: Table,
    pub(crate) removals: Removals,
    /// The names of all snapshots: it may have names whose processes are not in this one, and lack those that were
    /// removed since.
    pub(crate) names: Arc<Names>,
    /// The names of this snapshot, made when one is looked up that was removed since.
    own_names: OnceLock<HashMap<Arc<str>, ProcessId>>,
}

/// The number of processes in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([usize; PhaseKind::ALL.len()]);

impl Counts {
    /// Returns the number of processes in `phase`.
    #[must_use]
    pub fn of(&self, phase: PhaseKind) -> usize {
        self.0[phase as usize]
    }
}

impl Snapshot {
    pub(crate) fn new(
        generation: Generation,
        taken_at: Moment,
        table: Table,
        removals: Removals,
        names: Arc<Names>,
    ) -> Self {
        let (truth, own_names) = (Truth::Whole, OnceLock::new());
        Self { truth, generation, taken_at, table, removals, names, own_names }
    }

    /// Creates the root for the time in which all states are kept behind locks.
    pub(crate) fn elsewhere() -> Self {
        Self { truth: Truth::Elsewhere, ..Self::default() }
    }

    /// Returns the generation of the commit that made this snapshot.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns when that commit was made.
    #[must_use]
    pub fn taken_at(&self) -> Moment {
        self.taken_at
    }

    /// Returns the number of processes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are no processes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the id of the process called `name`.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<ProcessId> {
        self.by_name(name).map(|state| state.id)
    }

    /// Returns the process called `name`.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<ProcessState>> {
        if let Some((id, _)) = self.names.find(name)
            && let Some(state) = self.get(id)
        {
            return Some(state);
        }
        // The name is not in use now, or by a process that is not in this snapshot. It may have been in use then.
        if self.names.has_removed_since(self.generation) {
            self.get(*self.own_names().get(name)?)
        } else {
            None
        }
    }

    fn own_names(&self) -> &HashMap<Arc<str>, ProcessId> {
        match self.own_names.get() {
            Some(names) => names,
            None => {
                // Made before the cell is locked, so that of two readers none waits while the other makes it.
                let made = self.iter().map(|state| (state.name().clone(), state.id)).collect();
                self.own_names.get_or_init(|| made)
            }
        }
    }

    /// Returns the process with this id.
    #[must_use]
    pub fn get(&self, id: ProcessId) -> Option<&Arc<ProcessState>> {
        self.table.get(id.index()).filter(|state| state.id == id)
    }

    /// Returns all processes, in the order of their slots: the order in which they were added, except that a process that
    /// was added after a removal may have the place of the removed one.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.iter()
    }

    /// Returns at most `limit` processes from position `offset` on, in the same order.
    pub fn page(&self, offset: usize, limit: usize) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.skipping(offset).take(limit)
    }

    /// Returns the processes that have changed after `generation`, in the same order. Branches of the table without a
    /// change are skipped. What was removed: [`Snapshot::removed_since`].
    pub fn changed_since(&self, generation: Generation) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.changed_since(generation)
    }

    /// Returns the processes that were removed after `generation`, oldest first; `None` if some of them are forgotten
    /// already, because only the last [`REMOVALS_KEPT`](super::removals::REMOVALS_KEPT) removals are kept.
    #[must_use]
    pub fn removed_since(&self, generation: Generation) -> Option<&[Arc<Removed>]> {
        self.removals.since(generation)
    }

    /// Counts the processes in each phase.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in self.iter() {
            counts.0[state.phase.kind() as usize] += 1;
        }
        counts
    }
}
