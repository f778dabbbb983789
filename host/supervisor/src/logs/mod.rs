//! The output of all processes: captured line by line into rotated files and handed to those who follow.
//!
//! ```text
//!  child's pipe --> capture (one task a pipe, on a thread of its own) --> ProcessLog --> file (rotated)
//!                                                                            `--> followers (bounded)
//! ```
//!
//! Disks are slow and terminals are slower: capturing has a thread of its own so that neither delays
//! supervision or status. A full pipe pushes back on the child, so no line is lost between child and file.
//! A follower that is too slow is told how many lines it missed; they are in the file.

mod capture;
mod file;
mod record;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use provost_state::{Incarnation, ProcessId};
use tokio::sync::{mpsc, oneshot};

use self::file::LogFile;
use crate::children::Output;
use crate::jobs::{Jobs, Lane};
use crate::spec::{LogLimits, ProcessSpec};

/// Lines that a follower may be behind before it misses some.
const FOLLOWER_LINES: usize = 4_096;

/// Which of a child's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The process.
    pub process: Arc<str>,
    /// Standard output or standard error.
    pub stream: LogStream,
    /// When it was read, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Its bytes, without the newline.
    pub text: Bytes,
}

/// What a follower receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// Lines that the follower was too slow for; they are in the log file.
    Missed {
        /// Whose.
        process: Arc<str>,
        /// How many.
        lines: u64,
    },
}

/// The logs of all processes.
#[derive(Clone, Debug)]
pub struct Logs {
    dir: PathBuf,
    all: Arc<DashMap<ProcessId, Arc<ProcessLog>>>,
    capture: capture::Thread,
    reading: Lane,
}

/// The log of one process.
#[derive(Debug)]
pub(crate) struct ProcessLog {
    name: Arc<str>,
    sink: Mutex<Sink>,
}

/// Where lines go. Under one lock, so that a follower's tail and its live lines meet without gap or overlap.
#[derive(Debug)]
struct Sink {
    file: LogFile,
    followers: Vec<Follower>,
    awaited: Option<Awaited>,
}

#[derive(Debug)]
struct Follower {
    items: mpsc::Sender<LogItem>,
    missed: u64,
}

/// A text that somebody waits for in the output of one incarnation.
#[derive(Debug)]
struct Awaited {
    incarnation: Incarnation,
    text: Vec<u8>,
    seen: oneshot::Sender<()>,
}

impl Logs {
    /// Logs in files below `dir`, which is created.
    pub(crate) fn new(dir: PathBuf, jobs: &Jobs) -> std::io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        Ok(Self {
            dir,
            all: Arc::default(),
            capture: capture::Thread::start()?,
            reading: jobs.reading.clone(),
        })
    }

    /// Makes room for the output of one more process.
    pub(crate) fn add(&self, id: ProcessId, spec: &ProcessSpec) {
        let path = self.dir.join(format!("{}.log", spec.name));
        let sink = Sink { file: LogFile::new(path, spec.log), followers: Vec::new(), awaited: None };
        self.all.insert(id, Arc::new(ProcessLog { name: spec.name.clone(), sink: Mutex::new(sink) }));
    }

    fn of(&self, id: ProcessId) -> Option<Arc<ProcessLog>> {
        self.all.get(&id).map(|log| log.value().clone())
    }

    /// Captures the output of a child until both ends are closed.
    pub(crate) fn capture(&self, id: ProcessId, incarnation: Incarnation, output: Output) {
        if let Some(log) = self.of(id) {
            self.capture.take(log, incarnation, output);
        }
    }

    /// Waits until all that was written has been read, at most `limit`: a process that outlives its group may
    /// hold a pipe open for ever. Then ends all that follow.
    pub(crate) async fn finish(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.capture.drained()).await.is_err() {
            tracing::warn!("some output is still held open by a process that has left its group");
        }
        for log in self.all.iter() {
            log.sink().followers.clear();
        }
    }

    /// Resolves when a line of that incarnation's output contains `text`. Ask before it is spawned.
    pub(crate) fn await_text(
        &self,
        id: ProcessId,
        incarnation: Incarnation,
        text: &str,
    ) -> oneshot::Receiver<()> {
        let (seen, receiver) = oneshot::channel();
        if let Some(log) = self.of(id) {
            log.sink().awaited = Some(Awaited { incarnation, text: text.as_bytes().to_vec(), seen });
        }
        receiver
    }

    /// The last `tail_lines` lines of each of `ids`, in the order of time, and then, if `live`, every line
    /// from then on, without gap or overlap. Without `live` the channel closes after the tail.
    #[must_use]
    pub fn follow(&self, ids: &[ProcessId], tail_lines: usize, live: bool) -> mpsc::Receiver<LogItem> {
        let (items, receiver) = mpsc::channel(FOLLOWER_LINES);
        let logs: Vec<_> = ids.iter().filter_map(|id| self.of(*id)).collect();
        let reading = self.reading.clone();
        tokio::spawn(async move {
            let Ok((tail, live)) = reading.run(move || tail(&logs, tail_lines, live)).await else { return };
            for line in tail {
                if items.send(LogItem::Line(line)).await.is_err() {
                    return;
                }
            }
            let Some(mut live) = live else { return };
            loop {
                tokio::select! {
                    item = live.recv() => {
                        let Some(item) = item else { return };
                        if items.send(item).await.is_err() {
                            return;
                        }
                    }
                    () = items.closed() => return,
                }
            }
        });
        receiver
    }
}

/// The tails of `logs` by time, and a channel that goes on exactly where they end.
fn tail(
    logs: &[Arc<ProcessLog>],
    lines: usize,
    live: bool,
) -> (Vec<LogLine>, Option<mpsc::Receiver<LogItem>>) {
    let (items, receiver) = mpsc::channel(FOLLOWER_LINES);
    let mut all = Vec::new();
    for log in logs {
        let mut sink = log.sink();
        match sink.file.tail(lines) {
            Ok(records) => all.extend(records.into_iter().map(|record| record.into_line(&log.name))),
            Err(error) => tracing::warn!(process = &*log.name, %error, "cannot read back the log file"),
        }
        if live {
            sink.followers.push(Follower { items: items.clone(), missed: 0 });
        }
    }
    all.sort_by_key(|line| line.at_ms);
    (all, live.then_some(receiver))
}

impl ProcessLog {
    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lines of one read, in order. If they are not `complete`, the next read goes on with the
    /// last of them.
    fn append<'a>(
        &self,
        incarnation: Incarnation,
        stream: LogStream,
        lines: impl Iterator<Item = &'a [u8]>,
        complete: bool,
    ) {
        let at_ms = crate::clock::wall_ms();
        let mut sink = self.sink();
        let mut batch = sink.file.batch(at_ms, stream);
        for line in lines {
            batch.push(line, complete, &mut sink.file);
            sink.watch_for(incarnation, line);
            sink.tell(&self.name, stream, at_ms, line);
        }
        if let Err(error) = sink.file.write(&batch.finish()) {
            tracing::error!(process = &*self.name, %error, "cannot write the log file; lines are lost");
        }
    }
}

impl Sink {
    fn watch_for(&mut self, incarnation: Incarnation, line: &[u8]) {
        let found = self.awaited.as_ref().is_some_and(|awaited| {
            awaited.incarnation == incarnation && memchr::memmem::find(line, &awaited.text).is_some()
        });
        if found && let Some(awaited) = self.awaited.take() {
            // Nobody waits any more if the process ended meanwhile.
            let _ = awaited.seen.send(());
        }
    }

    fn tell(&mut self, process: &Arc<str>, stream: LogStream, at_ms: u64, line: &[u8]) {
        if self.followers.is_empty() {
            return;
        }
        let line = LogLine { process: process.clone(), stream, at_ms, text: Bytes::copy_from_slice(line) };
        self.followers.retain_mut(|follower| follower.take(process, &line));
    }
}

impl Follower {
    /// Hands it the line, or counts it as missed; false if the follower is gone.
    fn take(&mut self, process: &Arc<str>, line: &LogLine) -> bool {
        if self.missed > 0 {
            let gap = LogItem::Missed { process: process.clone(), lines: self.missed };
            match self.items.try_send(gap) {
                Ok(()) => self.missed = 0,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    self.missed += 1;
                    return true;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
            }
        }
        match self.items.try_send(LogItem::Line(line.clone())) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed += 1;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

impl Default for LogLimits {
    /// Four files of 16 MiB.
    fn default() -> Self {
        Self { file_bytes_max: 16 << 20, files_max: 4 }
    }
}
