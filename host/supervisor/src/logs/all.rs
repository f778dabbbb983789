//! The logs of all processes: where output arrives, and where it is read back and followed.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use dashmap::DashMap;
use parking_lot::Mutex;
use provost_files::{FileError, Owners};
use provost_state::{Incarnation, ProcessId};
use tokio::sync::{mpsc, oneshot};

use super::capture::thread::Thread;
use super::disk::Reserve;
use super::follower::Queue;
use super::position::Positions;
use super::process::ProcessLog;
use super::read::host::{HOST_LOG, HostLog};
use super::read::query::LogQuery;
use super::read_back::ReadBack;
use super::reader::LogReader;
use super::write::losses::Losses;
use crate::children::Output;
use crate::degraded::Degraded;
use crate::jobs::{Jobs, Lane};
use crate::spec::{LogLimits, ProcessSpec};

/// The reason that logs cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// The directory cannot be used.
    #[error(transparent)]
    Dir(#[from] FileError),
    /// The thread that reads cannot be started.
    #[error(transparent)]
    Thread(#[from] io::Error),
}

/// The logs of all processes.
#[derive(Clone, Debug)]
pub struct Logs {
    dir: PathBuf,
    all: Arc<DashMap<ProcessId, Arc<ProcessLog>>>,
    /// The queues of those who follow all processes, also those that are added later.
    everything: Arc<Mutex<Vec<Weak<Queue>>>>,
    pub(super) capture: Thread,
    pub(super) writing: Lane,
    reading: Lane,
    reserve: Arc<Reserve>,
    losses: Arc<Losses>,
    host: Option<HostLog>,
}

impl Logs {
    /// Keeps logs in files below `dir`, which is created; its parent directories must belong to `owners`.
    pub(crate) fn new(
        dir: PathBuf,
        owners: Owners,
        host: Option<HostLog>,
        jobs: &Jobs,
        degraded: &Degraded,
    ) -> Result<Self, NotKept> {
        provost_files::own_dir_in_safe_place(&dir, owners)?;
        Ok(Self {
            dir,
            all: Arc::default(),
            everything: Arc::default(),
            capture: Thread::start(jobs.logging.clone())?,
            writing: jobs.logging.clone(),
            reading: jobs.log_reading.clone(),
            reserve: Arc::new(Reserve::new()),
            losses: Arc::new(Losses::new(degraded.clone())),
            host,
        })
    }

    /// Adds the log of one more process.
    pub(crate) fn add(&self, id: ProcessId, spec: &ProcessSpec) {
        let path = self.dir.join(format!("{}.log", spec.name));
        let (reserve, losses) = (self.reserve.clone(), self.losses.clone());
        let log = Arc::new(ProcessLog::new(spec.name.clone(), path, spec.log, reserve, losses));
        self.all.insert(id, log.clone());
        // After the entry: a follower of everything that is entered now finds the log, or is found here.
        for queue in self.everything() {
            log.now().enter(&queue);
        }
    }

    /// Returns the queues of those who follow all processes, and forgets those who are gone.
    fn everything(&self) -> Vec<Arc<Queue>> {
        let mut everything = self.everything.lock();
        everything.retain(|queue| queue.strong_count() > 0);
        everything.iter().filter_map(Weak::upgrade).collect()
    }

    /// Changes the limits of a log. A larger or smaller file takes effect with the next line; files beyond a smaller
    /// number are deleted by the next rotation.
    pub(crate) fn limit(&self, id: ProcessId, limits: LogLimits) {
        if let Some(log) = self.of(id) {
            log.limit(limits);
        }
    }

    /// Resolves when the output of a process, which has ended, was read to its end and written; at the latest after
    /// `limit`.
    pub(crate) async fn drained(&self, id: ProcessId, limit: Duration) {
        if let Some(log) = self.of(id) {
            let _ = tokio::time::timeout(limit, log.drained()).await;
        }
    }

    /// Takes the log of a process out; its files stay. Those who follow it are sent what is still being written, and
    /// then the end. Must be called within the tokio runtime.
    pub(crate) fn remove(&self, id: ProcessId) {
        let Some((_, log)) = self.all.remove(&id) else { return };
        let end = |log: &ProcessLog| {
            log.now().end();
            log.loses_no_more();
        };
        if log.is_drained() {
            return end(&log);
        }
        // A pipe that somebody holds open is given up after its grace time.
        tokio::spawn(async move {
            log.drained().await;
            end(&log);
        });
    }

    pub(super) fn of(&self, id: ProcessId) -> Option<Arc<ProcessLog>> {
        self.all.get(&id).map(|log| log.value().clone())
    }

    /// Captures the output of a child until both ends are closed. Pipes of earlier incarnations that are still held
    /// open are closed after a grace time.
    pub(crate) fn capture(&self, id: ProcessId, incarnation: Incarnation, output: Output) {
        if let Some(log) = self.of(id) {
            self.capture.take(&log, incarnation, output);
        }
    }

    /// Records that a process has ended and stays down. If a process that has left its group still holds the output
    /// open, it is closed after a grace time.
    pub(crate) fn stopped(&self, id: ProcessId) {
        if let Some(log) = self.of(id) {
            log.stopped();
        }
    }

    /// Returns the number of logs.
    #[cfg(any(test, feature = "scripted"))]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns the number of pipes that were closed while somebody still held them.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.capture.given_up()
    }

    /// Waits until all output has been read, for at most `limit`, because a process that outlives its group may hold a
    /// pipe open for ever and a disk may hang. Then ends all followers.
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
        for queue in self.everything() {
            queue.close();
        }
    }

    /// Resolves when all output of an incarnation has been sent to followers. It does not resolve while another process
    /// holds the output open.
    pub async fn told_to_its_end(&self, id: ProcessId, incarnation: Incarnation) {
        let open = self.of(id).and_then(|log| log.open_pipes(incarnation));
        if let Some(mut open) = open {
            // A sender that was dropped has counted down to 0 before.
            let _ = open.wait_for(|open| *open == 0).await;
        }
    }

    /// Resolves when a line of the output of `incarnation` contains `text`, or the piece of an incomplete line that is
    /// already shown; escape sequences are ignored. Call it before the spawn.
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

    /// Returns the lines of the host's own log that match `query`, and then, if `live`, new ones; `None` if the host
    /// keeps no log. With the [places](LogReader::resumable_after) after a line it goes on there, as
    /// [`Logs::follow_resumably`] does.
    #[must_use]
    pub fn follow_host(&self, query: LogQuery, live: bool, after: Option<&Positions>) -> Option<LogReader> {
        let after = after.and_then(|after| after.of(HOST_LOG));
        let lines = if after.is_some() { usize::MAX } else { query.lines };
        let (host, query) = (self.host.clone()?, Arc::new(LogQuery { lines, ..query }));
        let (lines, past) = mpsc::channel(1);
        tokio::spawn(host.hand_out(query.clone(), live, after, self.reading.clone(), lines));
        let reader = LogReader::new(Some(past), None, query, Some(1), self.reading.clone());
        Some(reader.of_one(Arc::from(HOST_LOG)))
    }

    /// Does what [`Logs::follow`] does with `live`, for all processes: those that are there, and those that are added
    /// later. It ends with the host.
    #[must_use]
    pub fn follow_all(&self, query: impl Into<LogQuery>) -> LogReader {
        let queue = Queue::of(None);
        // Before the logs are listed, so that none is missed.
        self.everything.lock().push(Arc::downgrade(&queue));
        let logs = self.all.iter().map(|log| log.value().clone()).collect();
        self.read(logs, Some(queue), Arc::new(query.into()), None)
    }

    /// Returns the lines of each of `ids` that match `query`, in order of time, and then, if `live`, every new line
    /// that matches, without gap or overlap. Without `live` it ends after the past; otherwise it ends when all of these
    /// processes have been removed, or with the host.
    #[must_use]
    pub fn follow(&self, ids: &[ProcessId], query: impl Into<LogQuery>, live: bool) -> LogReader {
        self.read_some(ids, query.into(), live, None)
    }

    /// Does what [`Logs::follow`] does, and knows the [places](LogReader::resumable_after) from which the stream can be
    /// resumed. With such places it goes on there, whatever number of lines the query asks for; it begins with
    /// [`LogItem::Missed`](super::LogItem::Missed) for each log of which lines since then may be gone.
    #[must_use]
    pub fn follow_resumably(
        &self,
        ids: &[ProcessId],
        query: LogQuery,
        live: bool,
        after: Option<Positions>,
    ) -> LogReader {
        let lines = if after.is_some() { usize::MAX } else { query.lines };
        self.read_some(ids, LogQuery { lines, ..query }, live, Some(after.unwrap_or_default()))
    }

    fn read_some(
        &self,
        ids: &[ProcessId],
        query: LogQuery,
        live: bool,
        after: Option<Positions>,
    ) -> LogReader {
        let logs: Vec<_> = ids.iter().filter_map(|id| self.of(*id)).collect();
        let queue = live.then(|| Queue::of(Some(logs.len())));
        self.read(logs, queue, Arc::new(query), after)
    }

    /// Returns a reader of the lines of these logs, which are sent to `queue` from the end of the past on. With `after` it
    /// knows the places in the logs; if that has some, it goes on there.
    fn read(
        &self,
        logs: Vec<Arc<ProcessLog>>,
        queue: Option<Arc<Queue>>,
        query: Arc<LogQuery>,
        after: Option<Positions>,
    ) -> LogReader {
        let resumable = after.as_ref().map(|_| logs.len());
        let past = if query.lines == 0 && resumable.is_none() {
            queue.iter().flat_map(|queue| logs.iter().map(move |log| (log, queue))).for_each(
                |(log, queue)| {
                    log.now().enter(queue);
                },
            );
            None
        } else {
            let (pieces, past) = mpsc::channel(1);
            let back = ReadBack { reading: self.reading.clone(), query: query.clone(), after, pieces };
            tokio::spawn(back.run(logs.clone(), queue.clone()));
            Some(past)
        };
        LogReader::new(past, queue.map(|queue| (queue, logs)), query, resumable, self.reading.clone())
    }
}
