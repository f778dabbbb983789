//! The right to write and the right to read.
//!
//! On `atomic` there is one publication point: a commit builds the next root (generation, table, index) and swaps
//! one atomic pointer. So a snapshot is one load, and no reader ever sees one process newer than another. How the
//! backends are kept is the secret of `backends`.
//!
//! | room | owns |
//! |---|---|
//! | `backends` | where a state is found, how it is published, how the backend is changed at run time |
//! | `locked` | the mutex implementation |
//! | `differences` | where the two sides of `dual` did not agree |
//! | [`meter`] | what each backend did, and how long it took |
//! | [`changes`] | the last commits, by generation, for those who follow along |
//! | `snapshot` | all states at one generation |
//! | `table` | the persistent table behind a snapshot |
//! | `names` | names to slots |
//! | `handle` | a live handle to one process |
//! | `routing` | which backend a process is on |
//! | `commit` | what a writer says of a commit, and why it may be refused |

mod backends;
pub mod changes;
mod commit;
mod differences;
mod handle;
mod locked;
pub mod meter;
mod names;
mod routing;
mod snapshot;
mod table;

use std::sync::Arc;

use backends::Core;
use changes::Page;
use meter::{Meters, Operation, ReadClock};
use snapshot::Truth;

pub use changes::{Change, ChangeKind, Changes};
pub use commit::{At, Counters, NameTaken, Rejected};
pub use differences::Difference;
pub use handle::Handle;
pub use meter::{BackendFigures, Latency};
pub use routing::{Backend, BadRollout, NoSuchBackend, Rollout, Routing};
pub use snapshot::{Counts, Snapshot};

use crate::process::{Event, Generation, Identity, Moment, ProcessId, ProcessState};
use crate::sync::Guard;

/// The right to write. There is one, and the supervisor has it.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Core>,
}

/// The right to read: wait-free, and for everybody.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Core>,
}

/// A reader that polls: it keeps the last snapshot and looks at one atomic word, the latest generation, to see
/// whether it is still the latest. Whatever the backend, a look at an unchanged world takes no lock.
#[derive(Debug)]
pub struct Poller {
    reader: Reader,
    last: Arc<Snapshot>,
}

/// A snapshot for a short look: on `atomic` no reference is counted. Not to be held across an await.
#[derive(Debug)]
pub struct Look(Seen);

#[derive(Debug)]
enum Seen {
    /// On `atomic`.
    Guarded(Guard<Arc<Snapshot>>),
    /// On the other backends.
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

/// An empty registry: the right to write and the right to read, as `watch::channel` does. `clock` reads a
/// monotonic clock in nanoseconds, for the figures of the backends.
#[must_use]
pub fn registry(clock: ReadClock) -> (Registry, Reader) {
    let shared = Arc::new(Core::new(Meters::new(clock)));
    (Registry { shared: shared.clone() }, Reader { shared })
}

impl Registry {
    /// Adds a stopped process.
    ///
    /// # Errors
    /// [`NameTaken`] if there is one of this name.
    pub fn add(&self, identity: Identity, now: Moment) -> Result<Arc<ProcessState>, NameTaken> {
        self.shared.add(identity, None, now)
    }

    /// The same, for a process that is not to be started yet for a reason that `reason` gives in words for people.
    ///
    /// # Errors
    /// [`NameTaken`].
    pub fn add_unstarted(
        &self,
        identity: Identity,
        reason: Arc<str>,
        now: Moment,
    ) -> Result<Arc<ProcessState>, NameTaken> {
        self.shared.add(identity, Some(reason), now)
    }

    /// Publishes the state after `event`, if `at` still holds. This is the only way to change anything.
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

    /// Puts another backend in force, under way: no commit is lost, no snapshot torn, and versions and
    /// generations go on where they were. Returns what was in force before.
    pub fn reroute(&self, routing: Routing) -> Routing {
        self.shared.reroute(routing)
    }

    /// A reader of this registry.
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

    /// The latest snapshot, to keep as long as one likes. Reads by one reader never go backwards.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.gathered()
    }

    /// The latest snapshot, for a short look that does not cross an await: on `atomic` it is cheaper than
    /// [`Reader::snapshot`] because it counts no reference.
    #[must_use]
    pub fn look(&self) -> Look {
        let core = &*self.shared;
        if core.routing() == Routing::default() {
            let root = core.meters.read(Backend::Atomic, Operation::Snapshot, || core.root.load());
            if root.truth == Truth::Whole {
                return Look(Seen::Guarded(root));
            }
        }
        Look(Seen::Gathered(self.snapshot()))
    }

    /// The latest state of one process.
    #[must_use]
    pub fn state(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        self.shared.state(id)
    }

    /// A reader for a loop that polls.
    #[must_use]
    pub fn poller(&self) -> Poller {
        Poller { reader: self.clone(), last: self.snapshot() }
    }

    /// The live handle of the process called `name`.
    #[must_use]
    pub fn handle(&self, name: &str) -> Option<Handle> {
        self.shared.handle(name)
    }

    /// At most `limit` commits after `cursor`, and how many were missed. Takes no lock.
    #[must_use]
    pub fn changes_since(&self, cursor: Generation, limit: usize) -> Page {
        self.shared.changes.since(cursor, self.shared.latest(), limit)
    }

    /// At most `limit` commits after `cursor` that `world` contains, and how many were missed. Takes no lock.
    #[must_use]
    pub fn changes_until(&self, cursor: Generation, world: &Snapshot, limit: usize) -> Page {
        self.shared.changes.since(cursor, world.generation, limit)
    }

    /// How often commits were made and refused.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Which backend is in force, and how far.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.shared.routing()
    }

    /// What a backend did so far, and how long it took.
    #[must_use]
    pub fn figures(&self, backend: Backend) -> BackendFigures {
        self.shared.meters.figures(backend)
    }

    /// The differences between the two sides of `dual` that nobody has taken yet, newest first.
    #[must_use]
    pub fn take_differences(&self) -> Vec<Difference> {
        self.shared.take_differences()
    }
}

impl Poller {
    /// The latest snapshot.
    pub fn snapshot(&mut self) -> &Arc<Snapshot> {
        if self.reader.shared.is_past(self.last.generation) {
            self.last = self.reader.snapshot();
        }
        &self.last
    }
}
