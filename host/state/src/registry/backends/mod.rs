//! Both backends behind one interface: where a state is found, how it is published, how the backend is changed at
//! run time.
//!
//! On every backend, one mutex, which is held briefly, orders the writers. A commit (1) records its change in the ring,
//! (2) stores the state in the cell of the process, (3) says so in the word `latest`, and (4) rolls the root forward if it
//! is far behind.
//!
//! **Reads never go backwards**, across cells and snapshots. A reader that finds a state newer than `latest` [advances
//! it](Core::seen) before it uses the state: the change, its predecessors and the state are in place by then. So no
//! snapshot that this reader takes later can be older, and nobody waits for a writer that was interrupted between (2)
//! and (3). A snapshot is the root, rolled forward from the ring up to `latest` ([`Root`]).
//!
//! | room | owns |
//! |---|---|
//! | `membership` | the order in which additions and removals are published |
//! | `switch` | the change of the backend |
//! | `dual` | the comparison of both sides |

mod dual;
mod membership;
mod switch;

use std::sync::{Arc, PoisonError, TryLockError};

use super::cell::Cell;
use super::changes::{Change, ChangeKind, Changes, Recorder};
use super::commit::{At, Counters, Rejected};
use super::differences::Differences;
use super::locked::Locked;
use super::meter::{Meters, Operation};
use super::names::Names;
use super::removals::Removals;
use super::root::{Moved, Root};
use super::routing::{Routing, RoutingWord, Side};
use super::snapshot::{Snapshot, Truth};
use crate::process::{Epoch, Event, Generation, Moment, PhaseKind, ProcessId, ProcessState};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, Retired};

/// What the writers share.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    /// The last commit.
    generation: Generation,
    at: Moment,
    /// The generation at which a writer last made sure that the root is not far behind.
    rolled: Generation,
    recorder: Recorder,
    /// The slots of removed processes.
    vacant: Vec<u32>,
    /// The states that were replaced in the cells.
    retired: Retired<ProcessState>,
}

#[derive(Debug)]
pub(crate) struct Core {
    routing: RoutingWord,
    pub(crate) root: Root,
    locked: Locked,
    /// The names and the cells of all processes, shared by both sides and all snapshots.
    names: Arc<Names>,
    /// Orders writers. Never held by a reader of `atomic`, nor across I/O, a spawn, a wait or a plugin call.
    writer: Mutex<Writing>,
    /// The last published generation: its state and its change are in place, and those of all before it.
    latest: AtomicU64,
    pub(crate) changes: Changes,
    pub(crate) meters: Meters,
    differences: Differences,
}

type Succession = Result<(PhaseKind, Arc<ProcessState>), Rejected>;

impl Core {
    /// Creates a registry without processes, in which the next commit is the one after `generation`.
    pub(crate) fn new(meters: Meters, generation: Generation, at: Moment) -> Self {
        let names = Arc::<Names>::default();
        let removals = Removals::from(generation);
        Self {
            routing: RoutingWord::default(),
            root: Root::new(Snapshot::new(generation, at, Default::default(), removals, names.clone())),
            locked: Locked::new(names.clone()),
            names,
            writer: Mutex::new(Writing { generation, at, rolled: generation, ..Writing::default() }),
            latest: AtomicU64::new(generation.0),
            changes: Changes::default(),
            meters,
            differences: Differences::default(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writing> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the writers' lock for a commit, and counts the commit if it has to wait for another writer.
    fn writer_in_turn(&self) -> MutexGuard<'_, Writing> {
        match self.writer.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let writing = self.writer();
                self.meters.retried(self.routing().backend);
                writing
            }
        }
    }

    #[inline]
    pub(crate) fn routing(&self) -> Routing {
        self.routing.load()
    }

    /// Whether a state is first looked for in its cell.
    #[inline]
    pub(crate) fn is_atomic(&self) -> bool {
        self.routing.is_atomic()
    }

    /// Returns the last published generation. A reader that has seen it also finds its state and its change.
    pub(crate) fn latest(&self) -> Generation {
        Generation(self.latest.load(Ordering::Acquire))
    }

    /// Makes sure that whatever this reader reads later is not older than `generation`, of which it has found the
    /// state: the writer may have been interrupted before it said that it was published.
    #[inline]
    pub(crate) fn seen(&self, generation: Generation) {
        if generation.0 > self.latest.load(Ordering::Acquire) {
            // Release: who sees this number also sees what this reader has seen.
            self.latest.fetch_max(generation.0, Ordering::AcqRel);
        }
    }

    /// Returns how much of the truth the locks hold, if they hold anything.
    fn truth(routing: Routing) -> Truth {
        if routing.whole().is_some() { Truth::Whole } else { Truth::Divided }
    }

    pub(crate) fn commit(
        &self,
        id: ProcessId,
        at: At,
        event: &Event,
        now: Moment,
    ) -> Result<Arc<ProcessState>, Rejected> {
        let routing = self.routing();
        self.meters.commit(routing.backend, || {
            let mut writing = self.writer_in_turn();
            self.commit_ordered(&mut writing, id, at, event, now)
        })
    }

    fn commit_ordered(
        &self,
        writing: &mut Writing,
        id: ProcessId,
        at: At,
        event: &Event,
        now: Moment,
    ) -> Result<Arc<ProcessState>, Rejected> {
        // No other writer is active, so nothing can move.
        let routing = self.routing();
        let cell = self.names.place(id).ok_or(Rejected::Unknown(id))?;
        let here = cell.state.read();
        let generation = writing.generation.next();
        let next = |current: Option<&ProcessState>| -> Succession {
            successor(current.ok_or(Rejected::Unknown(id))?, at, event, generation, now)
        };
        let of_cell = || next(Some(&*here).filter(|state| state.id == id));
        let of_locks = || next(self.locked.get(id).as_deref());
        let side = match routing.whole() {
            Some(Side::Both) => Side::Both,
            _ if here.id.epoch() == Epoch::ELSEWHERE => Side::Locked,
            _ => Side::Atomic,
        };
        let served = match side {
            Side::Atomic => of_cell(),
            Side::Locked | Side::Both => of_locks(),
        };
        if side == Side::Both {
            let twin = of_cell();
            if twin != served {
                self.differ(&format!("commit to {}", here.name()), &twin, &served);
            }
        }
        drop(here);
        let (from, state) = served?;
        let kind = ChangeKind::Event(event.kind());
        self.changes.record(&mut writing.recorder, Change::new(kind, from, state.clone()));
        if side != Side::Atomic {
            self.locked.put(state.clone(), Self::truth(routing));
        }
        if side != Side::Locked {
            cell.state.store(state.clone(), &mut writing.retired);
        }
        self.published(writing, routing, &state);
        cell.set_status(&state);
        Ok(state)
    }

    /// Says that `state` is published, and rolls the root forward if it is far behind.
    fn published(&self, writing: &mut Writing, routing: Routing, state: &ProcessState) {
        (writing.generation, writing.at) = (state.generation, state.changed_at);
        // Release: a reader that sees this generation also sees its state. A reader may have advanced the word already.
        self.latest.fetch_max(state.generation.0, Ordering::Release);
        if routing.whole() != Some(Side::Locked)
            && self.root.roll_if_due(writing.rolled, state.generation, &self.changes)
        {
            writing.rolled = state.generation;
        }
    }

    /// Repeats `look` until the backend does not change during it: usually it runs once.
    fn settled<T>(&self, look: impl Fn(Routing) -> Result<T, Moved>) -> T {
        loop {
            match look(self.routing()) {
                Ok(found) => return found,
                Err(Moved) => crate::sync::spin(),
            }
        }
    }

    /// Returns the state of one process.
    #[inline]
    pub(crate) fn state(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        self.counted_state(id, Meters::is_timed())
    }

    /// Returns the state of one process, for a read that was counted already.
    pub(crate) fn counted_state(&self, id: ProcessId, is_timed: bool) -> Option<Arc<ProcessState>> {
        let cell = self.names.place(id)?;
        if !is_timed && self.is_atomic() {
            let here = cell.state.read();
            if here.id == id {
                self.seen(here.generation);
                return Some(here.share());
            }
        }
        self.settled(|routing| {
            self.meters.counted(is_timed, routing.backend, Operation::Read, || {
                let found = match routing.whole() {
                    Some(Side::Locked) => self.locked.get(id),
                    Some(Side::Both) => self.compared_state(cell, id),
                    Some(Side::Atomic) | None => None,
                };
                if let Some(state) = found {
                    self.seen(state.generation);
                    return Ok(Some(state));
                }
                let here = cell.state.load();
                if here.id == id && routing.whole() == Some(Side::Both) {
                    // It is being removed, or moved to this side, at this moment.
                    return Err(Moved);
                }
                if here.id.epoch() != Epoch::ELSEWHERE {
                    self.seen(here.generation);
                    return Ok(Some(here).filter(|state| state.id == id));
                }
                if let Some(state) = self.locked.get(id).filter(|_| routing.whole().is_none()) {
                    self.seen(state.generation);
                    return Ok(Some(state));
                }
                match cell.tenant() {
                    // It is being moved at this moment.
                    Some(tenant) if tenant == id => Err(Moved),
                    // Another process has the slot, and it is kept behind locks.
                    tenant => {
                        self.seen(tenant.map_or(Generation::default(), |id| id.epoch().generation()));
                        Ok(None)
                    }
                }
            })
        })
    }

    /// Returns the id and the cell of the process called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<(ProcessId, Arc<Cell>)> {
        let (id, cell) = self.settled(|routing| match routing.whole() {
            Some(Side::Locked) => {
                let found = self.locked.id(name)?.and_then(|id| Some((id, self.names.place(id)?)));
                found.iter().for_each(|(id, _)| self.seen(id.epoch().generation()));
                Ok(found)
            }
            Some(Side::Atomic | Side::Both) | None => Ok(self.names.find(name)),
        })?;
        // The name of a new process can be found shortly before the process is published.
        (id.epoch().generation() <= self.latest()).then(|| (id, cell.clone()))
    }

    /// Returns the cell of a process that was not removed yet.
    pub(crate) fn cell(&self, id: ProcessId) -> Option<Arc<Cell>> {
        self.names.place(id).filter(|cell| cell.tenant() == Some(id)).cloned()
    }

    /// Returns the latest snapshot, on any backend.
    pub(crate) fn gathered(&self) -> Arc<Snapshot> {
        self.settled(|routing| {
            self.meters.read(routing.backend, Operation::Snapshot, || match routing.whole() {
                Some(Side::Atomic) | None => self.root.at_least(self.latest(), &self.changes),
                Some(Side::Locked) => {
                    let world = self.locked.snapshot()?;
                    self.seen(world.generation);
                    Ok(Arc::new(world))
                }
                Some(Side::Both) => self.compared_snapshot(),
            })
        })
    }

    pub(crate) fn counters(&self) -> Counters {
        self.meters.counters(self.latest())
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
    let phase = current.edge(event)?;
    // Copied to where it stays, and changed there.
    let mut next = Arc::new(current.clone());
    if let Some(next) = Arc::get_mut(&mut next) {
        next.advance(current, phase, event, now);
        next.version = current.version.next();
        next.generation = generation;
    }
    Ok((current.phase.kind(), next))
}

#[cfg(test)]
mod tests;
