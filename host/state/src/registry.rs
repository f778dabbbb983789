//! The right to write, the guarded commit, and the readers.
//!
//! There is one publication point: a commit builds the next root (generation, table, index) and swaps one
//! atomic pointer. A short mutex orders writers among themselves; no reader ever takes it. So a snapshot is
//! one load, and no reader ever sees one process newer than another.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use dashmap::DashMap;

use crate::changes::{Change, ChangeKind, Changes, Page};
use crate::process::{
    Generation, Identity, Incarnation, Moment, PhaseKind, ProcessId, ProcessState, Version,
};
use crate::snapshot::Snapshot;
use crate::transition::{Event, Illegal};

/// What a writer believes to be true of the process it commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The life that the event belongs to: that of the message, not that of the state at hand.
    pub incarnation: Incarnation,
    /// The version that the event was concluded from.
    pub version: Version,
}

/// Why a commit was refused. Nothing is changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No such process.
    #[error("there is no process in slot {}", .0.index())]
    Unknown(ProcessId),
    /// The event belongs to another life.
    #[error("the event is of incarnation {expected}, the process is at {found}")]
    StaleIncarnation {
        /// The life of the event.
        expected: Incarnation,
        /// The life of the process.
        found: Incarnation,
    },
    /// The process has changed since.
    #[error("the event was concluded from version {expected}, the process is at {found}")]
    StaleVersion {
        /// The version of the conclusion.
        expected: Version,
        /// The version of the process.
        found: Version,
    },
    /// There is no such edge.
    #[error(transparent)]
    Illegal(#[from] Illegal),
}

/// A process of this name is in the registry already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a process called `{0}` already")]
pub struct NameTaken(pub Arc<str>);

/// Phase, incarnation and generation of one process in one atomic word: serves "is it up?" without a
/// look at the root.
///
/// It is stored right after the root of the same commit, so it may lag behind a snapshot by the commit
/// that is under way; by itself it never goes backwards.
#[derive(Default)]
pub struct StatusWord(AtomicU64);

/// What a [`StatusWord`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The phase.
    pub phase: PhaseKind,
    /// The incarnation, modulo 2^24.
    pub incarnation: u32,
    /// The generation of the commit, modulo 2^36.
    pub generation: u64,
}

const INCARNATION_BITS: u32 = 24;
const GENERATION_BITS: u32 = 36;

impl StatusWord {
    fn store(&self, state: &ProcessState) {
        let phase = state.phase.kind() as u64;
        let incarnation = state.incarnation.0 & ((1 << INCARNATION_BITS) - 1);
        let generation = state.generation.0 & ((1 << GENERATION_BITS) - 1);
        let word =
            (phase << (INCARNATION_BITS + GENERATION_BITS)) | (incarnation << GENERATION_BITS) | generation;
        // Release: whoever sees the word also sees the root that was published before it.
        self.0.store(word, Ordering::Release);
    }

    /// The status at the last commit that this thread can see.
    #[must_use]
    pub fn load(&self) -> Status {
        let word = self.0.load(Ordering::Acquire);
        let phase = PhaseKind::ALL.get((word >> (INCARNATION_BITS + GENERATION_BITS)) as usize);
        Status {
            phase: phase.copied().unwrap_or(PhaseKind::Stopped),
            incarnation: ((word >> GENERATION_BITS) & ((1 << INCARNATION_BITS) - 1)) as u32,
            generation: word & ((1 << GENERATION_BITS) - 1),
        }
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

/// A live handle to one process: found once by name, read for ever after without a lookup.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Its slot.
    pub id: ProcessId,
    word: Arc<StatusWord>,
}

impl Handle {
    /// Phase, incarnation and generation; see [`StatusWord`] for its consistency.
    #[must_use]
    pub fn status(&self) -> Status {
        self.word.load()
    }
}

/// How often commits were made and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commits published.
    pub commits: u64,
    /// Refused: of another life.
    pub stale_incarnation: u64,
    /// Refused: concluded from an older version.
    pub stale_version: u64,
    /// Refused: no such edge. Anything but 0 is a defect of the host.
    pub illegal: u64,
}

#[derive(Debug, Default)]
struct Tally {
    commits: AtomicU64,
    stale_incarnation: AtomicU64,
    stale_version: AtomicU64,
    illegal: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    root: ArcSwap<Snapshot>,
    /// Orders writers. Never held by a reader, nor across I/O, a spawn, a wait or a plugin call.
    writer: Mutex<()>,
    changes: Changes,
    handles: DashMap<Arc<str>, Handle, ahash::RandomState>,
    tally: Tally,
}

/// The right to write. There is one, and the supervisor has it.
#[derive(Debug)]
pub struct Registry {
    shared: Arc<Shared>,
}

/// The right to read: wait-free, and for everybody.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A reader that polls: it keeps the last snapshot and looks at one atomic to see whether it is still the
/// latest (`arc_swap::Cache`).
#[derive(Debug)]
pub struct Poller {
    cache: arc_swap::Cache<SharedRoot, Arc<Snapshot>>,
}

#[derive(Debug)]
struct SharedRoot(Arc<Shared>);

impl std::ops::Deref for SharedRoot {
    type Target = ArcSwap<Snapshot>;

    fn deref(&self) -> &Self::Target {
        &self.0.root
    }
}

/// An empty registry: the right to write and the right to read, as `watch::channel` does.
#[must_use]
pub fn registry() -> (Registry, Reader) {
    let shared = Arc::new(Shared::default());
    (Registry { shared: shared.clone() }, Reader { shared })
}

impl Registry {
    /// Adds a stopped process.
    ///
    /// # Errors
    /// [`NameTaken`] if there is one of this name.
    pub fn add(&self, identity: Identity, now: Moment) -> Result<Arc<ProcessState>, NameTaken> {
        let shared = &*self.shared;
        let _writer = shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let root = shared.root.load();
        if root.index.contains_key(&identity.name) {
            return Err(NameTaken(identity.name));
        }
        let id = ProcessId(u32::try_from(root.table.len()).unwrap_or(u32::MAX));
        let mut state = ProcessState::new(id, Arc::new(identity), now);
        state.generation = root.generation.next();
        let state = Arc::new(state);
        shared.handles.insert(state.name().clone(), Handle { id, word: Arc::default() });
        let index = root.index.update(state.name().clone(), id);
        shared.publish(
            Snapshot { index, ..next_root(&root, &state, now) },
            ChangeKind::Added,
            PhaseKind::Stopped,
            &state,
        );
        Ok(state)
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
        let shared = &*self.shared;
        let _writer = shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let root = shared.root.load();
        let result = successor(&root, id, at, event, now);
        match &result {
            Ok((from, state)) => {
                let index = root.index.clone();
                let kind = ChangeKind::Event(event.kind());
                shared.publish(Snapshot { index, ..next_root(&root, state, now) }, kind, *from, state);
            }
            Err(rejected) => shared.tally.refused(rejected),
        }
        result.map(|(_, state)| state)
    }

    /// A reader of this registry.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader { shared: self.shared.clone() }
    }
}

fn successor(
    root: &Snapshot,
    id: ProcessId,
    at: At,
    event: &Event,
    now: Moment,
) -> Result<(PhaseKind, Arc<ProcessState>), Rejected> {
    let current = root.get(id).ok_or(Rejected::Unknown(id))?;
    if at.incarnation != current.incarnation {
        return Err(Rejected::StaleIncarnation { expected: at.incarnation, found: current.incarnation });
    }
    if at.version != current.version {
        return Err(Rejected::StaleVersion { expected: at.version, found: current.version });
    }
    let mut next = current.apply(event, now)?;
    next.version = current.version.next();
    next.generation = root.generation.next();
    Ok((current.phase.kind(), Arc::new(next)))
}

fn next_root(root: &Snapshot, state: &Arc<ProcessState>, now: Moment) -> Snapshot {
    Snapshot {
        generation: state.generation,
        taken_at: now,
        table: root.table.with(state.id.index(), state.clone()),
        index: Default::default(),
    }
}

impl Shared {
    fn publish(&self, root: Snapshot, kind: ChangeKind, from: PhaseKind, state: &Arc<ProcessState>) {
        self.changes.record(Change { generation: state.generation, kind, from, state: state.clone() });
        self.root.store(Arc::new(root));
        if let Some(handle) = self.handles.get(state.name()) {
            handle.word.store(state);
        }
        self.tally.commits.fetch_add(1, Ordering::Relaxed);
    }
}

impl Tally {
    fn refused(&self, rejected: &Rejected) {
        let counter = match rejected {
            Rejected::StaleIncarnation { .. } => &self.stale_incarnation,
            Rejected::StaleVersion { .. } => &self.stale_version,
            Rejected::Unknown(_) | Rejected::Illegal(_) => &self.illegal,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Reader {
    /// The latest snapshot, to keep as long as one likes. Reads by one reader never go backwards.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.root.load_full()
    }

    /// The latest snapshot, for a short look that does not cross an await: cheaper than
    /// [`Reader::snapshot`] because it counts no reference.
    #[must_use]
    pub fn look(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.shared.root.load()
    }

    /// A reader for a loop that polls.
    #[must_use]
    pub fn poller(&self) -> Poller {
        Poller { cache: arc_swap::Cache::new(SharedRoot(self.shared.clone())) }
    }

    /// The live handle of the process called `name`.
    #[must_use]
    pub fn handle(&self, name: &str) -> Option<Handle> {
        self.shared.handles.get(name).map(|handle| handle.value().clone())
    }

    /// At most `limit` commits after `cursor`, and how many were missed. Takes no lock.
    #[must_use]
    pub fn changes_since(&self, cursor: Generation, limit: usize) -> Page {
        let until = self.shared.root.load().generation;
        self.shared.changes.since(cursor, until, limit)
    }

    /// At most `limit` commits after `cursor` that `world` contains, and how many were missed. Takes no lock.
    #[must_use]
    pub fn changes_until(&self, cursor: Generation, world: &Snapshot, limit: usize) -> Page {
        self.shared.changes.since(cursor, world.generation, limit)
    }

    /// How often commits were made and refused.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let tally = &self.shared.tally;
        Counters {
            commits: tally.commits.load(Ordering::Relaxed),
            stale_incarnation: tally.stale_incarnation.load(Ordering::Relaxed),
            stale_version: tally.stale_version.load(Ordering::Relaxed),
            illegal: tally.illegal.load(Ordering::Relaxed),
        }
    }
}

impl Poller {
    /// The latest snapshot.
    pub fn snapshot(&mut self) -> &Arc<Snapshot> {
        self.cache.load()
    }
}
