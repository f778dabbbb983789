//! The log of one process. It has two locks: `file` is taken only on threads for log writes, and held for as long as
//! the disk takes; `now` is taken by everybody, and never held across a wait.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use provost_state::Incarnation;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::disk::{Files, NotOpened, Position, Reserve, is_out_of_descriptors};
use super::escapes::Seeker;
use super::follower::{Follower, Outgoing, Queue};
use super::item::LogStream;
use super::ledger::{Entry, Record};
use super::marker::Marker;
use super::read::format::{Format, Stored};
use super::sinks::Sinks;
use super::write::batch::{Batch, End};
use super::write::file::LogFile;
use super::write::losses::Losses;
use super::write::outcome::Appended;
use crate::slots::Slots;
use crate::spec::LogLimits;

/// The most bytes of a line that is sent to followers whole; a longer line is sent in pieces.
const SENT_BYTES_MAX: usize = 1 << 20;

/// The log of one process.
#[derive(Debug)]
pub(crate) struct ProcessLog {
    pub(super) stored: Stored,
    file_bytes_max: Arc<AtomicU64>,
    file: Mutex<LogFile>,
    /// A single slot, so that a hanging disk blocks only one thread for this process.
    slots: Slots,
    /// For each stream, the right to write its current line, so that two incarnations do not write into one line.
    lines: [Slots; 2],
    now: Mutex<Now>,
    latest: watch::Sender<Latest>,
    losses: Arc<Losses>,
    /// Whether the last write failed.
    losing: AtomicBool,
    /// Whether the warning was logged that a process outside the group holds the output open.
    pub(super) warned_held: AtomicBool,
    /// Former incarnations whose output is dropped.
    pub(super) sinks: Sinks,
}

/// The latest incarnation, and whether it is stopped.
#[derive(Clone, Copy, Debug)]
struct Latest {
    incarnation: Incarnation,
    stopped: bool,
}

/// The relation of a pipe to the current state of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The pipe belongs to the latest incarnation.
    Living,
    /// The pipe belongs to the latest incarnation, which has ended and stays down.
    Stopped,
    /// The pipe belongs to an earlier incarnation.
    Former,
}

/// The live side of a log: its followers and the text that is awaited.
#[derive(Debug, Default)]
pub(super) struct Now {
    /// The position in the files up to which lines were sent to followers; `None` before the file was opened.
    sent: Option<Position>,
    followers: Vec<Follower>,
    awaited: Option<Awaited>,
    /// For each incarnation whose output may still be open, the number of its pipes that are being read.
    open: Vec<(Incarnation, watch::Receiver<usize>)>,
    /// For each stream, the parts of a long line that is sent once it is complete.
    long: [Vec<u8>; 2],
    /// The place in the files that followers have reached.
    marker: Marker,
    /// Whether the log has ended and sends nothing more.
    ended: bool,
}

/// A text that is awaited in the output of one incarnation.
#[derive(Debug)]
struct Awaited {
    incarnation: Incarnation,
    /// One seeker for each stream.
    seekers: [Seeker; 2],
    seen: oneshot::Sender<()>,
}

/// The result of writing a batch.
#[derive(Debug)]
pub(super) enum Written {
    /// The batch is in the file, or its loss is counted. Carries its buffer for reuse.
    Done(Vec<u8>),
    /// No descriptor is available for the file; the caller retries.
    NotYet(Batch),
}

impl ProcessLog {
    pub(super) fn new(
        name: Arc<str>,
        path: PathBuf,
        limits: LogLimits,
        reserve: Arc<Reserve>,
        losses: Arc<Losses>,
        left: Vec<Arc<Entry>>,
    ) -> Self {
        let files = Arc::new(Files::new(path, limits.files_max));
        let file_bytes_max = Arc::new(AtomicU64::new(limits.file_bytes_max));
        let file = LogFile::new(name.clone(), files.clone(), file_bytes_max.clone(), reserve, left);
        Self {
            stored: Stored { name, files, format: Format::Process },
            file_bytes_max,
            file: Mutex::new(file),
            slots: Slots::new(1),
            lines: [Slots::new(1), Slots::new(1)],
            now: Mutex::default(),
            latest: watch::Sender::new(Latest { incarnation: Incarnation(0), stopped: false }),
            losses,
            losing: AtomicBool::new(false),
            warned_held: AtomicBool::new(false),
            sinks: Sinks::default(),
        }
    }

    pub(super) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock()
    }

    /// Changes the limits, from the next line on.
    pub(super) fn limit(&self, limits: LogLimits) {
        self.file_bytes_max.store(limits.file_bytes_max, Ordering::Relaxed);
        self.stored.files.keep(limits.files_max);
    }

    /// Begins an incarnation. The returned sender counts those of its pipes that are still being read.
    pub(super) fn begin(&self, incarnation: Incarnation) -> watch::Sender<usize> {
        let open = watch::Sender::new(0);
        let mut now = self.now();
        now.open.retain(|(_, open)| *open.borrow() > 0);
        now.open.push((incarnation, open.subscribe()));
        drop(now);
        // What is left of an earlier one is read as well when another host has taken over.
        self.latest.send_if_modified(|latest| {
            let is_later = incarnation >= latest.incarnation;
            if is_later {
                *latest = Latest { incarnation, stopped: false };
            }
            is_later
        });
        open
    }

    /// Whether no pipe of any incarnation is being read.
    pub(super) fn is_drained(&self) -> bool {
        self.now().open.iter().all(|(_, open)| *open.borrow() == 0)
    }

    /// Resolves when no pipe of any incarnation is being read.
    pub(super) async fn drained(&self) {
        let open: Vec<_> = self.now().open.iter().map(|(_, open)| open.clone()).collect();
        for mut open in open {
            // A sender that was dropped has counted down to 0 before.
            let _ = open.wait_for(|open| *open == 0).await;
        }
    }

    /// Returns the number of pipes of an incarnation that are still being read, if it is known.
    pub(super) fn open_pipes(&self, incarnation: Incarnation) -> Option<watch::Receiver<usize>> {
        let now = self.now();
        now.open.iter().find(|(other, _)| *other == incarnation).map(|(_, open)| open.clone())
    }

    /// Records that the latest incarnation has ended and stays down.
    pub(super) fn stopped(&self) {
        self.latest.send_modify(|latest| latest.stopped = true);
    }

    /// Resolves when the standing of a pipe of `incarnation` differs from `before`.
    pub(super) async fn standing_changed(&self, incarnation: Incarnation, before: Standing) -> Standing {
        let standing = |run: &Latest| match (run.incarnation > incarnation, run.stopped) {
            (true, _) => Standing::Former,
            (false, true) => Standing::Stopped,
            (false, false) => Standing::Living,
        };
        let mut latest = self.latest.subscribe();
        // `self` holds the sender, so the channel is open.
        let changed = latest.wait_for(|run| standing(run) != before).await.map(|run| standing(&run));
        changed.unwrap_or(before)
    }

    /// Resolves when a later incarnation has begun.
    pub(super) async fn superseded(&self, incarnation: Incarnation) {
        let mut latest = self.latest.subscribe();
        // `self` holds the sender, so the channel is open.
        let _ = latest.wait_for(|run| run.incarnation > incarnation).await;
    }

    /// Waits for the turn to write. Its holder runs on a thread for log writes.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.take().await
    }

    /// Waits for the right to write the current line of a stream.
    pub(super) async fn line(&self, stream: LogStream) -> Option<OwnedSemaphorePermit> {
        self.lines[stream as usize].take().await
    }

    /// Returns true if somebody waits for the turn, or for the current line of this stream.
    pub(super) fn is_wanted(&self, stream: LogStream) -> bool {
        self.slots.is_wanted() || self.lines[stream as usize].is_wanted()
    }

    /// Counts lines that were never submitted for writing as lost.
    pub(super) fn lose(&self, lines: u64) {
        self.loses(lines, &io::ErrorKind::TimedOut.into());
    }

    /// Counts lost lines, and reports the loss until the file can be written again.
    fn loses(&self, lines: u64, error: &io::Error) {
        self.losses.lost(&self.stored.name, lines, error);
        self.losing.store(true, Ordering::Relaxed);
    }

    /// Looks for the awaited text. Called before the lines are written, so that a hanging disk does not delay
    /// readiness.
    pub(super) fn watch_for(&self, incarnation: Incarnation, stream: LogStream, lines: &[u8]) {
        let mut now = self.now();
        let ours = now.awaited.as_mut().filter(|awaited| awaited.incarnation == incarnation);
        let found = ours.is_some_and(|awaited| awaited.seekers[stream as usize].finds_in(lines));
        if found && let Some(awaited) = now.awaited.take() {
            // The receiver is gone if the process has ended meanwhile.
            let _ = awaited.seen.send(());
        }
    }

    /// Writes lines and sends them to all followers. Blocks for as long as the disk takes.
    pub(super) fn write(&self, batch: Batch) -> Written {
        let mut file = self.file.lock();
        match file.opened() {
            // Set before the first write: it is where reading back ends.
            Ok(position) => self.now().sent = Some(position),
            Err(error) if is_out_of_descriptors(&error) => {
                self.loses(0, &error);
                return Written::NotYet(batch);
            }
            // `append` opens the file again and counts the lines if that fails.
            Err(_) => {}
        }
        let appended = file.append(&batch);
        self.now().send(&self.stored.name, &batch, &appended);
        match appended.failed {
            Some(failed) => self.loses(failed.lines, &failed.error),
            None => {
                self.loses_no_more();
                self.losses.succeeded();
            }
        }
        let mut bytes = batch.bytes;
        bytes.clear();
        Written::Done(bytes)
    }

    /// Returns what a former host was writing of an output, after everything that it left was examined. Blocks like
    /// [`ProcessLog::write`].
    pub(super) fn resume(&self, entry: &Entry) -> io::Result<Option<Record>> {
        self.file.lock().resume(entry)
    }

    /// Deletes everything written so far and notifies all followers. Blocks like [`ProcessLog::write`].
    pub(super) fn clear(&self) -> io::Result<()> {
        let mut file = self.file.lock();
        let position = file.clear()?;
        let mut now = self.now();
        now.sent = Some(position);
        now.marker = Marker::default();
        now.followers.retain_mut(|follower| follower.send_cleared(&self.stored.name));
        Ok(())
    }

    /// Ends the report of lost lines: the file can be written again, or no more output comes.
    pub(super) fn loses_no_more(&self) {
        if self.losing.load(Ordering::Relaxed) {
            self.losing.store(false, Ordering::Relaxed);
            self.losses.over(&self.stored.name);
        }
    }

    /// Returns where the past ends and adds the follower in the same step, so that live lines continue exactly where
    /// the past ends. Blocks.
    pub(super) fn past_end(&self, queue: Option<&Arc<Queue>>) -> Result<Position, NotOpened> {
        loop {
            let epoch = self.stored.files.epoch();
            // The file itself says where it ends only while this host has written nothing.
            let there = match self.now().enter_at(queue) {
                Some(sent) => return Ok(sent),
                None => match self.stored.files.open_past(epoch, 0)? {
                    Some(file) => file.metadata().map_err(NotOpened::Io)?.len(),
                    None => 0,
                },
            };
            let mut now = self.now();
            if now.sent.is_none() {
                let position = Position { epoch, bytes: there };
                now.sent = Some(position);
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

    /// Adds a follower, which receives every line from now on.
    pub(super) fn enter(&mut self, queue: &Arc<Queue>) {
        if self.ended {
            queue.source_ended();
        } else if !queue.is_closed() && !self.followers.iter().any(|one| Arc::ptr_eq(&one.queue, queue)) {
            self.followers.push(Follower::new(queue.clone()));
        }
    }

    /// Adds a follower and returns the position up to which lines were sent; does nothing while that is unknown.
    fn enter_at(&mut self, queue: Option<&Arc<Queue>>) -> Option<Position> {
        let sent = self.sent?;
        if let Some(queue) = queue {
            self.enter(queue);
        }
        Some(sent)
    }

    pub(super) fn forget(&mut self, queue: &Arc<Queue>) {
        self.followers.retain(|follower| !Arc::ptr_eq(&follower.queue, queue));
    }

    /// Returns the number of followers.
    #[cfg(test)]
    pub(super) fn followers(&self) -> usize {
        self.followers.len()
    }

    /// Ends all followers, present and future. One that also follows other logs goes on with those.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.followers.drain(..).for_each(|follower| follower.queue.source_ended());
    }

    fn send(&mut self, process: &Arc<str>, batch: &Batch, appended: &Appended) {
        self.sent = Some(appended.position);
        let stream = batch.stream as usize;
        if self.followers.is_empty() {
            self.long[stream] = Vec::new();
            self.marker = Marker::default();
            return;
        }
        let mut records = 0;
        let mut lines = batch.lines().peekable();
        while let Some(line) = lines.next() {
            let last = lines.peek().is_none();
            let parts = line.len().div_ceil(appended.part_bytes_max).max(1) as u64;
            self.marker.write(batch.stream, records, parts, appended.segments.as_deref());
            records += parts;
            let begun = std::mem::take(&mut self.long[stream]);
            let long = (!begun.is_empty()).then(|| [&begun, line].concat());
            let line = long.as_deref().unwrap_or(line);
            if last && batch.end == End::Long && line.len() < SENT_BYTES_MAX {
                self.long[stream] = line.to_vec();
                return;
            }
            let partial = last && batch.end != End::Whole;
            let mark = self.marker.hand_out(batch.stream, batch.at_ms);
            let outgoing = Outgoing { stream: batch.stream, at_ms: batch.at_ms, text: line, partial, mark };
            self.followers.retain_mut(|follower| follower.send(process, &outgoing));
        }
    }
}
