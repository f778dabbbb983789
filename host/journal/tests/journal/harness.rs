//! A registry that a journal follows, and the directory in which it writes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use provost_journal::{Bounds, Entry, Follow, History, Journal, Life, Record, Wanted};
use provost_state::{
    At, Cause, Event, Exit, Generation, Identity, Moment, Note, Noted, Ordered, ProcessState, Reader,
    Recorder, Registry, registry,
};
use tempfile::TempDir;

/// The time by the wall clock at which every test begins.
pub(crate) const BEGIN_MS: u64 = 1_795_000_000_000;

/// Waits until something holds.
pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    provost_tests::eventually(what, holds, |holds| *holds);
}

/// A clock that a test sets, in milliseconds since it began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn now(&self) -> Moment {
        let ms = self.0.load(Ordering::Relaxed);
        Moment { wall_ms: BEGIN_MS + ms, mono_ns: ms * 1_000_000 }
    }

    pub(crate) fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// A host with processes and a journal.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) reader: Reader,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
}

impl World {
    /// Begins a host whose journal is in `dir`.
    pub(crate) fn begin(dir: &Path, bounds: Bounds) -> Self {
        let world = Self::idle();
        world.note(Noted::HostStarted { pid: 7, version: "0.1.0".into() });
        world.follow(dir, bounds);
        world
    }

    /// Returns a host whose journal takes notes and does not follow it yet.
    pub(crate) fn idle() -> Self {
        let (registry, reader) = registry(|| 0);
        Self { registry, reader, clock: Clock::default(), journal: Journal::new() }
    }

    pub(crate) fn follow(&self, dir: &Path, bounds: Bounds) {
        let clock = self.clock.clone();
        let follow = Follow {
            dir: dir.to_owned(),
            bounds,
            life: Life::of("boot", "host"),
            reader: self.reader.clone(),
            clock: Arc::new(move || clock.now()),
            on_trouble: Box::new(|_| {}),
        };
        self.journal.follow(follow).unwrap();
    }

    pub(crate) fn add(&self, name: &str) -> Arc<ProcessState> {
        let added = self.registry.add(Identity::new(name, "group"), self.clock.now()).unwrap();
        self.journal.nudge();
        added
    }

    pub(crate) fn commit(&self, state: &ProcessState, event: &Event) -> Arc<ProcessState> {
        let at = At { incarnation: state.incarnation, version: state.version };
        let next = self.registry.commit(state.id, at, event, self.clock.now()).unwrap();
        self.journal.nudge();
        next
    }

    /// Starts a process and lets it end with code 1: three commits.
    pub(crate) fn live(&self, state: &ProcessState) -> Arc<ProcessState> {
        let state = self.commit(state, &Event::Start { cause: Cause::User, reason: "a test asks".into() });
        let state = self.commit(&state, &Event::Spawned { pid: 4_711, reason: "at once".into() });
        self.commit(&state, &Event::Exited { exit: Exit::Code(1), out_of_memory: false })
    }

    pub(crate) fn note(&self, what: Noted) {
        self.journal.record(Note { at: self.clock.now(), after: self.reader.latest(), what });
    }

    pub(crate) fn order(&self, order: &str) {
        let ordered = Ordered { order: order.into(), name: "web".into(), detail: "by a test".into() };
        self.note(Noted::Order(ordered));
    }

    /// Waits until everything is written.
    pub(crate) fn written(&self, records: u64) {
        eventually("everything is written", || self.journal.figures().records >= records);
    }

    /// Ends the host in order.
    pub(crate) fn end(self) {
        assert!(self.journal.end(Duration::from_secs(30)), "the thread ends");
    }
}

/// Returns a directory for a journal.
pub(crate) fn dir() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("journal");
    (home, dir)
}

/// Returns everything that can be read.
pub(crate) fn all(dir: &Path) -> Vec<Entry> {
    read(dir, &Wanted::default())
}

pub(crate) fn read(dir: &Path, wanted: &Wanted) -> Vec<Entry> {
    let mut entries = Vec::new();
    let each = |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    };
    History::new(dir).read(wanted, each).unwrap();
    entries
}

/// Returns the files of a journal, in the order of their names.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Describes records in short.
pub(crate) fn words(entries: &[Entry]) -> Vec<String> {
    let word = |entry: &Entry| match &entry.record {
        Record::Commit(commit) => format!("{} {:?}", commit.state.generation, commit.kind),
        Record::Standing(state) => format!("standing {}", state.name()),
        Record::Gap(gap) => format!("gap {} {}", gap.reason.as_str(), gap.count),
        Record::Note(Note { what: Noted::Order(ordered), .. }) => format!("order {}", ordered.order),
        other => other.kind().as_str().to_owned(),
    };
    entries.iter().map(word).collect()
}

/// Returns the generations of the commits.
pub(crate) fn generations(entries: &[Entry]) -> Vec<Generation> {
    let generation = |entry: &Entry| match &entry.record {
        Record::Commit(commit) => Some(commit.state.generation),
        _ => None,
    };
    entries.iter().filter_map(generation).collect()
}
