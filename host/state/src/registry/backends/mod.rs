//! Both backends behind one interface: where a state is found, how it is published, how the backend is changed at
//! run time.
//!
//! On every backend, one mutex, which is held briefly, orders the writers. Readers load one word to learn where the
//! states are ([`Routing`]); on `atomic` they then load one pointer and take no lock.
//!
//! **Changing the backend** is done under the writers' mutex: first the new side is brought up to date, then the
//! word is changed, then the old side drops the states it no longer serves. No commit is lost, because none is in
//! progress. A reader that saw the old word finds one of two things on the old side: either the states at the moment of
//! the change, which are never older than what it had seen before, because its read began before the change; or that
//! everything has [`Moved`]. Then it reads again, and the new word is visible by then. The same holds while the
//! processes are divided between the sides and neither is the whole truth.

use std::sync::{Arc, PoisonError, TryLockError};

use super::changes::{Change, ChangeKind, Changes};
use super::commit::{At, Counters, NameTaken, Rejected};
use super::differences::{Difference, Differences};
use super::handle::Handle;
use super::locked::{Locked, Moved};
use super::meter::{Meters, Operation};
use super::names::Names;
use super::routing::{Routing, RoutingWord, Side};
use super::snapshot::{Snapshot, Truth};
use crate::process::{Event, Generation, Identity, Moment, PhaseKind, ProcessId, ProcessState};
use crate::sync::{ArcSwap, AtomicU64, Mutex, MutexGuard, Ordering};

/// How often a comparison is repeated when a commit came between its two reads.
const TRIES: usize = 8;

/// The last commit, as the writers see it.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    generation: Generation,
    at: Moment,
}

#[derive(Debug)]
pub(crate) struct Core {
    routing: RoutingWord,
    pub(crate) root: ArcSwap<Snapshot>,
    locked: Locked,
    /// The names of all processes, shared by both sides and all snapshots.
    names: Arc<Names>,
    /// Orders writers. Never held by a reader of `atomic`, nor across I/O, a spawn, a wait or a plugin call.
    writer: Mutex<Last>,
    /// The generation that is about to be or was last published; stored before its state. A snapshot with this
    /// generation is the latest one.
    announced: AtomicU64,
    /// The last published generation; stored after its state.
    latest: AtomicU64,
    pub(crate) changes: Changes,
    pub(crate) meters: Meters,
    differences: Differences,
}

type Succession = Result<(PhaseKind, ProcessState), Rejected>;

impl Core {
    pub(crate) fn new(meters: Meters) -> Self {
        let names = Arc::<Names>::default();
        let nobody = Snapshot { names: names.clone(), ..Snapshot::default() };
        Self {
            routing: RoutingWord::default(),
            root: ArcSwap::from_pointee(nobody),
            locked: Locked::new(names.clone()),
            names,
            writer: Mutex::new(Last::default()),
            announced: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            changes: Changes::default(),
            meters,
            differences: Differences::default(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Last> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the writers' lock for a commit, and counts the commit if it has to wait for another writer.
    fn writer_in_turn(&self) -> MutexGuard<'_, Last> {
        match self.writer.try_lock() {
            Ok(last) => last,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let last = self.writer();
                self.meters.retried(self.routing().backend);
                last
            }
        }
    }

    pub(crate) fn routing(&self) -> Routing {
        self.routing.load()
    }

    /// Returns the last published generation. A reader that has seen it also finds its state and its change.
    pub(crate) fn latest(&self) -> Generation {
        Generation(self.latest.load(Ordering::Acquire))
    }

    /// Whether a later generation than `generation` is published or about to be.
    pub(crate) fn is_past(&self, generation: Generation) -> bool {
        self.announced.load(Ordering::Acquire) > generation.0
    }

    pub(crate) fn add(
        &self,
        identity: Identity,
        reason: Option<Arc<str>>,
        now: Moment,
    ) -> Result<Arc<ProcessState>, NameTaken> {
        let mut last = self.writer();
        let root = self.root.load();
        if self.names.find(&identity.name).is_some() {
            return Err(NameTaken(identity.name));
        }
        let identity = Arc::new(identity);
        // Both sides share the names; only states are routed.
        let id = self.names.add(identity.clone());
        let mut state = ProcessState::new(id, identity, now);
        state.generation = last.generation.next();
        if let Some(reason) = reason {
            state.reason = reason;
        }
        let state = Arc::new(state);
        self.changes.record(Change {
            generation: state.generation,
            kind: ChangeKind::Added,
            from: PhaseKind::Stopped,
            state: state.clone(),
        });
        self.announced.store(state.generation.0, Ordering::Release);
        let (whole, truth) = (self.routing().whole(), self.truth());
        if whole != Some(Side::Atomic) {
            self.locked.add(state.clone(), truth);
        }
        if whole != Some(Side::Locked) {
            self.store_root(&root, &state, truth);
        }
        self.published(&mut last, &state, now);
        Ok(state)
    }

    /// Returns how much of the truth a side in use holds.
    fn truth(&self) -> Truth {
        if self.routing().whole().is_some() { Truth::Whole } else { Truth::Divided }
    }

    pub(crate) fn commit(
        &self,
        id: ProcessId,
        at: At,
        event: &Event,
        now: Moment,
    ) -> Result<Arc<ProcessState>, Rejected> {
        let begun = self.meters.now();
        let mut last = self.writer_in_turn();
        let backend = self.routing().backend;
        let result = self.commit_ordered(&mut last, id, at, event, now);
        drop(last);
        self.meters.committed(backend, result.as_ref().err(), self.meters.now().saturating_sub(begun));
        result
    }

    fn commit_ordered(
        &self,
        last: &mut Last,
        id: ProcessId,
        at: At,
        event: &Event,
        now: Moment,
    ) -> Result<Arc<ProcessState>, Rejected> {
        let root = self.root.load();
        let side = side_of(self.routing(), &root, id).ok_or(Rejected::Unknown(id))?;
        let truth = self.truth();
        let next = |current: Option<&ProcessState>| -> Succession {
            successor(current.ok_or(Rejected::Unknown(id))?, at, event, last.generation.next(), now)
        };
        let served = match side {
            Side::Atomic => next(root.get(id).map(|state| &**state)),
            // No other writer is active, so nothing can have moved.
            Side::Locked | Side::Both => next(self.locked.get(id).unwrap_or_default().as_deref()),
        };
        if side == Side::Both {
            let twin = next(root.get(id).map(|state| &**state));
            if twin != served {
                let name = root.get(id).map(|state| state.name().clone()).unwrap_or_default();
                self.differ(&format!("commit to {name}"), &twin, &served);
            }
        }
        let (from, state) = served?;
        let state = Arc::new(state);
        let kind = ChangeKind::Event(event.kind());
        self.changes.record(Change { generation: state.generation, kind, from, state: state.clone() });
        // Release, before the state itself: a poller that sees another thread's newer snapshot must not consider
        // its own the latest.
        self.announced.store(state.generation.0, Ordering::Release);
        if side != Side::Atomic {
            self.locked.put(state.clone(), truth);
        }
        if side != Side::Locked {
            self.store_root(&root, &state, truth);
        }
        self.published(last, &state, now);
        Ok(state)
    }

    fn store_root(&self, root: &Snapshot, state: &Arc<ProcessState>, truth: Truth) {
        self.root.store(Arc::new(Snapshot {
            truth,
            generation: state.generation,
            taken_at: state.changed_at,
            table: root.table.with(state.id.index(), state.clone()),
            names: self.names.clone(),
        }));
    }

    fn published(&self, last: &mut Last, state: &Arc<ProcessState>, now: Moment) {
        (last.generation, last.at) = (state.generation, now);
        state.identity.word.store(state.phase.kind(), state.incarnation, state.generation);
        // Release: a reader that sees this generation also sees its state.
        self.latest.store(state.generation.0, Ordering::Release);
    }

    /// Repeats `look` until the backend does not change during it: usually it runs once.
    pub(crate) fn settled<T>(&self, look: impl Fn(Routing) -> Result<T, Moved>) -> T {
        loop {
            match look(self.routing()) {
                Ok(found) => return found,
                Err(Moved) => crate::sync::spin(),
            }
        }
    }

    /// Returns the state of one process.
    pub(crate) fn state(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        self.settled(|routing| {
            self.meters.read(routing.backend, Operation::Read, || {
                let root = self.root.load();
                match side_of(routing, &root, id) {
                    Some(Side::Locked) => self.locked.get(id),
                    Some(Side::Both) => self.compared_state(id),
                    Some(Side::Atomic) | None => known(&root, root.get(id).cloned()),
                }
            })
        })
    }

    /// Returns the live handle of the process called `name`.
    pub(crate) fn handle(&self, name: &str) -> Option<Handle> {
        let found = self.settled(|routing| match routing.whole() {
            Some(Side::Locked) => self.locked.handle(name),
            Some(Side::Atomic | Side::Both) | None => {
                Ok(self.names.find(name).map(|(id, identity)| Handle::new(id, identity.clone())))
            }
        });
        // A name is added shortly before its process is published.
        found.filter(Handle::is_published)
    }

    /// Returns the latest snapshot, on any backend.
    pub(crate) fn gathered(&self) -> Arc<Snapshot> {
        self.settled(|routing| {
            self.meters.read(routing.backend, Operation::Snapshot, || match routing.whole() {
                Some(Side::Atomic) => {
                    Some(self.root.load_full()).filter(|root| root.truth == Truth::Whole).ok_or(Moved)
                }
                Some(Side::Locked) => self.locked.snapshot().map(Arc::new),
                Some(Side::Both) => self.compared_snapshot(),
                None => {
                    let last = self.writer();
                    if self.routing() == routing { Ok(self.mixed(routing, &last)) } else { Err(Moved) }
                }
            })
        })
    }

    /// Combines both sides at one instant: the caller holds the writers' lock.
    fn mixed(&self, routing: Routing, last: &Last) -> Arc<Snapshot> {
        let root = self.root.load();
        let current = |state: &Arc<ProcessState>| match routing.side(state.name()) {
            Side::Atomic => state.clone(),
            Side::Locked | Side::Both => {
                self.locked.get(state.id).ok().flatten().unwrap_or_else(|| state.clone())
            }
        };
        let table = root.table.iter().map(current).collect();
        Arc::new(Snapshot {
            truth: Truth::Whole,
            generation: last.generation,
            taken_at: last.at,
            table,
            names: self.names.clone(),
        })
    }

    fn compared_state(&self, id: ProcessId) -> Result<Option<Arc<ProcessState>>, Moved> {
        let mut locked = self.locked.get(id)?;
        for _ in 0..TRIES {
            let atomic = self.root.load().get(id).cloned();
            let version = |state: &Option<Arc<ProcessState>>| state.as_ref().map(|state| state.version);
            if version(&atomic) == version(&locked) {
                if atomic != locked {
                    self.differ("a state", &atomic, &locked);
                }
                return Ok(locked);
            }
            locked = self.locked.get(id)?;
        }
        // Every try met a commit that had reached only one side: this read is not compared.
        Ok(locked)
    }

    fn compared_snapshot(&self) -> Result<Arc<Snapshot>, Moved> {
        let mut locked = self.locked.snapshot()?;
        for _ in 0..TRIES {
            let atomic = self.root.load();
            if atomic.generation == locked.generation && atomic.truth == Truth::Whole {
                let pairs = atomic.table.iter().zip(locked.table.iter());
                for (atomic, locked) in pairs.filter(|(atomic, locked)| atomic != locked) {
                    self.differ("a snapshot", atomic, locked);
                }
                break;
            }
            locked = self.locked.snapshot()?;
        }
        Ok(Arc::new(locked))
    }

    fn differ(&self, of: &str, atomic: &impl std::fmt::Debug, locked: &impl std::fmt::Debug) {
        self.meters.difference();
        self.differences.keep(of, atomic, locked);
    }

    /// Takes the differences that were not taken before, newest first.
    pub(crate) fn take_differences(&self) -> Vec<Difference> {
        self.differences.take()
    }

    /// Changes the backend at run time and returns the previous routing.
    pub(crate) fn reroute(&self, routing: Routing) -> Routing {
        let last = self.writer();
        let before = self.routing();
        // No other writer is active: each process has its latest state where it is kept.
        let world = match before.whole() {
            Some(Side::Atomic) => self.root.load_full(),
            Some(Side::Locked | Side::Both) => Arc::new(self.locked.all()),
            None => self.mixed(before, &last),
        };
        let world = Snapshot { generation: last.generation, taken_at: last.at, ..(*world).clone() };
        let whole = routing.whole();
        if whole != Some(Side::Atomic) {
            self.locked.put_all(&world);
        }
        self.root.store(Arc::new(world));
        self.routing.store(routing);
        // Only now: a reader that came with the old word and finds nothing must see the new word.
        match whole {
            Some(Side::Atomic) => self.locked.clear(),
            Some(Side::Locked) => self.root.store(Arc::new(Snapshot {
                truth: Truth::Elsewhere,
                generation: last.generation,
                taken_at: last.at,
                table: Default::default(),
                names: self.names.clone(),
            })),
            Some(Side::Both) | None => {}
        }
        before
    }

    pub(crate) fn counters(&self) -> Counters {
        self.meters.counters(self.latest())
    }
}

/// Returns where the process in slot `id` is kept; `None` if the root does not have it.
fn side_of(routing: Routing, root: &Snapshot, id: ProcessId) -> Option<Side> {
    routing.whole().or_else(|| root.get(id).map(|state| routing.side(state.name())))
}

/// Returns the result of a lookup in `root`, or [`Moved`] if nothing was found and the states are kept elsewhere.
fn known<T>(root: &Snapshot, found: Option<T>) -> Result<Option<T>, Moved> {
    match found {
        None if root.truth == Truth::Elsewhere => Err(Moved),
        found => Ok(found),
    }
}

/// Returns the phase before `event` and the state after it, if `at` still holds.
fn successor(
    current: &ProcessState,
    at: At,
    event: &Event,
    generation: Generation,
    now: Moment,
) -> Succession {
    if at.incarnation != current.incarnation {
        return Err(Rejected::StaleIncarnation { expected: at.incarnation, found: current.incarnation });
    }
    if at.version != current.version {
        return Err(Rejected::StaleVersion { expected: at.version, found: current.version });
    }
    let mut next = current.apply(event, now)?;
    next.version = current.version.next();
    next.generation = generation;
    Ok((current.phase.kind(), next))
}

#[cfg(test)]
mod tests;
