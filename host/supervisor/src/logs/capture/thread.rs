//! Reads the output of children. All pipes are read on one thread with its own runtime, which never waits for a disk:
//! while the lines of a pipe are being written, the pipe fills up.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use provost_state::Incarnation;
use rustix::fs::FileType;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use super::former::Resuming;
use super::growth::Growth;
use super::leftover::Leftover;
use super::pause::{LONG_NS, Pauses, SHORT_NS};
use super::peek::Peeker;
use super::reading::{Counted, Ended, GRACE, Pipe, Reading};
use super::sink::drop_output;
use crate::children::Output;
use crate::children::keeper::{KeptOutput, KeptStream};
use crate::jobs::Lane;
use crate::logs::item::LogStream;
use crate::logs::ledger::Ledger;
use crate::logs::process::ProcessLog;
use crate::panics::unpanicked;

/// The number of times that reading a pipe is resumed after a panic.
const PANICS_MAX: usize = 3;

/// The reading thread.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    runtime: Handle,
    writing: Lane,
    peeker: Peeker,
    pauses: [Pauses; 2],
    growth: Growth,
    /// The number of pipes that are being read.
    open: watch::Sender<usize>,
    /// The number of pipes that were closed while somebody still held them.
    given_up: Arc<AtomicU64>,
    /// Ends the thread once the last clone is dropped.
    _alive: Arc<tokio::sync::oneshot::Sender<()>>,
}

impl Thread {
    pub(crate) fn start(writing: Lane) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (peeker, pauses) = (Peeker::new()?, [Pauses::new(SHORT_NS)?, Pauses::new(LONG_NS)?]);
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let ending_pauses = pauses.clone();
        std::thread::Builder::new().name("provost-logs".to_owned()).spawn(move || {
            for pauses in ending_pauses {
                runtime.spawn(pauses.run());
            }
            let _ = runtime.block_on(ended);
        })?;
        let (open, given_up) = (watch::Sender::new(0), Arc::default());
        let (growth, alive) = (Growth::of_kernel(), Arc::new(alive));
        Ok(Self { runtime: handle, writing, peeker, pauses, growth, open, given_up, _alive: alive })
    }

    /// Resolves when every pipe has been read to its end, or given up after its grace time.
    pub(crate) async fn drained(&self) {
        // `self` holds the sender, so the channel is open.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Writes what is left of earlier lives of a process. What is captured later comes after it.
    pub(crate) fn take_leftovers(&self, log: &Arc<ProcessLog>, leftovers: Vec<Leftover>) {
        let (log, writing) = (log.clone(), self.writing.clone());
        self.runtime.spawn(async move {
            let lines = [log.line(LogStream::Out).await, log.line(LogStream::Err).await];
            for leftover in leftovers {
                let (turn, of) = (log.turn().await, log.clone());
                let written = writing.run(move || (leftover.write(&of), drop(turn)).0).await;
                if let Ok(Err(error)) = written {
                    let process = &*log.stored.name;
                    tracing::error!(process, %error, "a gap file cannot be written into the log; it is tried at the next start");
                }
            }
            drop(lines);
        });
    }

    /// Reads both pipes until they are closed. What is being written of them is said in the ledger, if there is one and the
    /// keeper has made them.
    pub(crate) fn take(
        &self,
        log: &Arc<ProcessLog>,
        incarnation: Incarnation,
        output: Output,
        ledger: Option<&Ledger>,
    ) {
        let of_incarnation = log.begin(incarnation);
        let Output { stdout, stderr, mut kept } = output;
        let stdout = std::iter::once((LogStream::Out, stdout));
        for (stream, fd) in stdout.chain(stderr.map(|stderr| (LogStream::Err, stderr))) {
            let id = kept.as_ref().map(KeptOutput::id).filter(|_| is_pipe(&fd));
            let entry = ledger.zip(id).map(|(ledger, id)| ledger.entry(id, stream));
            let (kept, gap) = kept.as_mut().map(|kept| kept.take(stream as usize)).unzip();
            let pipe = Pipe {
                log: log.clone(),
                incarnation,
                stream,
                writing: self.writing.clone(),
                peeker: self.peeker.clone(),
                pauses: self.pauses.clone(),
                growth: self.growth.clone(),
                entry,
            };
            let counted = [&self.open, &of_incarnation].map(|open| Counted::new(open.clone()));
            let given_up = self.given_up.clone();
            let rest = kept.is_some().then(|| fd.clone());
            self.runtime.spawn(async move {
                let resuming = kept.as_ref().zip(gap.flatten()).map(|(kept, gap)| Resuming { kept, gap });
                let ended = pipe.read_to_end(fd, counted, resuming).await;
                if let Some(entry) = &pipe.entry {
                    entry.end();
                }
                if matches!(ended, Ended::GivenUp) {
                    given_up.fetch_add(1, Ordering::Relaxed);
                    pipe.give_up(kept, rest);
                } else {
                    // Its slot in the keeper is not needed any more.
                    drop((kept, rest));
                }
                // A restarted process may go on losing lines, which is reported as one trouble.
                tokio::select! {
                    () = pipe.log.superseded(incarnation) => {}
                    () = tokio::time::sleep(GRACE) => pipe.log.loses_no_more(),
                }
            });
        }
    }
}

impl Pipe {
    /// Somebody holds the pipe although its incarnation is over. What is written into a pipe of the keeper is dropped from now
    /// on; any other is closed.
    fn give_up(&self, kept: Option<KeptStream>, rest: Option<Arc<OwnedFd>>) {
        let process = &*self.log.stored.name;
        let of_keeper = rest.is_some();
        let sink = rest.and_then(|rest| Some((self.log.sinks.enter(self.incarnation)?, rest)));
        if sink.is_none() && of_keeper {
            tracing::warn!(
                process,
                incarnation = self.incarnation.0,
                "processes that have left the group hold the output of more than 8 earlier incarnations open; \
                 that of this one is no longer read, and its writer waits when its pipe is full"
            );
        } else if !self.log.warned_held.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                process,
                "a process that has left the group holds the output of an earlier incarnation open; that output is no \
                 longer read"
            );
        }
        if let Some((sink, rest)) = sink {
            let dropping = drop_output(rest, self.peeker.clone());
            tokio::spawn(async move {
                // What cannot be read any more need not be dropped.
                let _ = dropping.await;
                drop((kept, sink));
            });
        }
    }

    /// Reads on after a panic, because closing the pipe would end the child that writes to it.
    async fn read_to_end(
        &self,
        fd: Arc<OwnedFd>,
        counted: [Counted; 2],
        mut resuming: Option<Resuming<'_>>,
    ) -> Ended {
        let mut counted = Some(counted);
        let process = &*self.log.stored.name;
        for panics in 0..=PANICS_MAX {
            let reading = Reading::new(self.clone(), counted.take());
            match unpanicked(pin!(reading.run(fd.clone(), resuming.take()))).await {
                Ok((ended, rest)) => {
                    if let Ended::Failed(error) = &ended {
                        tracing::error!(process, %error, "the output cannot be read any more");
                    }
                    // Boxed, because most of the time of a pipe is spent without it.
                    Box::pin(self.write_the_rest(rest)).await;
                    return ended;
                }
                Err(defect) => {
                    tracing::error!(process, panics, %defect, "a defect while reading the output; some lines may be lost");
                }
            }
        }
        Ended::GivenUp
    }

    /// Writes the rest. A hanging disk may take its time, but only for a grace time once the next incarnation has
    /// begun.
    async fn write_the_rest(&self, mut rest: Reading) {
        let patience = async {
            self.log.superseded(self.incarnation).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = rest.finish() => return,
            () = patience => {}
        }
        self.log.lose(rest.lines());
    }
}

/// Whether it is a pipe. What is read of a terminal is gone from it, so there is nothing that could be read twice.
fn is_pipe(fd: &OwnedFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}
