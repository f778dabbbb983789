//! The worlds that are measured: registries filled by real commits, the same states behind plain mutexes, and the
//! commits of a writer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use provost_state::{
    At, Backend, Cause, Event, Exit, Identity, Moment, Phase, PhaseKind, ProcessId, ProcessState, Reader,
    Registry, Rollout, Routing, Ruling, RulingAction, registry,
};
use provost_tests::bench::clock::now_ns;

/// The number of processes in a group.
const GROUP: usize = 10;
const PID: u32 = 4_242;
/// The maximum number of processes that a writer writes in turn.
const WRITTEN: usize = 1_024;

/// A registry on one backend, filled with processes.
pub struct World {
    pub writer: Registry,
    pub reader: Reader,
    pub ids: Vec<ProcessId>,
    pub names: Vec<String>,
}

/// Returns the names of `size` processes.
pub fn names(size: usize) -> Vec<String> {
    (0..size).map(|number| format!("web-{number:05}")).collect()
}

fn now() -> Moment {
    Moment { wall_ms: 1_780_000_000_000, mono_ns: 1_000_000_000 }
}

fn reason() -> Arc<str> {
    "its check answered 200 after 312 ms, three times in a row".into()
}

impl World {
    /// Creates a world of `size` running processes, each of which has crashed once and was restarted by a decision.
    pub fn new(size: usize, backend: Backend) -> Self {
        let (writer, reader) = registry(now_ns);
        writer.reroute(Routing { backend, rollout: Rollout::FULL });
        let names = names(size);
        let add = |(number, name): (usize, &String)| {
            let identity = Identity::new(name.as_str(), format!("group-{}", number / GROUP));
            writer.add(identity, now()).unwrap().id
        };
        let ids = names.iter().enumerate().map(add).collect();
        let world = Self { writer, reader, ids, names };
        world.ids.iter().for_each(|id| world.run(*id));
        world
    }

    /// Brings a process to running, to a crash, to the decision to restart it, and to running again. No text is shared
    /// between processes.
    fn run(&self, id: ProcessId) {
        let ruling = Ruling {
            action: RulingAction::restart(100),
            by: "backoff".into(),
            reason: "failure 1 of 10: wait 100 ms and try again".into(),
            overruled: None,
        };
        self.commit(id, &Event::Start { cause: Cause::User, reason: "asked for on the command line".into() });
        self.commit(id, &Event::Spawned { pid: PID, reason: "its time has come".into() });
        self.commit(id, &Event::Ready { reason: reason() });
        self.commit(id, &Event::Exited { exit: Exit::Code(1), out_of_memory: false });
        self.commit(id, &Event::Decided { ruling: ruling.into() });
        self.commit(id, &Event::Spawned { pid: PID, reason: "its time has come".into() });
        self.commit(id, &Event::Ready { reason: reason() });
    }

    fn at(&self, id: ProcessId) -> At {
        let state = self.reader.state(id).unwrap();
        At { incarnation: state.incarnation, version: state.version }
    }

    /// Commits `event` to the current state of a process.
    pub fn commit(&self, id: ProcessId, event: &Event) {
        self.writer.commit(id, self.at(id), event, now()).unwrap();
    }

    /// Returns a step that adds a process and removes it again.
    pub fn comes_and_goes(&self, thread: usize) -> impl FnMut() + use<'_> {
        let name: Arc<str> = format!("comes-and-goes-{thread}").into();
        move || {
            let added = self.writer.add(Identity::new(name.clone(), ""), now()).unwrap();
            self.writer.remove(added.id, now()).unwrap();
        }
    }

    /// Returns the step of writer `thread` of `threads`: each of its processes in turn exits, is started, spawned and
    /// ready. The writer keeps what it has last committed, as the task of a process does.
    pub fn crashes(&self, thread: usize, threads: usize) -> impl FnMut() + use<'_> {
        let own: Vec<ProcessId> = self.ids.iter().skip(thread).step_by(threads).copied().collect();
        let mut own: Vec<(ProcessId, At, PhaseKind)> =
            spread(own).map(|id| (id, self.at(id), self.reader.state(id).unwrap().phase.kind())).collect();
        let events = Events::default();
        let mut turn = 0;
        move || {
            turn = (turn + 1) % own.len();
            let (id, at, phase) = &mut own[turn];
            let state = self.writer.commit(*id, *at, events.next(*phase), now()).unwrap();
            (at.incarnation, at.version, *phase) = (state.incarnation, state.version, state.phase.kind());
        }
    }
}

/// Returns at most [`WRITTEN`] of `all`, evenly spread.
fn spread<T>(all: Vec<T>) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(WRITTEN).max(1);
    all.into_iter().step_by(step)
}

/// The events that are committed to a process again and again.
struct Events {
    exited: Event,
    start: Event,
    spawned: Event,
    ready: Event,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            exited: Event::Exited { exit: Exit::Code(1), out_of_memory: false },
            start: Event::Start { cause: Cause::User, reason: "asked for".into() },
            spawned: Event::Spawned { pid: PID, reason: "its time has come".into() },
            ready: Event::Ready { reason: reason() },
        }
    }
}

impl Events {
    fn next(&self, phase: PhaseKind) -> &Event {
        match phase {
            PhaseKind::Running => &self.exited,
            PhaseKind::Waiting => &self.spawned,
            PhaseKind::Starting => &self.ready,
            _ => &self.start,
        }
    }
}

/// A state behind a mutex, changed in place.
pub type Cell = Arc<Mutex<ProcessState>>;

/// The design that the core replaces: one mutex for each process behind an `RwLock<HashMap>`. It exists only here,
/// because no backend changes a state in place.
pub struct Plain {
    pub cells: Vec<Cell>,
    pub map: RwLock<HashMap<String, Cell>>,
}

impl Plain {
    /// Copies the states of `world` behind mutexes.
    pub fn new(world: &World) -> Self {
        let snapshot = world.reader.snapshot();
        let cells: Vec<Cell> = snapshot.iter().map(|state| Arc::new(Mutex::new((**state).clone()))).collect();
        let map = world.names.iter().cloned().zip(cells.iter().cloned()).collect();
        Self { cells, map: RwLock::new(map) }
    }

    /// Returns the same step as [`World::crashes`], without the rules, the checks of versions, the deaths and the
    /// changes that a commit keeps: the least that a setter has to do.
    pub fn crashes(&self, thread: usize, threads: usize) -> impl FnMut() + use<'_> {
        let own: Vec<&Cell> = self.cells.iter().skip(thread).step_by(threads).collect();
        let own: Vec<&Cell> = spread(own).collect();
        let reasons = [reason(), "asked for".into(), "its time has come".into(), "exited with code 1".into()];
        let mut turn = 0;
        move || {
            turn = (turn + 1) % own.len();
            let mut state = own[turn].lock().unwrap();
            set(&mut state, &reasons);
        }
    }
}

/// Sets the next phase of a process in place, as setters do.
pub fn set(state: &mut ProcessState, reasons: &[Arc<str>; 4]) {
    let (phase, reason) = match state.phase {
        Phase::Running { .. } => (Phase::Exited { settled: false }, 3),
        Phase::Waiting => (Phase::Starting { pid: PID }, 2),
        Phase::Starting { .. } => (Phase::Running { pid: PID }, 0),
        _ => (Phase::Waiting, 1),
    };
    if phase.kind() == PhaseKind::Starting {
        state.incarnation = state.incarnation.next();
        state.started_at = Some(now());
    }
    state.phase = phase;
    state.reason = reasons[reason].clone();
    state.version = state.version.next();
    state.generation = state.generation.next();
    state.changed_at = now();
}

/// Returns what every reader of one state reads: the phase, the incarnation and the length of the reason.
pub fn fields(state: &ProcessState) -> (PhaseKind, u64, usize) {
    (state.phase.kind(), state.incarnation.0, state.reason.len())
}

/// A sequence of processes to read.
pub trait Pick {
    /// Creates a sequence among `size` processes, a different one for each thread.
    fn new(size: usize, thread: usize) -> Self;
    /// Returns the position of the next process.
    fn next(&mut self) -> usize;
}

/// Always the same process.
pub struct Hot;

impl Pick for Hot {
    fn new(_: usize, _: usize) -> Self {
        Self
    }

    fn next(&mut self) -> usize {
        0
    }
}

/// Random processes, chosen in advance, so that picking one costs almost nothing.
pub struct Picks {
    order: Vec<u32>,
    at: usize,
}

impl Pick for Picks {
    fn new(size: usize, thread: usize) -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ ((thread as u64 + 1) << 32);
        let mut pick = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % size as u64) as u32
        };
        let order = (0..size.next_power_of_two().max(WRITTEN)).map(|_| pick()).collect();
        Self { order, at: 0 }
    }

    #[inline]
    fn next(&mut self) -> usize {
        self.at = (self.at + 1) & (self.order.len() - 1);
        self.order[self.at] as usize
    }
}
