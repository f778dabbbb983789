//! Both backends behind one seam: where a state is found, how it is published, how the backend is changed under
//! way.
//!
//! Writers are ordered by one short mutex, whatever the backend. Readers look at one word to see where the
//! truth is ([`Routing`]); on `atomic` they then load one pointer and take no lock.
//!
//! **Changing the backend** is done under the writers' mutex: first everything is brought up to date on both
//! sides, then the word is changed. So no commit is lost, because none is under way. A reader that saw the old
//! word finds, on the old side, the world at the moment of the change, which is never older than what it had seen
//! before: its read began before the change. Only while the processes are divided between the sides is neither
//! side the whole truth: what is published then says so, and a reader that comes upon it with an old word
//! looks again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use dashmap::DashMap;

use crate::changes::{Change, ChangeKind, Changes};
use crate::handle::Handle;
use crate::locked::Locked;
use crate::meter::{Meters, Operation};
use crate::process::{Generation, Identity, Moment, PhaseKind, ProcessId, ProcessState};
use crate::registry::{At, Counters, NameTaken, Rejected};
use crate::routing::{Backend, Routing, RoutingWord, Side};
use crate::snapshot::{Index, Snapshot};
use crate::transition::Event;

/// How many differences are remembered in words.
const DIFFERENCES_KEPT: usize = 16;

/// How often a comparison is tried again when a commit came between its two reads.
const TRIES: usize = 8;

/// The last commit, as the writers see it.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    generation: Generation,
    at: Moment,
}

#[derive(Debug, Default)]
struct Tally {
    commits: AtomicU64,
    stale_incarnation: AtomicU64,
    stale_version: AtomicU64,
    illegal: AtomicU64,
}

/// Two sides that did not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of what.
    pub of: String,
    /// What the atomic side said.
    pub atomic: String,
    /// What the locked side said, which was served.
    pub locked: String,
}

#[derive(Debug)]
pub(crate) struct Core {
    routing: RoutingWord,
    pub(crate) root: ArcSwap<Snapshot>,
    locked: Locked,
    /// Orders writers. Never held by a reader of `atomic`, nor across I/O, a spawn, a wait or a plugin call.
    writer: Mutex<Last>,
    /// The last generation that is about to be published; stored before its state. Who holds a snapshot of this
    /// generation holds the latest.
    announced: AtomicU64,
    /// The last generation that is published; stored after its state.
    latest: AtomicU64,
    pub(crate) changes: Changes,
    pub(crate) handles: DashMap<Arc<str>, Handle, ahash::RandomState>,
    tally: Tally,
    pub(crate) meters: Meters,
    differences: Mutex<VecDeque<Difference>>,
}

type Succession = Result<(PhaseKind, ProcessState), Rejected>;

impl Core {
    pub(crate) fn new(meters: Meters) -> Self {
        Self {
            routing: RoutingWord::default(),
            root: ArcSwap::default(),
            locked: Locked::default(),
            writer: Mutex::default(),
            announced: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            changes: Changes::default(),
            handles: DashMap::default(),
            tally: Tally::default(),
            meters,
            differences: Mutex::default(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Last> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn routing(&self) -> Routing {
        self.routing.load()
    }

    /// The last generation that is published. Whoever has seen it finds its state and its change.
    pub(crate) fn latest(&self) -> Generation {
        Generation(self.latest.load(Ordering::Acquire))
    }

    /// Is there, or will there be in a moment, anything later than `generation`?
    pub(crate) fn is_past(&self, generation: Generation) -> bool {
        self.announced.load(Ordering::Acquire) > generation.0
    }

    pub(crate) fn add(&self, identity: Identity, now: Moment) -> Result<Arc<ProcessState>, NameTaken> {
        let mut last = self.writer();
        let root = self.root.load();
        if root.index.contains_key(&identity.name) {
            return Err(NameTaken(identity.name));
        }
        let id = ProcessId(u32::try_from(root.table.len()).unwrap_or(u32::MAX));
        let mut state = ProcessState::new(id, Arc::new(identity), now);
        state.generation = last.generation.next();
        let state = Arc::new(state);
        // Who is there is the same on both sides; only states are routed.
        self.handles.insert(state.name().clone(), Handle::new(id));
        let index = root.index.update(state.name().clone(), id);
        self.changes.record(Change {
            generation: state.generation,
            kind: ChangeKind::Added,
            from: PhaseKind::Stopped,
            state: state.clone(),
        });
        self.announced.store(state.generation.0, Ordering::Release);
        let partial = self.routing().whole().is_none();
        self.locked.add(state.clone(), partial);
        self.store_root(&root, index, &state, partial);
        self.published(&mut last, &state, now);
        Ok(state)
    }

    pub(crate) fn commit(
        &self,
        id: ProcessId,
        at: At,
        event: &Event,
        now: Moment,
    ) -> Result<Arc<ProcessState>, Rejected> {
        let begun = self.meters.now();
        let mut last = self.writer();
        let backend = self.routing().backend;
        let result = self.commit_ordered(&mut last, id, at, event, now);
        drop(last);
        match &result {
            Ok(_) => self.meters.committed(backend, self.meters.now().saturating_sub(begun)),
            Err(rejected) => self.refused(backend, rejected),
        }
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
        let name = root.get(id).ok_or(Rejected::Unknown(id))?.name();
        let routing = self.routing();
        let (side, partial) = (routing.side(name), routing.whole().is_none());
        let next = |current: Option<&ProcessState>| -> Succession {
            successor(current.ok_or(Rejected::Unknown(id))?, at, event, last.generation.next(), now)
        };
        let served = match side {
            Side::Atomic => next(root.get(id).map(|state| &**state)),
            Side::Locked | Side::Both => next(self.locked.get(id).as_deref()),
        };
        if side == Side::Both {
            let twin = next(root.get(id).map(|state| &**state));
            if twin != served {
                self.differ(&format!("commit to {name}"), &twin, &served);
            }
        }
        let (from, state) = served?;
        let state = Arc::new(state);
        let kind = ChangeKind::Event(event.kind());
        self.changes.record(Change { generation: state.generation, kind, from, state: state.clone() });
        // Release, before the state itself: a poller that sees another thread's newer snapshot must not take its
        // own for the latest.
        self.announced.store(state.generation.0, Ordering::Release);
        if side != Side::Atomic {
            self.locked.put(state.clone(), partial);
        }
        if side != Side::Locked {
            self.store_root(&root, root.index.clone(), &state, partial);
        }
        self.published(last, &state, now);
        Ok(state)
    }

    fn store_root(&self, root: &Snapshot, index: Index, state: &Arc<ProcessState>, partial: bool) {
        self.root.store(Arc::new(Snapshot {
            whole: !partial,
            generation: state.generation,
            taken_at: state.changed_at,
            table: root.table.with(state.id.index(), state.clone()),
            index,
        }));
    }

    fn published(&self, last: &mut Last, state: &Arc<ProcessState>, now: Moment) {
        *last = Last { generation: state.generation, at: now };
        if let Some(handle) = self.handles.get(state.name()) {
            handle.publish(state);
        }
        // Release: whoever sees this generation sees the state that it stands for.
        self.latest.store(state.generation.0, Ordering::Release);
        self.tally.commits.fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, backend: Backend, rejected: &Rejected) {
        let counter = match rejected {
            Rejected::StaleIncarnation { .. } => &self.tally.stale_incarnation,
            Rejected::StaleVersion { .. } => &self.tally.stale_version,
            Rejected::Unknown(_) | Rejected::Illegal(_) => &self.tally.illegal,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if matches!(rejected, Rejected::StaleIncarnation { .. } | Rejected::StaleVersion { .. }) {
            self.meters.stale(backend);
        }
    }

    /// The state of one process.
    pub(crate) fn state(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        let routing = self.routing();
        self.meters.read(routing.backend, Operation::Read, || {
            let root = self.root.load();
            let side = routing.whole().or_else(|| root.get(id).map(|state| routing.side(state.name())))?;
            match side {
                Side::Atomic => root.get(id).cloned(),
                Side::Locked => self.locked.get(id),
                Side::Both => self.compared_state(id),
            }
        })
    }

    /// The whole, on whatever backend; `None` if the routing has changed meanwhile.
    pub(crate) fn gathered(&self, routing: Routing) -> Option<Arc<Snapshot>> {
        self.meters.read(routing.backend, Operation::Snapshot, || match routing.whole() {
            Some(Side::Atomic) => Some(self.root.load_full()).filter(|root| root.whole),
            Some(Side::Locked) => self.locked.snapshot(&self.root.load()).map(Arc::new),
            Some(Side::Both) => self.compared_snapshot(),
            None => {
                let last = self.writer();
                (self.routing() == routing).then(|| self.mixed(routing, &last))
            }
        })
    }

    /// Both sides at one instant: no writer is under way.
    fn mixed(&self, routing: Routing, last: &Last) -> Arc<Snapshot> {
        let root = self.root.load();
        let current = |state: &Arc<ProcessState>| match routing.side(state.name()) {
            Side::Atomic => state.clone(),
            Side::Locked | Side::Both => self.locked.get(state.id).unwrap_or_else(|| state.clone()),
        };
        let table = root.table.iter().map(current).collect();
        Arc::new(Snapshot {
            whole: true,
            generation: last.generation,
            taken_at: last.at,
            table,
            index: root.index.clone(),
        })
    }

    fn compared_state(&self, id: ProcessId) -> Option<Arc<ProcessState>> {
        let mut locked = self.locked.get(id);
        for _ in 0..TRIES {
            let atomic = self.root.load().get(id).cloned();
            let version = |state: &Option<Arc<ProcessState>>| state.as_ref().map(|state| state.version);
            if version(&atomic) == version(&locked) {
                if atomic != locked {
                    self.differ("a state", &atomic, &locked);
                }
                return locked;
            }
            locked = self.locked.get(id);
        }
        // A commit is half way between the two sides all the time: this read goes uncompared.
        locked
    }

    fn compared_snapshot(&self) -> Option<Arc<Snapshot>> {
        let mut locked = self.locked.snapshot(&self.root.load())?;
        for _ in 0..TRIES {
            let atomic = self.root.load();
            if atomic.generation == locked.generation {
                let pairs = atomic.table.iter().zip(locked.table.iter());
                for (atomic, locked) in pairs.filter(|(atomic, locked)| atomic != locked) {
                    self.differ("a snapshot", atomic, locked);
                }
                break;
            }
            locked = self.locked.snapshot(&self.root.load())?;
        }
        Some(Arc::new(locked))
    }

    fn differ(&self, of: &str, atomic: &impl std::fmt::Debug, locked: &impl std::fmt::Debug) {
        self.meters.difference();
        let difference =
            Difference { of: of.to_owned(), atomic: format!("{atomic:?}"), locked: format!("{locked:?}") };
        let mut kept = self.differences.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(DIFFERENCES_KEPT - 1);
        kept.push_front(difference);
    }

    /// The differences that nobody has taken yet, newest first.
    pub(crate) fn take_differences(&self) -> Vec<Difference> {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    /// Changes the backend under way; what was in force before.
    pub(crate) fn reroute(&self, routing: Routing) -> Routing {
        let last = self.writer();
        let before = self.routing();
        // Whatever is in force, no writer is under way: both sides together are the truth.
        let world = match before.whole() {
            Some(Side::Atomic) => self.root.load_full(),
            Some(Side::Locked | Side::Both) | None => self.mixed(before, &last),
        };
        self.locked.put_all(&world);
        self.root.store(Arc::new(Snapshot {
            generation: last.generation,
            taken_at: last.at,
            ..(*world).clone()
        }));
        self.routing.store(routing);
        before
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            commits: self.tally.commits.load(Ordering::Relaxed),
            stale_incarnation: self.tally.stale_incarnation.load(Ordering::Relaxed),
            stale_version: self.tally.stale_version.load(Ordering::Relaxed),
            illegal: self.tally.illegal.load(Ordering::Relaxed),
        }
    }
}

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
mod tests {
    use super::*;
    use crate::process::Cause;
    use crate::routing::Rollout;

    fn core() -> (Core, ProcessId) {
        let core = Core::new(Meters::new(|| 0));
        let added = core.add(Identity { name: "web".into(), group: "".into() }, Moment::default()).unwrap();
        (core, added.id)
    }

    #[test]
    fn in_dual_a_side_that_was_tampered_with_is_noticed_and_the_locked_value_served() {
        let (core, id) = core();
        core.reroute(Routing { backend: Backend::Dual, rollout: Rollout::FULL });
        assert_eq!(core.meters.figures(Backend::Dual).differences, 0);
        let good = core.state(id).unwrap();
        let tampered = Arc::new(ProcessState { restarts: 99, ..(*good).clone() });
        let root = core.root.load_full();
        let table = root.table.with(0, tampered);
        core.root.store(Arc::new(Snapshot { table, ..(*root).clone() }));
        assert_eq!(core.state(id).unwrap().restarts, 0);
        assert_eq!(core.gathered(core.routing()).unwrap().by_name("web").unwrap().restarts, 0);
        assert_eq!(core.meters.figures(Backend::Dual).differences, 2);
        let event = Event::Start { cause: Cause::User, reason: "r".into() };
        let at = At { incarnation: good.incarnation, version: good.version };
        assert_eq!(core.commit(id, at, &event, Moment::default()).unwrap().restarts, 0);
        let told = core.take_differences();
        assert_eq!(told.len(), 3);
        assert!(
            told[0].of.contains("web") && told[0].atomic.contains("99") && !told[0].locked.contains("99")
        );
        core.state(id).unwrap();
        assert!(core.take_differences().is_empty(), "the commit has put the tampered side right");
    }

    #[test]
    fn on_atomic_readers_go_on_while_every_lock_of_the_writers_is_held() {
        use crate::changes::CHANGES_KEPT;
        let (writer, reader) = crate::registry(|| 0);
        for n in 0..100 {
            let identity = Identity { name: format!("p{n}").into(), group: "".into() };
            writer.add(identity, Moment::default()).unwrap();
        }
        let mut poller = reader.poller();
        let handle = reader.handle("p7").unwrap();
        let core = reader.core();
        let writers = core.writer();
        let differences = core.differences.lock().unwrap();
        core.locked.while_locked(|| {
            let (told, answer) = std::sync::mpsc::channel();
            let (reader, id) = (reader.clone(), handle.id);
            std::thread::spawn(move || {
                let world = reader.snapshot();
                let seen = (
                    world.len(),
                    reader.look().len(),
                    poller.snapshot().len(),
                    reader.state(id).unwrap().id,
                    handle.status().phase,
                    reader.changes_since(Generation(0), CHANGES_KEPT).changes.len(),
                    reader.changes_until(Generation(0), &world, CHANGES_KEPT).changes.len(),
                    reader.counters().commits,
                );
                told.send(seen).unwrap();
            });
            // A reader that waited for one of the locks would never answer; this is how long never is.
            let seen = answer.recv_timeout(std::time::Duration::from_secs(60)).expect("a reader took a lock");
            assert_eq!(seen, (100, 100, 100, ProcessId(7), PhaseKind::Stopped, 100, 100, 100));
        });
        drop((writers, differences));
    }
}
