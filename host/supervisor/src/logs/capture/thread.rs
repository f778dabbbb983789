//! Reads the output of children. All pipes are read on one thread with its own runtime, which never waits for a disk:
//! while the lines of a pipe are being written, the pipe fills up.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use provost_state::Incarnation;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use super::pause::{LONG_NS, Pauses, SHORT_NS};
use super::peek::Peeker;
use super::reading::{Counted, Ended, GRACE, Pipe, Reading};
use crate::children::Output;
use crate::jobs::Lane;
use crate::logs::item::LogStream;
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
    growth: Arc<()>,
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
        let (growth, alive) = (Arc::default(), Arc::new(alive));
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

    /// Reads both pipes until they are closed.
    pub(crate) fn take(&self, log: &Arc<ProcessLog>, incarnation: Incarnation, output: Output) {
        let of_incarnation = log.begin(incarnation);
        let stdout = std::iter::once((LogStream::Out, output.stdout));
        for (stream, fd) in stdout.chain(output.stderr.map(|stderr| (LogStream::Err, stderr))) {
            let pipe = Pipe {
                log: log.clone(),
                incarnation,
                stream,
                writing: self.writing.clone(),
                peeker: self.peeker.clone(),
                pauses: self.pauses.clone(),
                growth: self.growth.clone(),
            };
            let counted = [&self.open, &of_incarnation].map(|open| Counted::new(open.clone()));
            let given_up = self.given_up.clone();
            self.runtime.spawn(async move {
                if matches!(pipe.read_to_end(fd, counted).await, Ended::GivenUp) {
                    given_up.fetch_add(1, Ordering::Relaxed);
                    if !pipe.log.warned_held.swap(true, Ordering::Relaxed) {
                        tracing::warn!(
                            process = &*pipe.log.stored.name,
                            "a process that has left the group holds the output of an earlier incarnation open; that \
                             output is no longer read"
                        );
                    }
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
    /// Reads on after a panic, because closing the pipe would end the child that writes to it.
    async fn read_to_end(&self, fd: Arc<OwnedFd>, counted: [Counted; 2]) -> Ended {
        let mut counted = Some(counted);
        let process = &*self.log.stored.name;
        for panics in 0..=PANICS_MAX {
            let reading = Reading::new(self.clone(), counted.take());
            match unpanicked(pin!(reading.run(fd.clone()))).await {
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
