//! The log of one process. Two locks, and what each is for: `file` is taken only on threads for log writes, for as long as
//! the disk takes; `now` is taken by everybody, and nobody waits while holding it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};
use provost_state::Incarnation;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::disk::{Files, NotOpened, Position, Reserve, is_out_of_descriptors};
use super::escapes::Seeker;
use super::follower::{Follower, Queue, Told};
use super::item::LogStream;
use super::read::format::{Format, Stored};
use super::write::batch::{Batch, End};
use super::write::file::LogFile;
use super::write::losses::Losses;
use crate::slots::Slots;
use crate::spec::LogLimits;

/// A longer line is told in pieces.
const TOLD_BYTES_MAX: usize = 1 << 20;

/// The log of one process.
#[derive(Debug)]
pub(crate) struct ProcessLog {
    pub(super) stored: Stored,
    file: Mutex<LogFile>,
    /// One turn, so that a disk that hangs takes one thread of this process.
    slots: Slots,
    /// For each stream the right to its current line, so that two lives do not write into one.
    lines: [Slots; 2],
    now: Mutex<Now>,
    lives: watch::Sender<Lives>,
    losses: Arc<Losses>,
    /// The last write failed.
    losing: AtomicBool,
    /// It has been said that strangers hold its output open.
    pub(super) said_held: AtomicBool,
}

/// Which life is the latest, and whether it is over.
#[derive(Clone, Copy, Debug)]
struct Lives {
    latest: Incarnation,
    stopped: bool,
}

/// How a pipe stands to the process whose output it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Of the latest life.
    Living,
    /// Of the latest life, which has ended for good.
    Stopped,
    /// Of an earlier life.
    Former,
}

/// What is told of a process's output at this moment.
#[derive(Debug, Default)]
pub(super) struct Now {
    /// Up to where what is in the files has been told to followers; none before the file was opened.
    told: Option<Position>,
    followers: Vec<Follower>,
    awaited: Option<Awaited>,
    /// The latest life and those before whose output is still held open, and how many of their pipes are being read.
    open: Vec<(Incarnation, watch::Receiver<usize>)>,
    /// For each stream, the parts of a line that is told when its end has come.
    long: [Vec<u8>; 2],
    /// Nothing is told any more.
    ended: bool,
}

/// A text that somebody waits for in the output of one incarnation.
#[derive(Debug)]
struct Awaited {
    incarnation: Incarnation,
    /// For each stream.
    seekers: [Seeker; 2],
    seen: oneshot::Sender<()>,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Written {
    /// It is in the file, or its loss is counted. With the room that it took.
    Done(Vec<u8>),
    /// No descriptor is to be had for the file: it is to be tried again.
    NotYet(Batch),
}

impl ProcessLog {
    pub(super) fn new(
        name: Arc<str>,
        path: PathBuf,
        limits: LogLimits,
        reserve: Arc<Reserve>,
        losses: Arc<Losses>,
    ) -> Self {
        let files = Arc::new(Files::new(path, limits.files_max));
        let file = LogFile::new(name.clone(), files.clone(), limits.file_bytes_max, reserve);
        Self {
            stored: Stored { name, files, format: Format::Process },
            file: Mutex::new(file),
            slots: Slots::new(1),
            lines: [Slots::new(1), Slots::new(1)],
            now: Mutex::default(),
            lives: watch::Sender::new(Lives { latest: Incarnation(0), stopped: false }),
            losses,
            losing: AtomicBool::new(false),
            said_held: AtomicBool::new(false),
        }
    }

    pub(super) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock()
    }

    /// A new life begins. What is returned counts the pipes of it that are still being read.
    pub(super) fn lives(&self, latest: Incarnation) -> watch::Sender<usize> {
        let open = watch::Sender::new(0);
        let mut now = self.now();
        now.open.retain(|(_, open)| *open.borrow() > 0);
        now.open.push((latest, open.subscribe()));
        drop(now);
        self.lives.send_replace(Lives { latest, stopped: false });
        open
    }

    /// How many pipes of that life are still being read.
    pub(super) fn open_pipes(&self, incarnation: Incarnation) -> Option<watch::Receiver<usize>> {
        let now = self.now();
        now.open.iter().find(|(life, _)| *life == incarnation).map(|(_, open)| open.clone())
    }

    /// Its latest life is over.
    pub(super) fn stopped(&self) {
        self.lives.send_modify(|lives| lives.stopped = true);
    }

    /// Resolves when the pipe of a life stands differently than `before`.
    pub(super) async fn standing_changed(&self, incarnation: Incarnation, before: Standing) -> Standing {
        let standing = |lives: &Lives| match (lives.latest > incarnation, lives.stopped) {
            (true, _) => Standing::Former,
            (false, true) => Standing::Stopped,
            (false, false) => Standing::Living,
        };
        let mut lives = self.lives.subscribe();
        // The sender is ours, so it cannot be gone.
        let changed = lives.wait_for(|lives| standing(lives) != before).await.map(|lives| standing(&lives));
        changed.unwrap_or(before)
    }

    /// Resolves when a later life has begun.
    pub(super) async fn is_former(&self, incarnation: Incarnation) {
        let mut lives = self.lives.subscribe();
        // The sender is ours, so it cannot be gone.
        let _ = lives.wait_for(|lives| lives.latest > incarnation).await;
    }

    /// The turn to write. Who has it is on a thread for log writes.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.take().await
    }

    /// The right to the current line of a stream.
    pub(super) async fn line(&self, stream: LogStream) -> Option<OwnedSemaphorePermit> {
        self.lines[stream as usize].take().await
    }

    /// Does somebody wait for the turn, or for the right to the current line of this stream?
    pub(super) fn is_wanted(&self, stream: LogStream) -> bool {
        self.slots.is_wanted() || self.lines[stream as usize].is_wanted()
    }

    /// Lines that were never given to be written.
    pub(super) fn lose(&self, lines: u64) {
        self.losses.lost(&self.stored.name, lines, &io::ErrorKind::TimedOut.into());
        self.losing.store(true, Ordering::Relaxed);
    }

    /// Looks for an awaited text. Called before the lines are written: a disk that hangs makes nobody late.
    pub(super) fn watch_for(&self, incarnation: Incarnation, stream: LogStream, lines: &[u8]) {
        let mut now = self.now();
        let ours = now.awaited.as_mut().filter(|awaited| awaited.incarnation == incarnation);
        let found = ours.is_some_and(|awaited| awaited.seekers[stream as usize].finds_in(lines));
        if found && let Some(awaited) = now.awaited.take() {
            // Nobody waits any more if the process ended meanwhile.
            let _ = awaited.seen.send(());
        }
    }

    /// Writes lines and tells them to all that follow. It blocks for as long as the disk takes.
    pub(super) fn write(&self, batch: Batch) -> Written {
        let mut file = self.file.lock();
        match file.opened() {
            // Known before the first byte of ours: who reads back goes by it.
            Ok(position) => self.now().told = Some(position),
            Err(error) if is_out_of_descriptors(&error) => {
                self.losses.lost(&self.stored.name, 0, &error);
                self.losing.store(true, Ordering::Relaxed);
                return Written::NotYet(batch);
            }
            // Tried again with the lines, and counted then.
            Err(_) => {}
        }
        let (position, failed) = file.append(&batch);
        self.now().tell(&self.stored.name, &batch, position);
        match failed {
            Some(failed) => {
                self.losses.lost(&self.stored.name, failed.lines, &failed.error);
                self.losing.store(true, Ordering::Relaxed);
            }
            None => self.loses_no_more(),
        }
        let mut bytes = batch.bytes;
        bytes.clear();
        Written::Done(bytes)
    }

    /// Deletes all that was written, and tells all that follow. It blocks, as [`ProcessLog::write`].
    pub(super) fn clear(&self) -> io::Result<()> {
        let mut file = self.file.lock();
        let position = file.clear()?;
        let mut now = self.now();
        now.told = Some(position);
        now.followers.retain_mut(|follower| follower.tell_cleared(&self.stored.name));
        Ok(())
    }

    /// The file can be written again, or nothing more comes.
    pub(super) fn loses_no_more(&self) {
        if self.losing.load(Ordering::Relaxed) {
            self.losing.store(false, Ordering::Relaxed);
            self.losses.over(&self.stored.name);
        }
    }

    /// Notes where the past ends as a follower is entered, so that the one goes on where the other ends. It blocks.
    pub(super) fn past_end(&self, queue: Option<&Arc<Queue>>) -> Result<Position, NotOpened> {
        loop {
            let turns = self.stored.files.turns();
            // Only if nothing has been written by this host is it the file that says where it ends.
            let there = match self.now().enter_at(queue) {
                Some(told) => return Ok(told),
                None => match self.stored.files.open_past(turns, 0)? {
                    Some(file) => file.metadata().map_err(NotOpened::Io)?.len(),
                    None => 0,
                },
            };
            let mut now = self.now();
            if now.told.is_none() {
                let position = Position { turns, bytes: there };
                now.told = Some(position);
                now.enter_at(queue);
                return Ok(position);
            }
        }
    }
}

impl Now {
    pub(super) fn await_text(&mut self, incarnation: Incarnation, text: &str, seen: oneshot::Sender<()>) {
        let seekers = [Seeker::new(text.as_bytes()), Seeker::new(text.as_bytes())];
        self.awaited = Some(Awaited { incarnation, seekers, seen });
    }

    /// From now on it is told every line.
    pub(super) fn enter(&mut self, queue: &Arc<Queue>) {
        if self.ended {
            queue.close();
        } else if !queue.is_closed() {
            self.followers.push(Follower::new(queue.clone()));
        }
    }

    /// Enters a follower, if it is known up to where was told.
    fn enter_at(&mut self, queue: Option<&Arc<Queue>>) -> Option<Position> {
        let told = self.told?;
        if let Some(queue) = queue {
            self.enter(queue);
        }
        Some(told)
    }

    pub(super) fn forget(&mut self, queue: &Arc<Queue>) {
        self.followers.retain(|follower| !Arc::ptr_eq(&follower.queue, queue));
    }

    /// How many follow.
    #[cfg(test)]
    pub(super) fn followers(&self) -> usize {
        self.followers.len()
    }

    /// Ends all that follow.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.followers.drain(..).for_each(|follower| follower.queue.close());
    }

    fn tell(&mut self, process: &Arc<str>, batch: &Batch, position: Position) {
        self.told = Some(position);
        let stream = batch.stream as usize;
        if self.followers.is_empty() {
            self.long[stream] = Vec::new();
            return;
        }
        let mut lines = batch.lines().peekable();
        while let Some(line) = lines.next() {
            let last = lines.peek().is_none();
            let begun = std::mem::take(&mut self.long[stream]);
            let long = (!begun.is_empty()).then(|| [&begun, line].concat());
            let line = long.as_deref().unwrap_or(line);
            if last && batch.end == End::Long && line.len() < TOLD_BYTES_MAX {
                self.long[stream] = line.to_vec();
                return;
            }
            let partial = last && batch.end != End::Whole;
            let told = Told { stream: batch.stream, at_ms: batch.at_ms, text: line, partial };
            self.followers.retain_mut(|follower| follower.tell(process, &told));
        }
    }
}
