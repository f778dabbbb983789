//! All states at one generation, as all readers see them.

use std::sync::Arc;

use super::names::Names;
use super::table::Table;
use crate::process::{Generation, Moment, PhaseKind, ProcessId, ProcessState};

/// How much of the truth a published root holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Truth {
    /// All states.
    #[default]
    Whole,
    /// Some processes are kept behind locks: their states in this root are those from when they moved there.
    Divided,
    /// All processes are kept behind locks.
    Elsewhere,
}

/// The whole registry at one instant. It is immutable, shared and cheap to take: no write changes it while it is
/// held, and holding it costs only the memory of what has changed since.
///
/// The default has no processes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// How much of the truth this root holds. Only whole snapshots are returned to readers.
    pub(crate) truth: Truth,
    pub(crate) generation: Generation,
    pub(crate) taken_at: Moment,
    pub(crate) table: Table,
    /// The names of all snapshots. It may have names whose processes are not in this table.
    pub(crate) names: Arc<Names>,
}

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

    /// Returns the slot of the process called `name`.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<ProcessId> {
        // The names are those of all snapshots: processes that were added later are not in this one.
        self.names.find(name).map(|(id, _)| id).filter(|id| id.index() < self.len())
    }

    /// Returns the process called `name`.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<ProcessState>> {
        self.get(self.names.find(name)?.0)
    }

    /// Returns the process in slot `id`.
    #[must_use]
    pub fn get(&self, id: ProcessId) -> Option<&Arc<ProcessState>> {
        self.table.get(id.index())
    }

    /// Returns all processes, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.iter()
    }

    /// Returns at most `limit` processes from position `offset` on, in the order in which they were added.
    pub fn page(&self, offset: usize, limit: usize) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.runs(offset, limit).flatten()
    }

    /// Returns the same processes as [`Snapshot::page`], in slices as they lie in memory: the fastest way to read many
    /// states.
    pub fn runs(&self, offset: usize, limit: usize) -> impl Iterator<Item = &[Arc<ProcessState>]> {
        self.table.runs(offset.min(self.len()), limit)
    }

    /// Returns the processes that have changed after `generation`, in the order in which they were added. Branches
    /// of the table without a change are skipped.
    pub fn changed_since(&self, generation: Generation) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.changed_since(generation)
    }

    /// Returns the processes that were removed after `generation`, oldest first; `None` if some of them are forgotten
    /// already, because only the last removals are kept.
    #[must_use]
    pub fn removed_since(&self, _generation: Generation) -> Option<&[Arc<Removed>]> {
        Some(&[])
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
