//! All states at one generation: what everybody but the writer sees of the world.

use std::sync::Arc;

use super::names::Names;
use super::table::Table;
use crate::process::{Generation, Moment, PhaseKind, ProcessId, ProcessState};

/// How much of the truth a published root holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Truth {
    /// All of it.
    #[default]
    Whole,
    /// A part of the processes is kept behind locks: here they are as they were when they went there.
    Divided,
    /// All processes are kept behind locks.
    Elsewhere,
}

/// The whole registry at one instant. Immutable, shared, cheap to take: whoever holds one is never
/// overtaken by a write, and costs only what changed since.
///
/// The default is a world without processes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Only what is whole is ever handed out.
    pub(crate) truth: Truth,
    pub(crate) generation: Generation,
    pub(crate) taken_at: Moment,
    pub(crate) table: Table,
    /// Those of all snapshots: there may be names that are not in the table yet.
    pub(crate) names: Arc<Names>,
}

/// How many processes are in each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([usize; PhaseKind::ALL.len()]);

impl Counts {
    /// The number of processes in `phase`.
    #[must_use]
    pub fn of(&self, phase: PhaseKind) -> usize {
        self.0[phase as usize]
    }
}

impl Snapshot {
    /// The number of the commit that made this snapshot.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// When that commit was made.
    #[must_use]
    pub fn taken_at(&self) -> Moment {
        self.taken_at
    }

    /// How many processes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Is there no process at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot of the process called `name`.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<ProcessId> {
        // The names are those of all snapshots: what was added since is not in this one.
        self.names.find(name).map(|(id, _)| id).filter(|id| id.index() < self.len())
    }

    /// The process called `name`.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<ProcessState>> {
        self.get(self.names.find(name)?.0)
    }

    /// The process in slot `id`.
    #[must_use]
    pub fn get(&self, id: ProcessId) -> Option<&Arc<ProcessState>> {
        self.table.get(id.index())
    }

    /// All processes, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.iter()
    }

    /// At most `limit` processes from position `offset` on, in the order in which they were added.
    pub fn page(&self, offset: usize, limit: usize) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.runs(offset, limit).flatten()
    }

    /// The same processes as [`Snapshot::page`], in slices as they lie in memory: the fastest way to look at something of
    /// each of many.
    pub fn runs(&self, offset: usize, limit: usize) -> impl Iterator<Item = &[Arc<ProcessState>]> {
        self.table.runs(offset.min(self.len()), limit)
    }

    /// The processes that have changed after `generation`, in the order in which they were added. What did
    /// not change costs nothing: whole branches without a change are passed over.
    pub fn changed_since(&self, generation: Generation) -> impl Iterator<Item = &Arc<ProcessState>> {
        self.table.changed_since(generation)
    }

    /// How many processes are in each phase.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in self.iter() {
            counts.0[state.phase.kind() as usize] += 1;
        }
        counts
    }
}
