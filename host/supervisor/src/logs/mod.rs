//! The output of all processes: captured line by line into rotated files and handed to those who follow.
//!
//! ```text
//!  child's pipe --> capture (one task a pipe) --> threads for log writes --> file (rotated)
//!                                                                     `--> followers (bounded)
//! ```
//!
//! | file | owns |
//! |---|---|
//! | `capture`, `reading`, `source` | the thread that reads, reading one pipe and for how long, what is read from |
//! | `peek`, `pause` | looking into a pipe without emptying it; the short pauses that let lines come together |
//! | `lease` | looking, writing and taking on the thread that writes, while a pipe is busy |
//! | `escapes` | texts behind escape sequences |
//! | `process` | the log of one process: who writes, who is told, who reads back |
//! | `batch`, `file`, `disk`, `record` | what is written at once, writing a file, finding and opening files, what a line of them looks like |
//! | `line`, `tail` | how a line stands that was begun, also when a former host has ended within it |
//! | `past`, `last`, `merged` | reading back: one process, where its last lines begin, many by time |
//! | `query`, `stored`, `host` | which lines are asked for, reading files without a host, the host's own log |
//! | `follower`, `reader` | what waits for those who follow, and what they hold |
//! | `clear` | emptying a log |
//! | `losses` | what could not be written |
//!
//! Disks are slow and terminals are slower. The thread that reads the pipes waits for neither, and what runners ask for
//! (to await a text, to follow) takes only a lock under which nobody waits. A full pipe pushes back on the child, so no
//! line is lost between child and file. A follower that is too slow is told how many lines it missed; they are in the file.

mod batch;
mod capture;
#[cfg(test)]
mod captured;
mod clear;
mod disk;
mod escapes;
mod file;
mod follower;
mod host;
mod last;
mod lease;
mod line;
mod losses;
mod merged;
mod past;
mod pause;
mod peek;
mod process;
mod query;
mod reader;
mod reading;
pub(crate) mod record;
mod source;
mod stored;
mod tail;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use provost_files::Owners;
use provost_state::{Incarnation, ProcessId};
use tokio::sync::{mpsc, oneshot};

pub use self::clear::NotCleared;
use self::disk::Reserve;
use self::follower::Queue;
pub use self::host::HostLog;
use self::losses::Losses;
use self::merged::{Merged, Step};
use self::past::{Counted, Past, Tally};
use self::process::ProcessLog;
pub use self::query::{BadPattern, LogPattern, LogQuery};
pub use self::reader::LogReader;
pub use self::stored::{StoredFiles, StoredLines};
use crate::children::Output;
use crate::degraded::Degraded;
use crate::jobs::{Jobs, Lane};
use crate::settings::BootError;
use crate::spec::{LogLimits, ProcessSpec};

/// How long a reader waits for files that are being shifted.
const WHILE_ROTATING: Duration = Duration::from_millis(5);

/// How often it does so before it goes without.
const ROTATING_TRIES: usize = 1_000;

/// How much is counted in one go.
const COUNTED_BYTES: usize = 4 << 20;

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
    /// Its end has not come, or it is too long to be told at once: what comes next on the stream goes on with it.
    pub partial: bool,
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
    /// The log was cleared: what was told before is no longer in the files.
    Cleared {
        /// Whose.
        process: Arc<str>,
    },
}

/// The logs of all processes.
#[derive(Clone, Debug)]
pub struct Logs {
    dir: PathBuf,
    all: Arc<DashMap<ProcessId, Arc<ProcessLog>>>,
    capture: capture::Thread,
    writing: Lane,
    reading: Lane,
    reserve: Arc<Reserve>,
    losses: Arc<Losses>,
    host: Option<HostLog>,
}

impl Logs {
    /// Logs in files below `dir`, which is created, below directories of `owners`.
    pub(crate) fn new(
        dir: PathBuf,
        owners: Owners,
        host: Option<HostLog>,
        jobs: &Jobs,
        degraded: &Degraded,
    ) -> Result<Self, BootError> {
        provost_files::safe_place(&dir, owners)?;
        provost_files::own_dir(&dir)?;
        Ok(Self {
            dir,
            all: Arc::default(),
            capture: capture::Thread::start(jobs.logging.clone())?,
            writing: jobs.logging.clone(),
            reading: jobs.reading.clone(),
            reserve: Arc::new(Reserve::new()),
            losses: Arc::new(Losses::new(degraded.clone())),
            host,
        })
    }

    /// Makes room for the output of one more process.
    pub(crate) fn add(&self, id: ProcessId, spec: &ProcessSpec) {
        let path = self.dir.join(format!("{}.log", spec.name));
        let (reserve, losses) = (self.reserve.clone(), self.losses.clone());
        let log = ProcessLog::new(spec.name.clone(), path, spec.log, reserve, losses);
        self.all.insert(id, Arc::new(log));
    }

    fn of(&self, id: ProcessId) -> Option<Arc<ProcessLog>> {
        self.all.get(&id).map(|log| log.value().clone())
    }

    /// Captures the output of a child until both ends are closed. What is still held open of its former lives is closed
    /// after a grace time.
    pub(crate) fn capture(&self, id: ProcessId, incarnation: Incarnation, output: Output) {
        if let Some(log) = self.of(id) {
            self.capture.take(&log, incarnation, output);
        }
    }

    /// A process has ended and is to stay down: what is still held open of its output, by somebody who has left its group,
    /// is closed after a grace time.
    pub(crate) fn stopped(&self, id: ProcessId) {
        if let Some(log) = self.of(id) {
            log.stopped();
        }
    }

    /// How many pipes were closed although somebody still held them.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.capture.given_up()
    }

    /// Waits until all that was written has been read, at most `limit`: a process that outlives its group may
    /// hold a pipe open for ever, and a disk may hang. Then ends all that follow.
    pub(crate) async fn finish(&self, limit: Duration) {
        if tokio::time::timeout(limit, self.capture.drained()).await.is_err() {
            tracing::warn!(
                "some output could not be read to its end: a process that has left its group holds it open, or the \
                 log's disk hangs"
            );
        }
        for log in self.all.iter() {
            log.now().end();
        }
    }

    /// Resolves when all that a life has written has been told to followers. It does not resolve while somebody else holds
    /// its output open.
    pub async fn told_to_its_end(&self, id: ProcessId, incarnation: Incarnation) {
        let open = self.of(id).and_then(|log| log.open_pipes(incarnation));
        if let Some(mut open) = open {
            // A sender that is gone has counted down before.
            let _ = open.wait_for(|open| *open == 0).await;
        }
    }

    /// Resolves when a line of that incarnation's output contains `text`, or the piece of a line that is shown although its end
    /// has not come; escape sequences are looked past. Ask before it is spawned.
    pub(crate) fn await_text(
        &self,
        id: ProcessId,
        incarnation: Incarnation,
        text: &str,
    ) -> oneshot::Receiver<()> {
        let (seen, receiver) = oneshot::channel();
        if let Some(log) = self.of(id) {
            log.now().await_text(incarnation, text, seen);
        }
        receiver
    }

    /// What `query` asks for of the host's own log, and then, if `live`, what it says from then on; `None` if it keeps none.
    #[must_use]
    pub fn follow_host(&self, query: LogQuery, live: bool) -> Option<LogReader> {
        let (host, query) = (self.host.clone()?, Arc::new(query));
        let (lines, past) = mpsc::channel(1);
        tokio::spawn(host.hand_out(query.clone(), live, self.reading.clone(), lines));
        Some(LogReader::new(Some(past), None, query, self.reading.clone()))
    }

    /// What `query` asks for of each of `ids`, in the order of time, and then, if `live`, every line that passes from then
    /// on, without gap or overlap. Without `live` it ends after the past.
    #[must_use]
    pub fn follow(&self, ids: &[ProcessId], query: impl Into<LogQuery>, live: bool) -> LogReader {
        let query = Arc::new(query.into());
        let logs: Vec<_> = ids.iter().filter_map(|id| self.of(*id)).collect();
        let queue = live.then(Arc::<Queue>::default);
        let past = if query.lines == 0 {
            queue.iter().flat_map(|queue| logs.iter().map(move |log| (log, queue))).for_each(
                |(log, queue)| {
                    log.now().enter(queue);
                },
            );
            None
        } else {
            let (pieces, past) = mpsc::channel(1);
            let back = ReadBack { reading: self.reading.clone(), query: query.clone(), pieces };
            tokio::spawn(back.run(logs.clone(), queue.clone()));
            Some(past)
        };
        LogReader::new(past, queue.map(|queue| (queue, logs)), query, self.reading.clone())
    }
}

/// Handing out what was written before.
struct ReadBack {
    reading: Lane,
    query: Arc<LogQuery>,
    pieces: mpsc::Sender<Vec<LogLine>>,
}

impl ReadBack {
    /// Enters `queue` in each log, and hands out the past, piece by piece. Each piece is a job of its own: a reader that
    /// takes its time keeps no thread.
    async fn run(self, logs: Vec<Arc<ProcessLog>>, queue: Option<Arc<Queue>>) {
        let mut pasts = Vec::with_capacity(logs.len());
        for log in logs {
            let (name, queue, query) = (log.stored.name.clone(), queue.clone(), self.query.clone());
            let begun = self.reading.run(move || {
                let end = log.past_end(queue.as_ref())?;
                Past::of(log.stored.clone(), end, query)
            });
            match begun.await {
                Ok(Ok(past)) => pasts.extend(self.counted(past).await),
                Ok(Err(error)) => past::cannot_read(&name, &error),
                Err(lost) => tracing::error!(process = &*name, %lost, "the log files cannot be read back"),
            }
            if self.pieces.is_closed() {
                return;
            }
        }
        self.hand_out(Merged::new(pasts, Box::new(past::cannot_read))).await;
    }

    /// The past from its first line that is asked for.
    async fn counted(&self, past: Past) -> Option<Past> {
        let name = past.stored.name.clone();
        let (mut counted, mut tries) = (Tally::of(past), 0);
        loop {
            let tally = match counted {
                Counted::Done(past) => return Some(past),
                Counted::More(tally) => tally,
                Counted::Later(_) if tries >= ROTATING_TRIES || self.pieces.is_closed() => return None,
                Counted::Later(tally) => {
                    tries += 1;
                    tokio::time::sleep(WHILE_ROTATING).await;
                    tally
                }
            };
            if self.pieces.is_closed() {
                return None;
            }
            match self.reading.run(move || tally.step(COUNTED_BYTES)).await {
                Ok(Ok(next)) => counted = next,
                Ok(Err(error)) => {
                    past::cannot_read(&name, &error);
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    async fn hand_out(&self, mut merged: Merged) {
        let mut tries = 0;
        loop {
            let Ok(step) = self.reading.run(move || merged.step()).await else { return };
            let (next, lines) = match step {
                Step::Lines(next, lines) => (Some(next), lines),
                Step::End(lines) => (None, lines),
                Step::Later(next) => {
                    tries += 1;
                    if tries > ROTATING_TRIES {
                        return;
                    }
                    tokio::time::sleep(WHILE_ROTATING).await;
                    (Some(next), Vec::new())
                }
            };
            if !lines.is_empty() {
                tries = 0;
                if self.pieces.send(lines).await.is_err() {
                    return;
                }
            }
            if self.pieces.is_closed() {
                return;
            }
            let Some(next) = next else { return };
            merged = next;
        }
    }
}

impl Default for LogLimits {
    /// Four files of 16 MiB.
    fn default() -> Self {
        Self { file_bytes_max: 16 << 20, files_max: 4 }
    }
}
