//! Reading one pipe to its end, in three steps: look at what is in it, have the lines written, take them out. While lines
//! are being written the pipe is left to fill, which makes the child wait in the end. What a former life has left open is
//! read for a grace time.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use provost_state::Incarnation;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::lease::{Lease, Owner};
use super::pause::Pauses;
use super::peek::Glass;
use super::source::{Sight, Source};
use crate::jobs::{Lane, Lost};
use crate::logs::item::LogStream;
use crate::logs::process::{ProcessLog, Standing, Written};
use crate::logs::record::PART_BYTES_MAX;
use crate::logs::write::batch::{Batch, End};

/// More room than this is not kept.
const ROOM_BYTES_MAX: usize = 512 << 10;

/// A line whose end has not come is shown after so long a silence: it may be a question.
const SILENCE: Duration = Duration::from_millis(200);

/// And after so long in any case: it may be a bar that grows.
const UNFINISHED: Duration = Duration::from_secs(1);

/// For how long a pipe is read that somebody holds open although its life is over.
pub(crate) const GRACE: Duration =
    if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(10) };

/// How long to wait before what failed for a lack of the whole machine is tried again.
const A_WHILE: Duration = Duration::from_millis(50);

/// After a look at so much, nobody waits for more of it meanwhile, and who writes it has a lease.
const LEASE_BYTES_MIN: usize = 4 << 10;

/// So many looks at a pipe that was a quarter full make it larger.
const BUSY_LOOKS: u32 = 8;

/// Whose output comes out of a pipe, and what it is read with.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) log: Arc<ProcessLog>,
    pub(crate) incarnation: Incarnation,
    pub(crate) stream: LogStream,
    pub(crate) writing: Lane,
    pub(crate) glass: Glass,
    /// Short ones, and those for pipes that were made larger.
    pub(crate) pauses: [Pauses; 2],
    /// Held by each pipe that was made larger.
    pub(crate) growth: Arc<()>,
}

/// One pipe among those that are waited for: all of the host's at its end, and those of a life at its end.
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

/// Why a pipe is read no more.
#[derive(Debug)]
pub(crate) enum Ended {
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
pub(crate) struct Reading {
    pipe: Pipe,
    /// Held until all of it is written.
    _counted: Option<[Counted; 2]>,
    source: Option<Source>,
    /// What was looked at of a line whose end has not come.
    partial: Option<Partial>,
    /// Parts of a line were handed on whose end has not come.
    unfinished: bool,
    /// While that is so: the next life must not go on with that line.
    line: Option<OwnedSemaphorePermit>,
    writing: Option<Writing>,
    /// How much is to be taken out when it is written, and how often the pipe was rather full.
    hand: Owner,
    /// Until it is over, more is let come together.
    pause: Option<oneshot::Receiver<()>>,
    /// Room of the batch before.
    room: Vec<u8>,
    standing: Standing,
    /// When it is read no more.
    until: Option<Instant>,
}

/// A piece of a line, without its end, that is still in the pipe.
#[derive(Clone, Copy, Debug)]
struct Partial {
    bytes: usize,
    since: Instant,
    /// When more of it came last.
    last: Instant,
}

/// What happened while waiting.
enum Input {
    /// What there is to see, in a buffer.
    Sight(io::Result<Sight>, Vec<u8>),
    Written(Outcome),
    Paused,
    /// The end of the line has not come for long enough.
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
            hand: Owner::default(),
            pause: None,
            // A silent process needs no room.
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
    pub(crate) fn run(mut self, fd: Arc<OwnedFd>) -> impl Future<Output = (Ended, Self)> + Send {
        async move {
            let mut source = match Source::new(fd, self.pipe.glass.clone()) {
                Ok(source) => source,
                Err(error) => return (Ended::Failed(error), self),
            };
            let ended = loop {
                match self.next(&mut source).await {
                    Input::Sight(Ok(Sight::End), _) => break Ended::Closed,
                    Input::Sight(Ok(Sight::Bytes(_)), seen) => {
                        self.on_sight(&mut source, seen, false);
                        // One flooding child must not keep the others' lines waiting.
                        tokio::task::yield_now().await;
                    }
                    Input::Sight(Err(error), _) if passes(&error) => tokio::time::sleep(A_WHILE).await,
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
                        let mut held = self.hand.0.held();
                        held.over = true;
                        source.let_go();
                        drop(held);
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

    /// Hands on the lines that are complete, or a part of one that is too long or `due`. The rest stays where it is.
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
            // A pipe may be full although it does not hold as many bytes as it might.
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
        self.write(seen, end, lease);
    }

    /// Counts a look at a pipe that was a quarter full, if it `was`; has it been that full often enough to be made larger?
    fn is_busy(&self, was: bool) -> bool {
        let mut held = self.hand.0.held();
        held.busy = held.busy.saturating_add(u32::from(was));
        held.busy >= BUSY_LOOKS
    }

    /// For who writes what comes out of a pipe in which `seen` bytes were seen, if that is much.
    fn lease(&self, source: &Source, seen: usize) -> Option<Lease> {
        if seen < LEASE_BYTES_MIN || self.until.is_some() {
            return None;
        }
        let Pipe { incarnation, stream, ref writing, ref glass, .. } = self.pipe;
        Some(Lease {
            pipe: source.pipe()?.clone(),
            capacity: source.capacity(),
            glass: glass.clone(),
            hand: self.hand.0.clone(),
            lane: writing.clone(),
            incarnation,
            stream,
            seen,
        })
    }

    fn write(&mut self, bytes: Vec<u8>, end: End, lease: Option<Lease>) {
        self.hand.0.held().taking = bytes.len();
        let log = self.pipe.log.clone();
        log.watch_for(self.pipe.incarnation, self.pipe.stream, &bytes);
        let at_ms = crate::clock::wall_ms();
        self.submit(Batch { stream: self.pipe.stream, at_ms, bytes, end }, lease);
    }

    /// One thread at a time writes for a process: a disk that hangs takes one and no more.
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

    /// How much is to be taken out now.
    async fn on_written(&mut self, (written, line): Outcome) -> usize {
        // Who writes may have taken the beginning of that line out, too.
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
        std::mem::take(&mut self.hand.0.held().taking)
    }

    fn take(&self, source: &mut Source, bytes: usize) {
        // It was there when it was looked at, and nobody else reads.
        if let Err(error) = source.take(bytes) {
            let process = &*self.pipe.log.stored.name;
            tracing::error!(process, %error, "what was written cannot be taken out of the pipe");
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

    /// How many lines have not been given to be written.
    pub(crate) fn lines(&mut self) -> u64 {
        let mut seen = Vec::new();
        // What cannot be looked at any more cannot be counted.
        let _ = self.source.as_mut().map(|source| source.look_now(&mut seen));
        memchr::memchr_iter(b'\n', seen.get(self.hand.0.held().taking..).unwrap_or_default()).count() as u64
    }

    /// Writes what is left. Even an empty end closes a line: the next life must not go on with it.
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
            // What cannot be looked at any more holds nothing.
            let _ = self.source.as_mut().map(|source| source.look_now(&mut seen));
            if seen.is_empty() && !self.unfinished {
                return;
            }
            self.unfinished = false;
            self.write(seen, End::Whole, None);
        }
    }
}

/// Is it an error that says nothing of the pipe?
fn passes(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let lacks = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::OutOfMemory)
        || lacks.contains(&error.raw_os_error())
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// A pause whose end cannot be told is over.
async fn over(pause: &mut Option<oneshot::Receiver<()>>) {
    match pause {
        Some(pause) => drop(pause.await),
        None => std::future::pending().await,
    }
}

/// What becomes of what is being written, if anything is.
async fn written(writing: &mut Option<Writing>) -> Outcome {
    let Some(under_way) = writing else { return std::future::pending().await };
    let written = under_way.await;
    *writing = None;
    written
}
