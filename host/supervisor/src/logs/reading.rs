//! Reading one pipe to its end. While its lines are being written, a little more of it is read ahead, and then it is left to
//! fill, which makes the child wait. What a former life has left open is read for a grace time.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use provost_state::Incarnation;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::LogStream;
use super::file::Batch;
use super::process::{ProcessLog, Standing, Written};
use super::record::PART_BYTES_MAX;
use super::source::{READ_BYTES, Source};
use crate::jobs::{Lane, Lost};

/// How much is read ahead while lines are being written.
const AHEAD_BYTES: usize = 2 * READ_BYTES;

/// More room than this is not kept.
const ROOM_BYTES_MAX: usize = 8 * READ_BYTES;

/// A line of over this length is handed on in parts before its end has come, so that memory stays bounded.
const LINE_BYTES_MAX: usize = 16 * PART_BYTES_MAX;

/// For how long a pipe is read that somebody holds open although its life is over.
pub(super) const GRACE: Duration =
    if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

/// How much of such a pipe is still read at the end of its grace time: all that can be in it.
const LAST_BYTES: usize = 1 << 20;

/// How long to wait before what failed for a lack of the whole machine is tried again.
const A_WHILE: Duration = Duration::from_millis(50);

/// Whose output comes out of a pipe.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    pub(super) log: Arc<ProcessLog>,
    pub(super) incarnation: Incarnation,
    pub(super) stream: LogStream,
    pub(super) writing: Lane,
}

/// One pipe among those that are waited for at the end.
#[derive(Debug)]
pub(super) struct Counted(watch::Sender<usize>);

impl Counted {
    pub(super) fn new(open: watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// Why a pipe is read no more.
#[derive(Debug)]
pub(super) enum Ended {
    /// All who could write to it are gone.
    Closed,
    /// Somebody still holds it.
    GivenUp,
    /// Whatever it is, it cannot be read.
    Failed(io::Error),
}

/// With the right to the stream's current line.
type Outcome = (Result<Written, Lost>, Option<OwnedSemaphorePermit>);

type Writing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Reading one pipe.
pub(super) struct Reading {
    pipe: Pipe,
    /// Held until all of it is written, which the end of the host waits for.
    _counted: Option<Counted>,
    pending: Vec<u8>,
    /// Parts of a line were handed on whose end has not come.
    unfinished: bool,
    /// While that is so: the next life must not go on with that line.
    line: Option<OwnedSemaphorePermit>,
    writing: Option<Writing>,
    /// Room of the batch before.
    room: Vec<u8>,
    standing: Standing,
    /// When it is read no more.
    until: Option<Instant>,
}

/// What happened while waiting.
enum Input {
    /// So many bytes came; none at the end.
    Read(io::Result<usize>),
    Written(Outcome),
    Stands(Standing),
    TimeIsUp,
}

impl Reading {
    pub(super) fn new(pipe: Pipe, counted: Option<Counted>) -> Self {
        Self {
            pipe,
            _counted: counted,
            // A silent process needs no room.
            pending: Vec::new(),
            unfinished: false,
            line: None,
            writing: None,
            room: Vec::new(),
            standing: Standing::Living,
            until: None,
        }
    }

    /// Reads until the end; what is left is to be [finished](Reading::finish).
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn would keep all this twice, and there is one for each pipe"
    )]
    pub(super) fn run(mut self, fd: Arc<OwnedFd>) -> impl Future<Output = (Ended, Self)> + Send {
        async move {
            let source = match Source::new(fd) {
                Ok(source) => source,
                Err(error) => return (Ended::Failed(error), self),
            };
            loop {
                if self.writing.is_none() && self.write_lines() {
                    // One flooding child must not keep the others' lines waiting.
                    tokio::task::yield_now().await;
                }
                match self.next(&source).await {
                    Input::Read(Ok(0)) => return (Ended::Closed, self),
                    Input::Read(Ok(_)) => {}
                    Input::Read(Err(error)) if passes(&error) => tokio::time::sleep(A_WHILE).await,
                    Input::Read(Err(error)) => return (Ended::Failed(error), self),
                    Input::Written(written) => self.on_written(written).await,
                    Input::Stands(standing) => self.on_standing(standing),
                    Input::TimeIsUp => {
                        self.read_the_rest(&source);
                        return (Ended::GivenUp, self);
                    }
                }
            }
        }
    }

    async fn next(&mut self, source: &Source) -> Input {
        // Lines that are complete wait for those that are being written, and so does the child in the end.
        let ahead = if self.unfinished { LINE_BYTES_MAX } else { AHEAD_BYTES };
        let reads = self.writing.is_none() || self.pending.len() < ahead;
        let Self { pipe, pending, writing, standing, until, .. } = self;
        let time_is_up = async {
            match *until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => pending_for_ever().await,
            }
        };
        tokio::select! {
            biased;
            written = written(writing) => Input::Written(written),
            standing = pipe.log.standing_changed(pipe.incarnation, *standing) => Input::Stands(standing),
            () = time_is_up => Input::TimeIsUp,
            read = source.read(pending), if reads => Input::Read(read),
        }
    }

    /// Hands on the lines that are complete, or a part of one that is too long; false if there is neither.
    fn write_lines(&mut self) -> bool {
        let (bytes, complete) = match memchr::memrchr(b'\n', &self.pending) {
            Some(end) => (end + 1, true),
            None if self.pending.len() >= LINE_BYTES_MAX => (self.pending.len(), false),
            None => return false,
        };
        let mut batch = std::mem::take(&mut self.room);
        batch.extend_from_slice(&self.pending[bytes..]);
        std::mem::swap(&mut batch, &mut self.pending);
        batch.truncate(bytes);
        self.unfinished = !complete;
        self.write(batch, complete);
        true
    }

    fn write(&mut self, bytes: Vec<u8>, complete: bool) {
        let log = self.pipe.log.clone();
        log.watch_for(self.pipe.incarnation, &bytes);
        let at_ms = crate::clock::wall_ms();
        let batch = Batch { stream: self.pipe.stream, at_ms, bytes, complete };
        self.submit(batch);
    }

    /// One thread at a time writes for a process: a disk that hangs takes one and no more.
    fn submit(&mut self, batch: Batch) {
        let (log, lane, line) = (self.pipe.log.clone(), self.pipe.writing.clone(), self.line.take());
        self.writing = Some(Box::pin(async move {
            let line = match line {
                Some(line) => Some(line),
                None => log.line(batch.stream).await,
            };
            let turn = log.turn().await;
            (lane.run(move || (log.write(batch), drop(turn)).0).await, line)
        }));
    }

    async fn on_written(&mut self, (written, line): Outcome) {
        self.line = line.filter(|_| self.unfinished || matches!(written, Ok(Written::NotYet(_))));
        match written {
            // What a long line needed is kept for as long as that line goes on.
            Ok(Written::Done(room)) if self.unfinished || room.capacity() <= ROOM_BYTES_MAX => {
                self.room = room
            }
            Ok(Written::Done(_)) => {}
            Ok(Written::NotYet(batch)) => {
                tokio::time::sleep(A_WHILE).await;
                self.submit(batch);
            }
            Err(lost) => {
                tracing::error!(process = &*self.pipe.log.name, %lost, "a defect while writing; some lines are lost");
            }
        }
    }

    fn on_standing(&mut self, standing: Standing) {
        self.standing = standing;
        match standing {
            Standing::Living => self.until = None,
            Standing::Stopped | Standing::Former => {
                self.until.get_or_insert_with(|| Instant::now() + GRACE);
            }
        }
    }

    /// What is in the pipe now, and no more.
    fn read_the_rest(&mut self, source: &Source) {
        let mut left = LAST_BYTES;
        while left > 0 {
            match source.read_now(&mut self.pending) {
                Ok(0) | Err(_) => break,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    }

    /// How many lines have not been given to be written.
    pub(super) fn lines(&self) -> u64 {
        memchr::memchr_iter(b'\n', &self.pending).count() as u64
    }

    /// Writes what is left. Even an empty end closes a line: the next life must not go on with it.
    pub(super) async fn finish(&mut self) {
        loop {
            if self.writing.is_some() {
                let written = written(&mut self.writing).await;
                self.on_written(written).await;
            } else if !self.pending.is_empty() || self.unfinished {
                self.unfinished = false;
                let last = std::mem::take(&mut self.pending);
                self.write(last, true);
            } else {
                return;
            }
        }
    }
}

/// Is it an error that says nothing of the pipe?
fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::OutOfMemory)
}

async fn pending_for_ever<T>() -> T {
    std::future::pending().await
}

/// What becomes of what is being written, if anything is.
async fn written(writing: &mut Option<Writing>) -> Outcome {
    let Some(under_way) = writing else { return pending_for_ever().await };
    let written = under_way.await;
    *writing = None;
    written
}
