//! The stash of a host: what another host needs to go on where this one was, written down as it changes.
//!
//! What must not happen twice is written before it is published: orders, ends, decisions, spawns. The rest follows the
//! registry's changes with a cursor. A stash that cannot be written blocks nothing: the host is shown as degraded, and a
//! new file is tried.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use provost_state::{EventKind, Generation, MemoryChange, ProcessState, Routing};
use tokio::sync::{Notify, watch};

use super::copying;
use super::counted::Counted;
use super::file::StashFile;
use super::former::Former;
use super::keeper::StashKeeper;
use super::kept::{Kept, Spawn};
use super::records::{Aside, Life, Record, put, put_commit, together};
use crate::clock::boot_id;
use crate::degraded::Degraded;
use crate::disk_copy::DiskCopy;
use crate::steps::step;

/// The number of generations that are leased at once. This is also the largest number by which a new host overestimates
/// what its readers have missed.
const LEASED: u64 = 1_024;

/// A lease is renewed when fewer than this are left: more than there are tasks that commit at the same time.
const LEASE_LEFT: u64 = 512;

/// The entry in [`Degraded`].
pub(super) const LACK: &str = "the stash";

/// The stash of a host. Clones share it.
#[derive(Clone)]
pub struct Stash(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) keeper: Arc<dyn StashKeeper>,
    /// The boot of the machine.
    pub(super) boot: Arc<str>,
    /// The file to which records are appended; `None` while there is none.
    pub(super) current: Arc<ArcSwapOption<StashFile>>,
    /// The thread that copies it to a disk, if there is one.
    copying: OnceLock<DiskCopy>,
    pub(super) kept: Mutex<Kept>,
    /// The number of the last file that was created.
    pub(super) number: AtomicU64,
    /// The highest generation that a commit may have without another lease.
    pub(super) leased: AtomicU64,
    /// The number of bytes with which the file in use began.
    pub(super) minimum: AtomicU64,
    pub(super) lost: AtomicU64,
    /// Notified when the file has to be replaced.
    pub(super) due: Notify,
    /// Whether the keeper has the first file.
    pub(super) confirmed: watch::Sender<bool>,
    pub(super) degraded: Degraded,
    #[cfg(any(test, feature = "scripted"))]
    pub(super) gate: OnceLock<super::gate::Gate>,
}

impl fmt::Debug for Stash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.current.load().as_ref().map(|file| file.bytes());
        f.debug_struct("Stash").field("bytes", &bytes).finish_non_exhaustive()
    }
}

/// Held from the write of a record until what it says is published: only then may the file be replaced by one that is
/// written from what is published.
#[must_use]
#[derive(Debug)]
pub(crate) struct Written {
    _file: Option<Arc<StashFile>>,
}

/// What is written together with the state of a process.
#[derive(Debug, Default)]
pub(crate) struct With<'a> {
    pub(crate) life: Option<&'a Life>,
    pub(crate) spawn: Option<Spawn<'a>>,
    pub(crate) aside: Option<&'a Aside>,
    /// What the policies that were asked have written into their memories.
    pub(crate) memory: &'a [Arc<MemoryChange>],
}

/// Whether an event is written before it is published. The others are found in the registry's changes: if the host ends
/// before that, they happen anew.
pub(crate) fn is_written_ahead(event: EventKind) -> bool {
    match event {
        EventKind::Start
        | EventKind::Stop
        | EventKind::Spawned
        | EventKind::SpawnFailed
        | EventKind::Overdue
        | EventKind::Ready
        | EventKind::Exited
        | EventKind::Decided
        | EventKind::Refused => true,
        EventKind::Wait | EventKind::NotReady | EventKind::Health | EventKind::TakenOver => false,
    }
}

/// The number of deaths that the state after an event has and the state before it may not have.
fn new_deaths(event: EventKind) -> usize {
    usize::from(matches!(event, EventKind::Exited | EventKind::SpawnFailed))
}

impl Inner {
    /// Lets the thread copy what is new.
    pub(super) fn wake_copying(&self) {
        if let Some(copying) = self.copying.get() {
            copying.wake();
        }
    }
}

impl Stash {
    /// Creates a stash whose files `keeper` keeps, and which goes on after those of a former host.
    #[must_use]
    pub fn new(keeper: Arc<dyn StashKeeper>, degraded: Degraded) -> Self {
        Self(Arc::new(Inner {
            keeper,
            boot: boot_id(),
            current: Arc::default(),
            copying: OnceLock::new(),
            kept: Mutex::default(),
            number: AtomicU64::new(0),
            leased: AtomicU64::new(0),
            minimum: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            due: Notify::new(),
            confirmed: watch::Sender::new(false),
            degraded,
            #[cfg(any(test, feature = "scripted"))]
            gate: Default::default(),
        }))
    }

    /// Copies everything into this file from now on, for the case that the keeper is killed together with the host. A
    /// thread does so, and a disk that is full or hangs stops nothing: the host is shown as degraded.
    ///
    /// # Errors
    /// If the thread cannot be started, or if there is a copy already.
    pub fn copy_to(&self, file: PathBuf) -> io::Result<()> {
        let copying = copying::start(Arc::downgrade(&self.0.current), self.0.degraded.clone(), file)?;
        let taken = |_| io::Error::from(io::ErrorKind::AlreadyExists);
        self.0.copying.set(copying).map_err(taken)
    }

    /// Has everything copied anew if the file of the copy is not in its place any more. Does not wait.
    pub fn look_at_copy(&self) {
        self.0.wake_copying();
    }

    /// Removes the copy, when the host has ended in order: the next one begins anew. Waits for the disk for at most five seconds.
    pub fn discard(&self) {
        if let Some(copying) = self.0.copying.get() {
            copying.discard();
        }
    }

    /// Writes down bytes that another host finds under this key, in the place of those that it had before.
    pub fn note(&self, key: &Arc<str>, bytes: &[u8]) {
        self.write(|kept| kept.note(key, bytes));
    }

    /// Ends the host at a step that the gate counts.
    #[cfg(any(test, feature = "scripted"))]
    pub fn behind(&self, gate: &super::gate::Gate) {
        // The first gate is that of the host.
        let _ = self.0.gate.set(gate.clone());
    }

    /// Returns how often something could not be written, or kept.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Resolves when the keeper has confirmed that it has the first file. Before that, what is decided is not safe.
    pub(crate) async fn confirmed(&self) {
        let mut confirmed = self.0.confirmed.subscribe();
        // Cannot fail: the sender is held here.
        let _ = confirmed.wait_for(|confirmed| *confirmed).await;
    }

    /// Goes on after a former host.
    pub(crate) fn go_on(&self, former: &Former) {
        // That of all processes in a registry that is restored.
        let born = former.generation.max(Generation(1));
        *self.0.kept.lock() = Kept::of(former, born);
        self.0.number.store(former.number, Ordering::Relaxed);
        self.0.leased.store(former.generation.0, Ordering::Relaxed);
    }

    /// Writes a state before it is published; `event` leads to it.
    pub(crate) fn ahead(
        &self,
        born: Generation,
        state: &ProcessState,
        event: EventKind,
        with: &With<'_>,
    ) -> Written {
        let mut bytes = Vec::with_capacity(512);
        let name = state.name();
        let mut kept = self.0.kept.lock();
        let life = with.life.map(|life| kept.life(name, born, life));
        let aside = with.aside.map(|aside| kept.aside(name, born, aside));
        let spawned = with.spawn.map(|spawn| kept.spawned(name, born, &spawn));
        let memories: Vec<_> = with.memory.iter().map(|change| kept.memory(change)).collect();
        drop(kept);
        for record in life.into_iter().chain(aside).chain(spawned.into_iter().flatten()).chain(memories) {
            put(&mut bytes, &record);
        }
        let is_alone = bytes.is_empty();
        put_commit(&mut bytes, born, state, new_deaths(event));
        step("stash.before", event);
        let written = if is_alone { self.append(&bytes) } else { self.append(&together(&bytes)) };
        step("stash.written", event);
        written
    }

    /// Writes down a process that was added.
    pub(crate) fn added(&self, state: &ProcessState) {
        let mut bytes = Vec::with_capacity(256);
        put_commit(&mut bytes, state.id.added_at(), state, 0);
        let _published = self.append(&bytes);
    }

    /// Writes down that a process was removed.
    pub(crate) fn removed(&self, state: &ProcessState) {
        self.write(|kept| kept.removed(state.name(), state.id.added_at()));
    }

    pub(crate) fn aside(&self, state: &ProcessState, aside: &Aside) {
        self.write(|kept| kept.aside(state.name(), state.id.added_at(), aside));
    }

    /// Writes down the digest of those parts of a spec that is in force now that take effect with a spawn, if the living child
    /// has others.
    pub(crate) fn in_force(&self, state: &ProcessState, digest: u64) {
        let record = self.0.kept.lock().in_force(state.name(), state.id.added_at(), digest);
        if let Some(record) = record {
            self.write(|_| record);
        }
    }

    /// Writes down what the health checks of a process have counted.
    pub(crate) fn counted(&self, state: &ProcessState, counted: Counted) {
        self.write(|kept| kept.counted(state.name(), state.id.added_at(), counted));
    }

    /// Writes down what a policy has written into its memory, if no commit follows from it.
    pub(crate) fn memory(&self, change: &MemoryChange) {
        self.write(|kept| kept.memory(change));
    }

    pub(crate) fn set(&self, name: &Arc<str>, wanted: u32, by_hand: bool) {
        self.write(|kept| kept.set(name, wanted, by_hand));
    }

    pub(crate) fn routing(&self, routing: Routing) {
        self.write(|kept| kept.routing(routing));
    }

    /// Makes sure that no other host gives the generation of this commit, or of one that is made at the same time, to
    /// another one.
    #[inline]
    pub(crate) fn lease(&self, generation: Generation) {
        if generation.0 + LEASE_LEFT > self.0.leased.load(Ordering::Relaxed) {
            self.renew_lease(generation);
        }
    }

    #[cold]
    fn renew_lease(&self, generation: Generation) {
        let until = generation.0 + LEASE_LEFT + LEASED;
        let mut bytes = Vec::new();
        put(&mut bytes, &Record::Lease(Generation(until)));
        let _published = self.append(&bytes);
        // After the write: until then, others write theirs, too.
        self.0.leased.fetch_max(until, Ordering::Relaxed);
    }

    /// Writes what `change` makes of that which is no state.
    fn write(&self, change: impl FnOnce(&mut Kept) -> Record) {
        let record = change(&mut self.0.kept.lock());
        let mut bytes = Vec::new();
        put(&mut bytes, &record);
        let _published = self.append(&bytes);
    }

    pub(super) fn append(&self, bytes: &[u8]) -> Written {
        let file = self.0.current.load_full();
        let appended = match &file {
            Some(file) if !file.is_torn() => file.append(bytes),
            _ => Err(io::Error::other("there is no file to write to")),
        };
        match appended {
            Ok(()) => self.0.wake_copying(),
            Err(error) => self.failed(&error),
        }
        Written { _file: file }
    }

    #[cold]
    pub(super) fn failed(&self, error: &io::Error) {
        self.0.lost.fetch_add(1, Ordering::Relaxed);
        let reason = format!("if the host is killed now, what it has decided last is lost: {error}");
        self.0.degraded.set(LACK, reason);
        self.0.due.notify_one();
    }
}
