//! All states at one generation: what everybody but the writer sees of the world.

use std::sync::Arc;

use crate::process::{Generation, Moment, PhaseKind, ProcessId, ProcessState};
use crate::table::Table;

/// Names to slots. Persistent, so that adding a process does not copy the index.
pub(crate) type Index =
    imbl::GenericHashMap<Arc<str>, ProcessId, ahash::RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// The whole registry at one instant. Immutable, shared, cheap to take: whoever holds one is never
/// overtaken by a write, and costs only what changed since.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// False for a root that was published while part of the processes were kept behind locks: then it is not
    /// the whole truth, and is never handed out.
    pub(crate) whole: bool,
    pub(crate) generation: Generation,
    pub(crate) taken_at: Moment,
    pub(crate) table: Table,
    pub(crate) index: Index,
}

impl Default for Snapshot {
    /// A world without processes.
    fn default() -> Self {
        Self {
            whole: true,
            generation: Generation::default(),
            taken_at: Moment::default(),
            table: Table::default(),
            index: Index::default(),
        }
    }
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
        self.index.get(name).copied()
    }

    /// The process called `name`.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<ProcessState>> {
        self.get(self.id(name)?)
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
        self.table.iter_from(offset.min(self.len())).take(limit)
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
