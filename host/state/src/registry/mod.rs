//! The right to write and the right to read.
//!
//! On `atomic` each process has a cell, which its handles lead to: reading a state is one load. A commit stores the state
//! in the cell and the change in a ring. A snapshot is the published root, rolled forward from the ring if somebody asks
//! for it: all its states are of one instant. Only `backends` knows how states are stored.
//!
//! | room | owns |
//! |---|---|
//! | `handle` | live handles to one process, and the cached reader of one |
//! | `backends` | where a state is found, how it is published, how the backend is changed at run time |
//! | `locked` | the mutex implementation |
//! | `root` | the published root, and rolling it forward |
//! | `differences` | the disagreements between the two sides of `dual` |
//! | [`meter`] | the counts and latencies of each backend |
//! | [`changes`] | the last commits, by generation, for followers |
//! | `snapshot` | all states at one generation |
//! | [`removals`] | the last removals, as a part of a snapshot |
//! | `table` | the persistent table behind a snapshot |
//! | `names` | the slots, and the index from names to them |
//! | `cell` | the place of one slot: state, status word, name, tenancy |
//! | `routing` | which backend a process is on |
//! | `commit` | the guard of a commit, and why a commit may be refused |

mod backends;
mod cell;
pub mod changes;
mod commit;
mod differences;
mod handle;
mod locked;
pub mod meter;
mod names;
pub mod removals;
mod root;
mod routing;
mod snapshot;
mod table;

use std::sync::Arc;

use backends::Core;
use changes::Page;
use meter::{Meters, Operation, ReadClock};

pub use changes::{Change, ChangeKind, Changes};
pub use commit::{At, Counters, NameTaken, NotRemoved, Rejected};
pub use differences::Difference;
pub use handle::{Handle, Watch};
pub use meter::{BackendFigures, Latency};
pub use removals::Removed;
pub use routing::{Backend, BadRollout, NoSuchBackend, Rollout, Routing};
pub use snapshot::{Counts, Snapshot};

use crate::process::{Event, Generation, Identity, Moment, ProcessId, ProcessState};
use crate::sync::Guard;

/// The right to write. There is only one, and the supervisor has it.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Core>,
}

/// The right to read, which any number of readers can have.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Core>,
}

/// A reader for polling: it keeps the last snapshot and loads one atomic word, the latest generation, to check
/// whether that snapshot is still the latest. On every backend, polling takes no lock while nothing changes.
#[derive(Debug)]
pub struct Poller {
    reader: Reader,
    last: Arc<Snapshot>,
}

/// A snapshot for short use: on `atomic` no reference is counted. It must not be held across an await.
#[derive(Debug)]
pub struct Look(Seen);

#[derive(Debug)]
enum Seen {
    /// The root that is published.
    Guarded(Guard<Arc<Snapshot>>),
    /// On `locked` and `dual`, and if the root was rolled forward for this look.
    Gathered(Arc<Snapshot>),
}

impl std::ops::Deref for Look {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        match &self.0 {
            Seen::Guarded(guard) => guard,
            Seen::Gathered(snapshot) => snapshot,
        }
    }
}

/// Creates an empty registry and returns the right to write and the right to read, like `watch::channel`. `clock`
/// reads a monotonic clock in nanoseconds, for the figures of the backends.
#[must_use]
pub fn registry(clock: ReadClock) -> (Registry, Reader) {
    opened(Core::new(Meters::new(clock), Generation::default(), Moment::default()))
}

/// Creates a registry with the processes of a former one, so that generations go on after `generation`, the last one
/// of the former registry. The processes keep their states and get new ids; nobody can have missed a removal.
///
/// # Errors
/// [`NameTaken`] if two of the states have the same name.
pub fn restored<'a>(
    clock: ReadClock,
    generation: Generation,
    taken_at: Moment,
    states: impl IntoIterator<Item = &'a ProcessState>,
) -> Result<(Registry, Reader), NameTaken> {
    // No process is added at generation 0, which stands for nobody.
    let generation = generation.max(Generation(1));
    Core::restored(Meters::new(clock), generation, taken_at, states).map(opened)
}

fn opened(core: Core) -> (Registry, Reader) {
    let shared = Arc::new(core);
    (Registry { shared: shared.clone() }, Reader { shared })
}

impl Registry {
    /// Adds a stopped process.
    ///
    /// # Errors
    /// [`NameTaken`] if there already is a process with this name.
    pub fn add(&self, identity: Identity, now: Moment) -> Result<Arc<ProcessState>, NameTaken> {
        self.shared.add(identity, None, now)
    }

    /// Adds a stopped process that is not to be started yet. `reason` says why, in words for people.
    ///
    /// # Errors
    /// [`NameTaken`] if there already is a process with this name.
    pub fn add_unstarted(
        &self,
        identity: Identity,
        reason: Arc<str>,
        now: Moment,
    ) -> Result<Arc<ProcessState>, NameTaken> {
        self.shared.add(identity, Some(reason), now)
    }

    /// Publishes the state after `event`, if the process is still at `at`. This is the only way to change a state.
    ///
    /// # Errors
    /// [`Rejected`], and nothing is changed.
    pub fn commit(
        &self,
        id: ProcessId,
        at: At,
        event: &Event,
        now: Moment,
    ) -> Result<Arc<ProcessState>, Rejected> {
        self.shared.commit(id, at, event, now)
    }

    /// Removes a process that is at rest (stopped, exited for good or fatal). Its name is free at once, its id is
    /// refused from then on, and snapshots that were taken before keep it. Returns its last state, with the
    /// generation of the removal.
    ///
    /// # Errors
    /// [`NotRemoved`], and nothing is changed.
    pub fn remove(&self, id: ProcessId, now: Moment) -> Result<Arc<ProcessState>, NotRemoved> {
        self.shared.remove(id, now)
    }

    /// Switches to another backend at run time: no commit is lost, no snapshot is torn, and versions and
    /// generations continue. Returns the previous routing.
    pub fn reroute(&self, routing: Routing) -> Routing {
        self.shared.reroute(routing)
    }

    /// Returns a reader of this registry.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { shared: self.shared.clone() }
    }
}

impl Reader {
    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.shared
    }

    /// Returns the latest snapshot, which may be kept for any time. Reads by one reader never go backwards.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.gathered()
    }

    /// Returns the latest snapshot for short use that does not cross an await: it is cheaper than [`Reader::snapshot`]
    /// because it counts no reference, if the backend is `atomic` and nothing was committed since the last snapshot.
    #[must_use]
    pub fn look(&self) -> Look {
        let core = &*self.shared;
        let routing = core.routing();
        if routing.backend == Backend::Atomic && routing.rollout.percent() > 0 {
            let guard = || core.root.guarded(core.latest());
            if let Some(root) = core.meters.read(Backend::Atomic, Operation::Snapshot, guard) {
                return Look(Seen::Guarded(root));
            }
        }
        Look(Seen::Gathered(self.snapshot()))
    }

    /// Returns the generation of the last published commit with one load. A snapshot that is taken afterwards is not older.
    #[must_use]
    pub fn latest(&self) -> Generation {
        self.shared.latest()
    }

    /// Calls `read` with the latest state of one process; `None` if it was removed. On `atomic` this is one load, and no
    /// reference is counted.
    #[inline]
    pub fn read<T>(&self, process: &Handle, read: impl FnOnce(&ProcessState) -> T) -> Option<T> {
        let core = &*self.shared;
        let is_timed = Meters::is_timed();
        if !is_timed && core.is_atomic() {
            let state = process.cell.state.read();
            // The states in a cell are of one slot, so the epoch tells them apart.
            if state.id.epoch() == process.id.epoch() {
                core.seen(state.generation);
                return Some(read(&state));
            }
        }
        core.counted_state(process.id, is_timed).map(|state| read(&state))
    }

    /// Returns a reader for polling one process.
    #[must_use]
    pub fn watch(&self, process: &Handle) -> Watch {
        Watch::new(self.shared.clone(), process)
    }

    /// Returns the latest state of one process.
    #[must_use]
    pub fn state(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        self.shared.state(id)
    }

    /// Returns a reader for a polling loop.
    #[must_use]
    pub fn poller(&self) -> Poller {
        Poller { reader: self.clone(), last: self.snapshot() }
    }

    /// Returns the live handle of the process called `name`. Takes no lock on `atomic`.
    #[must_use]
    pub fn handle(&self, name: &str) -> Option<Handle> {
        self.shared.find(name).map(|(id, cell)| Handle { id, cell })
    }

    /// Returns the live handle of a process, unless it was removed.
    #[must_use]
    pub fn handle_of(&self, id: ProcessId) -> Option<Handle> {
        self.shared.cell(id).map(|cell| Handle { id, cell })
    }

    /// Returns at most `limit` commits after `cursor`, and how many were missed. Takes no lock.
    #[must_use]
    pub fn changes_since(&self, cursor: Generation, limit: usize) -> Page {
        self.shared.changes.since(cursor, self.shared.latest(), limit)
    }

    /// Returns at most `limit` commits after `cursor` that `world` contains, and how many were missed. Takes no lock.
    #[must_use]
    pub fn changes_until(&self, cursor: Generation, world: &Snapshot, limit: usize) -> Page {
        self.shared.changes.since(cursor, world.generation, limit)
    }

    /// Returns how many commits were published and refused.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Returns the backend in force and its rollout.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.shared.routing()
    }

    /// Returns the counts and latencies of a backend so far.
    #[must_use]
    pub fn figures(&self, backend: Backend) -> BackendFigures {
        self.shared.meters.figures(backend)
    }

    /// Takes the differences between the two sides of `dual` that were not taken before, newest first.
    #[must_use]
    pub fn take_differences(&self) -> Vec<Difference> {
        self.shared.take_differences()
    }
}

impl Poller {
    /// Returns the latest snapshot.
    pub fn snapshot(&mut self) -> &Arc<Snapshot> {
        if self.reader.shared.latest() > self.last.generation {
            self.last = self.reader.snapshot();
        }
        &self.last
    }
}
