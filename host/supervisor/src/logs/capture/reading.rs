//! Reads one pipe to its end, in three steps: look at its content, have the lines written, take them out. While lines
//! are being written the pipe fills up, which in the end makes the child wait. A pipe of an earlier incarnation that is
//! still held open is read for a grace time.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use provost_state::Incarnation;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::former::Resuming;
use super::growth::Growth;
use super::lease::{Lease, Owner};
use super::pause::Pauses;
use super::peek::Peeker;
use super::source::{Sight, Source};
use crate::jobs::{Lane, Lost};
use crate::logs::disk::is_out_of_descriptors;
use crate::logs::item::LogStream;
use crate::logs::ledger::{Claim, Entry, Origin};
use crate::logs::process::{ProcessLog, Standing, Written};
use crate::logs::record::PART_BYTES_MAX;
use crate::logs::write::batch::{Batch, End};

/// The largest buffer that is kept for reuse.
const ROOM_BYTES_MAX: usize = 1 << 20;

/// The silence after which an incomplete line is shown, because it may be a question.
const SILENCE: Duration = Duration::from_millis(200);

/// The age at which an incomplete line is shown in any case, because it may be a growing progress bar.
const UNFINISHED: Duration = Duration::from_secs(1);

/// The time for which a pipe is read that somebody holds open although its incarnation is over.
pub(crate) const GRACE: Duration =
    if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

/// The pause before an operation that failed for a lack of resources of the machine is retried.
const A_WHILE: Duration = Duration::from_millis(50);

/// The least size of a look after which the pipe is not polled while its bytes are written, and the writing thread gets
/// a lease.
const LEASE_BYTES_MIN: usize = 4 << 10;

/// A pipe with the incarnation that it belongs to and what it is read with.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) log: Arc<ProcessLog>,
    pub(crate) incarnation: Incarnation,
    pub(crate) stream: LogStream,
    pub(crate) writing: Lane,
    pub(crate) peeker: Peeker,
    /// The pauses for ordinary pipes, and those for enlarged ones.
    pub(crate) pauses: [Pauses; 2],
    /// The budget of enlarged pipes.
    pub(crate) growth: Growth,
    /// The place of this output in the ledger.
    pub(crate) entry: Option<Arc<Entry>>,
}

/// Counts one open pipe: of all those of the host, or of those of an incarnation.
#[derive(Debug)]
pub(crate) struct Counted(watch::Sender<usize>);

impl Counted {
    pub(crate) fn new(open: watch::Sender<usize>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// The reason that a pipe is no longer read.
#[derive(Debug)]
pub(crate) enum Ended {
    /// All writers have closed it.
    Closed,
    /// It was given up while somebody still held it.
    GivenUp,
    /// Reading it failed.
    Failed(io::Error),
}

/// The result of a write, with the right to the current line of the stream.
type Outcome = (Result<Written, Lost>, Option<OwnedSemaphorePermit>);

type Writing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The reader of one pipe.
pub(crate) struct Reading {
    pub(super) pipe: Pipe,
    /// Held until all output is written.
    _counted: Option<[Counted; 2]>,
    source: Option<Source>,
    /// The incomplete line that was seen and is still in the pipe.
    partial: Option<Partial>,
    /// Whether parts of an incomplete line were handed on.
    pub(super) unfinished: bool,
    /// The right to the current line while it is incomplete, so that the next incarnation does not continue it.
    pub(super) line: Option<OwnedSemaphorePermit>,
    pub(super) writing: Option<Writing>,
    /// The state shared with the writing thread.
    shared: Owner,
    /// The current pause, in which more output accumulates.
    pause: Option<oneshot::Receiver<()>>,
    /// The buffer of the previous batch, for reuse.
    room: Vec<u8>,
    standing: Standing,
    /// The time at which reading is given up.
    until: Option<Instant>,
}

/// An incomplete line that is still in the pipe.
#[derive(Clone, Copy, Debug)]
struct Partial {
    bytes: usize,
    since: Instant,
    /// When more of it arrived last.
    last: Instant,
}

/// The event that ended a wait.
enum Input {
    /// The result of a look, with the bytes in a buffer.
    Sight(io::Result<Sight>, Vec<u8>),
    Written(Outcome),
    Paused,
    /// The line has been incomplete for long enough to be shown.
    Unfinished,
    Stands(Standing),
    TimeIsUp,
}

impl Reading {
    pub(crate) fn new(pipe: Pipe, counted: Option<[Counted; 2]>) -> Self {
        Self {
            pipe,
            _counted: counted,
            source: None,
            partial: None,
            unfinished: false,
            line: None,
            writing: None,
            shared: Owner::default(),
            pause: None,
            // A silent process needs no buffer.
            room: Vec::new(),
            standing: Standing::Living,
            until: None,
        }
    }

    /// Reads until the end, first what a former host has left. The caller has to [finish](Reading::finish) what is left.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn would keep all this twice, and there is one for each pipe"
    )]
    pub(crate) fn run<'a>(
        mut self,
        fd: Arc<OwnedFd>,
        resuming: Option<Resuming<'a>>,
    ) -> impl Future<Output = (Ended, Self)> + Send + 'a {
        async move {
            if let Some(resuming) = resuming {
                // Boxed, because most pipes are not those of a former host.
                Box::pin(self.resume(&fd, resuming)).await;
            }
            let mut source = match Source::new(fd, self.pipe.peeker.clone(), &self.pipe.growth) {
                Ok(source) => source,
                Err(error) => return (Ended::Failed(error), self),
            };
            let ended = loop {
                match self.next(&mut source).await {
                    Input::Sight(Ok(Sight::End), _) => break Ended::Closed,
                    Input::Sight(Ok(Sight::Bytes(_)), seen) => {
                        self.on_sight(&mut source, seen, false);
                        // A flooding child must not keep the lines of others waiting.
                        tokio::task::yield_now().await;
                    }
                    Input::Sight(Err(error), _) if is_transient(&error) => tokio::time::sleep(A_WHILE).await,
                    Input::Sight(Err(error), _) => break Ended::Failed(error),
                    Input::Written(outcome) => {
                        let bytes = self.on_written(outcome).await;
                        self.take(&mut source, bytes);
                    }
                    Input::Paused => self.pause = None,
                    Input::Unfinished => {
                        let mut seen = std::mem::take(&mut self.room);
                        if source.look_now(&mut seen).is_ok() {
                            self.on_sight(&mut source, seen, true);
                        }
                    }
                    Input::Stands(standing) => self.on_standing(standing),
                    Input::TimeIsUp => {
                        let mut shared = self.shared.0.lock();
                        shared.over = true;
                        source.detach();
                        drop(shared);
                        break Ended::GivenUp;
                    }
                }
            };
            self.source = Some(source);
            (ended, self)
        }
    }

    async fn next(&mut self, source: &mut Source) -> Input {
        let unwritten = self.writing.is_none();
        let looks = unwritten && self.pause.is_none();
        let known = self.partial.map_or(0, |partial| partial.bytes);
        let shown = self.partial.filter(|_| unwritten);
        let shown = shown.map(|it| (it.last + SILENCE).min(it.since + UNFINISHED));
        let mut seen = if looks { std::mem::take(&mut self.room) } else { Vec::new() };
        let Self { pipe, writing, standing, until, pause, room, .. } = self;
        let input = tokio::select! {
            biased;
            written = written(writing) => Input::Written(written),
            standing = pipe.log.standing_changed(pipe.incarnation, *standing) => Input::Stands(standing),
            () = at(*until) => Input::TimeIsUp,
            () = over(pause) => Input::Paused,
            sight = source.look(known, &mut seen), if looks => {
                return Input::Sight(sight, seen);
            }
            () = at(shown) => Input::Unfinished,
        };
        if looks {
            seen.clear();
            *room = seen;
        }
        input
    }

    /// Hands on the complete lines, or a part of one that is too long or `due`. The rest stays in the pipe.
    fn on_sight(&mut self, source: &mut Source, mut seen: Vec<u8>, due: bool) {
        let (there, capacity) = (seen.len(), source.capacity());
        if self.is_busy(there >= capacity / 4) {
            source.grow(&self.pipe.growth);
        }
        if there >= LEASE_BYTES_MIN {
            source.rest();
        }
        if there < capacity / 2 {
            self.pause = Some(self.pipe.pauses[usize::from(source.is_large())].begin());
        }
        let (bytes, end) = match memchr::memrchr(b'\n', &seen) {
            Some(at) => (at + 1, End::Whole),
            // A pipe may be full although it holds fewer bytes than its capacity.
            None if there >= PART_BYTES_MAX.min(capacity / 4) => (there, End::Long),
            None if due => (there, End::Shown),
            None => (0, End::Whole),
        };
        let now = Instant::now();
        let since = self.partial.filter(|_| bytes == 0).map_or(now, |partial| partial.since);
        self.partial = (there > bytes).then_some(Partial { bytes: there - bytes, since, last: now });
        seen.truncate(bytes);
        if bytes == 0 {
            self.room = seen;
            return;
        }
        self.unfinished = end != End::Whole;
        let lease = self.lease(source, there).filter(|_| end == End::Whole);
        self.write(seen, end, lease, Origin::Pipe);
    }

    /// Counts a look; returns true if the pipe is to be enlarged.
    fn is_busy(&self, was_filled: bool) -> bool {
        let mut shared = self.shared.0.lock();
        shared.looked(was_filled);
        shared.is_busy()
    }

    /// Returns a lease for the writing thread if the look found much, `seen` bytes.
    fn lease(&self, source: &Source, seen: usize) -> Option<Lease> {
        if seen < LEASE_BYTES_MIN || self.until.is_some() {
            return None;
        }
        let Pipe { incarnation, stream, ref writing, ref peeker, .. } = self.pipe;
        Some(Lease {
            pipe: source.pipe()?.clone(),
            capacity: source.capacity(),
            peeker: peeker.clone(),
            shared: self.shared.0.clone(),
            lane: writing.clone(),
            entry: self.pipe.entry.clone(),
            incarnation,
            stream,
            seen,
        })
    }

    /// Begins to write output, which stays where it is until that is done.
    pub(super) fn write(&mut self, bytes: Vec<u8>, end: End, lease: Option<Lease>, origin: Origin) {
        self.shared.0.lock().taking = bytes.len();
        let log = self.pipe.log.clone();
        log.watch_for(self.pipe.incarnation, self.pipe.stream, &bytes);
        let at_ms = crate::clock::wall_ms();
        let claim = self.pipe.entry.clone().map(|entry| Claim { entry, origin });
        self.submit(Batch { stream: self.pipe.stream, at_ms, bytes, end, claim }, lease);
    }

    /// Begins to write a line that is the host's own.
    pub(super) fn say(&mut self, line: &[u8]) {
        let (stream, at_ms) = (self.pipe.stream, crate::clock::wall_ms());
        self.submit(Batch { stream, at_ms, bytes: line.to_vec(), end: End::Whole, claim: None }, None);
    }

    /// Submits a batch. One thread at a time writes for a process, so a hanging disk blocks no more than one.
    fn submit(&mut self, batch: Batch, lease: Option<Lease>) {
        let (log, lane, line) = (self.pipe.log.clone(), self.pipe.writing.clone(), self.line.take());
        self.writing = Some(Box::pin(async move {
            let line = match line {
                Some(line) => Some(line),
                None => log.line(batch.stream).await,
            };
            let turn = log.turn().await;
            let job = move || match lease {
                Some(lease) => lease.run(&log, batch),
                None => log.write(batch),
            };
            (lane.run(move || (job(), drop(turn)).0).await, line)
        }));
    }

    /// Handles the result of a write; returns the number of bytes to take out of the pipe.
    pub(super) async fn on_written(&mut self, (written, line): Outcome) -> usize {
        // The writing thread may have taken the beginning of that line, too.
        self.partial = None;
        self.line = line.filter(|_| self.unfinished || matches!(written, Ok(Written::NotYet(_))));
        match written {
            Ok(Written::Done(room)) if room.capacity() <= ROOM_BYTES_MAX => self.room = room,
            Ok(Written::Done(_)) => {}
            Ok(Written::NotYet(batch)) => {
                tokio::time::sleep(A_WHILE).await;
                self.submit(batch, None);
                return 0;
            }
            Err(lost) => {
                tracing::error!(process = &*self.pipe.log.stored.name, %lost, "a defect while writing; some lines are lost");
            }
        }
        std::mem::take(&mut self.shared.0.lock().taking)
    }

    fn take(&self, source: &mut Source, bytes: usize) {
        // The bytes were there when they were looked at, and nobody else reads.
        if let Err(error) = source.take(bytes) {
            let process = &*self.pipe.log.stored.name;
            tracing::error!(process, %error, "output that was written cannot be removed from the pipe");
        } else if let Some(entry) = self.pipe.entry.as_ref().filter(|_| bytes > 0) {
            entry.taken();
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

    /// Returns the number of lines that were not submitted for writing.
    pub(crate) fn lines(&mut self) -> u64 {
        let mut seen = Vec::new();
        // Lines in a pipe that cannot be read any more are not counted.
        let _ = self.source.as_mut().map(|source| source.look_now(&mut seen));
        memchr::memchr_iter(b'\n', seen.get(self.shared.0.lock().taking..).unwrap_or_default()).count() as u64
    }

    /// Writes what is left. Even an empty rest ends the line, so that the next incarnation does not continue it.
    pub(crate) async fn finish(&mut self) {
        loop {
            if self.writing.is_some() {
                let outcome = written(&mut self.writing).await;
                let bytes = self.on_written(outcome).await;
                if let Some(mut source) = self.source.take() {
                    self.take(&mut source, bytes);
                    self.source = Some(source);
                }
                continue;
            }
            let mut seen = std::mem::take(&mut self.room);
            // A pipe that cannot be read any more counts as empty.
            let _ = self.source.as_mut().map(|source| source.look_now(&mut seen));
            if seen.is_empty() && !self.unfinished {
                return;
            }
            self.unfinished = false;
            self.write(seen, End::Whole, None, Origin::Pipe);
        }
    }
}

/// Returns true if the error is temporary and says nothing about the pipe.
fn is_transient(error: &io::Error) -> bool {
    is_out_of_descriptors(error)
        || matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::OutOfMemory)
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of a pause. A pause whose timer is gone is over.
async fn over(pause: &mut Option<oneshot::Receiver<()>>) {
    match pause {
        Some(pause) => drop(pause.await),
        None => std::future::pending().await,
    }
}

/// Waits for the write in progress; pends if there is none.
pub(super) async fn written(writing: &mut Option<Writing>) -> Outcome {
    let Some(in_progress) = writing else { return std::future::pending().await };
    let written = in_progress.await;
    *writing = None;
    written
}
